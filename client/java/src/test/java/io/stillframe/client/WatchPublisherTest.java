package io.stillframe.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.stillframe.client.errors.InvalidFieldException;
import io.stillframe.client.errors.StoreReplacedException;
import io.stillframe.v1.WatchSnapshotsRequest;
import java.io.IOException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class WatchPublisherTest {
    /** Keeps every signal, and asks for nothing by itself. */
    private static class Probe implements Flow.Subscriber<WatchEvent> {
        final BlockingQueue<Object> signals = new LinkedBlockingQueue<>();
        volatile Flow.Subscription subscription;

        @Override
        public void onSubscribe(Flow.Subscription given) {
            subscription = given;
            signals.add("subscribed");
        }

        @Override
        public void onNext(WatchEvent event) {
            signals.add(event);
        }

        @Override
        public void onError(Throwable error) {
            signals.add(error);
        }

        @Override
        public void onComplete() {
            signals.add("completed");
        }

        Object next() throws InterruptedException {
            return signals.take();
        }

        String change() throws InterruptedException {
            return assertInstanceOf(WatchEvent.Change.class, next()).snapshot().executionId();
        }
    }

    private final Probe probe = new Probe();
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

    private void subscribe() throws InterruptedException {
        client.watchPublisher(options -> {}).subscribe(probe);
        assertEquals("subscribed", probe.next());
    }

    @Test
    void eventsComeOnDemandAlone() throws InterruptedException {
        server.watch(
                Frames.of(
                        Frames.opened("t0"),
                        Frames.change("a", "t1"),
                        Frames.change("b", "t2"),
                        Frames.change("c", "t3")));
        subscribe();
        assertNull(probe.signals.poll());
        assertTrue(server.requests.isEmpty());
        probe.subscription.request(1);
        assertInstanceOf(WatchEvent.Opened.class, probe.next());
        probe.subscription.request(1);
        probe.subscription.request(1);
        assertEquals("a", probe.change());
        assertEquals("b", probe.change());
        assertNull(probe.signals.poll(20, TimeUnit.MILLISECONDS));
        probe.subscription.request(Long.MAX_VALUE);
        probe.subscription.request(Long.MAX_VALUE);
        assertEquals("c", probe.change());
        server.watches.take().send(Frames.of(Frames.change("d", "t4")));
        assertEquals("d", probe.change());
    }

    @Test
    void aWatchGoesOnUnderneath() throws InterruptedException {
        server.watchThenFail(
                        Errors.of(Status.Code.UNAVAILABLE),
                        Frames.of(Frames.opened("t0"), Frames.change("a", "t1")))
                .watch(Frames.of(Frames.opened("t1"), Frames.change("b", "t2")));
        subscribe();
        probe.subscription.request(4);
        assertInstanceOf(WatchEvent.Opened.class, probe.next());
        assertEquals("a", probe.change());
        assertInstanceOf(WatchEvent.Opened.class, probe.next());
        assertEquals("b", probe.change());
        assertEquals("t1", server.request(WatchSnapshotsRequest.class).getResumeToken());
    }

    @Test
    void cancellingEndsTheCallAndEverySignal() throws InterruptedException {
        server.watch(Frames.of(Frames.opened("t0")));
        subscribe();
        probe.subscription.request(10);
        probe.next();
        FakeServer.WatchCall call = server.watches.take();
        probe.subscription.cancel();
        call.cancelled().await();
        probe.subscription.request(1);
        probe.subscription.cancel();
        assertNull(probe.signals.poll(20, TimeUnit.MILLISECONDS));
    }

    @Test
    void askingForNothingIsAnError() throws InterruptedException {
        subscribe();
        probe.subscription.request(0);
        assertInstanceOf(IllegalArgumentException.class, probe.next());
    }

    @Test
    void theErrorOfTheWatchIsTheSubscribers() throws InterruptedException {
        server.watchThenFail(Errors.of(Status.Code.OUT_OF_RANGE, "STORE_REPLACED"));
        subscribe();
        probe.subscription.request(1);
        assertInstanceOf(StoreReplacedException.class, probe.next());
    }

    @Test
    void closingTheClientCompletesItWithOrWithoutDemand() throws InterruptedException {
        Probe asking = new Probe();
        client.watchPublisher(options -> {}).subscribe(asking);
        asking.next();
        asking.subscription.request(1);
        server.watches.take();
        subscribe();
        client.close();
        assertEquals("completed", probe.next());
        assertEquals("completed", asking.next());
    }

    @Test
    void eachSubscriberHasAWatchOfItsOwn() throws InterruptedException {
        server.watch(Frames.of(Frames.opened("t0"))).watch(Frames.of(Frames.opened("t0")));
        Flow.Publisher<WatchEvent> publisher = client.watchPublisher(options -> {});
        Probe other = new Probe();
        publisher.subscribe(probe);
        publisher.subscribe(other);
        for (Probe each : new Probe[] {probe, other}) {
            assertEquals("subscribed", each.next());
            each.subscription.request(1);
            assertInstanceOf(WatchEvent.Opened.class, each.next());
        }
        assertEquals(2, server.requests.size());
        assertThrows(NullPointerException.class, () -> publisher.subscribe(null));
    }

    @Test
    void optionsAreRefusedBeforeAnybodySubscribes() {
        assertThrows(
                InvalidFieldException.class,
                () -> client.watchPublisher(options -> options.resumeToken("")));
    }

    @Test
    void demandFromWithinASignalCounts() throws InterruptedException {
        server.watch(
                Frames.of(
                        Frames.opened("t0"), Frames.change("a", "t1"), Frames.change("b", "t2")));
        Probe greedy =
                new Probe() {
                    @Override
                    public void onSubscribe(Flow.Subscription given) {
                        super.onSubscribe(given);
                        given.request(1);
                    }

                    @Override
                    public void onNext(WatchEvent event) {
                        super.onNext(event);
                        subscription.request(1);
                    }
                };
        client.watchPublisher(options -> {}).subscribe(greedy);
        greedy.next();
        greedy.next();
        assertEquals("a", greedy.change());
        assertEquals("b", greedy.change());
    }
}
