package io.stillframe.client.errors;

/** A value cannot be encoded. */
public final class ValueEncodeException extends InvalidArgumentException {
    private static final long serialVersionUID = 1L;

    private final String key;

    /** For a codec, which does not know what the value is for. */
    public ValueEncodeException(String message) {
        this("", message, null);
    }

    /** For the entry {@code key}. */
    public ValueEncodeException(String key, String message, Throwable cause) {
        super(key.isEmpty() ? message : key + ": " + message, ErrorDetails.NONE, cause);
        this.key = key;
    }

    /** The entry that it was meant for, such as {@code variables[x]}; empty if not known. */
    public String key() {
        return key;
    }
}
