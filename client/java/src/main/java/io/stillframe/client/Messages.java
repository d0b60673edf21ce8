package io.stillframe.client;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import com.google.protobuf.MessageOrBuilder;
import io.stillframe.client.errors.ErrorDetails;
import io.stillframe.client.errors.InvalidFieldException;
import io.stillframe.client.errors.SnapshotTooLargeException;
import io.stillframe.client.errors.StillframeException;
import io.stillframe.client.errors.ValueTooLargeException;
import io.stillframe.v1.SetValueRequest;
import java.util.List;
import java.util.Map;

/**
 * What a request can get wrong that protobuf for Java would send all the same, as something else:
 * text that is not Unicode (a question mark takes the place of a lone surrogate), and a negative
 * number (a huge one takes its place).
 */
final class Messages {
    private Messages() {}

    /** Refuses such a request, and one that is too large for the server. */
    static void check(Message request, int maxMessageBytes) {
        checkFields("", request);
        int size = request.getSerializedSize();
        if (size > maxMessageBytes) {
            throw tooLarge(request, size, maxMessageBytes);
        }
    }

    private static StillframeException tooLarge(Message request, int size, int maximum) {
        String message = "the request has " + size + " bytes, and maxMessageBytes is " + maximum;
        Map<String, String> metadata =
                Map.of(
                        "limit", "max_message_bytes",
                        "maximum", Integer.toString(maximum),
                        "actual", Integer.toString(size));
        return request instanceof SetValueRequest
                ? new ValueTooLargeException(
                        message, ErrorDetails.of("VALUE_TOO_LARGE", metadata), null)
                : new SnapshotTooLargeException(
                        message, ErrorDetails.of("SNAPSHOT_TOO_LARGE", metadata), null);
    }

    /** Refuses such fields; {@code prefix} begins their paths. */
    static void checkFields(String prefix, MessageOrBuilder message) {
        message.getAllFields().forEach((field, value) -> checkField(prefix, field, value));
    }

    private static void checkField(String prefix, FieldDescriptor field, Object value) {
        String path = prefix + field.getName();
        if (isEntries(field)) {
            // Their keys were checked when they were encoded, and there may be very many.
            return;
        }
        if (field.isRepeated()) {
            for (Object each : (List<?>) value) {
                checkValue(path, field, each);
            }
        } else {
            checkValue(path, field, value);
        }
    }

    private static boolean isEntries(FieldDescriptor field) {
        return field.isMapField()
                && field.getMessageType().findFieldByName("value").getJavaType()
                        == FieldDescriptor.JavaType.MESSAGE;
    }

    private static void checkValue(String path, FieldDescriptor field, Object value) {
        switch (field.getType()) {
            case STRING -> checkText(path, (String) value);
            case UINT32, UINT64 -> {
                if (((Number) value).longValue() < 0) {
                    throw invalidField(path, "is negative");
                }
            }
            case MESSAGE -> checkFields(path + ".", (Message) value);
            default -> { }
        }
    }

    /** Refuses text that no UTF-8 can carry. */
    static void checkText(String path, String text) {
        if (!isUnicode(text)) {
            throw invalidField(path, "contains a lone surrogate");
        }
    }

    /** Whether every surrogate is one of a pair. */
    static boolean isUnicode(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                if (i + 1 == text.length()
                        || !Character.isSurrogatePair(text.charAt(i), text.charAt(i + 1))) {
                    return false;
                }
                i++;
            }
        }
        return true;
    }

    /** The error that the server would answer with, for what the client sees first. */
    static InvalidFieldException invalidField(String field, String description) {
        return new InvalidFieldException(
                field + ": " + description, ErrorDetails.ofField(field, description), null);
    }
}
