package io.stillframe.client.errors;

import io.grpc.Status;

/**
 * CANCELLED: the call was ended before its answer: by the server, or by the interrupt of the thread
 * that waited for it.
 */
public final class CallCancelledException extends StillframeException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public CallCancelledException(String message, ErrorDetails details, Throwable cause) {
        super(Status.Code.CANCELLED, message, details, cause);
    }
}
