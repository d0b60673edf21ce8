package io.stillframe.client.errors;

/** The execution has no such snapshot. */
public final class SnapshotNotFoundException extends NotFoundException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public SnapshotNotFoundException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
