package io.stillframe.client;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;

/** A clock that passes only by waits, which it keeps. Its chance is one half. */
final class FakeClock implements Clock {
    final List<Duration> waits = new CopyOnWriteArrayList<>();
    /** Thrown instead of a chance, if there is one. */
    volatile RuntimeException fault;

    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 5_000_000_000L);

    /** Starts shortly before nanoTime overflows, which it may. */
    @Override
    public long nanoTime() {
        return now.get();
    }

    @Override
    public double random() {
        if (fault != null) {
            throw fault;
        }
        return 0.5;
    }

    @Override
    public void await(CountDownLatch wake, long nanos) {
        if (nanos > 0) {
            waits.add(Duration.ofNanos(nanos));
            pass(Duration.ofNanos(nanos));
        }
    }

    void pass(Duration time) {
        now.addAndGet(time.toNanos());
    }
}
