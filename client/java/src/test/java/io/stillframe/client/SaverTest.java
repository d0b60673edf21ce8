package io.stillframe.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Message;
import io.grpc.Status;
import io.stillframe.client.errors.CallCancelledException;
import io.stillframe.client.errors.ClosedException;
import io.stillframe.client.errors.DeadlineExceededException;
import io.stillframe.client.errors.FencedException;
import io.stillframe.client.errors.StillframeException;
import io.stillframe.client.errors.UnknownException;
import io.stillframe.client.errors.ValueEncodeException;
import io.stillframe.v1.SaveSnapshotRequest;
import io.stillframe.v1.SaveSnapshotResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SaverTest {
    private final AtomicInteger version = new AtomicInteger();
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

    private static Snapshot state(long sequence) {
        return Snapshot.builder(ExecutionState.RUNNING).sequenceNumber(sequence).build();
    }

    private SaveSnapshotResponse saved(Message request) {
        int next = version.incrementAndGet();
        return SaveSnapshotResponse.newBuilder().setVersion(next).setEtag("e" + next).build();
    }

    private List<Long> sequences() {
        return server.requests.stream()
                .map(each -> ((SaveSnapshotRequest) each).getSnapshot().getSequenceNumber())
                .toList();
    }

    /** Answers the next save only when the latch opens. */
    private CountDownLatch hold(CountDownLatch came) {
        CountDownLatch held = new CountDownLatch(1);
        server.answer(
                request -> {
                    came.countDown();
                    try {
                        held.await();
                    } catch (InterruptedException error) {
                        Thread.currentThread().interrupt();
                    }
                    return saved(request);
                });
        return held;
    }

    @Test
    void theNewestStateWinsAndFlushWaitsForIt() throws InterruptedException {
        CountDownLatch came = new CountDownLatch(1);
        CountDownLatch held = hold(came);
        server.answer(this::saved);
        try (Saver saver = client.saver("run-1")) {
            assertEquals(Optional.empty(), saver.flush());
            saver.submit(state(1));
            came.await();
            saver.submit(state(2));
            saver.submit(state(3));
            assertThrows(
                    DeadlineExceededException.class, () -> saver.flush(Duration.ofMillis(1)));
            held.countDown();
            assertEquals(2, saver.flush().orElseThrow().version());
            assertEquals(List.of(1L, 3L), sequences());
        }
    }

    @Test
    void anAbsenceIsRiddenOut() {
        for (int i = 0; i < 30; i++) {
            server.refuse(Errors.of(Status.Code.UNAVAILABLE));
        }
        // The save that got no answer, again; and then the state that it stood for.
        server.answer(this::saved).answer(this::saved);
        try (Saver saver = client.saver("run-1")) {
            saver.submit(state(1));
            assertEquals(2, saver.flush().orElseThrow().version());
        }
        assertTrue(server.requests.size() > RetryPolicy.DEFAULT.maxAttempts());
    }

    @Test
    void anAbsenceThatIsTooLongStopsIt() {
        for (int i = 0; i < 1_000; i++) {
            server.refuse(Errors.of(Status.Code.UNAVAILABLE));
        }
        Saver saver =
                client.saver("run-1", options -> options.maxAbsence(Duration.ofSeconds(45)));
        saver.submit(state(1));
        // Or DeadlineExceededException, if the last try is one of a millisecond.
        StillframeException error = assertThrows(StillframeException.class, saver::flush);
        assertTrue(Attempts.isAbsence(error));
        assertThrows(error.getClass(), () -> saver.submit(state(2)));
        assertThrows(error.getClass(), saver::close);
    }

    @Test
    void anErrorThatWaitingDoesNotMendIsGivenToEverybody() {
        server.refuse(Errors.of(Status.Code.FAILED_PRECONDITION, "FENCED"));
        Saver saver = client.saver("run-1", options -> options.writerEpoch(1));
        saver.submit(state(1));
        assertThrows(FencedException.class, saver::flush);
        assertThrows(FencedException.class, () -> saver.submit(state(2)));
        assertThrows(FencedException.class, saver::flush);
        assertThrows(FencedException.class, saver::close);
        assertEquals(1, server.requests.size());
        assertEquals(1, server.request(SaveSnapshotRequest.class).getWriterEpoch());
    }

    @Test
    void anErrorThatIsMetTwiceInATryIsStillTheError() {
        server.refuse(Errors.of(Status.Code.FAILED_PRECONDITION, "FENCED"));
        FencedException error =
                assertThrows(
                        FencedException.class,
                        () -> {
                            try (Saver saver = client.saver("run-1")) {
                                saver.submit(state(1));
                                saver.flush();
                            }
                        });
        assertEquals(1, error.getSuppressed().length);
    }

    @Test
    void aStateThatCannotBeEncodedIsRefusedAtOnce() {
        server.answer(this::saved);
        try (Saver saver = client.saver("run-1")) {
            assertThrows(
                    ValueEncodeException.class,
                    () -> saver.submit(state(1).toBuilder().variable("a", "\0").build()));
            saver.submit(state(2));
        }
        assertEquals(List.of(2L), sequences());
    }

    @Test
    void aSubmittedStateIsACopy() throws InterruptedException {
        CountDownLatch came = new CountDownLatch(1);
        CountDownLatch held = hold(came);
        server.answer(this::saved);
        com.fasterxml.jackson.databind.node.ObjectNode value =
                com.fasterxml.jackson.databind.node.JsonNodeFactory.instance.objectNode();
        try (Saver saver = client.saver("run-1")) {
            saver.submit(state(1));
            came.await();
            saver.submit(state(2).toBuilder().variable("a", value).build());
            value.put("later", true);
            held.countDown();
        }
        assertEquals(
                "{}",
                server.request(SaveSnapshotRequest.class)
                        .getSnapshot()
                        .getVariablesOrThrow("a")
                        .getData()
                        .toStringUtf8());
    }

    @Test
    void closingFlushesAndIsTheEnd() {
        server.answer(this::saved);
        Saver saver = client.saver("run-1");
        saver.submit(state(1));
        saver.close();
        assertEquals(List.of(1L), sequences());
        assertThrows(ClosedException.class, () -> saver.submit(state(2)));
        assertEquals(1, saver.flush().orElseThrow().version());
        saver.close();
    }

    @Test
    void anInterruptedCloseGivesUpWhatIsUnderWay() throws InterruptedException {
        CountDownLatch came = new CountDownLatch(1);
        CountDownLatch held = hold(came);
        Saver saver = client.saver("run-1");
        saver.submit(state(1));
        came.await();
        Thread.currentThread().interrupt();
        assertThrows(CallCancelledException.class, saver::close);
        assertTrue(Thread.interrupted());
        held.countDown();
        assertThrows(RuntimeException.class, saver::flush);
    }

    @Test
    void aFaultOfTheClientsOwnReachesWhoeverWaits() {
        server.refuse(Errors.of(Status.Code.UNAVAILABLE));
        server.clock.fault = new IllegalStateException("a fault");
        Saver saver = client.saver("run-1");
        saver.submit(state(1));
        UnknownException error = assertThrows(UnknownException.class, saver::flush);
        assertTrue(error.getMessage().contains("a fault"));
    }
}
