package io.stillframe.client.errors;

/**
 * A payload cannot be read as a value. Its bytes can: {@code Values.payload} gives them, and every
 * other entry is untouched.
 */
public final class ValueDecodeException extends DataLossException {
    private static final long serialVersionUID = 1L;

    private final String key;

    /** For a codec, which does not know whose payload it is. */
    public ValueDecodeException(String message) {
        this("", message, null);
    }

    /** For the entry {@code key}. */
    public ValueDecodeException(String key, String message, Throwable cause) {
        super(key.isEmpty() ? message : key + ": " + message, ErrorDetails.NONE, cause);
        this.key = key;
    }

    /** The entry that it stands in, such as {@code variables[x]}; empty if not known. */
    public String key() {
        return key;
    }
}
