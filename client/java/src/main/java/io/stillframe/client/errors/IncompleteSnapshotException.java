package io.stillframe.client.errors;

/**
 * A snapshot that leaves something out cannot be saved: it would delete what it does not carry.
 * Load it whole, or save a snapshot of the values that are meant.
 */
public final class IncompleteSnapshotException extends InvalidFieldException {
    private static final long serialVersionUID = 1L;

    /** For the field that leaves something out. */
    public IncompleteSnapshotException(String field, String description) {
        super(field + ": " + description, ErrorDetails.ofField(field, description), null);
    }
}
