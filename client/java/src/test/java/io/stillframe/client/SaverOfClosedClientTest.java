package io.stillframe.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.grpc.Status;
import io.stillframe.client.errors.ClosedException;
import io.stillframe.v1.SaveSnapshotResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A saver whose client is closed before it. */
class SaverOfClosedClientTest {
    private static final SaveSnapshotResponse SAVED =
            SaveSnapshotResponse.newBuilder().setVersion(1).setEtag("e").build();

    private FakeServer server;

    @BeforeEach
    void open() throws IOException {
        server = new FakeServer();
    }

    @AfterEach
    void close() {
        server.close();
    }

    private static Snapshot state(long sequence) {
        return Snapshot.builder(ExecutionState.RUNNING).sequenceNumber(sequence).build();
    }

    /** Waits only for the client, or the saver, to be closed: what a server asks for is longer. */
    private static final class Standstill implements Clock {
        final CountDownLatch waiting = new CountDownLatch(1);

        @Override
        public long nanoTime() {
            return 0;
        }

        @Override
        public double random() {
            return 0.5;
        }

        @Override
        public void await(CountDownLatch wake, long nanos) throws InterruptedException {
            if (nanos > 0) {
                waiting.countDown();
                wake.await();
            }
        }
    }

    @Test
    void closingTheClientEndsTheWaitForTheServer() throws InterruptedException {
        Standstill clock = new Standstill();
        server.refuse(
                Errors.of(Status.Code.RESOURCE_EXHAUSTED, "SERVER_BUSY", Duration.ofDays(1)));
        Client client = server.client().clock(clock).build();
        Saver saver = client.saver("run-1");
        saver.submit(state(1));
        clock.waiting.await();
        AtomicReference<Throwable> told = new AtomicReference<>();
        Thread flushing =
                new Thread(
                        () -> {
                            try {
                                saver.flush(Duration.ofSeconds(30));
                            } catch (RuntimeException error) {
                                told.set(error);
                            }
                        });
        flushing.start();
        while (flushing.isAlive() && flushing.getState() != Thread.State.TIMED_WAITING) {
            Thread.onSpinWait();
        }
        client.close();
        flushing.join();
        assertInstanceOf(ClosedException.class, told.get());
        assertThrows(ClosedException.class, () -> saver.submit(state(2)));
        assertThrows(ClosedException.class, saver::close);
        assertEquals(1, server.requests.size());
    }

    @Test
    void closingTheClientGivesUpWhatIsUnderWay() throws InterruptedException {
        CountDownLatch came = new CountDownLatch(1);
        CountDownLatch held = new CountDownLatch(1);
        server.answer(
                request -> {
                    came.countDown();
                    try {
                        held.await();
                    } catch (InterruptedException error) {
                        Thread.currentThread().interrupt();
                    }
                    return SAVED;
                });
        // Longer than the test waits: it is not the timeout that ends the save.
        Client client = server.client().timeout(Duration.ofHours(1)).build();
        Saver saver =
                client.saver("run-1", options -> options.maxAbsence(Duration.ofHours(1)));
        try {
            saver.submit(state(1));
            came.await();
            client.close();
            assertThrows(ClosedException.class, () -> saver.flush(Duration.ofSeconds(30)));
            assertThrows(ClosedException.class, saver::close);
        } finally {
            held.countDown();
        }
    }

    @Test
    void closingTheClientLosesNothingThatIsDurable() {
        server.answer(SAVED);
        Client client = server.client().build();
        Saver saver = client.saver("run-1");
        saver.submit(state(1));
        assertEquals(1, saver.flush().orElseThrow().version());
        client.close();
        assertThrows(ClosedException.class, () -> saver.submit(state(2)));
        assertEquals(1, saver.flush().orElseThrow().version());
        saver.close();
    }
}
