package io.stillframe.client.errors;

/** The change log no longer reaches back to the resume token. */
public final class HistoryCompactedException extends OutOfRangeException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public HistoryCompactedException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
