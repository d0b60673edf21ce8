package io.stillframe.client.errors;

/** The server is stopping. */
public final class ShuttingDownException extends UnavailableException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public ShuttingDownException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
