package io.stillframe.client.errors;

/** The credentials do not allow this RPC. */
public final class ScopeDeniedException extends PermissionDeniedException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public ScopeDeniedException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
