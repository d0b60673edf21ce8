package io.stillframe.client.errors;

import io.grpc.Status;

/** NOT_FOUND: what the call names does not exist. */
public class NotFoundException extends StillframeException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public NotFoundException(String message, ErrorDetails details, Throwable cause) {
        super(Status.Code.NOT_FOUND, message, details, cause);
    }
}
