package io.stillframe.client.errors;

/** There is no such value in the working memory, or its ttl is over. */
public final class ValueNotFoundException extends NotFoundException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public ValueNotFoundException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
