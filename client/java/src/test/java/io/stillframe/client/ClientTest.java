package io.stillframe.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Metadata;
import io.stillframe.client.errors.IncompleteSnapshotException;
import io.stillframe.client.errors.ValueDecodeException;
import io.stillframe.client.errors.ValueEncodeException;
import io.stillframe.v1.ClaimExecutionRequest;
import io.stillframe.v1.ClaimExecutionResponse;
import io.stillframe.v1.ExecutionSnapshot;
import io.stillframe.v1.GetServerInfoResponse;
import io.stillframe.v1.LoadSnapshotRequest;
import io.stillframe.v1.LoadSnapshotResponse;
import io.stillframe.v1.Omission;
import io.stillframe.v1.SaveSnapshotRequest;
import io.stillframe.v1.SaveSnapshotResponse;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ClientTest {
    private static final Snapshot RUNNING = Snapshot.builder(ExecutionState.RUNNING).build();
    private static final SaveSnapshotResponse SAVED =
            SaveSnapshotResponse.newBuilder()
                    .setVersion(3)
                    .setEtag("e")
                    .setRevision(9)
                    .setResumeToken("t")
                    .setOutcomeValue(2)
                    .build();

    private FakeServer server;
    private Client client;

    @BeforeEach
    void open() throws IOException {
        server = new FakeServer();
        client = server.client().metadata("authorization", "Bearer x").build();
    }

    @AfterEach
    void close() {
        client.close();
        server.close();
    }

    @Test
    void aSaveSendsAllThatASnapshotHas() {
        server.answer(SAVED);
        Instant time = Instant.parse("2024-02-29T23:59:59.000000001Z");
        Saved saved =
                client.save(
                        "run-1",
                        Snapshot.builder(ExecutionState.RUNNING)
                                .waiting(WaitReason.APPROVAL)
                                .sequenceNumber(7)
                                .userId("u")
                                .currentStepId("s")
                                .stepOutput("s", 1)
                                .variable("v", null)
                                .timestamp(time)
                                .label("k", "l")
                                .snapshotId("x")
                                .parentSnapshotId("w")
                                .parentExecutionId("p")
                                .schemaVersion("1")
                                .build(),
                        options ->
                                options.expectedEtag("e0")
                                        .writerEpoch(4)
                                        .ttl(Duration.ofMillis(1500))
                                        .allowSequenceRegression());
        assertEquals(new Saved(3, "e", 9, "t", SaveOutcome.UPDATED), saved);
        SaveSnapshotRequest request = server.request(SaveSnapshotRequest.class);
        assertEquals("acme", request.getTenantId());
        assertEquals("run-1", request.getExecutionId());
        assertEquals("e0", request.getExpectedEtag());
        assertEquals(4, request.getWriterEpoch());
        assertEquals(500_000_000, request.getTtl().getNanos());
        assertTrue(request.getAllowSequenceRegression());
        StoredSnapshot stored = StoredSnapshot.of(request.getSnapshot(), new JsonCodec());
        assertEquals(ExecutionState.WAITING, stored.state());
        assertEquals(WaitReason.APPROVAL, stored.waitReason().orElseThrow());
        assertEquals(7, stored.sequenceNumber());
        assertEquals("u", stored.userId().orElseThrow());
        assertEquals("s", stored.currentStepId().orElseThrow());
        assertEquals(1, stored.stepOutputs().get("s", Integer.class));
        assertTrue(stored.variables().get("v").isNull());
        assertEquals(time, stored.timestamp().orElseThrow());
        assertEquals(Map.of("k", "l"), stored.labels());
        assertEquals("x", stored.snapshotId().orElseThrow());
        assertEquals("w", stored.parentSnapshotId().orElseThrow());
        assertEquals("p", stored.parentExecutionId().orElseThrow());
        assertEquals("1", stored.schemaVersion());
        Metadata.Key<String> key =
                Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
        assertEquals("Bearer x", server.headers.get(0).get(key));
    }

    @Test
    void everySaveHasARequestIdOfItsOwnUnlessItWasGiven() {
        server.answer(SAVED).answer(SAVED).answer(SAVED);
        client.save("run-1", RUNNING);
        String first = server.request(SaveSnapshotRequest.class).getRequestId();
        client.save("run-1", RUNNING);
        String second = server.request(SaveSnapshotRequest.class).getRequestId();
        assertTrue(first.matches("[0-9a-f]{32}"));
        assertNotEquals(first, second);
        client.save("run-1", RUNNING, options -> options.requestId("mine"));
        assertEquals("mine", server.request(SaveSnapshotRequest.class).getRequestId());
    }

    @Test
    void aValueThatCannotBeEncodedIsNamed() {
        Snapshot snapshot = RUNNING.toBuilder().variable("x", Double.NaN).build();
        ValueEncodeException error =
                assertThrows(ValueEncodeException.class, () -> client.save("run-1", snapshot));
        assertEquals("variables[x]", error.key());
        assertTrue(server.requests.isEmpty());
    }

    @Test
    void aLoadAsksForAllThatFitsAndReadsFreshness() {
        server.answer(
                LoadSnapshotResponse.newBuilder()
                        .setSnapshot(ExecutionSnapshot.newBuilder().setVersion(2).setEtag("e"))
                        .setFreshness(
                                io.stillframe.v1.Freshness.newBuilder()
                                        .setStatusValue(2)
                                        .setDistance(3))
                        .build());
        StoredSnapshot snapshot =
                client.load(
                        "run-1",
                        options ->
                                options.selector(Selector.version(2))
                                        .projection(
                                                Projection.HEADER.withVariables(
                                                        MapProjection.keys("a")))
                                        .eventStoreHead(0)
                                        .maxBehind(5));
        Freshness freshness = snapshot.freshness().orElseThrow();
        assertEquals(FreshnessStatus.STALE, freshness.status());
        assertEquals(3, freshness.distance());
        LoadSnapshotRequest request = server.request(LoadSnapshotRequest.class);
        assertEquals(64 * 1024 * 1024, request.getMaxMessageBytes());
        assertEquals(2, request.getSelector().getVersion());
        assertTrue(request.hasEventStoreHead());
        assertFalse(request.getProjection().hasStepOutputs());
        assertEquals(List.of("a"), request.getProjection().getVariables().getKeysList());
    }

    @Test
    void oneEntryThatCannotBeReadSpoilsNoOther() {
        Payload bad = new Payload(com.google.protobuf.ByteString.copyFromUtf8("1e400"), "");
        server.answer(
                LoadSnapshotResponse.newBuilder()
                        .setSnapshot(
                                ExecutionSnapshot.newBuilder()
                                        .putVariables("bad", bad.message())
                                        .putVariables("good", new JsonCodec().encode(1).message()))
                        .build());
        Values values = client.load("run-1").variables();
        assertEquals(1, values.get("good").intValue());
        ValueDecodeException error =
                assertThrows(ValueDecodeException.class, () -> values.get("bad"));
        assertEquals("variables[bad]", error.key());
        assertEquals(bad, values.payload("bad"));
        assertEquals(java.util.Set.of("bad", "good"), values.keys());
        assertEquals(null, values.get("missing"));
    }

    @Test
    void aLoadedSnapshotIsSavedAgainByteForByte() {
        Payload raw =
                new Payload(
                        com.google.protobuf.ByteString.copyFromUtf8("\1"),
                        "msgpack",
                        List.of("zstd"));
        ExecutionSnapshot loaded =
                ExecutionSnapshot.newBuilder()
                        .setTenantId("acme")
                        .setExecutionId("run-1")
                        .setStateValue(3)
                        .setUserId("u")
                        .setVersion(2)
                        .setEtag("e")
                        .putVariables("raw", raw.message())
                        .putStepOutputs("s", new JsonCodec().encode("a").message())
                        .build();
        server.answer(LoadSnapshotResponse.newBuilder().setSnapshot(loaded).build())
                .answer(SAVED);
        StoredSnapshot snapshot = client.load("run-1");
        client.save("run-2", snapshot.toBuilder().variable("n", 1).build());
        ExecutionSnapshot saved = server.request(SaveSnapshotRequest.class).getSnapshot();
        assertEquals(raw.message(), saved.getVariablesOrThrow("raw"));
        assertEquals(loaded.getStepOutputsMap(), saved.getStepOutputsMap());
        assertEquals("u", saved.getUserId());
        assertEquals("", saved.getExecutionId() + saved.getEtag());
        assertEquals(0, saved.getVersion());
    }

    @Test
    void aSnapshotThatLeavesSomethingOutCannotBeSaved() {
        server.answer(
                LoadSnapshotResponse.newBuilder()
                        .setSnapshot(
                                ExecutionSnapshot.newBuilder()
                                        .setOmission(Omission.newBuilder().setCount(1)))
                        .build());
        StoredSnapshot snapshot = client.load("run-1");
        assertEquals(1, snapshot.omission().orElseThrow().count());
        assertThrows(IncompleteSnapshotException.class, snapshot::toBuilder);
    }

    @Test
    void aClaimGivesTheEpochAndTheHead() {
        server.answer(ClaimExecutionResponse.newBuilder().setWriterEpoch(5).build());
        Claim claim = client.claim("run-1", ClaimOptions::allowMissing);
        assertEquals(5, claim.writerEpoch());
        assertTrue(claim.snapshot().isEmpty());
        assertTrue(server.request(ClaimExecutionRequest.class).getAllowMissing());
    }

    @Test
    void infoHasTheLimits() {
        server.answer(
                GetServerInfoResponse.newBuilder()
                        .setStoreKind("memory")
                        .addFeatures("watch")
                        .setLimits(
                                io.stillframe.v1.ServerLimits.newBuilder().setMaxValueBytes(5))
                        .build());
        ServerInfo info = client.info();
        assertEquals("memory", info.storeKind());
        assertEquals(List.of("watch"), info.features());
        assertEquals(5, info.limits().maxValueBytes());
    }

    @Test
    void theCodecIsTheUsers() {
        Codec reversed =
                new Codec() {
                    @Override
                    public Payload encode(Object value) {
                        String text = new StringBuilder((String) value).reverse().toString();
                        return new Payload(
                                com.google.protobuf.ByteString.copyFromUtf8(text), "text/reversed");
                    }

                    @Override
                    public <T> T decode(Payload payload, Class<T> type) {
                        String text = payload.data().toStringUtf8();
                        return type.cast(new StringBuilder(text).reverse().toString());
                    }
                };
        try (Client other = server.client().codec(reversed).build()) {
            server.answer(SAVED);
            other.save("run-1", RUNNING.toBuilder().variable("a", "abc").build());
            ExecutionSnapshot saved = server.request(SaveSnapshotRequest.class).getSnapshot();
            assertEquals("cba", saved.getVariablesOrThrow("a").getData().toStringUtf8());
            server.answer(LoadSnapshotResponse.newBuilder().setSnapshot(saved).build());
            Values values = other.load("run-1").variables();
            assertEquals("abc", values.get("a", String.class));
            // What a codec throws by accident is a decode error too.
            assertThrows(ValueDecodeException.class, () -> values.get("a"));
            assertThrows(
                    ValueEncodeException.class,
                    () -> other.save("run-1", RUNNING.toBuilder().variable("a", 1).build()));
        }
    }
}
