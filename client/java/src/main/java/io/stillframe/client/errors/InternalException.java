package io.stillframe.client.errors;

import io.grpc.Status;

/**
 * INTERNAL: a fault of the server's own, or of something between; the metadata has the error_id
 * that stands in the server's log.
 */
public final class InternalException extends StillframeException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public InternalException(String message, ErrorDetails details, Throwable cause) {
        super(Status.Code.INTERNAL, message, details, cause);
    }
}
