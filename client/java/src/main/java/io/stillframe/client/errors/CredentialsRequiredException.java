package io.stillframe.client.errors;

/** The call carries no credentials. */
public final class CredentialsRequiredException extends UnauthenticatedException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public CredentialsRequiredException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
