package io.stillframe.client;

import java.security.SecureRandom;
import java.util.HexFormat;

/** Fresh request ids, from the system's randomness: a clash would answer another request. */
final class RequestIds {
    private static final SecureRandom RANDOM = new SecureRandom();

    private RequestIds() {}

    static String next() {
        byte[] bytes = new byte[16];
        RANDOM.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }
}
