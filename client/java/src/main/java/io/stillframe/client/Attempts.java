package io.stillframe.client;

import io.stillframe.client.errors.CallCancelledException;
import io.stillframe.client.errors.DeadlineExceededException;
import io.stillframe.client.errors.InternalException;
import io.stillframe.client.errors.RateLimitedException;
import io.stillframe.client.errors.ServerBusyException;
import io.stillframe.client.errors.StillframeException;
import io.stillframe.client.errors.UnavailableException;
import io.stillframe.client.errors.UnknownException;
import java.time.Duration;
import java.util.OptionalLong;

/**
 * The tries of one call (no I/O).
 *
 * <p>Every call can be repeated: saves, forks, deletes and sets carry a request id, by which the
 * server gives its first answer again; a claim that is repeated gives a higher epoch; and the
 * contract says of DeleteValue, which carries none, what a repeat may find.
 */
final class Attempts {
    private final RetryPolicy policy;
    private final Clock clock;
    private final boolean bounded;
    private final long deadline;
    private int failures;

    /** {@code timeout} is that of the whole call; null is no bound. */
    Attempts(RetryPolicy policy, Duration timeout, Clock clock) {
        this.policy = policy;
        this.clock = clock;
        this.bounded = timeout != null;
        // Bounded, so that differences to it stay right when nanoTime overflows.
        this.deadline =
                bounded ? clock.nanoTime() + Math.min(Times.nanos(timeout), Long.MAX_VALUE / 4) : 0;
    }

    /** Whether another try of the same call may succeed soon. */
    static boolean isTransient(StillframeException error) {
        return error instanceof UnavailableException
                || error instanceof ServerBusyException
                || error instanceof RateLimitedException
                || error instanceof CallCancelledException;
    }

    /**
     * Whether no answer of a working server was had: what a background saver rides out, and after
     * which nobody knows whether the call took effect. Besides transient errors: the timeout, and
     * statuses without a Stillframe reason that broken connections and proxies make up.
     */
    static boolean isAbsence(StillframeException error) {
        if (isTransient(error) || error instanceof DeadlineExceededException) {
            return true;
        }
        return error.reason().isEmpty()
                && (error instanceof InternalException || error instanceof UnknownException);
    }

    /** The nanoseconds that the next try may take; empty is no bound. */
    OptionalLong remaining() {
        return bounded
                ? OptionalLong.of(Math.max(0, deadline - clock.nanoTime()))
                : OptionalLong.empty();
    }

    /** The nanoseconds to wait before the next try; empty when the error is the call's. */
    OptionalLong delayAfter(StillframeException error) {
        failures++;
        if (!isTransient(error) || failures >= policy.maxAttempts()) {
            return OptionalLong.empty();
        }
        long delay = delay(policy, failures, clock.random(), error);
        // A wait that uses the time up leaves none for the try.
        OptionalLong remaining = remaining();
        return remaining.isPresent() && delay >= remaining.getAsLong()
                ? OptionalLong.empty()
                : OptionalLong.of(delay);
    }

    /** The nanoseconds to wait after so many failures, of which the last may be null. */
    static long delay(RetryPolicy policy, int failures, double jitter, StillframeException error) {
        long asked = error == null ? 0 : error.retryAfter().map(Times::nanos).orElse(0L);
        long delay = policy.backoffNanos(failures, jitter) + asked;
        return delay < 0 ? Long.MAX_VALUE : delay;
    }
}
