package io.stillframe.client;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/** The time and the chance that retries depend on; tests bring their own. */
interface Clock {
    long nanoTime();

    /** In [0, 1). */
    double random();

    /** Passes so much time, or less when {@code wake} is open. */
    void await(CountDownLatch wake, long nanos) throws InterruptedException;

    Clock SYSTEM =
            new Clock() {
                @Override
                public long nanoTime() {
                    return System.nanoTime();
                }

                @Override
                public double random() {
                    return ThreadLocalRandom.current().nextDouble();
                }

                @Override
                public void await(CountDownLatch wake, long nanos) throws InterruptedException {
                    // Opened or not, the waiting is over.
                    boolean opened = wake.await(nanos, TimeUnit.NANOSECONDS);
                }
            };
}
