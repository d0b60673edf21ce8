package io.stillframe.client.errors;

/** The value for the working memory is larger than the server accepts. */
public final class ValueTooLargeException extends ResourceExhaustedException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public ValueTooLargeException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
