package io.stillframe.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.stillframe.client.errors.CallCancelledException;
import io.stillframe.client.errors.ClosedException;
import io.stillframe.client.errors.DeadlineExceededException;
import io.stillframe.client.errors.FencedException;
import io.stillframe.client.errors.InternalException;
import io.stillframe.client.errors.UnavailableException;
import io.stillframe.v1.GetServerInfoResponse;
import io.stillframe.v1.SaveSnapshotResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TransportTest {
    private static final Snapshot RUNNING = Snapshot.builder(ExecutionState.RUNNING).build();
    private static final GetServerInfoResponse INFO =
            GetServerInfoResponse.newBuilder().setStoreKind("memory").build();

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
    void whatAnotherTryCanHelpIsRepeatedWithTheSameRequest() {
        server.refuse(Errors.of(Status.Code.UNAVAILABLE))
                .refuse(
                        Errors.of(
                                Status.Code.RESOURCE_EXHAUSTED,
                                "SERVER_BUSY",
                                Duration.ofSeconds(2)))
                .refuse(Errors.of(Status.Code.CANCELLED))
                .answer(SaveSnapshotResponse.newBuilder().setVersion(1).build());
        assertEquals(1, client.save("run-1", RUNNING).version());
        assertEquals(4, server.requests.size());
        assertEquals(1, Set.copyOf(server.requests).size());
        assertEquals(
                java.util.List.of(50L, 2100L, 200L),
                server.clock.waits.stream().map(Duration::toMillis).collect(Collectors.toList()));
    }

    @Test
    void whatIsNotIsNot() {
        server.refuse(Errors.of(Status.Code.FAILED_PRECONDITION, "FENCED"))
                .refuse(Errors.of(Status.Code.INTERNAL));
        assertThrows(FencedException.class, () -> client.save("run-1", RUNNING));
        assertThrows(InternalException.class, client::info);
        assertEquals(2, server.requests.size());
    }

    @Test
    void theTimeoutBoundsAllTriesAndTheirWaits() {
        Client hasty = client.withTimeout(Duration.ofSeconds(1));
        for (int i = 0; i < 24; i++) {
            server.refuse(Errors.of(Status.Code.UNAVAILABLE, "SHUTTING_DOWN"));
        }
        assertThrows(UnavailableException.class, hasty::info);
        // 50 + 100 + 200 + 400 ms, and the next wait of 800 ms would use the time up.
        assertEquals(5, server.requests.size());
    }

    @Test
    void theAttemptsAreCounted() {
        try (Client single = server.client().retry(RetryPolicy.NONE).build()) {
            server.refuse(Errors.of(Status.Code.UNAVAILABLE));
            assertThrows(UnavailableException.class, single::info);
            assertEquals(1, server.requests.size());
        }
    }

    @Test
    void aCallThatIsNotAnsweredEndsWithItsTimeout() {
        CountDownLatch over = new CountDownLatch(1);
        server.answer(request -> await(over));
        try {
            Client hasty = client.withTimeout(Duration.ofMillis(50));
            assertThrows(DeadlineExceededException.class, hasty::info);
        } finally {
            over.countDown();
        }
    }

    @Test
    void anInterruptEndsACallAndIsNotRepeated() throws InterruptedException {
        CountDownLatch came = new CountDownLatch(1);
        CountDownLatch over = new CountDownLatch(1);
        server.answer(
                request -> {
                    came.countDown();
                    return await(over);
                });
        Throwable[] thrown = new Throwable[1];
        boolean[] interrupted = new boolean[1];
        Thread caller =
                new Thread(
                        () -> {
                            thrown[0] =
                                    assertThrows(CallCancelledException.class, client::info);
                            interrupted[0] = Thread.currentThread().isInterrupted();
                        });
        caller.start();
        came.await();
        caller.interrupt();
        caller.join();
        over.countDown();
        assertTrue(thrown[0] instanceof CallCancelledException);
        assertTrue(interrupted[0]);
        assertEquals(1, server.requests.size());
    }

    @Test
    void aClosedClientMakesNoCalls() {
        client.close();
        assertThrows(ClosedException.class, client::info);
        assertThrows(ClosedException.class, () -> client.withTimeout(Duration.ZERO).info());
        assertEquals(0, server.requests.size());
    }

    @Test
    void aGivenChannelIsLeftOpen() {
        client.close();
        try (Client other = server.client().build()) {
            server.answer(INFO);
            assertEquals("memory", other.info().storeKind());
        }
    }

    private static GetServerInfoResponse await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
        return INFO;
    }
}
