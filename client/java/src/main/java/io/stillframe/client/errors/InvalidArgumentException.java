package io.stillframe.client.errors;

import io.grpc.Status;

/** INVALID_ARGUMENT: the request can never succeed as it is. */
public class InvalidArgumentException extends StillframeException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public InvalidArgumentException(String message, ErrorDetails details, Throwable cause) {
        super(Status.Code.INVALID_ARGUMENT, message, details, cause);
    }
}
