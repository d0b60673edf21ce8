package io.stillframe.client;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import io.stillframe.client.errors.ValueDecodeException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Trees to JSON text and back. Written by hand over Jackson's tokens, because its own tree reader
 * gives Infinity for 1e400, and takes a time that grows with the square of an integer's length.
 */
final class JsonText {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    // A payload is bounded by the server; a bound of Jackson's would make a client unable to read
    // what another could write. Without canonical names, keys chosen to collide cost nothing.
    private static final JsonFactory JSON =
            JsonFactory.builder()
                    .streamReadConstraints(
                            StreamReadConstraints.builder()
                                    .maxNestingDepth(JsonCodec.MAX_DEPTH)
                                    .maxStringLength(Integer.MAX_VALUE)
                                    .maxNumberLength(Integer.MAX_VALUE)
                                    .maxNameLength(Integer.MAX_VALUE)
                                    .build())
                    .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                    .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                    .build();

    private JsonText() {}

    static byte[] write(JsonNode node) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (JsonGenerator generator = JSON.createGenerator(out)) {
            write(node, generator);
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return out.toByteArray();
    }

    private static void write(JsonNode node, JsonGenerator out) throws IOException {
        switch (node.getNodeType()) {
            case OBJECT -> {
                out.writeStartObject();
                for (Map.Entry<String, JsonNode> entry : node.properties()) {
                    out.writeFieldName(entry.getKey());
                    write(entry.getValue(), out);
                }
                out.writeEndObject();
            }
            case ARRAY -> {
                out.writeStartArray();
                for (JsonNode each : node) {
                    write(each, out);
                }
                out.writeEndArray();
            }
            case STRING -> out.writeString(node.textValue());
            case BOOLEAN -> out.writeBoolean(node.booleanValue());
            case NULL -> out.writeNull();
            case NUMBER -> {
                if (node.isIntegralNumber()) {
                    out.writeNumber(node.bigIntegerValue());
                } else {
                    // Of a float too: all read it as the double that it is equal to.
                    out.writeNumber(node.doubleValue());
                }
            }
            default -> throw new IllegalArgumentException("unchecked " + node.getNodeType());
        }
    }

    static JsonNode read(ByteString data) {
        try (JsonParser parser = JSON.createParser(text(data))) {
            JsonNode node = value(parser, parser.nextToken());
            if (parser.nextToken() != null) {
                throw new ValueDecodeException("not JSON: more than one value");
            }
            return node;
        } catch (JsonProcessingException error) {
            throw new ValueDecodeException("", "not JSON: " + error.getOriginalMessage(), error);
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
    }

    private static String text(ByteString data) {
        // Jackson would guess the encoding of bytes, and take UTF-16 too.
        ByteBuffer bytes = data.asReadOnlyByteBuffer();
        String text;
        try {
            text = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
        } catch (CharacterCodingException error) {
            throw new ValueDecodeException("", "not UTF-8", error);
        }
        if (text.startsWith("\uFEFF")) {
            throw new ValueDecodeException("not JSON: a byte order mark");
        }
        return text;
    }

    // The parser's bound on nesting is the bound on this recursion.
    private static JsonNode value(JsonParser parser, JsonToken token) throws IOException {
        if (token == null) {
            throw new ValueDecodeException("not JSON: nothing there");
        }
        return switch (token) {
            case START_OBJECT -> object(parser);
            case START_ARRAY -> array(parser);
            case VALUE_STRING -> NODES.textNode(checked(parser.getText()));
            case VALUE_NUMBER_INT -> integer(parser.getText());
            case VALUE_NUMBER_FLOAT -> number(parser.getText());
            case VALUE_TRUE -> NODES.booleanNode(true);
            case VALUE_FALSE -> NODES.booleanNode(false);
            case VALUE_NULL -> NODES.nullNode();
            default -> throw new ValueDecodeException("not JSON: " + token);
        };
    }

    private static ObjectNode object(JsonParser parser) throws IOException {
        ObjectNode object = NODES.objectNode();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String key = checked(parser.currentName());
            object.set(key, value(parser, parser.nextToken()));
        }
        return object;
    }

    private static ArrayNode array(JsonParser parser) throws IOException {
        ArrayNode array = NODES.arrayNode();
        JsonToken token = parser.nextToken();
        while (token != JsonToken.END_ARRAY) {
            array.add(value(parser, token));
            token = parser.nextToken();
        }
        return array;
    }

    private static JsonNode integer(String literal) {
        // 20 digits hold every u64.
        if (literal.length() <= 18) {
            long value = Long.parseLong(literal);
            int narrow = (int) value;
            return narrow == value ? NODES.numberNode(narrow) : NODES.numberNode(value);
        }
        if (literal.length() <= 20) {
            BigInteger value = new BigInteger(literal);
            if (value.bitLength() < Long.SIZE) {
                return NODES.numberNode(value.longValue());
            }
            if (JsonCheck.isInteger(value)) {
                return NODES.numberNode(value);
            }
        }
        return number(literal);
    }

    private static JsonNode number(String literal) {
        double value = Double.parseDouble(literal);
        if (Double.isInfinite(value)) {
            String shown = literal.substring(0, Math.min(literal.length(), 40));
            throw new ValueDecodeException(
                    "the number " + shown + " is outside the range of a double");
        }
        return NODES.numberNode(value);
    }

    private static String checked(String text) {
        String fault = JsonCheck.fault(text);
        if (fault != null) {
            throw new ValueDecodeException(fault);
        }
        return text;
    }
}
