package io.stillframe.client;

import java.time.Instant;

/**
 * Where a forked snapshot came from.
 *
 * @param executionId the execution that was forked
 * @param version the version that the snapshot had there
 * @param etag the etag that it had there
 * @param commitTime when it was committed there
 */
public record Origin(String executionId, long version, String etag, Instant commitTime) {
    static Origin of(io.stillframe.v1.SnapshotOrigin message) {
        return new Origin(
                message.getExecutionId(),
                message.getVersion(),
                message.getEtag(),
                Times.instant(message.getCommitTime()));
    }
}
