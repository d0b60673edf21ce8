package io.stillframe.client;

/**
 * Turns values into payloads and back: what a user puts in for another format, compression or
 * encryption. {@link JsonCodec} is the default, and something for a codec of one's own to stand on.
 *
 * <p>An implementation must be safe to call from many threads.
 */
public interface Codec {
    /**
     * The payload of a value, which may be null.
     *
     * @throws io.stillframe.client.errors.ValueEncodeException for a value that it refuses; any
     *     other RuntimeException becomes the cause of one
     */
    Payload encode(Object value);

    /**
     * The value of a payload as a {@code type}. {@link Values#get(String)} asks for a
     * {@link com.fasterxml.jackson.databind.JsonNode}.
     *
     * @throws io.stillframe.client.errors.ValueDecodeException for a payload that it cannot read as
     *     that; any other RuntimeException becomes the cause of one
     */
    <T> T decode(Payload payload, Class<T> type);
}
