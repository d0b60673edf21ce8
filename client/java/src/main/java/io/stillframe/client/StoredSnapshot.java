package io.stillframe.client;

import io.stillframe.client.errors.IncompleteSnapshotException;
import io.stillframe.v1.ExecutionSnapshot;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** A snapshot as the server has it. Immutable. */
public final class StoredSnapshot extends SnapshotHeader {
    private final Values stepOutputs;
    private final Values variables;
    private final Freshness freshness;

    /**
     * {@code partial}: entries are missing although there is no omission, as in a change by which
     * an execution ends.
     */
    private StoredSnapshot(
            ExecutionSnapshot message, Codec codec, Freshness freshness, boolean partial) {
        super(message);
        boolean lacking = partial || message.hasOmission();
        this.stepOutputs =
                new Values("step_outputs", message.getStepOutputsMap(), codec, lacking);
        this.variables = new Values("variables", message.getVariablesMap(), codec, lacking);
        this.freshness = freshness;
    }

    static StoredSnapshot of(ExecutionSnapshot message, Codec codec) {
        return new StoredSnapshot(message, codec, null, false);
    }

    static StoredSnapshot of(ExecutionSnapshot message, Codec codec, Freshness freshness) {
        return new StoredSnapshot(message, codec, freshness, false);
    }

    static StoredSnapshot ofChange(ExecutionSnapshot message, Codec codec, boolean whole) {
        return new StoredSnapshot(message, codec, null, !whole);
    }

    /** The tenant. */
    public String tenantId() {
        return header.getTenantId();
    }

    /** The execution. */
    public String executionId() {
        return header.getExecutionId();
    }

    /** Step id to output, decoded when looked up. */
    public Values stepOutputs() {
        return stepOutputs;
    }

    /** Variable name to value, decoded when looked up. */
    public Values variables() {
        return variables;
    }

    /** 1, 2, 3 … per execution; never used twice. */
    public long version() {
        return header.getVersion();
    }

    /** Opaque text that names this snapshot for good; preconditions name it. */
    public String etag() {
        return header.getEtag();
    }

    /** The tenant's revision that committed this snapshot; for one of a fork, the fork's. */
    public long revision() {
        return header.getRevision();
    }

    /** The store's clock at the commit. */
    public Instant commitTime() {
        return Times.instant(header.getCommitTime());
    }

    /** Where it was forked from; there exactly if it came with a fork. */
    public Optional<Origin> origin() {
        return header.hasOrigin() ? Optional.of(Origin.of(header.getOrigin())) : Optional.empty();
    }

    /** What this answer leaves out; empty when it is whole. */
    public Optional<Omission> omission() {
        return header.hasOmission()
                ? Optional.of(Omission.of(header.getOmission()))
                : Optional.empty();
    }

    /** How it compares with the event store's head that the call gave; empty without one. */
    public Optional<Freshness> freshness() {
        return Optional.ofNullable(freshness);
    }

    /**
     * Starts a snapshot to save from this one; entries that are not set again go back byte for
     * byte.
     *
     * @throws IncompleteSnapshotException if this one leaves entries out: the save would delete
     *     them
     */
    public Snapshot.Builder toBuilder() {
        if (stepOutputs.isPartial()) {
            throw new IncompleteSnapshotException(
                    "snapshot.omission",
                    "leaves entries of its snapshot out, and a save would delete them");
        }
        ExecutionSnapshot.Builder saved =
                header.toBuilder()
                        .clearStepOutputs()
                        .clearVariables()
                        .clearTenantId()
                        .clearExecutionId()
                        .clearVersion()
                        .clearEtag()
                        .clearRevision()
                        .clearCommitTime()
                        .clearOrigin();
        return new Snapshot.Builder(saved)
                .stepOutputs(stepOutputs.payloads())
                .variables(variables.payloads());
    }

    boolean isPartial() {
        return stepOutputs.isPartial();
    }

    Map<String, io.stillframe.v1.Payload> stepOutputMessages() {
        return stepOutputs.messages();
    }

    Map<String, io.stillframe.v1.Payload> variableMessages() {
        return variables.messages();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof StoredSnapshot snapshot
                && header.equals(snapshot.header)
                && isPartial() == snapshot.isPartial()
                && Objects.equals(freshness, snapshot.freshness);
    }

    @Override
    public int hashCode() {
        return Objects.hash(header, freshness);
    }

    /** Without values, which may be large, or secret. */
    @Override
    public String toString() {
        return "StoredSnapshot{executionId=" + executionId() + ", version=" + version()
                + ", state=" + state() + ", sequenceNumber=" + sequenceNumber() + ", "
                + stepOutputs + ", " + variables + "}";
    }
}
