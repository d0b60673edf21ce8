package io.stillframe.client.errors;

/** The server has as much work as it can hold. The client retries it by itself. */
public final class ServerBusyException extends ResourceExhaustedException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public ServerBusyException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
