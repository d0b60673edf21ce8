package io.stillframe.client.errors;

/** The credentials are not for this tenant. */
public final class TenantDeniedException extends PermissionDeniedException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public TenantDeniedException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
