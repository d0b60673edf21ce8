package io.stillframe.client.errors;

/**
 * There is a head where a save with mustNotExist, or the new id of a fork, wants none; the metadata
 * has its etag.
 */
public final class ExecutionExistsException extends AlreadyExistsException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public ExecutionExistsException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
