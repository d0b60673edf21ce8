package io.stillframe.client;

import io.stillframe.v1.LoadSnapshotRequest;
import io.stillframe.v1.SnapshotSelector;

/** What a load is told besides the execution. */
public final class LoadOptions {
    final LoadSnapshotRequest.Builder request = LoadSnapshotRequest.newBuilder();

    LoadOptions() {}

    boolean isHead() {
        return !request.hasSelector()
                || request.getSelector().getSelectorCase()
                        == SnapshotSelector.SelectorCase.SELECTOR_NOT_SET;
    }

    /** Which snapshot; not set, the head. */
    public LoadOptions selector(Selector selector) {
        request.setSelector(selector.message());
        return this;
    }

    /** Which entries; not set, all of them. */
    public LoadOptions projection(Projection projection) {
        request.setProjection(projection.message());
        return this;
    }

    /**
     * The sequence number of the last event in the caller's event store; the answer says how the
     * snapshot compares with it.
     */
    public LoadOptions eventStoreHead(long eventStoreHead) {
        request.setEventStoreHead(eventStoreHead);
        return this;
    }

    /**
     * Refuse a snapshot that is not FRESH, with SnapshotStaleException or SnapshotAheadException.
     * Needs {@link #eventStoreHead}.
     */
    public LoadOptions requireFresh() {
        request.setRequireFresh(true);
        return this;
    }

    /**
     * Refuse, in the same way, a snapshot that is behind by more events than this, or ahead. Needs
     * {@link #eventStoreHead}; contradicts {@link #requireFresh}.
     */
    public LoadOptions maxBehind(long events) {
        request.setMaxBehind(events);
        return this;
    }

    /**
     * The most bytes of the answer, at least 262,144; what does not fit stands in its omission. Not
     * set, the client's bound.
     */
    public LoadOptions maxMessageBytes(long bytes) {
        request.setMaxMessageBytes(bytes);
        return this;
    }
}
