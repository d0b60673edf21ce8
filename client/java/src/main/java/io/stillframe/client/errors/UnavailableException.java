package io.stillframe.client.errors;

import io.grpc.Status;

/**
 * UNAVAILABLE: the server cannot be reached, or cannot answer now, and the retries are used up.
 * Whether a save took effect is unknown; a repeat under the same request id is safe.
 */
public class UnavailableException extends StillframeException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public UnavailableException(String message, ErrorDetails details, Throwable cause) {
        super(Status.Code.UNAVAILABLE, message, details, cause);
    }
}
