package io.stillframe.client;

import io.stillframe.v1.SnapshotSelector;

/** Names one snapshot of an execution. Immutable. */
public final class Selector {
    private static final Selector HEAD = new Selector(SnapshotSelector.getDefaultInstance());

    private final SnapshotSelector message;

    private Selector(SnapshotSelector message) {
        this.message = message;
    }

    /** The execution's latest snapshot. */
    public static Selector head() {
        return HEAD;
    }

    /** The snapshot with this version. */
    public static Selector version(long version) {
        return new Selector(SnapshotSelector.newBuilder().setVersion(version).build());
    }

    /** The snapshot with this id of the engine's. */
    public static Selector snapshotId(String snapshotId) {
        return new Selector(SnapshotSelector.newBuilder().setSnapshotId(snapshotId).build());
    }

    /** The snapshot with the highest version of those that meet the criteria. */
    public static Selector latest(Criteria criteria) {
        return new Selector(
                SnapshotSelector.newBuilder().setLatestMatching(criteria.message()).build());
    }

    /** Whether it is {@link #head}. */
    public boolean isHead() {
        return message.getSelectorCase() == SnapshotSelector.SelectorCase.SELECTOR_NOT_SET;
    }

    SnapshotSelector message() {
        return message;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Selector selector && message.equals(selector.message);
    }

    @Override
    public int hashCode() {
        return message.hashCode();
    }

    @Override
    public String toString() {
        return isHead() ? "Selector{head}" : "Selector{" + message + "}";
    }
}
