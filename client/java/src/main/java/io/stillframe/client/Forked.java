package io.stillframe.client;

import io.stillframe.v1.ForkExecutionResponse;

/**
 * The answer to a fork: the new execution's head.
 *
 * @param version its version
 * @param etag its etag
 * @param revision the tenant's revision that committed the fork
 * @param resumeToken names that revision
 * @param snapshotCount how many snapshots the new execution has, the head included
 */
public record Forked(
        long version, String etag, long revision, String resumeToken, long snapshotCount) {
    static Forked of(ForkExecutionResponse message) {
        return new Forked(
                message.getVersion(),
                message.getEtag(),
                message.getRevision(),
                message.getResumeToken(),
                message.getSnapshotCount());
    }
}
