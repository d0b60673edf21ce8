package io.stillframe.client.errors;

/** The store does not know the change that the resume token names: it was restored or replaced. */
public final class StoreReplacedException extends OutOfRangeException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public StoreReplacedException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
