package io.stillframe.client;

import io.stillframe.v1.ForkExecutionRequest;

/** What a fork is told besides the two executions. */
public final class ForkOptions {
    final ForkExecutionRequest.Builder request = ForkExecutionRequest.newBuilder();

    ForkOptions() {}

    /** Which snapshot becomes the new head; not set, the head. */
    public ForkOptions selector(Selector selector) {
        request.setSelector(selector.message());
        return this;
    }

    /** Bring the history up to that snapshot along, as far as it is still there. */
    public ForkOptions includeHistory() {
        request.setIncludeHistory(true);
        return this;
    }

    /** Replaces the new head's sequence number, for an engine that starts a new event log. */
    public ForkOptions sequenceNumber(long sequenceNumber) {
        request.setSequenceNumber(sequenceNumber);
        return this;
    }

    /** As in {@link SaveOptions#requestId}. */
    public ForkOptions requestId(String requestId) {
        request.setRequestId(requestId);
        return this;
    }
}
