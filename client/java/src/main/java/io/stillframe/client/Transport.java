package io.stillframe.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.stillframe.client.errors.CallCancelledException;
import io.stillframe.client.errors.ClosedException;
import io.stillframe.client.errors.ErrorDetails;
import io.stillframe.client.errors.StillframeException;
import io.stillframe.client.errors.UnavailableException;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Calls over a channel, and the loop that repeats them. Safe to use from many threads. */
final class Transport {
    private final Channel channel;
    private final ManagedChannel owned;
    private final CallOptions options;
    private final RetryPolicy policy;
    private final Clock clock;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Set<Runnable> atClose = ConcurrentHashMap.newKeySet();

    /** {@code owned} is the channel below {@code channel} if it is to be closed; else null. */
    Transport(
            Channel channel,
            ManagedChannel owned,
            CallOptions options,
            RetryPolicy policy,
            Clock clock) {
        this.channel = channel;
        this.owned = owned;
        this.options = options;
        this.policy = policy;
        this.clock = clock;
    }

    RetryPolicy policy() {
        return policy;
    }

    Clock clock() {
        return clock;
    }

    /** Makes a call, with retries, within the timeout; null is no bound. */
    <Q, A> A unary(MethodDescriptor<Q, A> method, Q request, Duration timeout) {
        Attempts attempts = new Attempts(policy, timeout, clock);
        while (true) {
            refuseClosed();
            try {
                return ClientCalls.blockingUnaryCall(
                        channel, method, within(attempts.remaining()), request);
            } catch (StatusRuntimeException failure) {
                StillframeException error = Statuses.error(failure);
                OptionalLong delay = attempts.delayAfter(error);
                if (delay.isEmpty() || isOver()) {
                    throw error;
                }
                await(delay.getAsLong(), error);
                reconnect(error);
            }
        }
    }

    /** Starts one call of a watch. */
    <Q, A> StreamCall<A> stream(MethodDescriptor<Q, A> method, Q request) {
        refuseClosed();
        return StreamCall.start(channel, method, options, request);
    }

    /** gRPC's own wait between connections grows to minutes; that of the retries is ours. */
    void reconnect(StillframeException error) {
        if (owned != null && error instanceof UnavailableException) {
            owned.resetConnectBackoff();
        }
    }

    /** Runs {@code end} when the client is closed, which may be at once, and then more than once. */
    void atClose(Runnable end) {
        atClose.add(end);
        if (isClosed()) {
            end.run();
        }
    }

    void forget(Runnable end) {
        atClose.remove(end);
    }

    boolean isClosed() {
        return closed.getCount() == 0;
    }

    /** Closes the channel, unless it was given. Ends the calls and waits of other threads. */
    void close() {
        closed.countDown();
        atClose.forEach(Runnable::run);
        if (owned != null) {
            owned.shutdownNow();
        }
    }

    private CallOptions within(OptionalLong nanos) {
        return nanos.isPresent()
                ? options.withDeadlineAfter(nanos.getAsLong(), TimeUnit.NANOSECONDS)
                : options;
    }

    /** Whether it is the caller, and not the server, that ended the call. */
    private boolean isOver() {
        return isClosed()
                || Thread.currentThread().isInterrupted()
                || Context.current().isCancelled();
    }

    private void await(long nanos, StillframeException error) {
        try {
            clock.await(closed, nanos);
        } catch (InterruptedException interrupt) {
            Thread.currentThread().interrupt();
            CallCancelledException interrupted =
                    new CallCancelledException(
                            "interrupted before another try", ErrorDetails.NONE, interrupt);
            interrupted.addSuppressed(error);
            throw interrupted;
        }
    }

    private void refuseClosed() {
        if (isClosed()) {
            throw new ClosedException("the client is closed");
        }
    }
}
