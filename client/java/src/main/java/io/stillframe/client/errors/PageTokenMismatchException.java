package io.stillframe.client.errors;

/** The page token was given by another request (AIP-158). */
public final class PageTokenMismatchException extends InvalidArgumentException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public PageTokenMismatchException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
