package io.stillframe.client;

import io.stillframe.client.errors.CallCancelledException;
import io.stillframe.client.errors.ErrorDetails;
import io.stillframe.client.errors.StillframeException;
import io.stillframe.v1.SnapshotServiceGrpc;
import io.stillframe.v1.WatchSnapshotsResponse;
import java.time.Duration;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * A stream of events that resumes by itself: over broken connections and restarts of the server,
 * without a gap or a duplicate where its mode promises that.
 *
 * <p>{@code hasNext} blocks until there is an event, and is false once the watch, or its client, is
 * closed; both it and {@code next} throw a StillframeException where the watch cannot go on, and a
 * CallCancelledException when the thread is interrupted, after which the watch is as it was.
 *
 * <p>Nothing is sent before the first event is asked for: a watch that starts now has begun when it
 * gives {@link WatchEvent.Opened}. One thread iterates; {@link #close} may be called from any.
 */
public final class Watch implements Iterator<WatchEvent>, Iterable<WatchEvent>, AutoCloseable {
    private final Watching watching;
    private final Transport transport;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Runnable end = this::close;
    private volatile StreamCall<WatchSnapshotsResponse> call;
    private volatile String resumeToken;
    private WatchEvent next;
    private String nextToken;
    private StillframeException failure;
    private long resumeAt;

    Watch(Watching watching, Transport transport) {
        this.watching = watching;
        this.transport = transport;
        this.resumeToken = watching.resumeToken();
        this.resumeAt = transport.clock().nanoTime();
        transport.atClose(end);
    }

    /**
     * The point up to which everything was handed out, to start another watch with; empty before
     * the first event that has one.
     */
    public String resumeToken() {
        return resumeToken;
    }

    @Override
    public boolean hasNext() {
        return fetch(Long.MAX_VALUE);
    }

    @Override
    public WatchEvent next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the watch is closed");
        }
        return take();
    }

    /** The next event, if there is one within the timeout; also empty once the watch is closed. */
    public Optional<WatchEvent> poll(Duration timeout) {
        return fetch(Times.nanos(timeout)) ? Optional.of(take()) : Optional.empty();
    }

    /** This watch: it can be iterated over once. */
    @Override
    public Iterator<WatchEvent> iterator() {
        return this;
    }

    /** The events as a stream, which ends when the watch is closed. */
    public Stream<WatchEvent> stream() {
        int kind = Spliterator.ORDERED | Spliterator.NONNULL;
        return StreamSupport.stream(Spliterators.spliteratorUnknownSize(this, kind), false);
    }

    /**
     * The changes alone. With an initial state, prefer all events: a Restarted among them says to
     * start anew.
     */
    public Stream<WatchEvent.Change> changes() {
        return stream()
                .filter(WatchEvent.Change.class::isInstance)
                .map(WatchEvent.Change.class::cast);
    }

    /** Ends the watch and its call. */
    @Override
    public void close() {
        closed.countDown();
        transport.forget(end);
        StreamCall<WatchSnapshotsResponse> open = call;
        if (open != null) {
            open.cancel();
        }
    }

    private boolean isClosed() {
        return closed.getCount() == 0;
    }

    private WatchEvent take() {
        WatchEvent event = next;
        next = null;
        resumeToken = nextToken;
        return event;
    }

    /** Whether there is a next event within so many nanoseconds. */
    private boolean fetch(long nanos) {
        Clock clock = transport.clock();
        long begin = clock.nanoTime();
        while (next == null && !isClosed()) {
            next = watching.nextEvent();
            nextToken = watching.resumeToken();
            long left = nanos - (clock.nanoTime() - begin);
            if (next == null) {
                try {
                    if (!advance(left)) {
                        break;
                    }
                } catch (InterruptedException interrupt) {
                    Thread.currentThread().interrupt();
                    throw new CallCancelledException(
                            "interrupted while watching", ErrorDetails.NONE, interrupt);
                } catch (StillframeException error) {
                    ended(error);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
        return next != null && !isClosed();
    }

    /** Goes on by one response, or one wait; false when the time was over before that. */
    private boolean advance(long nanos) throws InterruptedException {
        if (call == null) {
            long wait = resumeAt - transport.clock().nanoTime();
            if (wait > 0) {
                transport.clock().await(closed, Math.min(wait, Math.max(nanos, 0)));
                return wait <= nanos;
            }
            call = transport.stream(
                    SnapshotServiceGrpc.getWatchSnapshotsMethod(), watching.nextRequest());
            if (isClosed()) {
                // close() came before there was a call for it to cancel.
                call.cancel();
            }
        }
        StreamCall.Item<WatchSnapshotsResponse> item = call.poll(nanos);
        if (item == null) {
            return false;
        }
        if (!item.isEnd()) {
            watching.receive(item.response());
            return true;
        }
        call = null;
        ended(item.status().isOk() ? null : Statuses.error(item.status(), item.trailers()));
        return true;
    }

    private void ended(StillframeException error) {
        if (isClosed() || transport.isClosed()) {
            // That the client closes may show here before it has closed the watch.
            close();
            return;
        }
        try {
            resumeAt = transport.clock().nanoTime() + watching.ended(error);
            transport.reconnect(error);
        } catch (StillframeException fatal) {
            failure = fatal;
            close();
        }
    }
}
