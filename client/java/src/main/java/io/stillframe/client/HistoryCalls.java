package io.stillframe.client;

import io.stillframe.v1.DiffSnapshotsRequest;
import io.stillframe.v1.DiffSnapshotsResponse;
import io.stillframe.v1.ListSnapshotsResponse;
import io.stillframe.v1.SnapshotServiceGrpc;
import io.stillframe.v1.SnapshotView;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** What a client does with the history of executions. A part of {@link Client}. */
abstract sealed class HistoryCalls permits Client {
    private static final int DIFF_PAGE = 10_000;

    final Calls calls;

    HistoryCalls(Calls calls) {
        this.calls = calls;
    }

    /** The snapshots of one execution, newest first. */
    public Listing<StoredSnapshot> history(String executionId, Consumer<HistoryOptions> options) {
        return new Listing<>(token -> historyPage(executionId, token, options));
    }

    /** The snapshots of every execution whose head the filter matches, newest first. */
    public Listing<StoredSnapshot> history(Consumer<HistoryOptions> options) {
        return new Listing<>(token -> historyPage(token, options));
    }

    /**
     * One page of {@link #history(String, Consumer)}; the token as in {@link Client#listPage}.
     *
     * @throws io.stillframe.client.errors.ExecutionNotFoundException if there is no such execution
     */
    public Page<StoredSnapshot> historyPage(
            String executionId, String pageToken, Consumer<HistoryOptions> options) {
        return historyPage(
                pageToken,
                chosen -> {
                    chosen.request.setExecutionId(executionId);
                    options.accept(chosen);
                });
    }

    /** One page of {@link #history(Consumer)}; the token as in {@link Client#listPage}. */
    public Page<StoredSnapshot> historyPage(String pageToken, Consumer<HistoryOptions> options) {
        HistoryOptions chosen = new HistoryOptions();
        options.accept(chosen);
        refuseProjection(chosen.request.getView(), chosen.request.hasProjection());
        chosen.request
                .setTenantId(calls.tenant())
                .setPageToken(pageToken)
                .setMaxMessageBytes(calls.maxMessageBytes());
        ListSnapshotsResponse page =
                calls.unary(SnapshotServiceGrpc.getListSnapshotsMethod(), chosen.request.build());
        return new Page<>(
                page.getSnapshotsList().stream()
                        .map(each -> StoredSnapshot.of(each, calls.codec()))
                        .toList(),
                page.getNextPageToken(),
                Optional.empty());
    }

    /**
     * Compares two snapshots of an execution, without loading them; whatever is saved meanwhile.
     *
     * @throws io.stillframe.client.errors.SnapshotNotFoundException if it does not have one of them
     */
    public Diff diff(String executionId, Selector from, Selector to) {
        DiffSnapshotsRequest.Builder request =
                DiffSnapshotsRequest.newBuilder()
                        .setTenantId(calls.tenant())
                        .setExecutionId(executionId)
                        .setFrom(from.message())
                        .setTo(to.message())
                        .setPageSize(DIFF_PAGE);
        List<DiffSnapshotsResponse> pages = new ArrayList<>();
        do {
            DiffSnapshotsResponse page =
                    calls.unary(SnapshotServiceGrpc.getDiffSnapshotsMethod(), request.build());
            pages.add(page);
            request.setPageToken(page.getNextPageToken());
        } while (!request.getPageToken().isEmpty());
        return Diff.of(pages);
    }

    /** Creates an execution from the head of another, without its history. */
    public Forked fork(String executionId, String newExecutionId) {
        return fork(executionId, newExecutionId, options -> {});
    }

    /**
     * Creates an execution from a snapshot of another. The new one has versions of its own, no
     * writer epoch and no ttl; the origin of its snapshots says where they came from.
     *
     * @throws io.stillframe.client.errors.ExecutionExistsException if there is the new one
     */
    public Forked fork(String executionId, String newExecutionId, Consumer<ForkOptions> options) {
        ForkOptions chosen = new ForkOptions();
        options.accept(chosen);
        chosen.request
                .setTenantId(calls.tenant())
                .setExecutionId(executionId)
                .setNewExecutionId(newExecutionId)
                .setRequestId(Calls.requestId(chosen.request.getRequestId()));
        return Forked.of(
                calls.unary(SnapshotServiceGrpc.getForkExecutionMethod(), chosen.request.build()));
    }

    /**
     * Deletes history of an execution, never its head, and returns how many snapshots that were.
     * What does not exist is passed over.
     *
     * @throws io.stillframe.client.errors.ExecutionNotFoundException if there is no such execution
     */
    public long prune(String executionId, Consumer<PruneOptions> options) {
        PruneOptions chosen = new PruneOptions();
        options.accept(chosen);
        chosen.request
                .setTenantId(calls.tenant())
                .setExecutionId(executionId)
                .setRequestId(Calls.requestId(chosen.request.getRequestId()));
        return calls.unary(SnapshotServiceGrpc.getDeleteSnapshotsMethod(), chosen.request.build())
                .getDeletedCount();
    }

    static void refuseProjection(SnapshotView view, boolean hasProjection) {
        if (hasProjection && view != SnapshotView.SNAPSHOT_VIEW_FULL) {
            throw Messages.invalidField("projection", "needs full()");
        }
    }
}
