package io.stillframe.client.errors;

import io.grpc.Status;

/**
 * OUT_OF_RANGE: a watch cannot go on from its resume token. Start it over with the initial state.
 */
public class OutOfRangeException extends StillframeException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public OutOfRangeException(String message, ErrorDetails details, Throwable cause) {
        super(Status.Code.OUT_OF_RANGE, message, details, cause);
    }
}
