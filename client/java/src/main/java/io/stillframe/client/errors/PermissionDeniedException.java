package io.stillframe.client.errors;

import io.grpc.Status;

/** PERMISSION_DENIED: the caller may not do this. */
public class PermissionDeniedException extends StillframeException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public PermissionDeniedException(String message, ErrorDetails details, Throwable cause) {
        super(Status.Code.PERMISSION_DENIED, message, details, cause);
    }
}
