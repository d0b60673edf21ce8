package io.stillframe.client.errors;

import io.grpc.Status;

/** FAILED_PRECONDITION: the state of the execution does not allow the call. */
public class FailedPreconditionException extends StillframeException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public FailedPreconditionException(String message, ErrorDetails details, Throwable cause) {
        super(Status.Code.FAILED_PRECONDITION, message, details, cause);
    }
}
