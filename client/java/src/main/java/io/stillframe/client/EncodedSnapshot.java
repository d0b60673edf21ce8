package io.stillframe.client;

import io.stillframe.client.errors.ValueEncodeException;
import io.stillframe.v1.ExecutionSnapshot;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A snapshot ready to be sent: every value encoded, and the two maps apart from the header, so that
 * a full save and a delta are cut from the same cloth.
 */
record EncodedSnapshot(
        ExecutionSnapshot header,
        Map<String, io.stillframe.v1.Payload> stepOutputs,
        Map<String, io.stillframe.v1.Payload> variables) {

    static EncodedSnapshot of(Snapshot snapshot, Codec codec) {
        Messages.checkFields("snapshot.", snapshot.header);
        return new EncodedSnapshot(
                snapshot.header,
                encode("step_outputs", snapshot.stepOutputs(), codec),
                encode("variables", snapshot.variables(), codec));
    }

    /** The whole snapshot. */
    ExecutionSnapshot message() {
        return with(stepOutputs, variables);
    }

    /** The header with these entries. */
    ExecutionSnapshot with(
            Map<String, io.stillframe.v1.Payload> someStepOutputs,
            Map<String, io.stillframe.v1.Payload> someVariables) {
        return header.toBuilder()
                .putAllStepOutputs(someStepOutputs)
                .putAllVariables(someVariables)
                .build();
    }

    private static Map<String, io.stillframe.v1.Payload> encode(
            String map, Map<String, Object> values, Codec codec) {
        Map<String, io.stillframe.v1.Payload> encoded = new LinkedHashMap<>();
        values.forEach((key, value) -> encoded.put(key, encode(map, key, value, codec)));
        return encoded;
    }

    private static io.stillframe.v1.Payload encode(
            String map, String key, Object value, Codec codec) {
        Messages.checkText("snapshot." + map, key);
        String where = map + "[" + key + "]";
        Payload payload;
        try {
            payload = value instanceof Payload raw ? raw : codec.encode(value);
        } catch (ValueEncodeException error) {
            throw new ValueEncodeException(where, error.getMessage(), error);
        } catch (RuntimeException error) {
            throw new ValueEncodeException(where, error.toString(), error);
        }
        io.stillframe.v1.Payload message = payload.message();
        Messages.checkFields("snapshot." + map + ".", message);
        return message;
    }
}
