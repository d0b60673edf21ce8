package io.stillframe.polyglot;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stillframe.client.Freshness;
import io.stillframe.client.Omission;
import io.stillframe.client.Origin;
import io.stillframe.client.Saved;
import io.stillframe.client.StoredSnapshot;
import io.stillframe.client.WatchEvent;
import io.stillframe.client.errors.ClosedException;
import io.stillframe.client.errors.DeadlineExceededException;
import io.stillframe.client.errors.IncompleteSnapshotException;
import io.stillframe.client.errors.StillframeException;
import io.stillframe.client.errors.ValueDecodeException;
import io.stillframe.client.errors.ValueEncodeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;

/** Answers of the client in the notation. */
final class Written {
    private static final Map<Class<?>, String> LOCAL =
            Map.of(
                    ValueEncodeException.class, "VALUE_ENCODE",
                    ValueDecodeException.class, "VALUE_DECODE",
                    IncompleteSnapshotException.class, "INCOMPLETE_SNAPSHOT",
                    DeadlineExceededException.class, "DEADLINE",
                    ClosedException.class, "CLOSED");

    private Written() {}

    static ObjectNode snapshot(StoredSnapshot snapshot) {
        ObjectNode written = Json.object();
        written.put("execution_id", snapshot.executionId());
        written.put("state", snapshot.state().name());
        snapshot.waitReason().ifPresent(each -> written.put("wait_reason", each.name()));
        written.put("sequence_number", number(snapshot.sequenceNumber()));
        snapshot.userId().ifPresent(each -> written.put("user_id", each));
        snapshot.currentStepId().ifPresent(each -> written.put("current_step_id", each));
        written.set("step_outputs", Values.written(snapshot.stepOutputs()));
        written.set("variables", Values.written(snapshot.variables()));
        snapshot.timestamp().ifPresent(each -> written.put("timestamp", time(each)));
        ObjectNode labels = written.putObject("labels");
        snapshot.labels().forEach(labels::put);
        snapshot.snapshotId().ifPresent(each -> written.put("snapshot_id", each));
        snapshot.parentSnapshotId().ifPresent(each -> written.put("parent_snapshot_id", each));
        snapshot.parentExecutionId().ifPresent(each -> written.put("parent_execution_id", each));
        if (!snapshot.schemaVersion().isEmpty()) {
            written.put("schema_version", snapshot.schemaVersion());
        }
        written.put("version", number(snapshot.version()));
        written.put("etag", snapshot.etag());
        written.put("revision", number(snapshot.revision()));
        written.put("commit_time", time(snapshot.commitTime()));
        snapshot.origin().ifPresent(each -> written.set("origin", origin(each)));
        snapshot.omission().ifPresent(each -> written.set("omission", omission(each)));
        return written;
    }

    static ObjectNode snapshots(Iterable<StoredSnapshot> snapshots) {
        ObjectNode written = Json.object();
        ArrayNode list = written.putArray("snapshots");
        snapshots.forEach(each -> list.add(snapshot(each)));
        return written;
    }

    private static ObjectNode origin(Origin origin) {
        return Json.object()
                .put("execution_id", origin.executionId())
                .put("version", number(origin.version()))
                .put("etag", origin.etag())
                .put("commit_time", time(origin.commitTime()));
    }

    private static ObjectNode omission(Omission omission) {
        ObjectNode written = Json.object();
        written.put("count", number(omission.count()));
        written.put("size_bytes", number(omission.sizeBytes()));
        ArrayNode entries = written.putArray("entries");
        omission.entries()
                .forEach(
                        each ->
                                entries.addObject()
                                        .put("map", each.map().name())
                                        .put("key", each.key())
                                        .put("size_bytes", number(each.sizeBytes()))
                                        .put("reason", each.reason().name()));
        return written;
    }

    static ObjectNode freshness(Freshness freshness) {
        return Json.object()
                .put("execution_id", freshness.executionId())
                .put("status", freshness.status().name())
                .put("event_store_head", number(freshness.eventStoreHead()))
                .put("snapshot_sequence", number(freshness.snapshotSequence()))
                .put("distance", number(freshness.distance()))
                .put("version", number(freshness.version()));
    }

    static ObjectNode saved(Saved saved) {
        return Json.object()
                .put("version", number(saved.version()))
                .put("etag", saved.etag())
                .put("revision", number(saved.revision()))
                .put("resume_token", saved.resumeToken())
                .put("outcome", saved.outcome().name());
    }

    /** An event; null for one that is not reported. */
    static ObjectNode event(WatchEvent event) {
        ObjectNode written = Json.object();
        if (event instanceof WatchEvent.Opened) {
            written.put("event", "opened");
        } else if (event instanceof WatchEvent.Change change) {
            written.put("event", "change");
            written.put("kind", change.kind().name());
            written.set("snapshot", snapshot(change.snapshot()));
            if (change.initial()) {
                written.put("initial", true);
            }
            if (change.contentGone()) {
                written.put("content_gone", true);
            }
        } else if (event instanceof WatchEvent.InitialStateEnd end) {
            written.put("event", "initial_state_end");
            written.put("execution_count", number(end.executionCount()));
        } else if (event instanceof WatchEvent.CaughtUp) {
            written.put("event", "caught_up");
        } else if (event instanceof WatchEvent.Restarted restarted) {
            written.put("event", "restarted");
            written.put("reason", restarted.reason());
        } else {
            return null;
        }
        if (!event.resumeToken().isEmpty()) {
            written.put("resume_token", event.resumeToken());
        }
        return written;
    }

    static ObjectNode error(StillframeException error) {
        ObjectNode written = Json.object();
        written.put("reason", reason(error));
        written.put("code", error.code().name());
        written.put("message", error.getMessage());
        if (!error.metadata().isEmpty()) {
            ObjectNode metadata = written.putObject("metadata");
            error.metadata().forEach(metadata::put);
        }
        if (!error.violations().isEmpty()) {
            ArrayNode fields = written.putArray("fields");
            error.violations().forEach(each -> fields.add(each.field()));
        }
        error.retryAfter().ifPresent(each -> written.put("retry_after", seconds(each)));
        return written;
    }

    /** By the class; one that says no more than the code has the text of its reason. */
    private static String reason(StillframeException error) {
        if (LOCAL.containsKey(error.getClass())) {
            return LOCAL.get(error.getClass());
        }
        if (error.getClass().getSuperclass() == StillframeException.class) {
            return error.reason();
        }
        String name = error.getClass().getSimpleName().replaceFirst("Exception$", "");
        return name.replaceAll("(?<!^)(?=[A-Z])", "_").toUpperCase(java.util.Locale.ROOT);
    }

    static String number(long number) {
        return Long.toString(number);
    }

    /** RFC 3339 with as many digits as needed; an Instant writes them by threes. */
    static String time(Instant time) {
        return time.toString().replaceFirst("(\\.[0-9]*[1-9])0+Z$", "$1Z");
    }

    private static double seconds(Duration duration) {
        return duration.getSeconds() + duration.getNano() / 1e9;
    }
}
