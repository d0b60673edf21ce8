package io.stillframe.client.errors;

/** The store has not reached the revision that the resume token names. */
public final class RevisionInFutureException extends OutOfRangeException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public RevisionInFutureException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
