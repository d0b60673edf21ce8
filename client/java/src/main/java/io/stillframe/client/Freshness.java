package io.stillframe.client;

/**
 * How a snapshot compares with the head of the engine's event store.
 *
 * @param executionId the execution
 * @param status how the two compare
 * @param eventStoreHead the event store's head, as the caller gave it
 * @param snapshotSequence the snapshot's sequence number; 0 when MISSING
 * @param distance by how many events the snapshot is behind (STALE) or ahead (AHEAD); 0 otherwise
 * @param version the snapshot's version; 0 when MISSING
 */
public record Freshness(
        String executionId,
        FreshnessStatus status,
        long eventStoreHead,
        long snapshotSequence,
        long distance,
        long version) {
    static Freshness of(io.stillframe.v1.Freshness message) {
        return new Freshness(
                message.getExecutionId(),
                Enums.of(FreshnessStatus.class, message.getStatusValue()),
                message.getEventStoreHead(),
                message.getSnapshotSequence(),
                message.getDistance(),
                message.getVersion());
    }
}
