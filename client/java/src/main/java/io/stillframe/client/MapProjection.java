package io.stillframe.client;

import java.util.Collection;
import java.util.List;

/**
 * Which entries of one map an answer carries: all, or those that any key or key prefix names. A key
 * that does not exist is passed over.
 *
 * @param all every entry
 * @param keys the entries with these keys
 * @param keyPrefixes the entries whose keys start with one of these; with the keys at most 1,000
 */
public record MapProjection(boolean all, List<String> keys, List<String> keyPrefixes) {
    /** Every entry. */
    public static final MapProjection ALL = new MapProjection(true, List.of(), List.of());

    /** Copies the lists. */
    public MapProjection {
        keys = List.copyOf(keys);
        keyPrefixes = List.copyOf(keyPrefixes);
    }

    /** The entries with these keys. */
    public static MapProjection keys(String... keys) {
        return new MapProjection(false, List.of(keys), List.of());
    }

    /** The entries with these keys. */
    public static MapProjection keys(Collection<String> keys) {
        return new MapProjection(false, List.copyOf(keys), List.of());
    }

    /** The entries whose keys start with one of these. */
    public static MapProjection keyPrefixes(String... keyPrefixes) {
        return new MapProjection(false, List.of(), List.of(keyPrefixes));
    }

    io.stillframe.v1.MapProjection message() {
        return io.stillframe.v1.MapProjection.newBuilder()
                .setAll(all)
                .addAllKeys(keys)
                .addAllKeyPrefixes(keyPrefixes)
                .build();
    }
}
