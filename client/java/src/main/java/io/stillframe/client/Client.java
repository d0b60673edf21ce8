package io.stillframe.client;

import io.stillframe.v1.CheckFreshnessRequest;
import io.stillframe.v1.FreshnessQuery;
import io.stillframe.v1.GetServerInfoRequest;
import io.stillframe.v1.ListExecutionsResponse;
import io.stillframe.v1.LoadSnapshotResponse;
import io.stillframe.v1.SaveSnapshotRequest;
import io.stillframe.v1.SnapshotServiceGrpc;
import io.stillframe.v1.WatchSnapshotsRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A client of one tenant.
 *
 * <p>Connects at the first call, repeats calls as {@link RetryPolicy} says, and throws
 * {@link io.stillframe.client.errors.StillframeException}. Usable from many threads. An options
 * argument is filled in by the caller:
 *
 * <pre>{@code
 * client.load("run-1", options -> options.selector(Selector.version(3)));
 * }</pre>
 */
public final class Client extends HistoryCalls implements AutoCloseable {
    private static final int FRESHNESS_BATCH = 1_000;

    Client(Calls calls) {
        super(calls);
    }

    /**
     * Starts a client of the server at {@code target}: an address, several IP addresses separated by
     * commas (the first that answers is used), or a gRPC target with a scheme.
     */
    public static ClientBuilder builder(String target) {
        return new ClientBuilder(target);
    }

    /** The tenant of every call. */
    public String tenant() {
        return calls.tenant();
    }

    /**
     * This client with another timeout, for a call or a handle of its own. It shares the connection,
     * so that closing either closes both.
     */
    public Client withTimeout(Duration timeout) {
        return new Client(calls.within(Objects.requireNonNull(timeout)));
    }

    /**
     * Closes the connection, unless its channel was given, and ends the watches and the savers. What
     * a saver has not flushed is lost: close savers before.
     */
    @Override
    public void close() {
        calls.transport().close();
    }

    Calls calls() {
        return calls;
    }

    /** Saves the whole snapshot, and returns once it is durable. */
    public Saved save(String executionId, Snapshot snapshot) {
        return save(executionId, snapshot, options -> {});
    }

    /**
     * Saves the whole snapshot, and returns once it is durable.
     *
     * @throws io.stillframe.client.errors.ValueEncodeException for a value that the codec refuses
     * @throws io.stillframe.client.errors.FencedException if another engine has claimed the
     *     execution
     * @throws io.stillframe.client.errors.SnapshotTooLargeException for more than the server accepts
     */
    public Saved save(String executionId, Snapshot snapshot, Consumer<SaveOptions> options) {
        SaveOptions chosen = new SaveOptions();
        options.accept(chosen);
        chosen.request
                .setTenantId(tenant())
                .setExecutionId(executionId)
                .setSnapshot(EncodedSnapshot.of(snapshot, calls.codec()).message())
                .setRequestId(Calls.requestId(chosen.request.getRequestId()));
        return save(chosen.request.build(), calls.timeout());
    }

    Saved save(SaveSnapshotRequest request, Duration timeout) {
        return Saved.of(
                calls.unary(SnapshotServiceGrpc.getSaveSnapshotMethod(), request, timeout));
    }

    /** Loads the head. */
    public StoredSnapshot load(String executionId) {
        return load(executionId, options -> {});
    }

    /**
     * Loads one snapshot: the head, unless a selector names another.
     *
     * @throws io.stillframe.client.errors.ExecutionNotFoundException if there is no such execution
     * @throws io.stillframe.client.errors.SnapshotNotFoundException if it has no such snapshot
     */
    public StoredSnapshot load(String executionId, Consumer<LoadOptions> options) {
        LoadOptions chosen = new LoadOptions();
        options.accept(chosen);
        return load(executionId, chosen);
    }

    StoredSnapshot load(String executionId, LoadOptions chosen) {
        chosen.request.setTenantId(tenant()).setExecutionId(executionId);
        if (!chosen.request.hasMaxMessageBytes()) {
            chosen.request.setMaxMessageBytes(calls.maxMessageBytes());
        }
        LoadSnapshotResponse answer =
                calls.unary(SnapshotServiceGrpc.getLoadSnapshotMethod(), chosen.request.build());
        Freshness freshness = answer.hasFreshness() ? Freshness.of(answer.getFreshness()) : null;
        return StoredSnapshot.of(answer.getSnapshot(), calls.codec(), freshness);
    }

    /** Takes over an execution that exists. */
    public Claim claim(String executionId) {
        return claim(executionId, options -> {});
    }

    /**
     * Takes over an execution: raises its writer epoch, and gives it with the head. From then on
     * saves with a lower epoch, or none, are refused with FencedException.
     *
     * @throws io.stillframe.client.errors.ExecutionNotFoundException if there is none, unless
     *     {@link ClaimOptions#allowMissing}
     */
    public Claim claim(String executionId, Consumer<ClaimOptions> options) {
        ClaimOptions chosen = new ClaimOptions();
        options.accept(chosen);
        chosen.request
                .setTenantId(tenant())
                .setExecutionId(executionId)
                .setMaxMessageBytes(calls.maxMessageBytes());
        return Claim.of(
                calls.unary(SnapshotServiceGrpc.getClaimExecutionMethod(), chosen.request.build()),
                calls.codec());
    }

    /**
     * Compares executions with the heads of their event stores, by execution id, without loading
     * anything; the results are in the order of the map. An execution that does not exist is
     * MISSING. More than 1,000 are asked for in several calls.
     */
    public List<Freshness> checkFreshness(Map<String, Long> eventStoreHeads) {
        List<FreshnessQuery> queries = new ArrayList<>();
        eventStoreHeads.forEach(
                (executionId, head) ->
                        queries.add(
                                FreshnessQuery.newBuilder()
                                        .setExecutionId(executionId)
                                        .setEventStoreHead(head)
                                        .build()));
        List<Freshness> results = new ArrayList<>();
        for (int start = 0; start < queries.size(); start += FRESHNESS_BATCH) {
            int end = Math.min(start + FRESHNESS_BATCH, queries.size());
            CheckFreshnessRequest request =
                    CheckFreshnessRequest.newBuilder()
                            .setTenantId(tenant())
                            .addAllExecutions(queries.subList(start, end))
                            .build();
            calls.unary(SnapshotServiceGrpc.getCheckFreshnessMethod(), request)
                    .getResultsList()
                    .forEach(each -> results.add(Freshness.of(each)));
        }
        return results;
    }

    /**
     * The heads that a filter matches, in order of the bytes of the execution id. An execution that
     * changes meanwhile is neither skipped nor given twice.
     */
    public Listing<StoredSnapshot> list(Consumer<ListOptions> options) {
        return new Listing<>(token -> listPage(token, options));
    }

    /**
     * One page of {@link #list}. {@code pageToken}: the token that the page before gave, with the
     * same options; empty for the first.
     *
     * @throws io.stillframe.client.errors.PageTokenMismatchException for a token of other options
     */
    public Page<StoredSnapshot> listPage(String pageToken, Consumer<ListOptions> options) {
        ListOptions chosen = new ListOptions();
        options.accept(chosen);
        refuseProjection(chosen.request.getView(), chosen.request.hasProjection());
        chosen.request
                .setTenantId(tenant())
                .setPageToken(pageToken)
                .setMaxMessageBytes(calls.maxMessageBytes());
        ListExecutionsResponse page =
                calls.unary(SnapshotServiceGrpc.getListExecutionsMethod(), chosen.request.build());
        return new Page<>(
                page.getExecutionsList().stream()
                        .map(each -> StoredSnapshot.of(each, calls.codec()))
                        .toList(),
                page.getNextPageToken(),
                page.hasCount() ? Optional.of(MatchCount.of(page.getCount())) : Optional.empty());
    }

    /** Deletes an execution with its history. Where there is none, counts 0. */
    public Deleted delete(String executionId) {
        return delete(executionId, options -> {});
    }

    /** Deletes an execution with its history. Where there is none, counts 0. */
    public Deleted delete(String executionId, Consumer<DeleteOptions> options) {
        DeleteOptions chosen = new DeleteOptions();
        options.accept(chosen);
        chosen.request
                .setTenantId(tenant())
                .setExecutionId(executionId)
                .setRequestId(Calls.requestId(chosen.request.getRequestId()));
        return Deleted.of(
                calls.unary(
                        SnapshotServiceGrpc.getDeleteExecutionMethod(), chosen.request.build()));
    }

    /** Gets what the server is, and its limits. */
    public ServerInfo info() {
        GetServerInfoRequest request = GetServerInfoRequest.getDefaultInstance();
        return ServerInfo.of(calls.unary(SnapshotServiceGrpc.getGetServerInfoMethod(), request));
    }

    /** Watches executions, from now on unless the options give another start. */
    public Watch watch(Consumer<WatchOptions> options) {
        return watching(options).get();
    }

    /**
     * As {@link #watch}, as a publisher: each subscriber has a watch of its own with these options,
     * run by a thread of its own. An event is taken from the watch only on demand. Completes when
     * the client is closed.
     */
    public Flow.Publisher<WatchEvent> watchPublisher(Consumer<WatchOptions> options) {
        return new WatchPublisher(calls.transport(), watching(options));
    }

    private Supplier<Watch> watching(Consumer<WatchOptions> options) {
        WatchOptions chosen = new WatchOptions();
        options.accept(chosen);
        refuseProjection(chosen.request.getView(), chosen.request.hasProjection());
        chosen.request.setTenantId(tenant());
        if (!chosen.request.hasMaxMessageBytes()) {
            chosen.request.setMaxMessageBytes(calls.maxMessageBytes());
        }
        WatchSnapshotsRequest request = chosen.request.build();
        Messages.check(request, calls.maxMessageBytes());
        return () -> new Watch(Watching.of(request, chosen.restartIfLost, calls), calls.transport());
    }

    /** A handle on one execution, which saves deltas where they are smaller. */
    public Execution execution(String executionId) {
        return execution(executionId, options -> {});
    }

    /** A handle on one execution, which saves deltas where they are smaller. */
    public Execution execution(String executionId, Consumer<HandleOptions> options) {
        HandleOptions chosen = new HandleOptions();
        options.accept(chosen);
        return new Execution(this, executionId, chosen);
    }

    /** Saves one execution in the background; the newest state wins. */
    public Saver saver(String executionId) {
        return saver(executionId, options -> {});
    }

    /** Saves one execution in the background; the newest state wins. */
    public Saver saver(String executionId, Consumer<SaverOptions> options) {
        SaverOptions chosen = new SaverOptions();
        options.accept(chosen);
        return new Saver(
                new Execution(this, executionId, chosen.handle), calls, chosen.maxAbsence);
    }

    /** The working memory of the tenant's own scope. */
    public WorkingMemory workingMemory() {
        return new WorkingMemory(calls, null);
    }

    /** The working memory of an execution's scope. */
    public WorkingMemory workingMemory(String executionId) {
        return new WorkingMemory(calls, Objects.requireNonNull(executionId));
    }
}
