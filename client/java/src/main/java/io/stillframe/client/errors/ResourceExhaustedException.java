package io.stillframe.client.errors;

import io.grpc.Status;

/** RESOURCE_EXHAUSTED: a bound of the server was met. */
public class ResourceExhaustedException extends StillframeException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public ResourceExhaustedException(String message, ErrorDetails details, Throwable cause) {
        super(Status.Code.RESOURCE_EXHAUSTED, message, details, cause);
    }
}
