package io.stillframe.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.stillframe.client.errors.ClosedException;
import io.stillframe.client.errors.FencedException;
import io.stillframe.client.errors.StillframeException;
import io.stillframe.client.errors.UnavailableException;
import io.stillframe.v1.SaveSnapshotRequest;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class SaverCoreTest {
    private static final StillframeException BROKEN =
            Statuses.error(Errors.of(Status.Code.UNAVAILABLE));
    private static final Saved SAVED = new Saved(1, "e", 1, "t", SaveOutcome.CREATED);

    private final FakeClock clock = new FakeClock();
    private final SaverCore core =
            new SaverCore(RetryPolicy.DEFAULT, clock, Duration.ofSeconds(60));

    private void submit(long sequence) {
        Snapshot snapshot =
                Snapshot.builder(ExecutionState.RUNNING).sequenceNumber(sequence).build();
        core.submit(
                EncodedSnapshot.of(snapshot, new JsonCodec()),
                SaveSnapshotRequest.getDefaultInstance());
    }

    private static long sequence(SaverCore.Job job) {
        return job.snapshot().header().getSequenceNumber();
    }

    @Test
    void theNewestStateWins() {
        submit(1);
        SaverCore.Job first = core.take();
        submit(2);
        submit(3);
        assertEquals(1, sequence(first));
        assertFalse(core.isSettled(1));
        core.saved(first, SAVED);
        assertTrue(core.isSettled(1));
        assertFalse(core.isSettled(2));
        SaverCore.Job next = core.take();
        assertEquals(3, sequence(next));
        core.saved(next, SAVED);
        assertTrue(core.isSettled(2));
        assertSame(SAVED, core.last());
        assertFalse(core.hasWork());
    }

    @Test
    void aFailedStateIsTriedAgainUnlessANewerWaits() {
        submit(1);
        SaverCore.Job first = core.take();
        assertTrue(core.failed(first, BROKEN).isPresent());
        assertSame(first, core.take());
        submit(2);
        core.failed(first, BROKEN);
        assertEquals(2, sequence(core.take()));
    }

    @Test
    void anAbsenceIsBounded() {
        submit(1);
        SaverCore.Job job = core.take();
        assertEquals(Duration.ofSeconds(30), core.timeLeft(Duration.ofSeconds(30)));
        assertTrue(core.failed(job, BROKEN).isPresent());
        clock.pass(Duration.ofSeconds(45));
        assertEquals(Duration.ofSeconds(15), core.timeLeft(Duration.ofSeconds(30)));
        clock.pass(Duration.ofSeconds(15));
        assertEquals(Duration.ofMillis(1), core.timeLeft(null));
        assertTrue(core.failed(core.take(), BROKEN).isEmpty());
        assertThrows(UnavailableException.class, () -> submit(2));
        assertThrows(UnavailableException.class, core::check);
        assertTrue(core.isSettled(1));
    }

    @Test
    void anAbsenceBeginsWithTheTryThatFailed() {
        submit(1);
        SaverCore.Job job = core.take();
        clock.pass(Duration.ofSeconds(45));
        assertTrue(core.failed(job, BROKEN).isPresent());
        assertEquals(Duration.ofSeconds(15), core.timeLeft(null));
        core.take();
        clock.pass(Duration.ofSeconds(15));
        assertTrue(core.failed(job, BROKEN).isEmpty());
    }

    @Test
    void aTryThatTakesAllTheTimeIsTheLast() {
        submit(1);
        SaverCore.Job job = core.take();
        clock.pass(Duration.ofSeconds(60));
        assertTrue(core.failed(job, BROKEN).isEmpty());
        assertThrows(UnavailableException.class, core::check);
    }

    @Test
    void aServerThatAsksForMoreTimeDoesNotMakeTheAbsenceLonger() {
        submit(1);
        SaverCore.Job job = core.take();
        clock.pass(Duration.ofSeconds(20));
        StillframeException busy =
                Statuses.error(
                        Errors.of(
                                Status.Code.RESOURCE_EXHAUSTED,
                                "SERVER_BUSY",
                                Duration.ofDays(300 * 365)));
        long wait = core.failed(job, busy).orElseThrow();
        assertEquals(Duration.ofSeconds(40), Duration.ofNanos(wait));
        clock.pass(Duration.ofNanos(wait));
        assertEquals(Duration.ofMillis(1), core.timeLeft(null));
        assertTrue(core.failed(core.take(), busy).isEmpty());
    }

    @Test
    void theFirstErrorIsTheOneThatStoppedIt() {
        submit(1);
        SaverCore.Job job = core.take();
        core.stop(new ClosedException("closed"));
        assertTrue(core.failed(job, BROKEN).isEmpty());
        assertThrows(ClosedException.class, core::check);
    }

    @Test
    void anAnswerEndsAnAbsence() {
        submit(1);
        SaverCore.Job job = core.take();
        core.failed(job, BROKEN);
        clock.pass(Duration.ofSeconds(59));
        core.saved(core.take(), SAVED);
        submit(2);
        assertEquals(Duration.ofSeconds(60), core.timeLeft(null));
        clock.pass(Duration.ofSeconds(59));
        assertTrue(core.failed(core.take(), BROKEN).isPresent());
    }

    @Test
    void anErrorThatWaitingDoesNotMendStopsItForGood() {
        submit(1);
        StillframeException fenced =
                Statuses.error(Errors.of(Status.Code.FAILED_PRECONDITION, "FENCED"));
        assertTrue(core.failed(core.take(), fenced).isEmpty());
        assertThrows(FencedException.class, () -> submit(2));
        assertThrows(FencedException.class, core::check);
        assertFalse(core.hasWork());
    }

    @Test
    void aClosedSaverRefusesStatesAndHasNoErrorIfNothingWasLost() {
        submit(1);
        core.saved(core.take(), SAVED);
        core.close();
        assertThrows(ClosedException.class, () -> submit(2));
        core.stop(new ClosedException("closed"));
        core.check();
    }

    @Test
    void whatIsStoppedWithWorkLeftSaysSo() {
        submit(1);
        core.close();
        core.stop(new ClosedException("closed"));
        assertThrows(ClosedException.class, core::check);
    }
}
