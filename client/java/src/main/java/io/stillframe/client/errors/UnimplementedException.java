package io.stillframe.client.errors;

import io.grpc.Status;

/** UNIMPLEMENTED: this server does not have the RPC yet. */
public final class UnimplementedException extends StillframeException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public UnimplementedException(String message, ErrorDetails details, Throwable cause) {
        super(Status.Code.UNIMPLEMENTED, message, details, cause);
    }
}
