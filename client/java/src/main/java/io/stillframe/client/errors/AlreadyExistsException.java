package io.stillframe.client.errors;

import io.grpc.Status;

/** ALREADY_EXISTS: what the call would create is there. */
public class AlreadyExistsException extends StillframeException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public AlreadyExistsException(String message, ErrorDetails details, Throwable cause) {
        super(Status.Code.ALREADY_EXISTS, message, details, cause);
    }
}
