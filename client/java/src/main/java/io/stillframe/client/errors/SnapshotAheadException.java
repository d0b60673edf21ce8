package io.stillframe.client.errors;

/** The snapshot includes events that the event store does not have. Do not resume from it. */
public final class SnapshotAheadException extends FailedPreconditionException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public SnapshotAheadException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
