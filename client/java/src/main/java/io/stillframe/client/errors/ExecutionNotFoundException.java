package io.stillframe.client.errors;

/** There is no such execution. */
public final class ExecutionNotFoundException extends NotFoundException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public ExecutionNotFoundException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
