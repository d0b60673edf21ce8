package io.stillframe.polyglot;

import io.stillframe.client.ClaimOptions;
import io.stillframe.client.Criteria;
import io.stillframe.client.ExecutionState;
import io.stillframe.client.Filter;
import io.stillframe.client.LoadOptions;
import io.stillframe.client.MapProjection;
import io.stillframe.client.Projection;
import io.stillframe.client.SaveOptions;
import io.stillframe.client.Selector;
import io.stillframe.client.Snapshot;
import io.stillframe.client.StateClass;
import io.stillframe.client.WaitReason;
import java.util.Optional;
import java.util.function.Consumer;

/** Arguments in the notation, as the client's types. */
final class Given {
    private Given() {}

    static Snapshot snapshot(Args given) {
        Snapshot.Builder built =
                Snapshot.builder(ExecutionState.valueOf(given.text("state")));
        given.ifText("wait_reason", each -> built.waitReason(WaitReason.valueOf(each)));
        given.ifNumber("sequence_number", built::sequenceNumber);
        given.ifText("user_id", built::userId);
        given.ifText("current_step_id", built::currentStepId);
        given.ifPart("step_outputs", each -> built.stepOutputs(Values.map(each.node())));
        given.ifPart("variables", each -> built.variables(Values.map(each.node())));
        given.ifTime("timestamp", built::timestamp);
        given.ifTextMap("labels", built::labels);
        given.ifText("snapshot_id", built::snapshotId);
        given.ifText("parent_snapshot_id", built::parentSnapshotId);
        given.ifText("parent_execution_id", built::parentExecutionId);
        given.ifText("schema_version", built::schemaVersion);
        return built.build();
    }

    static Consumer<SaveOptions> save(Args given) {
        return options -> {
            given.ifText("expected_etag", options::expectedEtag);
            given.ifFlag("must_not_exist", options::mustNotExist);
            given.ifNumber("writer_epoch", options::writerEpoch);
            given.ifSeconds("ttl", options::ttl);
            given.ifFlag("allow_sequence_regression", options::allowSequenceRegression);
            given.ifText("request_id", options::requestId);
        };
    }

    static Consumer<LoadOptions> load(Args given) {
        return options -> {
            ifSelector(given, options::selector);
            ifProjection(given, options::projection);
            given.ifNumber("event_store_head", options::eventStoreHead);
            given.ifFlag("require_fresh", options::requireFresh);
            given.ifNumber("max_behind", options::maxBehind);
            given.ifNumber("max_message_bytes", options::maxMessageBytes);
        };
    }

    static Consumer<ClaimOptions> claim(Args given) {
        return options -> {
            given.ifFlag("allow_missing", options::allowMissing);
            ifProjection(given, options::projection);
            given.ifNumber("event_store_head", options::eventStoreHead);
        };
    }

    /** The selector of the arguments; without one the head. */
    static Selector selector(Args given) {
        Selector[] chosen = {Selector.head()};
        ifSelector(given, each -> chosen[0] = each);
        return chosen[0];
    }

    static void ifSelector(Args given, Consumer<Selector> use) {
        int count = 0;
        for (String name : new String[] {"version", "snapshot_id", "criteria"}) {
            count += given.has(name) ? 1 : 0;
        }
        if (count > 1) {
            throw new IllegalArgumentException("a Selector is one of the three by its type");
        }
        given.ifNumber("version", each -> use.accept(Selector.version(each)));
        given.ifText("snapshot_id", each -> use.accept(Selector.snapshotId(each)));
        given.ifPart("criteria", each -> use.accept(Selector.latest(criteria(each))));
    }

    static void ifProjection(Args given, Consumer<Projection> use) {
        given.ifPart(
                "projection",
                each ->
                        use.accept(
                                new Projection(
                                        chosen(each, "step_outputs"), chosen(each, "variables"))));
    }

    private static Optional<MapProjection> chosen(Args given, String map) {
        if (!given.has(map)) {
            return Optional.empty();
        }
        Args part = given.part(map);
        return Optional.of(
                new MapProjection(
                        part.flag("all"),
                        part.texts("keys", each -> each),
                        part.texts("key_prefixes", each -> each)));
    }

    static Criteria criteria(Args given) {
        Criteria.Builder built = Criteria.builder();
        given.ifNumber("sequence_min", built::sequenceMin);
        given.ifNumber("sequence_max", built::sequenceMax);
        given.ifTime("timestamp_min", built::timestampMin);
        given.ifTime("timestamp_max", built::timestampMax);
        given.ifTime("commit_time_min", built::commitTimeMin);
        given.ifTime("commit_time_max", built::commitTimeMax);
        return built.build();
    }

    static void ifFilter(Args given, Consumer<Filter> use) {
        given.ifPart("filter", each -> use.accept(filter(each)));
    }

    private static Filter filter(Args given) {
        Filter.Builder built = Filter.builder();
        given.ifTexts("execution_ids", built::executionIds);
        given.ifText("execution_id_prefix", built::executionIdPrefix);
        if (given.has("states")) {
            built.states(given.texts("states", ExecutionState::valueOf));
        }
        if (given.has("state_classes")) {
            built.stateClasses(given.texts("state_classes", StateClass::valueOf));
        }
        if (given.has("wait_reasons")) {
            built.waitReasons(given.texts("wait_reasons", WaitReason::valueOf));
        }
        given.ifText("user_id", built::userId);
        given.ifText("parent_execution_id", built::parentExecutionId);
        given.ifTextMap("labels", built::labels);
        given.ifPart("criteria", each -> built.criteria(criteria(each)));
        return built.build();
    }
}
