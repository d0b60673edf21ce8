package io.stillframe.client.errors;

/** The tenant has used up a quota. */
public final class QuotaExceededException extends ResourceExhaustedException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public QuotaExceededException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
