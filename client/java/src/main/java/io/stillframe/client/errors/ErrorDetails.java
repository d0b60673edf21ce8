package io.stillframe.client.errors;

import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What an error says beside its code and message, for programs.
 *
 * @param reason a name of ErrorReason in error.proto without prefix, such as {@code FENCED};
 *     empty when the failure has none (a broken connection, a proxy)
 * @param metadata the values that the message mentions, under the keys that error.proto gives
 * @param violations the fields that were refused
 * @param retryAfterOrNull the wait before another try that the server asks for, or null
 */
public record ErrorDetails(
        String reason,
        Map<String, String> metadata,
        List<FieldViolation> violations,
        Duration retryAfterOrNull)
        implements Serializable {

    /** No details. */
    public static final ErrorDetails NONE = of("", Map.of());

    /** Copies the collections. */
    public ErrorDetails {
        metadata = Map.copyOf(metadata);
        violations = List.copyOf(violations);
    }

    /** A reason with its metadata alone. */
    public static ErrorDetails of(String reason, Map<String, String> metadata) {
        return new ErrorDetails(reason, metadata, List.of(), null);
    }

    /** The details of one refused field, as the server would give them. */
    public static ErrorDetails ofField(String field, String description) {
        List<FieldViolation> violations = List.of(new FieldViolation(field, description));
        return new ErrorDetails("INVALID_FIELD", Map.of("field", field), violations, null);
    }

    /** The wait before another try that the server asks for. */
    public Optional<Duration> retryAfter() {
        return Optional.ofNullable(retryAfterOrNull);
    }
}
