package io.stillframe.client.errors;

/** The snapshot is further behind the event store than the caller allows. */
public final class SnapshotStaleException extends FailedPreconditionException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public SnapshotStaleException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
