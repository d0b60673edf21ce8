package io.stillframe.client.errors;

import io.grpc.Status;

/** ABORTED: somebody else has written. Load, decide, save again. */
public class AbortedException extends StillframeException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public AbortedException(String message, ErrorDetails details, Throwable cause) {
        super(Status.Code.ABORTED, message, details, cause);
    }
}
