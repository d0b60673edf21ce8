package io.stillframe.client;

import com.fasterxml.jackson.databind.JsonNode;
import io.stillframe.client.errors.ValueEncodeException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.Deque;

/** Refuses trees that JSON, as all clients read it, cannot carry exactly. */
final class JsonCheck {
    static final BigInteger INT_MIN = BigInteger.valueOf(Long.MIN_VALUE);
    static final BigInteger INT_MAX = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);

    private record Place(JsonNode node, int depth) {}

    private JsonCheck() {}

    /** Without recursion: a tree that contains itself must end in this error too. */
    static void writable(JsonNode root) {
        Deque<Place> open = new ArrayDeque<>();
        open.push(new Place(root, 0));
        while (!open.isEmpty()) {
            Place place = open.pop();
            JsonNode node = place.node();
            if (!node.isContainerNode()) {
                scalar(node);
                continue;
            }
            if (place.depth() == JsonCodec.MAX_DEPTH) {
                throw new ValueEncodeException("nested deeper than " + JsonCodec.MAX_DEPTH);
            }
            node.fieldNames().forEachRemaining(JsonCheck::text);
            node.forEach(each -> open.push(new Place(each, place.depth() + 1)));
        }
    }

    private static void scalar(JsonNode node) {
        switch (node.getNodeType()) {
            case STRING -> text(node.textValue());
            case NUMBER -> number(node);
            case BOOLEAN, NULL -> { }
            default -> throw new ValueEncodeException(node.getNodeType() + " is not a JSON type");
        }
    }

    private static void text(String text) {
        String fault = fault(text);
        if (fault != null) {
            throw new ValueEncodeException(fault);
        }
    }

    private static void number(JsonNode node) {
        if (node.isIntegralNumber()) {
            if (!isInteger(node.bigIntegerValue())) {
                throw new ValueEncodeException("an integer is outside the i64 and u64 ranges");
            }
            return;
        }
        double value = node.doubleValue();
        if (!Double.isFinite(value)) {
            throw new ValueEncodeException(value + " is not a JSON number");
        }
        if (node.isBigDecimal() && BigDecimal.valueOf(value).compareTo(node.decimalValue()) != 0) {
            throw new ValueEncodeException("a decimal has digits that a double loses");
        }
    }

    static boolean isInteger(BigInteger value) {
        return value.compareTo(INT_MIN) >= 0 && value.compareTo(INT_MAX) <= 0;
    }

    /** What no value may carry in its text, or null. */
    static String fault(String text) {
        if (text.indexOf('\0') >= 0) {
            return "text contains NUL";
        }
        return Messages.isUnicode(text) ? null : "text contains a lone surrogate";
    }
}
