package io.stillframe.client;

import java.util.Objects;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * A watch as a publisher: each subscriber has a watch of its own, and a thread that runs it. An
 * event is taken from the watch only when there is demand for it, so that the server waits for a
 * slow subscriber, and the token never runs ahead of what was delivered.
 */
final class WatchPublisher implements Flow.Publisher<WatchEvent> {
    private final Transport transport;
    private final Supplier<Watch> open;

    WatchPublisher(Transport transport, Supplier<Watch> open) {
        this.transport = transport;
        this.open = open;
    }

    @Override
    public void subscribe(Flow.Subscriber<? super WatchEvent> subscriber) {
        new Subscription(Objects.requireNonNull(subscriber), open.get(), transport).start();
    }

    private static final class Subscription implements Flow.Subscription {
        private final Flow.Subscriber<? super WatchEvent> subscriber;
        private final Watch watch;
        private final Transport transport;
        private final AtomicLong demand = new AtomicLong();
        private final Thread thread = new Thread(this::run, "stillframe-watch");
        private final Runnable wake = () -> LockSupport.unpark(thread);
        private volatile boolean cancelled;
        private volatile boolean misused;

        Subscription(
                Flow.Subscriber<? super WatchEvent> subscriber, Watch watch, Transport transport) {
            this.subscriber = subscriber;
            this.watch = watch;
            this.transport = transport;
        }

        void start() {
            thread.setDaemon(true);
            thread.start();
        }

        @Override
        public void request(long count) {
            if (count > 0) {
                demand.accumulateAndGet(count, Subscription::add);
            } else {
                // Told by the thread, because signals must not overlap.
                misused = true;
                watch.close();
            }
            wake.run();
        }

        @Override
        public void cancel() {
            cancelled = true;
            watch.close();
            wake.run();
        }

        private void run() {
            try {
                transport.atClose(wake);
                subscriber.onSubscribe(this);
                Throwable error = publish();
                if (cancelled) {
                    return;
                }
                if (error == null) {
                    subscriber.onComplete();
                } else {
                    subscriber.onError(error);
                }
            } finally {
                // Also when the subscriber throws, which is against its contract.
                transport.forget(wake);
                watch.close();
            }
        }

        /** Delivers events until the end, and gives the error that it was; null if none. */
        private Throwable publish() {
            while (!cancelled && !misused) {
                // An interrupt that the subscriber left behind is not meant for the watch.
                Thread.interrupted();
                if (demand.get() > 0) {
                    WatchEvent event;
                    try {
                        if (!watch.hasNext()) {
                            break;
                        }
                        event = watch.next();
                    } catch (RuntimeException error) {
                        return error;
                    }
                    demand.getAndUpdate(left -> left == Long.MAX_VALUE ? left : left - 1);
                    subscriber.onNext(event);
                } else if (transport.isClosed()) {
                    break;
                } else {
                    LockSupport.park(this);
                }
            }
            return misused
                    ? new IllegalArgumentException("a subscriber must ask for one or more")
                    : null;
        }

        private static long add(long demand, long more) {
            long sum = demand + more;
            return sum < 0 ? Long.MAX_VALUE : sum;
        }
    }
}
