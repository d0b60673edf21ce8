package io.stillframe.client.errors;

/** Too many calls in a time. The client retries it by itself. */
public final class RateLimitedException extends ResourceExhaustedException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public RateLimitedException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
