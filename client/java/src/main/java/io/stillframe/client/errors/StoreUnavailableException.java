package io.stillframe.client.errors;

/** The store cannot be reached or cannot write. */
public final class StoreUnavailableException extends UnavailableException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public StoreUnavailableException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
