package io.stillframe.client;

/**
 * The limits of a server. Errors name them as the contract does, such as
 * {@code max_snapshot_bytes}.
 *
 * @param maxRequestBytes bytes of a request message
 * @param maxSnapshotBytes bytes of a snapshot
 * @param maxPayloadBytes bytes of one payload
 * @param maxEntries entries of a snapshot, both maps together
 * @param maxWatches watches open at the same time
 * @param maxInflightBytes bytes of saves that wait for their commit
 * @param maxExecutions executions of a tenant; 0 is no limit
 * @param changeLogSize changes of a tenant that the change log keeps, about
 * @param progressIntervalMs how often, at least, a watch gets a sign of life, in milliseconds
 * @param maxValueBytes bytes of a value of the working memory
 */
public record ServerLimits(
        long maxRequestBytes,
        long maxSnapshotBytes,
        long maxPayloadBytes,
        long maxEntries,
        long maxWatches,
        long maxInflightBytes,
        long maxExecutions,
        long changeLogSize,
        long progressIntervalMs,
        long maxValueBytes) {
    static ServerLimits of(io.stillframe.v1.ServerLimits message) {
        return new ServerLimits(
                message.getMaxRequestBytes(),
                message.getMaxSnapshotBytes(),
                message.getMaxPayloadBytes(),
                message.getMaxEntries(),
                message.getMaxWatches(),
                message.getMaxInflightBytes(),
                message.getMaxExecutions(),
                message.getChangeLogSize(),
                message.getProgressIntervalMs(),
                message.getMaxValueBytes());
    }
}
