package io.stillframe.client.errors;

/** The request_id was used for a request with another body. */
public final class RequestIdReusedException extends InvalidArgumentException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public RequestIdReusedException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
