package io.stillframe.client.errors;

/**
 * There is a value in the working memory where mustNotExist wants none; the metadata has its etag.
 */
public final class ValueExistsException extends AlreadyExistsException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public ValueExistsException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
