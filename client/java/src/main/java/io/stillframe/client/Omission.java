package io.stillframe.client;

import java.util.List;

/**
 * What an answer leaves out of a snapshot.
 *
 * @param entries by name; cut at 64 KiB, and empty in answers that carry metadata only
 * @param count how many entries were left out, those not listed included
 * @param sizeBytes the bytes that they have in the whole snapshot, keys included
 */
public record Omission(List<OmittedEntry> entries, long count, long sizeBytes) {
    static Omission of(io.stillframe.v1.Omission message) {
        return new Omission(
                message.getEntriesList().stream().map(OmittedEntry::of).toList(),
                message.getCount(),
                message.getSizeBytes());
    }
}
