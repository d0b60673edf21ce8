package io.stillframe.client;

import io.stillframe.v1.ExecutionSnapshot;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/** What a snapshot says beside its two maps: common to one to save and one that was loaded. */
public abstract sealed class SnapshotHeader permits Snapshot, StoredSnapshot {
    final ExecutionSnapshot header;

    SnapshotHeader(ExecutionSnapshot header) {
        this.header = header;
    }

    /** The state of the execution. */
    public final ExecutionState state() {
        return Enums.of(ExecutionState.class, header.getStateValue());
    }

    /** What the execution waits for; there exactly when the state is WAITING. */
    public final Optional<WaitReason> waitReason() {
        return header.getWaitReasonValue() == 0
                ? Optional.empty()
                : Optional.of(Enums.of(WaitReason.class, header.getWaitReasonValue()));
    }

    /** The sequence number of the last event of the engine's event store that this includes. */
    public final long sequenceNumber() {
        return header.getSequenceNumber();
    }

    /** The user on whose behalf the execution runs. */
    public final Optional<String> userId() {
        return header.hasUserId() ? Optional.of(header.getUserId()) : Optional.empty();
    }

    /** The step that the engine is at. */
    public final Optional<String> currentStepId() {
        return header.hasCurrentStepId()
                ? Optional.of(header.getCurrentStepId())
                : Optional.empty();
    }

    /** The engine's clock when it made the snapshot, to the nanosecond. */
    public final Optional<Instant> timestamp() {
        return header.hasTimestamp()
                ? Optional.of(Times.instant(header.getTimestamp()))
                : Optional.empty();
    }

    /** What lists and watches filter on. */
    public final Map<String, String> labels() {
        return header.getLabelsMap();
    }

    /** The engine's own id for this snapshot, unique within the execution. */
    public final Optional<String> snapshotId() {
        return header.hasSnapshotId() ? Optional.of(header.getSnapshotId()) : Optional.empty();
    }

    /** The engine's own id of the snapshot that this came from. */
    public final Optional<String> parentSnapshotId() {
        return header.hasParentSnapshotId()
                ? Optional.of(header.getParentSnapshotId())
                : Optional.empty();
    }

    /** The execution of the same tenant that started this one. */
    public final Optional<String> parentExecutionId() {
        return header.hasParentExecutionId()
                ? Optional.of(header.getParentExecutionId())
                : Optional.empty();
    }

    /** The shape of the state; empty means unknown. */
    public final String schemaVersion() {
        return header.getSchemaVersion();
    }
}
