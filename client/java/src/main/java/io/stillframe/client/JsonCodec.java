package io.stillframe.client;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.NullNode;
import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.stillframe.client.errors.ValueDecodeException;
import io.stillframe.client.errors.ValueEncodeException;

/**
 * JSON values, as every Stillframe client reads and writes them.
 *
 * <p>A value is a {@link JsonNode}, or anything that the ObjectMapper makes one of: text, numbers,
 * maps, lists, records, beans. Integers of the i64 and u64 ranges are exact (IntNode, LongNode,
 * BigIntegerNode), other numbers the same IEEE double (DoubleNode); a BigDecimal is accepted if its
 * digits survive that. Refused both ways: nesting over {@link #MAX_DEPTH}, NUL and lone surrogates
 * in text, NaN and infinities. Refused on reading: numbers outside of a double, such as 1e400. Of a
 * key that comes twice the last counts.
 */
public final class JsonCodec implements Codec {
    /** How many arrays and objects may stand in one another; a scalar has depth 0. */
    public static final int MAX_DEPTH = 200;

    private final ObjectMapper mapper;

    /** A codec that maps Java types as Jackson does by default. */
    public JsonCodec() {
        this(new ObjectMapper());
    }

    /** A codec that maps Java types by this mapper. Trees are read and written the same way. */
    public JsonCodec(ObjectMapper mapper) {
        this.mapper = mapper;
    }

    @Override
    public Payload encode(Object value) {
        JsonNode node = tree(value);
        JsonCheck.writable(node);
        return new Payload(UnsafeByteOperations.unsafeWrap(JsonText.write(node)), "");
    }

    @Override
    public <T> T decode(Payload payload, Class<T> type) {
        JsonNode node = read(payload);
        if (type.isInstance(node)) {
            return type.cast(node);
        }
        try {
            return mapper.treeToValue(node, type);
        } catch (JsonProcessingException | RuntimeException error) {
            String message = "is no " + type.getSimpleName() + ": " + error.getMessage();
            throw new ValueDecodeException("", message, error);
        }
    }

    private JsonNode tree(Object value) {
        if (value == null) {
            return NullNode.getInstance();
        }
        if (value instanceof JsonNode node) {
            return node;
        }
        try {
            return mapper.valueToTree(value);
        } catch (RuntimeException | StackOverflowError error) {
            String message = value.getClass().getName() + " has no JSON: " + error.getMessage();
            throw new ValueEncodeException("", message, error);
        }
    }

    private static JsonNode read(Payload payload) {
        if (!payload.codecs().isEmpty()) {
            throw new ValueDecodeException("codecs are not undone here: " + payload.codecs());
        }
        String encoding = payload.encoding();
        if (!encoding.isEmpty() && !encoding.equals("json/utf8")) {
            throw new ValueDecodeException("the encoding is " + encoding + ", not json/utf8");
        }
        ByteString data = payload.data();
        return JsonText.read(data);
    }
}
