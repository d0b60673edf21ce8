package io.stillframe.client;

import io.stillframe.v1.ClaimExecutionRequest;

/** What a claim is told besides the execution. */
public final class ClaimOptions {
    final ClaimExecutionRequest.Builder request = ClaimExecutionRequest.newBuilder();

    ClaimOptions() {}

    /** Claim the id of an execution that does not exist: its first save must carry the epoch. */
    public ClaimOptions allowMissing() {
        request.setAllowMissing(true);
        return this;
    }

    /** Which entries of the head; not set, all of them. */
    public ClaimOptions projection(Projection projection) {
        request.setProjection(projection.message());
        return this;
    }

    /** As in {@link LoadOptions#eventStoreHead}. */
    public ClaimOptions eventStoreHead(long eventStoreHead) {
        request.setEventStoreHead(eventStoreHead);
        return this;
    }
}
