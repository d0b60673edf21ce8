package io.stillframe.client.errors;

import io.grpc.Status;

/**
 * DEADLINE_EXCEEDED: the timeout is over. Whether a save took effect is unknown; a repeat under the
 * same request id is safe.
 */
public final class DeadlineExceededException extends StillframeException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public DeadlineExceededException(String message, ErrorDetails details, Throwable cause) {
        super(Status.Code.DEADLINE_EXCEEDED, message, details, cause);
    }
}
