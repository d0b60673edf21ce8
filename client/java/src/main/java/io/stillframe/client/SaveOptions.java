package io.stillframe.client;

import io.stillframe.v1.SaveSnapshotRequest;
import java.time.Duration;

/** What a save is told besides the snapshot. */
public final class SaveOptions {
    final SaveSnapshotRequest.Builder request = SaveSnapshotRequest.newBuilder();

    SaveOptions() {}

    /** Refuse the save with EtagMismatchException unless the head has this etag. */
    public SaveOptions expectedEtag(String etag) {
        request.setExpectedEtag(etag);
        return this;
    }

    /**
     * Refuse the save with ExecutionExistsException if there is a head. Contradicts an expected
     * etag.
     */
    public SaveOptions mustNotExist() {
        request.setMustNotExist(true);
        return this;
    }

    /**
     * The epoch that a claim gave, or one from the engine's own lease, at least 1. A lower one than
     * the highest seen, or none when there is one, is refused with FencedException. A handle and a
     * saver set their own.
     */
    public SaveOptions writerEpoch(long writerEpoch) {
        request.setWriterEpoch(writerEpoch);
        return this;
    }

    /**
     * How long the execution lives from this commit, at most 36,500 days; zero clears what was set
     * before, not set keeps it.
     */
    public SaveOptions ttl(Duration ttl) {
        request.setTtl(Times.message("ttl", ttl));
        return this;
    }

    /**
     * Accept a sequence number below the head's, which is otherwise refused with
     * SequenceRegressionException.
     */
    public SaveOptions allowSequenceRegression() {
        request.setAllowSequenceRegression(true);
        return this;
    }

    /**
     * Makes a repeat by the caller safe: the execution remembers its last 32. Not set, each call
     * has a fresh one, kept over its retries.
     */
    public SaveOptions requestId(String requestId) {
        request.setRequestId(requestId);
        return this;
    }
}
