package io.stillframe.client.errors;

/** The client, or the saver, is closed. */
public final class ClosedException extends FailedPreconditionException {
    private static final long serialVersionUID = 1L;

    /** Says what is closed. */
    public ClosedException(String message) {
        super(message, ErrorDetails.NONE, null);
    }
}
