package io.stillframe.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import io.stillframe.client.errors.ValueDecodeException;
import io.stillframe.client.errors.ValueEncodeException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonCodecTest {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final JsonCodec codec = new JsonCodec();

    record Point(int x, double y) {}

    private JsonNode read(String json) {
        return codec.decode(new Payload(ByteString.copyFromUtf8(json), ""), JsonNode.class);
    }

    private JsonNode read(byte... json) {
        return codec.decode(new Payload(ByteString.copyFrom(json), ""), JsonNode.class);
    }

    private String written(Object value) {
        return codec.encode(value).data().toStringUtf8();
    }

    private static String nested(int depth) {
        return "[".repeat(depth) + "]".repeat(depth);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0", "-1", "2147483648", "9007199254740993", "-9223372036854775808",
                "9223372036854775807", "9223372036854775808", "18446744073709551615"
            })
    void integersOfI64AndU64AreExact(String literal) {
        JsonNode node = read(literal);
        assertTrue(node.isIntegralNumber());
        assertEquals(new BigInteger(literal), node.bigIntegerValue());
        assertEquals(literal, written(node));
        assertEquals(literal, written(new BigInteger(literal)));
    }

    @ParameterizedTest
    @CsvSource({
        "18446744073709551616, 18446744073709551616.0",
        "-9223372036854775809, -9223372036854775808.0",
        "100000000000000000000, 1e20",
        "1.0, 1.0",
        "1e2, 100.0",
        "0.1, 0.1",
        "-0.0, -0.0",
        "5e-324, 5e-324",
        "1e-400, 0.0",
        "9007199254740993.0, 9007199254740992.0"
    })
    void otherNumbersAreTheSameDouble(String literal, double expected) {
        JsonNode node = read(literal);
        assertTrue(node.isDouble());
        assertEquals(
                Double.doubleToRawLongBits(expected),
                Double.doubleToRawLongBits(node.doubleValue()));
        assertEquals(node, read(written(node)));
    }

    @Test
    void anIntegerOfManyDigitsIsReadInTimeThatIsLinear() {
        assertThrows(ValueDecodeException.class, () -> read("7".repeat(10_000_000)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1e400", "-1e400", "[1, {\"a\": 1e309}]", "NaN", "Infinity", "-Infinity", "", " ",
                "1 2", "[1", "[1,]", "{\"a\":}", "01", "+1", ".5", "1.", "'a'", "nul", "// c\n1",
                "\"a\u0001b\"", "\"\\u0000\"", "{\"\\u0000\": 1}", "\"\\ud800\"", "\"\\udc00 \"",
                "{\"\\ud800\": 1}", "\uFEFF1"
            })
    void whatIsNoValueIsRefused(String json) {
        assertThrows(ValueDecodeException.class, () -> read(json));
    }

    @Test
    void bytesAreReadAsUtf8Alone() {
        assertThrows(ValueDecodeException.class, () -> read((byte) '"', (byte) 0xff, (byte) '"'));
        assertThrows(
                ValueDecodeException.class,
                () -> read("\"a\"".getBytes(StandardCharsets.UTF_16LE)));
        // A surrogate as UTF-8 would have it.
        assertThrows(
                ValueDecodeException.class,
                () -> read((byte) '"', (byte) 0xed, (byte) 0xa0, (byte) 0x80, (byte) '"'));
    }

    @Test
    void textKeepsEveryCharacter() {
        String text = "\u0001\t\"\\/ é \u2028 \uD83D\uDE00 \u007f\uFFFF";
        assertEquals(text, read(written(text)).textValue());
        assertEquals("\uD83D\uDE00", read("\"\\ud83d\\ude00\"").textValue());
    }

    @Test
    void ofAKeyThatComesTwiceTheLastCounts() {
        assertEquals(NODES.objectNode().put("a", 2), read("{\"a\": {\"b\": 1}, \"a\": 2}"));
    }

    @Test
    void twoHundredLevelsAreReadAndWritten() {
        assertEquals(nested(200), written(read(nested(200))));
        assertThrows(ValueDecodeException.class, () -> read(nested(201)));
        assertThrows(ValueDecodeException.class, () -> read("[".repeat(100_000)));
        ArrayNode deeper = NODES.arrayNode().add(read(nested(200)));
        assertThrows(ValueEncodeException.class, () -> codec.encode(deeper));
    }

    @Test
    void aTreeWithinItselfIsRefused() {
        ObjectNode cycle = NODES.objectNode();
        cycle.set("self", cycle);
        assertThrows(ValueEncodeException.class, () -> codec.encode(cycle));
        List<Object> list = new ArrayList<>();
        list.add(list);
        assertThrows(ValueEncodeException.class, () -> codec.encode(list));
    }

    @Test
    void whatJsonCannotCarryIsRefused() {
        List<Object> refused =
                List.of(
                        Double.NaN,
                        Float.POSITIVE_INFINITY,
                        "nul \0",
                        "lone \uD800",
                        Map.of("\uDC00", 1),
                        Map.of("a", List.of("\0")),
                        new BigInteger("18446744073709551616"),
                        new BigInteger("-9223372036854775809"),
                        new BigDecimal("0.10000000000000000001"),
                        new byte[] {1},
                        NODES.missingNode(),
                        NODES.pojoNode(new Object()));
        for (Object each : refused) {
            assertThrows(ValueEncodeException.class, () -> codec.encode(each), each.getClass().getName());
        }
    }

    @Test
    void javaValuesAreWrittenAsJacksonMapsThem() {
        assertEquals("null", written(null));
        assertEquals("{\"x\":1,\"y\":2.5}", written(new Point(1, 2.5)));
        assertEquals("[1,true,\"a\",null]", written(java.util.Arrays.asList(1, true, "a", null)));
        assertEquals("0.1", written(new BigDecimal("0.1")));
        assertEquals(0.1f, read(written(0.1f)).doubleValue());
        Map<String, Object> map = new HashMap<>();
        map.put("a", null);
        assertEquals("{\"a\":null}", written(map));
    }

    @Test
    void payloadsAreReadAsJavaTypes() {
        Payload payload = codec.encode(new Point(3, 0.5));
        assertEquals("", payload.encoding());
        assertEquals(new Point(3, 0.5), codec.decode(payload, Point.class));
        assertThrows(ValueDecodeException.class, () -> codec.decode(payload, Integer.class));
    }

    @Test
    void onlyPlainJsonIsRead() {
        ByteString one = ByteString.copyFromUtf8("1");
        assertEquals(
                1, codec.decode(new Payload(one, "json/utf8"), JsonNode.class).intValue());
        assertThrows(
                ValueDecodeException.class,
                () -> codec.decode(new Payload(one, "msgpack"), JsonNode.class));
        assertThrows(
                ValueDecodeException.class,
                () -> codec.decode(new Payload(one, "", List.of("zstd")), JsonNode.class));
    }

    @Test
    void longTextAndNamesHaveNoBoundOfTheirOwn() {
        String text = "x".repeat(25_000_000);
        assertEquals(text.length(), read(written(text)).textValue().length());
        String name = "n".repeat(60_000);
        assertTrue(read(written(Map.of(name, 1))).has(name));
        assertFalse(read(written(Map.of(name, 1))).has("n"));
    }
}
