package io.stillframe.client;

import io.stillframe.v1.DiffSnapshotsResponse;
import java.util.List;

/**
 * How two snapshots of an execution differ.
 *
 * @param fromVersion the version compared from
 * @param toVersion the version compared with
 * @param headerFields the names in the contract of the header fields that differ, such as
 *     {@code state}; what only the server sets is not compared
 * @param entries the entries that differ, by map and by the bytes of their keys
 */
public record Diff(
        long fromVersion,
        long toVersion,
        List<String> headerFields,
        List<EntryDifference> entries) {
    static Diff of(List<DiffSnapshotsResponse> pages) {
        DiffSnapshotsResponse first = pages.get(0);
        return new Diff(
                first.getFromVersion(),
                first.getToVersion(),
                List.copyOf(first.getHeaderFieldsList()),
                pages.stream()
                        .flatMap(page -> page.getEntriesList().stream())
                        .map(EntryDifference::of)
                        .toList());
    }
}
