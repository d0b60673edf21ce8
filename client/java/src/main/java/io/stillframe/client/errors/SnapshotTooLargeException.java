package io.stillframe.client.errors;

/** The snapshot, or a part of it, is larger than is accepted. */
public final class SnapshotTooLargeException extends ResourceExhaustedException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public SnapshotTooLargeException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
