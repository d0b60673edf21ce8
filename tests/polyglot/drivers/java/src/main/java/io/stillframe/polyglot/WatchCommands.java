package io.stillframe.polyglot;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stillframe.client.Client;
import io.stillframe.client.Watch;
import io.stillframe.client.WatchEvent;
import io.stillframe.client.WatchMode;
import io.stillframe.client.errors.ClosedException;
import io.stillframe.client.errors.DeadlineExceededException;
import io.stillframe.client.errors.ErrorDetails;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/** The commands of watches. */
final class WatchCommands {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    private static final Set<String> UNCOUNTED = Set.of("opened", "caught_up");

    private final Function<Args, Client> at;
    private final Map<String, Watch> watches = new HashMap<>();
    private final Map<String, String> tokens = new HashMap<>();

    WatchCommands(Function<Args, Client> at) {
        this.at = at;
    }

    void addTo(Map<String, Function<Args, ObjectNode>> commands) {
        commands.put("watch_open", this::open);
        commands.put("watch_take", this::take);
        commands.put("watch_token", this::token);
        commands.put("watch_close", this::close);
    }

    private ObjectNode open(Args args) {
        Watch watch =
                at.apply(args)
                        .watch(
                                options -> {
                                    Given.ifFilter(args, options::filter);
                                    args.ifFlag("initial_state", options::initialState);
                                    args.ifText("resume_token", options::resumeToken);
                                    args.ifText(
                                            "mode", each -> options.mode(WatchMode.valueOf(each)));
                                    args.ifFlag("full", options::full);
                                    Given.ifProjection(args, options::projection);
                                    args.ifFlag("restart_if_lost", options::restartIfLost);
                                });
        watches.put(args.text("watch"), watch);
        tokens.put(args.text("watch"), "");
        return Json.object();
    }

    private ObjectNode take(Args args) {
        String name = args.text("watch");
        Duration timeout = args.has("timeout") ? args.seconds("timeout") : TIMEOUT;
        long deadline = System.nanoTime() + timeout.toNanos();
        boolean counted = args.has("changes");
        int left = counted ? args.node().get("changes").intValue() : 1;
        ObjectNode written = Json.object();
        ArrayNode events = written.putArray("events");
        while (left > 0) {
            ObjectNode event = Written.event(next(name, deadline));
            if (event == null || counted && UNCOUNTED.contains(kind(event))) {
                continue;
            }
            events.add(event);
            String last = counted ? "change" : args.text("until");
            left -= kind(event).equals(last) ? 1 : 0;
        }
        return written;
    }

    private WatchEvent next(String name, long deadline) {
        Watch watch = watches.get(name);
        if (watch == null) {
            throw new ClosedException("there is no watch " + name);
        }
        long left = Math.max(0, deadline - System.nanoTime());
        WatchEvent event =
                watch.poll(Duration.ofNanos(left))
                        .orElseThrow(
                                () ->
                                        new DeadlineExceededException(
                                                "no event came in time", ErrorDetails.NONE, null));
        if (!event.resumeToken().isEmpty()) {
            tokens.put(name, event.resumeToken());
        }
        return event;
    }

    private static String kind(ObjectNode event) {
        return event.get("event").textValue();
    }

    private ObjectNode token(Args args) {
        return Json.object().put("resume_token", tokens.get(args.text("watch")));
    }

    private ObjectNode close(Args args) {
        watches.remove(args.text("watch")).close();
        return Json.object();
    }
}
