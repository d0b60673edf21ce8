package io.stillframe.client;

import com.fasterxml.jackson.databind.JsonNode;
import io.stillframe.client.errors.ValueDecodeException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * One map of a snapshot that was loaded: payloads, decoded when they are looked up. A payload that
 * cannot be decoded fails when its key is looked up, and no other. Every lookup decodes anew, so
 * what it gives is the caller's own.
 *
 * <p>Immutable. {@link StoredSnapshot#toBuilder} makes a snapshot to save from it, in which the
 * entries that are not set again go back byte for byte.
 */
public final class Values {
    private final String name;
    private final Map<String, io.stillframe.v1.Payload> payloads;
    private final Codec codec;
    private final boolean partial;

    Values(
            String name,
            Map<String, io.stillframe.v1.Payload> payloads,
            Codec codec,
            boolean partial) {
        this.name = name;
        this.payloads = payloads;
        this.codec = codec;
        this.partial = partial;
    }

    /** Whether the answer left entries of its snapshot out. */
    public boolean isPartial() {
        return partial;
    }

    /** The keys that are there. */
    public Set<String> keys() {
        return Collections.unmodifiableSet(payloads.keySet());
    }

    /** How many entries are there. */
    public int size() {
        return payloads.size();
    }

    /** Whether there is an entry with this key. */
    public boolean contains(String key) {
        return payloads.containsKey(key);
    }

    /**
     * The value of a key; null when there is no such entry (a JSON null is a NullNode).
     *
     * @throws ValueDecodeException if it cannot be read
     */
    public JsonNode get(String key) {
        return get(key, JsonNode.class);
    }

    /**
     * The value of a key as a {@code type}; null when there is no such entry.
     *
     * @throws ValueDecodeException if it cannot be read as that
     */
    public <T> T get(String key, Class<T> type) {
        Payload payload = payload(key);
        if (payload == null) {
            return null;
        }
        String where = name + "[" + key + "]";
        try {
            return codec.decode(payload, type);
        } catch (ValueDecodeException error) {
            throw new ValueDecodeException(where, error.getMessage(), error);
        } catch (RuntimeException error) {
            throw new ValueDecodeException(where, error.toString(), error);
        }
    }

    /** The raw payload of a key, whatever its encoding; null when there is no such entry. */
    public Payload payload(String key) {
        io.stillframe.v1.Payload message = payloads.get(key);
        return message == null ? null : Payload.of(message);
    }

    /** A copy of the map with raw payloads. */
    public Map<String, Payload> payloads() {
        Map<String, Payload> copy = new LinkedHashMap<>();
        payloads.forEach((key, message) -> copy.put(key, Payload.of(message)));
        return copy;
    }

    Map<String, io.stillframe.v1.Payload> messages() {
        return payloads;
    }

    /** Equal when the payloads are, byte for byte. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Values values
                && payloads.equals(values.payloads)
                && partial == values.partial;
    }

    @Override
    public int hashCode() {
        return payloads.hashCode();
    }

    /** Keys and sizes: values may be large, or secret. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(name).append('{');
        payloads.forEach(
                (key, message) ->
                        text.append(' ')
                                .append(key)
                                .append(": ")
                                .append(message.getSerializedSize())
                                .append(" bytes"));
        return text.append(" }").toString();
    }
}
