package io.stillframe.client;

import com.google.protobuf.ByteString;
import java.util.List;

/**
 * A value as it is stored: the server keeps it byte for byte, and never reads it. A snapshot takes
 * one in place of a value, and saves it as it is.
 *
 * @param data the value's bytes, after every codec was applied
 * @param encoding how the bytes below all codecs are to be read; empty means {@code json/utf8}; at
 *     most 512 bytes
 * @param codecs what the client did to the encoded bytes, outermost last, such as {@code zstd}; at
 *     most 16 of at most 512 bytes
 */
public record Payload(ByteString data, String encoding, List<String> codecs) {

    /** Copies the list. */
    public Payload {
        codecs = List.copyOf(codecs);
    }

    /** A payload without codecs. */
    public Payload(ByteString data, String encoding) {
        this(data, encoding, List.of());
    }

    static Payload of(io.stillframe.v1.Payload message) {
        return new Payload(message.getData(), message.getEncoding(), message.getCodecsList());
    }

    io.stillframe.v1.Payload message() {
        return io.stillframe.v1.Payload.newBuilder()
                .setData(data)
                .setEncoding(encoding)
                .addAllCodecs(codecs)
                .build();
    }
}
