package io.stillframe.client.errors;

/** The sequence number is lower than the head's. */
public final class SequenceRegressionException extends FailedPreconditionException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public SequenceRegressionException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
