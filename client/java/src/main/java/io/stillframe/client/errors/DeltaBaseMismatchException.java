package io.stillframe.client.errors;

/** The head is not the base of the delta. */
public final class DeltaBaseMismatchException extends AbortedException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public DeltaBaseMismatchException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
