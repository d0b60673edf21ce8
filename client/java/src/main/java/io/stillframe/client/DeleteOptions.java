package io.stillframe.client;

import io.stillframe.v1.DeleteExecutionRequest;

/** What a delete is told besides the execution. All but descendants are for this execution alone. */
public final class DeleteOptions {
    final DeleteExecutionRequest.Builder request = DeleteExecutionRequest.newBuilder();

    DeleteOptions() {}

    /** Refuse the delete with EtagMismatchException if there is a head with another etag. */
    public DeleteOptions expectedEtag(String etag) {
        request.setExpectedEtag(etag);
        return this;
    }

    /** As in {@link SaveOptions#writerEpoch}. */
    public DeleteOptions writerEpoch(long writerEpoch) {
        request.setWriterEpoch(writerEpoch);
        return this;
    }

    /** Delete as well every execution whose head names this one as its parent, and theirs. */
    public DeleteOptions includeDescendants() {
        request.setIncludeDescendants(true);
        return this;
    }

    /** As in {@link SaveOptions#requestId}. */
    public DeleteOptions requestId(String requestId) {
        request.setRequestId(requestId);
        return this;
    }
}
