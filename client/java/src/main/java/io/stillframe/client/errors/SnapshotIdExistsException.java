package io.stillframe.client.errors;

/** Another snapshot of the execution has this snapshot id. */
public final class SnapshotIdExistsException extends AlreadyExistsException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public SnapshotIdExistsException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
