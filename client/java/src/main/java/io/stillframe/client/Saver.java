package io.stillframe.client;

import io.stillframe.client.errors.CallCancelledException;
import io.stillframe.client.errors.ClosedException;
import io.stillframe.client.errors.DeadlineExceededException;
import io.stillframe.client.errors.ErrorDetails;
import io.stillframe.client.errors.StillframeException;
import io.stillframe.client.errors.UnknownException;
import io.stillframe.v1.SaveSnapshotRequest;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Saves the states of one execution in the background. The newest wins: while a save is under way
 * one state waits, and a newer one takes its place.
 *
 * <p>The server's absence is ridden out for a time ({@link SaverOptions#maxAbsence}). After that, or
 * after an error that waiting does not mend (FencedException, SnapshotTooLargeException), the saver
 * has stopped for good, and every submit and flush throws the error.
 *
 * <p>Usable from many threads. Close it, and before the client: what was not flushed when the client
 * is closed or the process ends is lost. In the first case, whoever waits in flush or close gets a
 * ClosedException.
 */
public final class Saver implements AutoCloseable {
    private final Execution execution;
    private final Duration timeout;
    private final Transport transport;
    private final Clock clock;
    private final SaverCore core;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final CountDownLatch stopping = new CountDownLatch(1);
    private final Runnable abandon = this::abandon;
    private Thread thread;

    Saver(Execution execution, Calls calls, Duration maxAbsence) {
        this.execution = execution;
        this.timeout = calls.timeout();
        this.transport = calls.transport();
        this.clock = transport.clock();
        this.core = new SaverCore(transport.policy(), clock, maxAbsence);
    }

    /** The handle that it saves through; its claim gives the saves their epoch. */
    public Execution execution() {
        return execution;
    }

    /** Takes a copy of the snapshot, to be saved as soon as can be, and returns at once. */
    public void submit(Snapshot snapshot) {
        submit(snapshot, options -> {});
    }

    /**
     * Takes a copy of the snapshot, to be saved as soon as can be, and returns at once. Of the
     * options, ttl and allowSequenceRegression are meant for it.
     *
     * @throws StillframeException for a value that cannot be encoded and the like, or the error that
     *     stopped the saver
     */
    public void submit(Snapshot snapshot, Consumer<SaveOptions> options) {
        EncodedSnapshot encoded = execution.encode(snapshot);
        SaveSnapshotRequest chosen = Execution.options(options);
        lock.lock();
        try {
            core.submit(encoded, chosen);
            if (thread == null) {
                thread = new Thread(this::run, "stillframe-saver");
                // A process that dies of an error must not hang on it.
                thread.setDaemon(true);
                thread.start();
                transport.atClose(abandon);
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until the newest submitted state is durable, and returns the answer to it, or to a newer
     * one; empty when nothing was submitted.
     *
     * @throws StillframeException the error that stopped the saver
     */
    public Optional<Saved> flush() {
        return flush(null);
    }

    /**
     * As {@link #flush()}, within a time.
     *
     * @throws DeadlineExceededException when it is over; the saver goes on
     */
    public Optional<Saved> flush(Duration within) {
        lock.lock();
        try {
            long ticket = core.newest();
            long left = within == null ? Long.MAX_VALUE : Times.nanos(within);
            while (!core.isSettled(ticket)) {
                if (left <= 0) {
                    throw new DeadlineExceededException(
                            "not durable within " + within, ErrorDetails.NONE, null);
                }
                left = within == null ? await() : changed.awaitNanos(left);
            }
            core.check();
            return Optional.ofNullable(core.last());
        } catch (InterruptedException interrupt) {
            Thread.currentThread().interrupt();
            throw new CallCancelledException(
                    "interrupted while flushing", ErrorDetails.NONE, interrupt);
        } finally {
            lock.unlock();
        }
    }

    /** Flushes, and ends the thread. Throws what {@link #flush()} throws. */
    @Override
    public void close() {
        lock.lock();
        try {
            core.close();
        } finally {
            lock.unlock();
        }
        try {
            flush();
        } finally {
            end();
        }
    }

    private long await() throws InterruptedException {
        changed.await();
        return Long.MAX_VALUE;
    }

    private void end() {
        stopping.countDown();
        Thread running;
        lock.lock();
        try {
            core.stop(new ClosedException("the saver is closed"));
            changed.signalAll();
            running = thread;
        } finally {
            lock.unlock();
        }
        if (running != null && Thread.currentThread().isInterrupted()) {
            // The wait for the flush was cut short: so is the call that it waited for.
            running.interrupt();
        } else if (running != null) {
            join(running);
        }
    }

    /** The client is closed: nothing that waits will be saved any more. */
    private void abandon() {
        stopping.countDown();
        locked(
                () -> {
                    core.close();
                    core.stop(new ClosedException("the client is closed"));
                    // A call over a channel that was given does not end with the client.
                    thread.interrupt();
                    return null;
                });
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException interrupt) {
            thread.interrupt();
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            OptionalLong delay = OptionalLong.of(0);
            while (delay.isPresent()) {
                clock.await(stopping, delay.getAsLong());
                SaverCore.Job job = nextJob();
                if (job == null) {
                    return;
                }
                delay = attempt(job);
            }
        } catch (InterruptedException closing) {
            // close() does not wait for an answer any longer.
        } catch (RuntimeException | Error fault) {
            stop(fault);
            throw fault;
        } finally {
            transport.forget(abandon);
        }
    }

    /** The next state to save; null when the saver ends. */
    private SaverCore.Job nextJob() throws InterruptedException {
        lock.lock();
        try {
            while (!core.hasWork() && stopping.getCount() > 0) {
                changed.await();
            }
            return stopping.getCount() == 0 ? null : Objects.requireNonNull(core.take());
        } finally {
            lock.unlock();
        }
    }

    /** Makes one try: the nanoseconds to wait before the next one, empty to stop. */
    private OptionalLong attempt(SaverCore.Job job) {
        Duration within = locked(() -> core.timeLeft(timeout));
        try {
            Saved saved = execution.saveEncoded(job.snapshot(), job.options(), within);
            return locked(
                    () -> {
                        core.saved(job, saved);
                        return OptionalLong.of(0);
                    });
        } catch (StillframeException error) {
            return locked(() -> core.failed(job, error));
        }
    }

    /** After a fault of the client's own: whoever waits must hear of it. */
    private void stop(Throwable fault) {
        locked(
                () -> {
                    core.stop(
                            new UnknownException(
                                    "the saver broke: " + fault, ErrorDetails.NONE, fault));
                    return null;
                });
    }

    private <T> T locked(Supplier<T> work) {
        lock.lock();
        try {
            T result = work.get();
            changed.signalAll();
            return result;
        } finally {
            lock.unlock();
        }
    }
}
