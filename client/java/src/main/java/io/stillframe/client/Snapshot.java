package io.stillframe.client;

import io.stillframe.v1.ExecutionSnapshot;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * The whole state of an execution at one moment, as an engine saves it. Immutable, but for what the
 * caller still changes in its own values.
 *
 * <p>Ids, keys and labels are 1 to 512 bytes of UTF-8 without control characters, numbers at most
 * 2^63 - 1.
 */
public final class Snapshot extends SnapshotHeader {
    private final Map<String, Object> stepOutputs;
    private final Map<String, Object> variables;

    private Snapshot(Builder builder) {
        super(builder.header.build());
        this.stepOutputs = Collections.unmodifiableMap(new LinkedHashMap<>(builder.stepOutputs));
        this.variables = Collections.unmodifiableMap(new LinkedHashMap<>(builder.variables));
    }

    /** Starts a snapshot in this state. */
    public static Builder builder(ExecutionState state) {
        return new Builder(ExecutionSnapshot.newBuilder()).state(state);
    }

    /** Step id to output: a value for the client's codec, or a {@link Payload}. */
    public Map<String, Object> stepOutputs() {
        return stepOutputs;
    }

    /** Variable name to value: one for the client's codec, or a {@link Payload}. */
    public Map<String, Object> variables() {
        return variables;
    }

    /** Starts another snapshot with all that this one has. */
    public Builder toBuilder() {
        return new Builder(header.toBuilder()).stepOutputs(stepOutputs).variables(variables);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Snapshot snapshot
                && header.equals(snapshot.header)
                && stepOutputs.equals(snapshot.stepOutputs)
                && variables.equals(snapshot.variables);
    }

    @Override
    public int hashCode() {
        return Objects.hash(header, stepOutputs, variables);
    }

    /** Without values, which may be large, or secret. */
    @Override
    public String toString() {
        return "Snapshot{state=" + state() + ", sequenceNumber=" + sequenceNumber()
                + ", stepOutputs=" + stepOutputs.keySet() + ", variables=" + variables.keySet() + "}";
    }

    /** Makes a snapshot. What is not set is unset. */
    public static final class Builder {
        private final ExecutionSnapshot.Builder header;
        private final Map<String, Object> stepOutputs = new LinkedHashMap<>();
        private final Map<String, Object> variables = new LinkedHashMap<>();

        Builder(ExecutionSnapshot.Builder header) {
            this.header = header;
        }

        /** The state of the execution. */
        public Builder state(ExecutionState state) {
            header.setStateValue(Enums.number("snapshot.state", state));
            return this;
        }

        /** What the execution waits for: required exactly when the state is WAITING. */
        public Builder waitReason(WaitReason waitReason) {
            header.setWaitReasonValue(Enums.number("snapshot.wait_reason", waitReason));
            return this;
        }

        /** The state WAITING, and what for. */
        public Builder waiting(WaitReason waitReason) {
            return state(ExecutionState.WAITING).waitReason(waitReason);
        }

        /** The sequence number of the last event of the engine's event store that this includes. */
        public Builder sequenceNumber(long sequenceNumber) {
            header.setSequenceNumber(sequenceNumber);
            return this;
        }

        /** The user on whose behalf the execution runs. */
        public Builder userId(String userId) {
            header.setUserId(userId);
            return this;
        }

        /** The step that the engine is at. */
        public Builder currentStepId(String currentStepId) {
            header.setCurrentStepId(currentStepId);
            return this;
        }

        /** The engine's clock when it made the snapshot, kept to the nanosecond. */
        public Builder timestamp(Instant timestamp) {
            header.setTimestamp(Times.message(timestamp));
            return this;
        }

        /** Sets one label; at most 64. */
        public Builder label(String key, String value) {
            header.putLabels(key, value);
            return this;
        }

        /** Sets labels. */
        public Builder labels(Map<String, String> labels) {
            header.putAllLabels(labels);
            return this;
        }

        /** The engine's own id for this snapshot, unique within the execution. */
        public Builder snapshotId(String snapshotId) {
            header.setSnapshotId(snapshotId);
            return this;
        }

        /** The engine's own id of the snapshot that this came from. Not checked. */
        public Builder parentSnapshotId(String parentSnapshotId) {
            header.setParentSnapshotId(parentSnapshotId);
            return this;
        }

        /** The execution of the same tenant that started this one. Not checked. */
        public Builder parentExecutionId(String parentExecutionId) {
            header.setParentExecutionId(parentExecutionId);
            return this;
        }

        /** The shape of the state, at most 512 bytes; empty means unknown. */
        public Builder schemaVersion(String schemaVersion) {
            header.setSchemaVersion(schemaVersion);
            return this;
        }

        /** Sets the output of a step: a value for the client's codec, or a {@link Payload}. */
        public Builder stepOutput(String stepId, Object value) {
            stepOutputs.put(Objects.requireNonNull(stepId), value);
            return this;
        }

        /** Sets the outputs of steps. */
        public Builder stepOutputs(Map<String, ?> values) {
            stepOutputs.putAll(values);
            return this;
        }

        /** Removes the output of a step. */
        public Builder removeStepOutput(String stepId) {
            stepOutputs.remove(stepId);
            return this;
        }

        /** Sets a variable: a value for the client's codec, or a {@link Payload}. */
        public Builder variable(String name, Object value) {
            variables.put(Objects.requireNonNull(name), value);
            return this;
        }

        /** Sets variables. */
        public Builder variables(Map<String, ?> values) {
            variables.putAll(values);
            return this;
        }

        /** Removes a variable. */
        public Builder removeVariable(String name) {
            variables.remove(name);
            return this;
        }

        /** Makes the snapshot. */
        public Snapshot build() {
            return new Snapshot(this);
        }
    }
}
