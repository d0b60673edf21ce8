package io.stillframe.client.errors;

/** The head, or the value, is not the one that expectedEtag names. */
public final class EtagMismatchException extends AbortedException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public EtagMismatchException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
