package io.stillframe.client.errors;

/** A field is missing, out of bounds or contradicts another; {@link #violations()} names each. */
public class InvalidFieldException extends InvalidArgumentException {
    private static final long serialVersionUID = 1L;

    /** See {@link StillframeException}. */
    public InvalidFieldException(String message, ErrorDetails details, Throwable cause) {
        super(message, details, cause);
    }
}
