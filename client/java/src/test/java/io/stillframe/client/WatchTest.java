package io.stillframe.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.stillframe.client.errors.CallCancelledException;
import io.stillframe.client.errors.ClosedException;
import io.stillframe.client.errors.InvalidFieldException;
import io.stillframe.client.errors.StoreReplacedException;
import io.stillframe.v1.WatchSnapshotsRequest;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class WatchTest {
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

    /** Does something when the server has a call of a watch. */
    private void onceOpen(Runnable what) {
        try {
            server.watches.take();
        } catch (InterruptedException error) {
            throw new IllegalStateException(error);
        }
        what.run();
    }

    private static List<String> changes(Watch watch, int count) {
        return watch.changes().limit(count).map(each -> each.snapshot().executionId()).toList();
    }

    @Test
    void nothingIsSentBeforeTheFirstEventIsAskedFor() {
        server.watch(Frames.of(Frames.opened("t0")));
        try (Watch watch = client.watch(WatchOptions::full)) {
            assertTrue(server.requests.isEmpty());
            assertInstanceOf(WatchEvent.Opened.class, watch.next());
            WatchSnapshotsRequest request = server.request(WatchSnapshotsRequest.class);
            assertTrue(request.hasNow());
            assertEquals("acme", request.getTenantId());
            assertEquals(64 * 1024 * 1024, request.getMaxMessageBytes());
            assertEquals(2, request.getViewValue());
            assertEquals(1, request.getModeValue());
        }
    }

    @Test
    void aWatchGoesOnAfterABrokenConnectionAndAGoodbye() {
        server.watchThenFail(
                        Errors.of(Status.Code.UNAVAILABLE),
                        Frames.of(Frames.opened("t0"), Frames.change("a", "t1")))
                .watchThenFail(Errors.of(Status.Code.CANCELLED))
                .watchThenFail(
                        Errors.of(Status.Code.UNAVAILABLE, "SHUTTING_DOWN"),
                        Frames.of(
                                Frames.opened("t1"),
                                Frames.change("b", "t2"),
                                Frames.goodbye("t3")))
                .watch(Frames.of(Frames.opened("t3"), Frames.change("c", "t4")));
        try (Watch watch = client.watch(options -> {})) {
            assertEquals(List.of("a", "b", "c"), changes(watch, 3));
            assertEquals("t4", watch.resumeToken());
        }
        List<String> tokens =
                server.requests.stream()
                        .map(each -> ((WatchSnapshotsRequest) each).getResumeToken())
                        .toList();
        assertEquals(List.of("", "t1", "t1", "t3"), tokens);
    }

    @Test
    void theTokenIsThatOfTheLastEventHandedOut() {
        server.watch(
                Frames.of(
                        Frames.opened("t0"), Frames.change("a", "t1"), Frames.change("b", "t2")));
        try (Watch watch = client.watch(options -> {})) {
            assertEquals("", watch.resumeToken());
            watch.next();
            assertEquals("t0", watch.resumeToken());
            watch.next();
            assertTrue(watch.hasNext());
            assertEquals("t1", watch.resumeToken());
            watch.next();
            assertEquals("t2", watch.resumeToken());
        }
        server.watch();
        try (Watch watch = client.watch(options -> options.resumeToken("t2"))) {
            assertEquals("t2", watch.resumeToken());
            assertEquals(Optional.empty(), watch.poll(Duration.ofMillis(1)));
        }
    }

    @Test
    void aPollEndsWithItsTimeAndLosesNothing() throws InterruptedException {
        try (Watch watch = client.watch(options -> {})) {
            assertEquals(Optional.empty(), watch.poll(Duration.ofMillis(1)));
            FakeServer.WatchCall call = server.watches.take();
            call.send(Frames.of(Frames.opened("t0")));
            assertInstanceOf(WatchEvent.Opened.class, watch.next());
            assertEquals(Optional.empty(), watch.poll(Duration.ZERO));
            call.send(Frames.of(Frames.change("a", "t1")));
            assertEquals(List.of("a"), changes(watch, 1));
            assertEquals(1, server.requests.size());
        }
    }

    @Test
    void aLostTokenIsAnErrorOrANewStart() {
        RuntimeException lost = Errors.of(Status.Code.OUT_OF_RANGE, "STORE_REPLACED");
        server.watchThenFail(lost);
        try (Watch watch = client.watch(options -> options.resumeToken("t"))) {
            assertThrows(StoreReplacedException.class, watch::hasNext);
            assertThrows(StoreReplacedException.class, watch::next);
        }
        server.watchThenFail(lost).watch(Frames.of(Frames.opened("")));
        try (Watch watch = client.watch(options -> options.resumeToken("t").restartIfLost())) {
            assertEquals(new WatchEvent.Restarted("STORE_REPLACED"), watch.next());
            assertInstanceOf(WatchEvent.Opened.class, watch.next());
            assertTrue(server.request(WatchSnapshotsRequest.class).hasInitialState());
        }
    }

    @Test
    void closingEndsTheIterationOfAnotherThread() throws InterruptedException {
        Watch watch = client.watch(options -> {});
        Thread closer = new Thread(() -> onceOpen(watch::close));
        closer.start();
        assertFalse(watch.hasNext());
        closer.join();
        assertThrows(NoSuchElementException.class, watch::next);
        assertEquals(Optional.empty(), watch.poll(Duration.ofDays(1)));
    }

    @Test
    void aConsumerThatLeavesEndsTheCallAtTheServer() throws InterruptedException {
        server.watch(Frames.of(Frames.opened("t0")));
        try (Watch watch = client.watch(options -> {})) {
            watch.next();
        }
        FakeServer.WatchCall call = server.watches.take();
        call.cancelled().await();
        assertTrue(call.observer().isCancelled());
    }

    @Test
    void closingTheClientEndsTheWatch() throws InterruptedException {
        try (Watch watch = client.watch(options -> {})) {
            Thread closer = new Thread(() -> onceOpen(client::close));
            closer.start();
            assertFalse(watch.hasNext());
            closer.join();
        }
        try (Watch late = client.watch(options -> {})) {
            assertFalse(late.hasNext());
        }
        assertThrows(ClosedException.class, client::info);
    }

    @Test
    void anInterruptLeavesTheWatchAsItWas() throws InterruptedException {
        server.watch(Frames.of(Frames.opened("t0")));
        try (Watch watch = client.watch(options -> {})) {
            watch.next();
            Thread.currentThread().interrupt();
            assertThrows(CallCancelledException.class, watch::hasNext);
            assertTrue(Thread.interrupted());
            server.watches.take().send(Frames.of(Frames.change("a", "t1")));
            assertEquals(List.of("a"), changes(watch, 1));
            assertEquals(1, server.requests.size());
        }
    }

    @Test
    void aSlowConsumerHoldsOneResponse() throws InterruptedException {
        server.watch(Frames.of(Frames.opened("t0")));
        try (Watch watch = client.watch(options -> {})) {
            watch.next();
            FakeServer.WatchCall call = server.watches.take();
            for (int i = 1; i <= 10; i++) {
                call.send(Frames.of(Frames.change("e" + i, "t" + i)));
            }
            // One was asked for ahead; the others wait at the server.
            assertFalse(call.observer().isReady());
            assertEquals(10, changes(watch, 10).size());
        }
    }

    @Test
    void aWatchHasOneStart() {
        assertThrows(
                InvalidFieldException.class,
                () -> client.watch(options -> options.resumeToken("t").initialState()));
        assertThrows(
                InvalidFieldException.class,
                () -> client.watch(options -> options.initialState().resumeToken("t")));
        assertThrows(
                InvalidFieldException.class,
                () -> client.watch(options -> options.resumeToken("")));
    }
}
