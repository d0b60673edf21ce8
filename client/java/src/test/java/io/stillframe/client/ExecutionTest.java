package io.stillframe.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.stillframe.client.errors.DeltaBaseMismatchException;
import io.stillframe.client.errors.UnavailableException;
import io.stillframe.v1.ClaimExecutionResponse;
import io.stillframe.v1.DeleteExecutionRequest;
import io.stillframe.v1.DeleteExecutionResponse;
import io.stillframe.v1.DeleteSnapshotsRequest;
import io.stillframe.v1.DeleteSnapshotsResponse;
import io.stillframe.v1.ExecutionSnapshot;
import io.stillframe.v1.LoadSnapshotResponse;
import io.stillframe.v1.SaveSnapshotRequest;
import io.stillframe.v1.SaveSnapshotResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ExecutionTest {
    private static final String LONG = "x".repeat(1_000);
    private static final Snapshot.Builder STATE =
            Snapshot.builder(ExecutionState.RUNNING).variable("long", LONG);
    private static final ExecutionSnapshot HEAD =
            ExecutionSnapshot.newBuilder()
                    .setEtag("head")
                    .putVariables("long", new JsonCodec().encode(LONG).message())
                    .build();

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

    private static SaveSnapshotResponse saved(String etag) {
        return SaveSnapshotResponse.newBuilder().setEtag(etag).build();
    }

    private SaveSnapshotRequest request() {
        return server.request(SaveSnapshotRequest.class);
    }

    @Test
    void aClaimGivesLaterSavesTheirEpochAndTheirBase() {
        Execution execution = client.execution("run-1");
        assertEquals(OptionalLong.empty(), execution.writerEpoch());
        server.answer(
                        ClaimExecutionResponse.newBuilder()
                                .setWriterEpoch(4)
                                .setSnapshot(HEAD)
                                .build())
                .answer(saved("e1"));
        execution.claim();
        assertEquals(OptionalLong.of(4), execution.writerEpoch());
        execution.save(STATE.build().toBuilder().variable("n", 1).build());
        assertEquals(4, request().getWriterEpoch());
        assertEquals("run-1", request().getExecutionId());
        assertEquals("acme", request().getTenantId());
        assertEquals("head", request().getDelta().getBaseEtag());
        assertEquals(1, request().getDelta().getSnapshot().getVariablesCount());
    }

    @Test
    void onlyTheWholeHeadIsABase() {
        Execution execution = client.execution("run-1", options -> options.writerEpoch(2));
        LoadSnapshotResponse answer = LoadSnapshotResponse.newBuilder().setSnapshot(HEAD).build();
        server.answer(answer).answer(saved("e1"));
        execution.load(options -> options.selector(Selector.version(1)));
        execution.save(STATE.build());
        assertTrue(request().hasSnapshot());
        assertFalse(request().hasExpectedEtag());
        assertEquals(2, request().getWriterEpoch());
        server.answer(answer).answer(saved("e2"));
        execution.load(options -> options.selector(Selector.head()));
        execution.save(STATE.build());
        assertEquals("head", request().getDelta().getBaseEtag());
    }

    @Test
    void theOptionsOfASaveCount() {
        server.answer(saved("e"));
        client.execution("run-1")
                .save(
                        STATE.build(),
                        options ->
                                options.expectedEtag("mine")
                                        .ttl(Duration.ZERO)
                                        .requestId("r")
                                        .writerEpoch(9));
        assertEquals("mine", request().getExpectedEtag());
        assertTrue(request().hasTtl());
        assertEquals("r", request().getRequestId());
        // The epoch is the handle's.
        assertFalse(request().hasWriterEpoch());
    }

    @Test
    void viewsOfAHandleShareWhatIsKnown() {
        Execution execution = client.execution("run-1");
        server.answer(saved("e1"))
                .refuse(Errors.of(Status.Code.ABORTED, "DELTA_BASE_MISMATCH"));
        execution.withTimeout(Duration.ofSeconds(5)).save(STATE.build());
        assertThrows(
                DeltaBaseMismatchException.class,
                () -> execution.save(STATE.build().toBuilder().variable("n", 1).build()));
        assertEquals("e1", request().getDelta().getBaseEtag());
    }

    @Test
    void aSaveWithoutAnAnswerIsSettledFirst() {
        Execution execution = client.execution("run-1");
        for (int i = 0; i < RetryPolicy.DEFAULT.maxAttempts(); i++) {
            server.refuse(Errors.of(Status.Code.UNAVAILABLE));
        }
        assertThrows(UnavailableException.class, () -> execution.save(STATE.build()));
        SaveSnapshotRequest owed = request();
        server.answer(saved("e1")).answer(saved("e2"));
        execution.save(STATE.build().toBuilder().variable("n", 1).build());
        int last = server.requests.size() - 1;
        assertEquals(owed, server.requests.get(last - 1));
        assertEquals("e1", request().getDelta().getBaseEtag());
    }

    @Test
    void deletesAndPrunesCarryTheEpochAndADeleteForgets() {
        Execution execution = client.execution("run-1", options -> options.writerEpoch(3));
        server.answer(saved("e1"))
                .answer(DeleteSnapshotsResponse.getDefaultInstance())
                .answer(DeleteExecutionResponse.getDefaultInstance())
                .answer(saved("e2"));
        execution.save(STATE.build());
        execution.prune(PruneOptions::allHistory);
        assertEquals(3, server.request(DeleteSnapshotsRequest.class).getWriterEpoch());
        execution.delete();
        assertEquals(3, server.request(DeleteExecutionRequest.class).getWriterEpoch());
        execution.save(STATE.build());
        assertTrue(request().hasSnapshot());
        assertFalse(request().hasExpectedEtag());
    }
}
