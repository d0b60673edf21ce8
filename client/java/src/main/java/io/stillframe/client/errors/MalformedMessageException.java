package io.stillframe.client.errors;

/** The server could not read the request. */
public final class MalformedMessageException extends InvalidArgumentException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public MalformedMessageException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
