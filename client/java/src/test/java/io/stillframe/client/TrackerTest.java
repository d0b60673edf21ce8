package io.stillframe.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.stillframe.client.errors.DeltaBaseMismatchException;
import io.stillframe.client.errors.EtagMismatchException;
import io.stillframe.client.errors.FencedException;
import io.stillframe.client.errors.UnavailableException;
import io.stillframe.v1.ExecutionSnapshot;
import io.stillframe.v1.Omission;
import io.stillframe.v1.SaveSnapshotRequest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TrackerTest {
    private static final JsonCodec CODEC = new JsonCodec();
    private static final String LONG = "x".repeat(1_000);

    private final List<SaveSnapshotRequest> sent = new ArrayList<>();
    private final Deque<RuntimeException> refusals = new ArrayDeque<>();
    private int version;

    private Saved send(SaveSnapshotRequest request) {
        sent.add(request);
        RuntimeException refusal = refusals.poll();
        if (refusal != null) {
            throw refusal;
        }
        version++;
        return new Saved(version, "etag-" + version, version, "", SaveOutcome.UPDATED);
    }

    private static RuntimeException refusal(Status.Code code, String reason) {
        return Statuses.error(Errors.of(code, reason));
    }

    private static Snapshot.Builder snapshot() {
        return Snapshot.builder(ExecutionState.RUNNING);
    }

    private Saved save(Tracker tracker, Snapshot.Builder snapshot) {
        return save(tracker, snapshot, SaveSnapshotRequest.getDefaultInstance());
    }

    private Saved save(Tracker tracker, Snapshot.Builder snapshot, SaveSnapshotRequest options) {
        return tracker.save(EncodedSnapshot.of(snapshot.build(), CODEC), options, this::send);
    }

    private SaveSnapshotRequest last() {
        return sent.get(sent.size() - 1);
    }

    @Test
    void theFirstSaveIsWholeAndExpectsNothing() {
        save(new Tracker(false), snapshot().variable("a", 1));
        assertTrue(last().hasSnapshot());
        assertFalse(last().hasExpectedEtag());
        assertEquals(32, last().getRequestId().length());
    }

    @Test
    void theNextIsADeltaOfWhatChanged() {
        Tracker tracker = new Tracker(false);
        save(tracker, snapshot().variable("a", LONG).variable("b", 1).stepOutput("gone", 1));
        save(
                tracker,
                snapshot().variable("a", LONG).variable("b", 2).stepOutput("s", 1).label("l", "v"));
        assertEquals("etag-1", last().getDelta().getBaseEtag());
        ExecutionSnapshot set = last().getDelta().getSnapshot();
        assertEquals(java.util.Set.of("b"), set.getVariablesMap().keySet());
        assertEquals(java.util.Set.of("s"), set.getStepOutputsMap().keySet());
        assertEquals("v", set.getLabelsOrThrow("l"));
        assertEquals(List.of("gone"), last().getDelta().getRemovedStepOutputsList());
        assertNotEquals(sent.get(0).getRequestId(), last().getRequestId());
    }

    @Test
    void aDeltaThatIsNotSmallerIsSentWholeAgainstTheKnownEtag() {
        Tracker tracker = new Tracker(false);
        save(tracker, snapshot().variable("a", LONG));
        save(tracker, snapshot().variable("a", LONG + "y"));
        assertTrue(last().hasSnapshot());
        assertEquals("etag-1", last().getExpectedEtag());
    }

    @Test
    void overwritingSendsTheWholeWithoutExpectation() {
        Tracker tracker = new Tracker(true);
        save(tracker, snapshot().variable("a", LONG));
        save(tracker, snapshot().variable("a", LONG + "y"));
        assertFalse(last().hasExpectedEtag());
        refusals.add(refusal(Status.Code.ABORTED, "DELTA_BASE_MISMATCH"));
        save(tracker, snapshot().variable("a", LONG + "y").variable("b", 1));
        assertTrue(sent.get(2).hasDelta());
        assertTrue(last().hasSnapshot());
        assertNotEquals(sent.get(2).getRequestId(), last().getRequestId());
    }

    @Test
    void overwritingAfterADeleteMakesTheExecutionAnew() {
        Tracker tracker = new Tracker(true);
        save(tracker, snapshot().variable("a", LONG));
        refusals.add(refusal(Status.Code.NOT_FOUND, "EXECUTION_NOT_FOUND"));
        save(tracker, snapshot().variable("a", LONG).variable("b", 1));
        assertTrue(last().hasSnapshot());
    }

    @Test
    void anEtagThatTheCallerExpectsIsNeverOverwritten() {
        Tracker tracker = new Tracker(true);
        refusals.add(refusal(Status.Code.ABORTED, "ETAG_MISMATCH"));
        SaveSnapshotRequest options =
                SaveSnapshotRequest.newBuilder().setExpectedEtag("mine").build();
        assertThrows(
                EtagMismatchException.class, () -> save(tracker, snapshot(), options));
        assertEquals(1, sent.size());
    }

    @Test
    void aConflictIsTheCallersUntilItLoads() {
        Tracker tracker = new Tracker(false);
        save(tracker, snapshot().variable("a", LONG));
        for (int i = 0; i < 2; i++) {
            refusals.add(refusal(Status.Code.ABORTED, "DELTA_BASE_MISMATCH"));
            assertThrows(
                    DeltaBaseMismatchException.class,
                    () -> save(tracker, snapshot().variable("a", LONG).variable("b", 1)));
            assertEquals("etag-1", last().getDelta().getBaseEtag());
        }
        tracker.know(Optional.of(stored("theirs", false)));
        save(tracker, snapshot().variable("a", LONG).variable("b", 1));
        assertEquals("theirs", last().getDelta().getBaseEtag());
        assertEquals(
                java.util.Set.of("b"), last().getDelta().getSnapshot().getVariablesMap().keySet());
    }

    @Test
    void aHeadThatLeavesSomethingOutIsNoBase() {
        Tracker tracker = new Tracker(false);
        save(tracker, snapshot().variable("a", LONG));
        tracker.know(Optional.of(stored("etag-9", true)));
        save(tracker, snapshot().variable("a", LONG));
        assertTrue(last().hasSnapshot());
        assertFalse(last().hasExpectedEtag());
        tracker.know(Optional.empty());
        save(tracker, snapshot().variable("a", LONG));
        assertTrue(last().hasSnapshot());
    }

    @Test
    void mustNotExistIsSentWhole() {
        Tracker tracker = new Tracker(false);
        save(tracker, snapshot().variable("a", LONG));
        save(
                tracker,
                snapshot().variable("a", LONG),
                SaveSnapshotRequest.newBuilder().setMustNotExist(true).build());
        assertTrue(last().hasSnapshot());
        assertFalse(last().hasExpectedEtag());
    }

    @Test
    void aSaveWithoutAnAnswerIsRepeatedFirst() {
        Tracker tracker = new Tracker(false);
        save(tracker, snapshot().variable("a", LONG));
        refusals.add(refusal(Status.Code.UNAVAILABLE, "STORE_UNAVAILABLE"));
        assertThrows(
                UnavailableException.class,
                () -> save(tracker, snapshot().variable("a", LONG).variable("b", 1)));
        save(tracker, snapshot().variable("a", LONG).variable("b", 2));
        assertEquals(sent.get(1), sent.get(2));
        assertEquals("etag-2", last().getDelta().getBaseEtag());
        assertEquals(
                java.util.Set.of("b"), last().getDelta().getSnapshot().getVariablesMap().keySet());
    }

    @Test
    void whileItHasNoAnswerTheNextIsNotSent() {
        Tracker tracker = new Tracker(false);
        RuntimeException broken = Statuses.error(Errors.of(Status.Code.DEADLINE_EXCEEDED));
        refusals.add(broken);
        refusals.add(broken);
        assertThrows(RuntimeException.class, () -> save(tracker, snapshot().variable("a", 1)));
        assertThrows(RuntimeException.class, () -> save(tracker, snapshot().variable("a", 2)));
        assertEquals(sent.get(0), sent.get(1));
        assertEquals(2, sent.size());
        save(tracker, snapshot().variable("a", 3));
        assertEquals(sent.get(0), sent.get(2));
        assertEquals(4, sent.size());
    }

    @Test
    void oneThatWasRefusedAtLastNeverTookEffect() {
        Tracker tracker = new Tracker(false);
        save(tracker, snapshot().variable("a", LONG));
        refusals.add(refusal(Status.Code.UNAVAILABLE, "SHUTTING_DOWN"));
        refusals.add(refusal(Status.Code.ABORTED, "DELTA_BASE_MISMATCH"));
        assertThrows(
                UnavailableException.class,
                () -> save(tracker, snapshot().variable("a", LONG).variable("b", 1)));
        save(tracker, snapshot().variable("a", LONG).variable("c", 1));
        assertEquals("etag-1", last().getDelta().getBaseEtag());
    }

    @Test
    void aSaveAbandonedByAnotherErrorIsOwedToo() {
        Tracker tracker = new Tracker(false);
        refusals.add(new IllegalStateException("a fault"));
        assertThrows(
                IllegalStateException.class, () -> save(tracker, snapshot().variable("a", 1)));
        save(tracker, snapshot().variable("a", 2));
        assertEquals(sent.get(0), sent.get(1));
        assertEquals(3, sent.size());
    }

    @Test
    void aRefusalIsNotOwed() {
        Tracker tracker = new Tracker(false);
        refusals.add(refusal(Status.Code.FAILED_PRECONDITION, "FENCED"));
        assertThrows(FencedException.class, () -> save(tracker, snapshot()));
        save(tracker, snapshot());
        assertEquals(2, sent.size());
    }

    @Test
    void afterADeleteNothingIsKnownOrOwed() {
        Tracker tracker = new Tracker(false);
        save(tracker, snapshot().variable("a", LONG));
        refusals.add(refusal(Status.Code.UNAVAILABLE, "SHUTTING_DOWN"));
        assertThrows(UnavailableException.class, () -> save(tracker, snapshot()));
        tracker.forget();
        save(tracker, snapshot().variable("a", LONG));
        assertEquals(3, sent.size());
        assertTrue(last().hasSnapshot());
        assertFalse(last().hasExpectedEtag());
    }

    private static StoredSnapshot stored(String etag, boolean omits) {
        ExecutionSnapshot.Builder message =
                ExecutionSnapshot.newBuilder()
                        .setEtag(etag)
                        .putVariables("a", CODEC.encode(LONG).message());
        if (omits) {
            message.setOmission(Omission.newBuilder().setCount(1));
        }
        return StoredSnapshot.of(message.build(), CODEC);
    }
}
