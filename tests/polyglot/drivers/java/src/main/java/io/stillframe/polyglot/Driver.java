package io.stillframe.polyglot;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stillframe.client.Claim;
import io.stillframe.client.Client;
import io.stillframe.client.Deleted;
import io.stillframe.client.Diff;
import io.stillframe.client.Execution;
import io.stillframe.client.Forked;
import io.stillframe.client.Freshness;
import io.stillframe.client.HistoryOptions;
import io.stillframe.client.ListOptions;
import io.stillframe.client.Page;
import io.stillframe.client.ServerInfo;
import io.stillframe.client.StoredSnapshot;
import io.stillframe.client.errors.StillframeException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;

/** The commands of a driver that are one call, and those of handles. */
final class Driver implements AutoCloseable {
    private final Client client;
    private final Map<String, Execution> handles = new HashMap<>();
    private final Map<String, Function<Args, ObjectNode>> commands = new HashMap<>();

    Driver(Client client) {
        this.client = client;
        commands.put("info", this::info);
        commands.put("save", this::save);
        commands.put("load", args -> loaded(at(args).load(id(args), Given.load(args))));
        commands.put("claim", args -> claimed(at(args).claim(id(args), Given.claim(args))));
        commands.put("check_freshness", this::checkFreshness);
        commands.put("list", args -> Written.snapshots(at(args).list(listed(args))));
        commands.put("list_page", this::listPage);
        commands.put("history", this::history);
        commands.put("diff", this::diff);
        commands.put("fork", this::fork);
        commands.put("prune", this::prune);
        commands.put("delete", this::delete);
        commands.put("open", this::open);
        commands.put("handle_save", this::handleSave);
        commands.put("handle_load", args -> loaded(handle(args).load(Given.load(args))));
        commands.put("handle_claim", args -> claimed(handle(args).claim(Given.claim(args))));
        new MemoryCommands(this::at).addTo(commands);
        new SaverCommands(this::at).addTo(commands);
        new WatchCommands(this::at).addTo(commands);
    }

    @Override
    public void close() {
        client.close();
    }

    /** Carries out a command. */
    ObjectNode answer(JsonNode command) {
        try {
            String name = command.get("call").textValue();
            if (!commands.containsKey(name)) {
                throw new IllegalArgumentException("there is no call " + name);
            }
            Args args = new Args(command.path("args"));
            return Json.object().set("ok", commands.get(name).apply(args));
        } catch (StillframeException error) {
            return Json.object().set("error", Written.error(error));
        } catch (RuntimeException error) {
            ObjectNode written = Json.object();
            written.putObject("error")
                    .put("reason", "DRIVER")
                    .put("code", "UNKNOWN")
                    .put("message", error.toString());
            return written;
        }
    }

    private Client at(Args args) {
        return args.has("timeout") ? client.withTimeout(args.seconds("timeout")) : client;
    }

    private Execution handle(Args args) {
        Execution handle = handles.get(args.text("handle"));
        return args.has("timeout") ? handle.withTimeout(args.seconds("timeout")) : handle;
    }

    private static String id(Args args) {
        return args.text("execution_id");
    }

    private ObjectNode info(Args args) {
        ServerInfo info = at(args).info();
        ObjectNode written = Json.object();
        written.put("server_version", info.serverVersion()).put("store_kind", info.storeKind());
        ArrayNode features = written.putArray("features");
        info.features().forEach(features::add);
        written.putObject("limits")
                .put("max_request_bytes", Written.number(info.limits().maxRequestBytes()))
                .put("max_snapshot_bytes", Written.number(info.limits().maxSnapshotBytes()))
                .put("max_payload_bytes", Written.number(info.limits().maxPayloadBytes()))
                .put("max_entries", Written.number(info.limits().maxEntries()))
                .put("max_watches", Written.number(info.limits().maxWatches()))
                .put("max_inflight_bytes", Written.number(info.limits().maxInflightBytes()))
                .put("max_executions", Written.number(info.limits().maxExecutions()))
                .put("change_log_size", Written.number(info.limits().changeLogSize()))
                .put("progress_interval_ms", Written.number(info.limits().progressIntervalMs()))
                .put("max_value_bytes", Written.number(info.limits().maxValueBytes()));
        return written;
    }

    private ObjectNode save(Args args) {
        return Written.saved(
                at(args).save(id(args), Given.snapshot(args.part("snapshot")), Given.save(args)));
    }

    private static ObjectNode loaded(StoredSnapshot snapshot) {
        ObjectNode written = Json.object().set("snapshot", Written.snapshot(snapshot));
        snapshot.freshness().ifPresent(each -> written.set("freshness", Written.freshness(each)));
        return written;
    }

    private static ObjectNode claimed(Claim claim) {
        ObjectNode written = Json.object();
        written.put("writer_epoch", Written.number(claim.writerEpoch()));
        claim.snapshot().ifPresent(each -> written.set("snapshot", Written.snapshot(each)));
        claim.freshness().ifPresent(each -> written.set("freshness", Written.freshness(each)));
        return written;
    }

    private ObjectNode checkFreshness(Args args) {
        Comparator<String> byBytes =
                Comparator.comparing(
                        each -> each.getBytes(StandardCharsets.UTF_8), Arrays::compareUnsigned);
        TreeMap<String, Long> sorted = new TreeMap<>(byBytes);
        args.ifTextMap(
                "heads", heads -> heads.forEach((id, head) -> sorted.put(id, Args.number(head))));
        ObjectNode written = Json.object();
        ArrayNode results = written.putArray("results");
        for (Freshness each : at(args).checkFreshness(new LinkedHashMap<>(sorted))) {
            results.add(Written.freshness(each));
        }
        return written;
    }

    private static Consumer<ListOptions> listed(Args args) {
        return options -> {
            Given.ifFilter(args, options::filter);
            args.ifFlag("full", options::full);
            Given.ifProjection(args, options::projection);
            args.ifInt("page_size", options::pageSize);
            args.ifFlag("include_count", options::includeCount);
        };
    }

    private ObjectNode listPage(Args args) {
        String token = args.has("page_token") ? args.text("page_token") : "";
        Page<StoredSnapshot> page = at(args).listPage(token, listed(args));
        ObjectNode written = Written.snapshots(page.items());
        written.put("next_page_token", page.nextPageToken());
        page.count()
                .ifPresent(
                        each ->
                                written.putObject("count")
                                        .put("value", Written.number(each.value()))
                                        .put("at_least", each.atLeast()));
        return written;
    }

    private ObjectNode history(Args args) {
        Consumer<HistoryOptions> options =
                chosen -> {
                    Given.ifFilter(args, chosen::filter);
                    args.ifPart("criteria", each -> chosen.criteria(Given.criteria(each)));
                    args.ifTextMap("labels", chosen::labels);
                    args.ifFlag("full", chosen::full);
                    Given.ifProjection(args, chosen::projection);
                    args.ifInt("page_size", chosen::pageSize);
                };
        return Written.snapshots(
                args.has("execution_id")
                        ? at(args).history(id(args), options)
                        : at(args).history(options));
    }

    private ObjectNode diff(Args args) {
        Selector end = new Selector(args);
        Diff diff = at(args).diff(id(args), end.of("from"), end.of("to"));
        ObjectNode written = Json.object();
        written.put("from_version", Written.number(diff.fromVersion()));
        written.put("to_version", Written.number(diff.toVersion()));
        ArrayNode fields = written.putArray("header_fields");
        diff.headerFields().forEach(fields::add);
        ArrayNode entries = written.putArray("entries");
        diff.entries()
                .forEach(
                        each ->
                                entries.addObject()
                                        .put("map", each.map().name())
                                        .put("key", each.key())
                                        .put("kind", each.kind().name()));
        return written;
    }

    private record Selector(Args args) {
        io.stillframe.client.Selector of(String name) {
            return args.has(name)
                    ? Given.selector(args.part(name))
                    : io.stillframe.client.Selector.head();
        }
    }

    private ObjectNode fork(Args args) {
        Forked forked =
                at(args).fork(
                                id(args),
                                args.text("new_execution_id"),
                                options -> {
                                    Given.ifSelector(args, options::selector);
                                    args.ifFlag("include_history", options::includeHistory);
                                    args.ifNumber("sequence_number", options::sequenceNumber);
                                    args.ifText("request_id", options::requestId);
                                });
        return Json.object()
                .put("version", Written.number(forked.version()))
                .put("etag", forked.etag())
                .put("revision", Written.number(forked.revision()))
                .put("resume_token", forked.resumeToken())
                .put("snapshot_count", Written.number(forked.snapshotCount()));
    }

    private ObjectNode prune(Args args) {
        long count =
                at(args).prune(
                                id(args),
                                options -> {
                                    if (args.has("versions")) {
                                        options.versions(args.texts("versions", Args::number));
                                    }
                                    args.ifTexts("snapshot_ids", options::snapshotIds);
                                    args.ifPart(
                                            "criteria",
                                            each -> options.criteria(Given.criteria(each)));
                                    args.ifTextMap("labels", options::labels);
                                    args.ifFlag("all_history", options::allHistory);
                                    args.ifNumber("writer_epoch", options::writerEpoch);
                                    args.ifText("request_id", options::requestId);
                                });
        return Json.object().put("deleted_count", Written.number(count));
    }

    private ObjectNode delete(Args args) {
        Deleted deleted =
                at(args).delete(
                                id(args),
                                options -> {
                                    args.ifText("expected_etag", options::expectedEtag);
                                    args.ifNumber("writer_epoch", options::writerEpoch);
                                    args.ifFlag(
                                            "include_descendants", options::includeDescendants);
                                    args.ifText("request_id", options::requestId);
                                });
        return Json.object()
                .put("deleted_count", Written.number(deleted.deletedCount()))
                .put("revision", Written.number(deleted.revision()))
                .put("resume_token", deleted.resumeToken());
    }

    private ObjectNode open(Args args) {
        Execution handle =
                at(args).execution(
                                id(args),
                                options -> {
                                    args.ifNumber("writer_epoch", options::writerEpoch);
                                    args.ifFlag("overwrite", options::overwrite);
                                });
        handles.put(args.text("handle"), handle);
        return Json.object();
    }

    private ObjectNode handleSave(Args args) {
        return Written.saved(
                handle(args).save(Given.snapshot(args.part("snapshot")), Given.save(args)));
    }
}
