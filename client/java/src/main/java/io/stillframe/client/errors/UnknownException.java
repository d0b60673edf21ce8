package io.stillframe.client.errors;

import io.grpc.Status;

/** UNKNOWN: a failure without a code that the client knows. */
public final class UnknownException extends StillframeException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public UnknownException(String message, ErrorDetails details, Throwable cause) {
        super(Status.Code.UNKNOWN, message, details, cause);
    }
}
