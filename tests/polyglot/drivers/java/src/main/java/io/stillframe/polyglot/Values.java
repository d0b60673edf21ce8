package io.stillframe.polyglot;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import io.stillframe.client.Payload;
import io.stillframe.client.errors.ValueDecodeException;
import java.math.BigInteger;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Values in the notation, as the client's and back. */
final class Values {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final Set<String> JSON = Set.of("", "json/utf8");

    private Values() {}

    static Map<String, Object> map(JsonNode given) {
        Map<String, Object> values = new LinkedHashMap<>();
        given.properties().forEach(each -> values.put(each.getKey(), value(each.getValue())));
        return values;
    }

    private static Object value(JsonNode given) {
        return given.has("payload") ? payload(new Args(given.get("payload"))) : tree(given);
    }

    private static Payload payload(Args given) {
        return new Payload(
                bytes(given.text("data")),
                given.has("encoding") ? given.text("encoding") : "",
                given.texts("codecs", each -> each));
    }

    private static JsonNode tree(JsonNode given) {
        Map.Entry<String, JsonNode> only = given.properties().iterator().next();
        JsonNode value = only.getValue();
        return switch (only.getKey()) {
            case "null" -> NODES.nullNode();
            case "bool" -> NODES.booleanNode(value.booleanValue());
            case "string" -> NODES.textNode(value.textValue());
            case "int" -> NODES.numberNode(new BigInteger(value.textValue()));
            case "double" ->
                    NODES.numberNode(
                            Double.longBitsToDouble(HexFormat.fromHexDigitsToLong(value.textValue())));
            case "array" -> {
                ArrayNode array = NODES.arrayNode();
                value.forEach(each -> array.add(tree(each)));
                yield array;
            }
            case "object" -> {
                ObjectNode object = NODES.objectNode();
                value.properties().forEach(each -> object.set(each.getKey(), tree(each.getValue())));
                yield object;
            }
            default -> throw new IllegalArgumentException("no value: " + only.getKey());
        };
    }

    static ObjectNode written(io.stillframe.client.Values values) {
        ObjectNode written = Json.object();
        for (String key : values.keys()) {
            written.set(key, entry(values, key));
        }
        return written;
    }

    private static ObjectNode entry(io.stillframe.client.Values values, String key) {
        Payload payload = values.payload(key);
        if (!JSON.contains(payload.encoding())) {
            return Json.object().set("payload", written(payload));
        }
        try {
            return written(values.get(key));
        } catch (ValueDecodeException error) {
            return Json.object().set("undecodable", written(payload));
        }
    }

    private static ObjectNode written(Payload payload) {
        ObjectNode written = Json.object();
        written.put("data", base64(payload.data())).put("encoding", payload.encoding());
        ArrayNode codecs = written.putArray("codecs");
        payload.codecs().forEach(codecs::add);
        return written;
    }

    private static ObjectNode written(JsonNode value) {
        ObjectNode written = Json.object();
        switch (value.getNodeType()) {
            case NULL -> written.putNull("null");
            case BOOLEAN -> written.put("bool", value.booleanValue());
            case STRING -> written.put("string", value.textValue());
            case NUMBER -> {
                if (value.isIntegralNumber()) {
                    written.put("int", value.bigIntegerValue().toString());
                } else {
                    long bits = Double.doubleToRawLongBits(value.doubleValue());
                    written.put("double", HexFormat.of().toHexDigits(bits));
                }
            }
            case ARRAY -> {
                ArrayNode array = written.putArray("array");
                value.forEach(each -> array.add(written(each)));
            }
            case OBJECT -> {
                ObjectNode object = written.putObject("object");
                value.properties()
                        .forEach(each -> object.set(each.getKey(), written(each.getValue())));
            }
            default -> throw new IllegalArgumentException("no JSON: " + value.getNodeType());
        }
        return written;
    }

    static ByteString bytes(String base64) {
        return ByteString.copyFrom(Base64.getDecoder().decode(base64));
    }

    static String base64(ByteString bytes) {
        return Base64.getEncoder().encodeToString(bytes.toByteArray());
    }
}
