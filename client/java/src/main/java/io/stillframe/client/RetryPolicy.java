package io.stillframe.client;

import java.time.Duration;

/**
 * How often and how patiently a call is repeated, within the client's timeout.
 *
 * <p>What is repeated: UNAVAILABLE, SERVER_BUSY, RATE_LIMITED, and CANCELLED by a server. The wait
 * before try n + 1 is random between zero and min(maxBackoff, initialBackoff · multiplier^(n-1))
 * ("full jitter"), so that clients do not come back in step; where the server names a time to wait,
 * that much comes on top. A watch that was open once reconnects without counting.
 *
 * @param maxAttempts the tries of a call, the first one too; 1 repeats nothing
 * @param initialBackoff the bound of the first wait
 * @param maxBackoff the bound of every wait
 * @param multiplier by what the bound grows, at least 1
 */
public record RetryPolicy(
        int maxAttempts, Duration initialBackoff, Duration maxBackoff, double multiplier) {

    /** Rides out about 20 s: the restart of a server on a busy machine. */
    public static final RetryPolicy DEFAULT =
            new RetryPolicy(24, Duration.ofMillis(100), Duration.ofSeconds(2), 2.0);

    /** Repeats nothing. */
    public static final RetryPolicy NONE =
            new RetryPolicy(1, DEFAULT.initialBackoff, DEFAULT.maxBackoff, DEFAULT.multiplier);

    /** Refuses bounds that make no sense with IllegalArgumentException. */
    public RetryPolicy {
        if (maxAttempts < 1 || initialBackoff.isNegative() || maxBackoff.isNegative()
                || !(multiplier >= 1)) {
            throw new IllegalArgumentException("a RetryPolicy out of bounds");
        }
    }

    /** The wait in nanoseconds after so many failures in a row; {@code jitter} is in [0, 1). */
    long backoffNanos(int failures, double jitter) {
        // The exponent is bounded because a watch may fail without end.
        double ceiling = Times.nanos(initialBackoff) * Math.pow(multiplier, Math.min(failures - 1, 64));
        return (long) (jitter * Math.min(Times.nanos(maxBackoff), ceiling));
    }
}
