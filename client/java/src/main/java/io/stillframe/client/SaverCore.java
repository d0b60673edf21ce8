package io.stillframe.client;

import io.stillframe.client.errors.ClosedException;
import io.stillframe.client.errors.StillframeException;
import io.stillframe.v1.SaveSnapshotRequest;
import java.time.Duration;
import java.util.OptionalLong;

/**
 * What a background saver does next (no I/O, no thread). The newest state wins: one save is under
 * way, at most one state waits, and a newer one takes its place. Not safe to use from many threads.
 */
final class SaverCore {
    /** A state to save; {@code ticket} counts the states submitted. */
    record Job(long ticket, EncodedSnapshot snapshot, SaveSnapshotRequest options) {}

    // An absence that is over all but a little still gets one short try.
    private static final long LEAST_NANOS = 1_000_000;

    private final RetryPolicy policy;
    private final Clock clock;
    private final long maxAbsence;
    private long submitted;
    private long durable;
    private Job waiting;
    private int failures;
    private long tryBegan;
    private long absentSince;
    private StillframeException error;
    private boolean closed;
    private Saved last;

    SaverCore(RetryPolicy policy, Clock clock, Duration maxAbsence) {
        this.policy = policy;
        this.clock = clock;
        this.maxAbsence = Times.nanos(maxAbsence);
    }

    /** The answer to the newest state that is durable; null when none is. */
    Saved last() {
        return last;
    }

    /** The ticket of the newest state. */
    long newest() {
        return submitted;
    }

    boolean hasWork() {
        return waiting != null && error == null;
    }

    /** Takes a state to save. Throws the error that stopped the saver. */
    void submit(EncodedSnapshot snapshot, SaveSnapshotRequest options) {
        if (closed) {
            throw new ClosedException("the saver is closed");
        }
        check();
        submitted++;
        waiting = new Job(submitted, snapshot, options);
    }

    /** Throws the error that stopped the saver, if one did. */
    void check() {
        if (error != null) {
            throw Statuses.again(error);
        }
    }

    /** Whether waiting for a state is over: it, or a newer one, is durable, or never will be. */
    boolean isSettled(long ticket) {
        return durable >= ticket || error != null;
    }

    /** The state to save now: a try begins. */
    Job take() {
        tryBegan = clock.nanoTime();
        Job job = waiting;
        waiting = null;
        return job;
    }

    /**
     * What the next try may take: an absence ends in time also when the server swallows calls.
     * {@code timeout} may be null.
     */
    Duration timeLeft(Duration timeout) {
        long absent = failures > 0 ? clock.nanoTime() - absentSince : 0;
        long left = Math.max(maxAbsence - absent, LEAST_NANOS);
        return Duration.ofNanos(timeout == null ? left : Math.min(left, Times.nanos(timeout)));
    }

    /** A state is durable. */
    void saved(Job job, Saved saved) {
        durable = job.ticket();
        failures = 0;
        last = saved;
    }

    /**
     * A try failed. How many nanoseconds to wait before the next one, of the newest state; empty if
     * the saver has stopped.
     */
    OptionalLong failed(Job job, StillframeException failure) {
        if (error != null) {
            return OptionalLong.empty();
        }
        if (failures == 0) {
            // Its end may come as late as the whole absence may last.
            absentSince = tryBegan;
        }
        failures++;
        long left = maxAbsence - (clock.nanoTime() - absentSince);
        if (!Attempts.isAbsence(failure) || left <= 0) {
            error = failure;
            return OptionalLong.empty();
        }
        if (waiting == null) {
            waiting = job;
        }
        long delay = Attempts.delay(policy, failures, clock.random(), failure);
        // However long the server asks to be left alone, the absence ends in time.
        return OptionalLong.of(Math.min(delay, left));
    }

    /** Stops the saver for a reason of its shell's. */
    void stop(StillframeException reason) {
        // Else it ends as it was told to, and nothing was lost.
        if (error == null && (durable < submitted || !closed)) {
            error = reason;
        }
    }

    /** Refuses every later state. */
    void close() {
        closed = true;
    }
}
