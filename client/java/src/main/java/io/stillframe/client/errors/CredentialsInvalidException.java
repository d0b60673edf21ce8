package io.stillframe.client.errors;

/** The credentials are unknown or no longer valid. */
public final class CredentialsInvalidException extends UnauthenticatedException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public CredentialsInvalidException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
