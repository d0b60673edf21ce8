package io.stillframe.client.errors;

import io.grpc.Status;

/** UNAUTHENTICATED: who calls is not known. */
public class UnauthenticatedException extends StillframeException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public UnauthenticatedException(String message, ErrorDetails details, Throwable cause) {
        super(Status.Code.UNAUTHENTICATED, message, details, cause);
    }
}
