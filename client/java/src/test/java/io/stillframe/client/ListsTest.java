package io.stillframe.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stillframe.client.errors.InvalidFieldException;
import io.stillframe.v1.CheckFreshnessRequest;
import io.stillframe.v1.CheckFreshnessResponse;
import io.stillframe.v1.DeleteExecutionRequest;
import io.stillframe.v1.DeleteExecutionResponse;
import io.stillframe.v1.DeleteSnapshotsRequest;
import io.stillframe.v1.DeleteSnapshotsResponse;
import io.stillframe.v1.DiffSnapshotsRequest;
import io.stillframe.v1.DiffSnapshotsResponse;
import io.stillframe.v1.ExecutionSnapshot;
import io.stillframe.v1.ForkExecutionRequest;
import io.stillframe.v1.ForkExecutionResponse;
import io.stillframe.v1.ListExecutionsRequest;
import io.stillframe.v1.ListExecutionsResponse;
import io.stillframe.v1.ListSnapshotsRequest;
import io.stillframe.v1.ListSnapshotsResponse;
import io.stillframe.v1.SnapshotView;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Lists, histories, and what is done with them. */
class ListsTest {
    private FakeServer server;
    private Client client;

    @BeforeEach
    void open() throws IOException {
        server = new FakeServer();
        client = server.client().build();
    }

    @AfterEach
    void close() {
        client.close();
        server.close();
    }

    @Test
    void freshnessIsAskedForInBatches() {
        Map<String, Long> heads = new LinkedHashMap<>();
        for (int i = 0; i < 1_001; i++) {
            heads.put("run-" + i, (long) i);
        }
        for (int i = 0; i < 2; i++) {
            server.answer(
                    request -> {
                        CheckFreshnessResponse.Builder answer = CheckFreshnessResponse.newBuilder();
                        ((CheckFreshnessRequest) request)
                                .getExecutionsList()
                                .forEach(
                                        each ->
                                                answer.addResultsBuilder()
                                                        .setExecutionId(each.getExecutionId())
                                                        .setEventStoreHead(
                                                                each.getEventStoreHead()));
                        return answer.build();
                    });
        }
        List<Freshness> results = client.checkFreshness(heads);
        assertEquals(
                List.copyOf(heads.keySet()), results.stream().map(Freshness::executionId).toList());
        assertEquals(2, server.requests.size());
    }

    @Test
    void aListFetchesPagesAsTheyAreComeTo() {
        for (String[] page : new String[][] {{"a", "t1"}, {"", "t2"}, {"b", ""}}) {
            ListExecutionsResponse.Builder answer =
                    ListExecutionsResponse.newBuilder().setNextPageToken(page[1]);
            if (!page[0].isEmpty()) {
                answer.addExecutionsBuilder().setExecutionId(page[0]);
            }
            server.answer(answer.build());
        }
        Listing<StoredSnapshot> listing =
                client.list(
                        options ->
                                options.full()
                                        .pageSize(1)
                                        .filter(
                                                Filter.builder()
                                                        .states(ExecutionState.RUNNING)
                                                        .build()));
        assertTrue(server.requests.isEmpty());
        var each = listing.iterator();
        assertEquals("a", each.next().executionId());
        assertEquals(1, server.requests.size());
        assertEquals("b", each.next().executionId());
        assertFalse(each.hasNext());
        ListExecutionsRequest request = server.request(ListExecutionsRequest.class);
        assertEquals("t2", request.getPageToken());
        assertEquals(SnapshotView.SNAPSHOT_VIEW_FULL, request.getView());
        assertEquals(List.of(3), request.getFilter().getStatesValueList());
        assertEquals(64 * 1024 * 1024, request.getMaxMessageBytes());
    }

    @Test
    void aPageHasItsTokenAndCount() {
        server.answer(
                ListExecutionsResponse.newBuilder()
                        .setNextPageToken("t")
                        .setCount(
                                io.stillframe.v1.MatchCount.newBuilder()
                                        .setValue(10_000)
                                        .setAtLeast(true))
                        .build());
        Page<StoredSnapshot> page = client.listPage("p", ListOptions::includeCount);
        assertEquals("t", page.nextPageToken());
        assertFalse(page.isLast());
        assertEquals(new MatchCount(10_000, true), page.count().orElseThrow());
        assertEquals("p", server.request(ListExecutionsRequest.class).getPageToken());
    }

    @Test
    void aProjectionNeedsTheFullView() {
        assertThrows(
                InvalidFieldException.class,
                () -> client.listPage("", options -> options.projection(Projection.HEADER)));
        assertThrows(
                InvalidFieldException.class,
                () -> client.historyPage("", options -> options.projection(Projection.HEADER)));
        assertThrows(
                InvalidFieldException.class,
                () -> client.watch(options -> options.projection(Projection.HEADER)));
    }

    @Test
    void whatSelectsNothingIsRefused() {
        assertThrows(InvalidFieldException.class, () -> Filter.builder().states(List.of()));
        assertThrows(InvalidFieldException.class, () -> Filter.builder().executionIds());
        assertThrows(
                InvalidFieldException.class,
                () -> client.prune("run-1", options -> options.versions(List.of())));
        assertThrows(
                InvalidFieldException.class,
                () -> client.prune("run-1", options -> options.labels(Map.of())));
    }

    @Test
    void aHistoryIsThatOfAnExecutionOrOfAFilter() {
        server.answer(
                        ListSnapshotsResponse.newBuilder()
                                .addSnapshots(ExecutionSnapshot.newBuilder().setVersion(2))
                                .addSnapshots(ExecutionSnapshot.newBuilder().setVersion(1))
                                .build())
                .answer(ListSnapshotsResponse.getDefaultInstance());
        Criteria criteria = Criteria.builder().sequenceMax(0).build();
        assertEquals(
                List.of(2L, 1L),
                client.history("run-1", options -> options.criteria(criteria))
                        .stream()
                        .map(StoredSnapshot::version)
                        .toList());
        ListSnapshotsRequest request = server.request(ListSnapshotsRequest.class);
        assertEquals("run-1", request.getExecutionId());
        assertTrue(request.getCriteria().hasSequenceMax());
        assertEquals(0, client.history(options -> {}).stream().count());
        assertFalse(server.request(ListSnapshotsRequest.class).hasExecutionId());
    }

    @Test
    void aDiffGathersItsPages() {
        for (String token : new String[] {"t", ""}) {
            DiffSnapshotsResponse.Builder page =
                    DiffSnapshotsResponse.newBuilder()
                            .setFromVersion(1)
                            .setToVersion(2)
                            .addHeaderFields("state")
                            .setNextPageToken(token);
            page.addEntriesBuilder().setMapValue(2).setKey("k" + token).setKindValue(3);
            server.answer(page.build());
        }
        Diff diff = client.diff("run-1", Selector.version(1), Selector.head());
        assertEquals(List.of("state"), diff.headerFields());
        assertEquals(
                List.of("kt", "k"), diff.entries().stream().map(EntryDifference::key).toList());
        assertEquals(DifferenceKind.CHANGED, diff.entries().get(0).kind());
        assertEquals("t", server.request(DiffSnapshotsRequest.class).getPageToken());
    }

    @Test
    void forksPrunesAndDeletesCarryARequestId() {
        server.answer(ForkExecutionResponse.newBuilder().setSnapshotCount(2).build())
                .answer(DeleteSnapshotsResponse.newBuilder().setDeletedCount(3).build())
                .answer(DeleteExecutionResponse.newBuilder().setDeletedCount(4).build());
        Selector selector = Selector.latest(Criteria.builder().sequenceMax(9).build());
        Forked forked =
                client.fork(
                        "a",
                        "b",
                        options -> options.selector(selector).includeHistory().sequenceNumber(0));
        assertEquals(2, forked.snapshotCount());
        ForkExecutionRequest fork = server.request(ForkExecutionRequest.class);
        assertEquals(32, fork.getRequestId().length());
        assertTrue(fork.hasSequenceNumber());
        assertEquals(9, fork.getSelector().getLatestMatching().getSequenceMax());
        assertEquals(3, client.prune("a", options -> options.versions(List.of(1L, 2L))));
        DeleteSnapshotsRequest prune = server.request(DeleteSnapshotsRequest.class);
        assertEquals(32, prune.getRequestId().length());
        assertEquals(List.of(1L, 2L), prune.getVersionsList());
        assertEquals(4, client.delete("a", DeleteOptions::includeDescendants).deletedCount());
        DeleteExecutionRequest delete = server.request(DeleteExecutionRequest.class);
        assertEquals(32, delete.getRequestId().length());
        assertTrue(delete.getIncludeDescendants());
    }
}
