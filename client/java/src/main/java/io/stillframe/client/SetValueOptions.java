package io.stillframe.client;

import io.stillframe.v1.SetValueRequest;
import java.time.Duration;

/** What the setting of a value is told besides key and value. */
public final class SetValueOptions {
    final SetValueRequest.Builder request = SetValueRequest.newBuilder();

    SetValueOptions() {}

    /**
     * How long the value lives from this commit: more than zero, at most 36,500 days. Not set, it
     * lives until it is deleted.
     */
    public SetValueOptions ttl(Duration ttl) {
        request.setTtl(Times.message("ttl", ttl));
        return this;
    }

    /** Refuse the call with EtagMismatchException unless the value that is there has this etag. */
    public SetValueOptions expectedEtag(String etag) {
        request.setExpectedEtag(etag);
        return this;
    }

    /**
     * Refuse the call with ValueExistsException if there is a value. Contradicts an expected etag.
     */
    public SetValueOptions mustNotExist() {
        request.setMustNotExist(true);
        return this;
    }

    /**
     * Makes a repeat by the caller safe while the value that it set is there; once another has taken
     * its place, a repeat sets it again, unless expectedEtag or mustNotExist refuses it. Not set,
     * each call has a fresh one, kept over its retries.
     */
    public SetValueOptions requestId(String requestId) {
        request.setRequestId(requestId);
        return this;
    }
}
