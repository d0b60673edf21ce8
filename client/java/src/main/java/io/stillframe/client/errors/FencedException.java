package io.stillframe.client.errors;

/** Another engine has claimed the execution: stop working on it. */
public final class FencedException extends FailedPreconditionException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public FencedException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
