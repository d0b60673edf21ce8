package io.stillframe.polyglot;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;

/** The arguments of a command, or a part of them. One that is null is unset. */
record Args(JsonNode node) {
    boolean has(String name) {
        return node.hasNonNull(name);
    }

    String text(String name) {
        if (!has(name)) {
            throw new IllegalArgumentException(name + " is missing");
        }
        return node.get(name).textValue();
    }

    boolean flag(String name) {
        return node.path(name).asBoolean();
    }

    Args part(String name) {
        return new Args(node.get(name));
    }

    void ifText(String name, Consumer<String> use) {
        if (has(name)) {
            use.accept(text(name));
        }
    }

    /** A number in the notation; beyond a long it is negative, which the client refuses. */
    void ifNumber(String name, Consumer<Long> use) {
        if (has(name)) {
            use.accept(number(text(name)));
        }
    }

    void ifInt(String name, Consumer<Integer> use) {
        if (has(name)) {
            use.accept(node.get(name).intValue());
        }
    }

    void ifSeconds(String name, Consumer<Duration> use) {
        if (has(name)) {
            use.accept(seconds(name));
        }
    }

    Duration seconds(String name) {
        return Duration.ofNanos(Math.round(node.get(name).doubleValue() * 1e9));
    }

    void ifTime(String name, Consumer<Instant> use) {
        ifText(name, text -> use.accept(Instant.parse(text)));
    }

    void ifFlag(String name, Runnable use) {
        if (flag(name)) {
            use.run();
        }
    }

    void ifPart(String name, Consumer<Args> use) {
        if (has(name)) {
            use.accept(part(name));
        }
    }

    void ifTexts(String name, Consumer<List<String>> use) {
        if (has(name)) {
            use.accept(texts(name, each -> each));
        }
    }

    <T> List<T> texts(String name, Function<String, T> read) {
        List<T> texts = new ArrayList<>();
        node.path(name).forEach(each -> texts.add(read.apply(each.textValue())));
        return texts;
    }

    void ifTextMap(String name, Consumer<Map<String, String>> use) {
        if (has(name)) {
            Map<String, String> texts = new LinkedHashMap<>();
            node.get(name)
                    .properties()
                    .forEach(each -> texts.put(each.getKey(), each.getValue().textValue()));
            use.accept(texts);
        }
    }

    static long number(String text) {
        return text.startsWith("-") ? Long.parseLong(text) : Long.parseUnsignedLong(text);
    }
}
