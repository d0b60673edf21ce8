package io.stillframe.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.stillframe.client.errors.StillframeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AttemptsTest {
    private static final StillframeException UNAVAILABLE =
            Statuses.error(Errors.of(Status.Code.UNAVAILABLE));

    private final FakeClock clock = new FakeClock();

    private static Duration wait(OptionalLong nanos) {
        return Duration.ofNanos(nanos.orElseThrow());
    }

    @Test
    void theBoundOfTheWaitDoublesAndStopsAtTheGreatest() {
        Attempts attempts = new Attempts(RetryPolicy.DEFAULT, null, clock);
        List<Long> waits = new ArrayList<>();
        for (OptionalLong delay = attempts.delayAfter(UNAVAILABLE);
                delay.isPresent();
                delay = attempts.delayAfter(UNAVAILABLE)) {
            waits.add(wait(delay).toMillis());
        }
        assertEquals(List.of(50L, 100L, 200L, 400L, 800L, 1000L, 1000L), waits.subList(0, 7));
        assertEquals(23, waits.size());
    }

    @Test
    void aWaitWithoutEndDoesNotOverflow() {
        RetryPolicy policy = RetryPolicy.DEFAULT;
        long greatest = Duration.ofSeconds(1).toNanos();
        assertEquals(greatest, policy.backoffNanos(Integer.MAX_VALUE, 0.5));
    }

    @Test
    void whatTheServerAsksForComesOnTop() {
        Attempts attempts = new Attempts(RetryPolicy.DEFAULT, null, clock);
        StillframeException busy =
                Statuses.error(
                        Errors.of(
                                Status.Code.RESOURCE_EXHAUSTED,
                                "SERVER_BUSY",
                                Duration.ofSeconds(3)));
        assertEquals(Duration.ofMillis(3050), wait(attempts.delayAfter(busy)));
    }

    @Test
    void aWaitThatUsesTheTimeUpLeavesNoTry() {
        Attempts attempts = new Attempts(RetryPolicy.DEFAULT, Duration.ofMillis(120), clock);
        assertEquals(Duration.ofMillis(50), wait(attempts.delayAfter(UNAVAILABLE)));
        clock.pass(Duration.ofMillis(50));
        assertEquals(Duration.ofMillis(70).toNanos(), attempts.remaining().orElseThrow());
        assertTrue(attempts.delayAfter(UNAVAILABLE).isEmpty());
        clock.pass(Duration.ofHours(1));
        assertEquals(0, attempts.remaining().orElseThrow());
    }

    @Test
    void aTimeoutWithoutEndIsOneOfManyYears() {
        Duration forever = Duration.ofSeconds(Long.MAX_VALUE);
        Attempts attempts = new Attempts(RetryPolicy.DEFAULT, forever, clock);
        assertTrue(attempts.remaining().orElseThrow() > Duration.ofDays(20_000).toNanos());
    }

    @ParameterizedTest
    @CsvSource({
        "UNAVAILABLE, '', true, true",
        "UNAVAILABLE, STORE_UNAVAILABLE, true, true",
        "UNAVAILABLE, SHUTTING_DOWN, true, true",
        "RESOURCE_EXHAUSTED, SERVER_BUSY, true, true",
        "RESOURCE_EXHAUSTED, RATE_LIMITED, true, true",
        "CANCELLED, '', true, true",
        "DEADLINE_EXCEEDED, '', false, true",
        "INTERNAL, '', false, true",
        "UNKNOWN, '', false, true",
        "INTERNAL, INTERNAL, false, false",
        "RESOURCE_EXHAUSTED, '', false, false",
        "RESOURCE_EXHAUSTED, SNAPSHOT_TOO_LARGE, false, false",
        "RESOURCE_EXHAUSTED, QUOTA_EXCEEDED, false, false",
        "FAILED_PRECONDITION, FENCED, false, false",
        "ABORTED, ETAG_MISMATCH, false, false",
        "INVALID_ARGUMENT, INVALID_FIELD, false, false",
        "UNIMPLEMENTED, UNIMPLEMENTED, false, false",
        "DATA_LOSS, '', false, false"
    })
    void onlyWhatAnotherTryCanHelpIsRepeated(
            Status.Code code, String reason, boolean isTransient, boolean isAbsence) {
        StillframeException error =
                Statuses.error(reason.isEmpty() ? Errors.of(code) : Errors.of(code, reason));
        assertEquals(isTransient, Attempts.isTransient(error));
        assertEquals(isAbsence, Attempts.isAbsence(error));
        Attempts attempts = new Attempts(RetryPolicy.DEFAULT, null, clock);
        assertEquals(isTransient, attempts.delayAfter(error).isPresent());
    }

    @Test
    void aPolicyOfOneAttemptRepeatsNothing() {
        Attempts attempts = new Attempts(RetryPolicy.NONE, null, clock);
        assertFalse(attempts.delayAfter(UNAVAILABLE).isPresent());
    }

    @Test
    void aPolicyOutOfBoundsIsRefused() {
        Duration time = Duration.ofMillis(1);
        assertThrows(
                IllegalArgumentException.class, () -> new RetryPolicy(0, time, time, 2));
        assertThrows(
                IllegalArgumentException.class, () -> new RetryPolicy(1, time.negated(), time, 2));
        assertThrows(
                IllegalArgumentException.class, () -> new RetryPolicy(1, time, time, Double.NaN));
    }
}
