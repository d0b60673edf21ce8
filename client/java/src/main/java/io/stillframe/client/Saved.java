package io.stillframe.client;

import io.stillframe.v1.SaveSnapshotResponse;

/**
 * The answer to a save: it is durable.
 *
 * @param version the version of the snapshot
 * @param etag the etag of the snapshot
 * @param revision the tenant's revision that committed it
 * @param resumeToken names that revision: a watch from it delivers what came after
 * @param outcome what the save did
 */
public record Saved(
        long version, String etag, long revision, String resumeToken, SaveOutcome outcome) {
    static Saved of(SaveSnapshotResponse message) {
        return new Saved(
                message.getVersion(),
                message.getEtag(),
                message.getRevision(),
                message.getResumeToken(),
                Enums.of(SaveOutcome.class, message.getOutcomeValue()));
    }
}
