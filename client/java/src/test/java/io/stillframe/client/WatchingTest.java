package io.stillframe.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.stillframe.client.errors.HistoryCompactedException;
import io.stillframe.client.errors.InvalidFieldException;
import io.stillframe.client.errors.StillframeException;
import io.stillframe.client.errors.UnavailableException;
import io.stillframe.v1.WatchFrame;
import io.stillframe.v1.WatchFromInitialState;
import io.stillframe.v1.WatchSnapshotsRequest;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WatchingTest {
    private static final StillframeException BROKEN =
            Statuses.error(Errors.of(Status.Code.UNAVAILABLE));

    private final FakeClock clock = new FakeClock();

    private Watching watching(WatchSnapshotsRequest.Builder request, boolean restartIfLost) {
        return new Watching(
                request.build(), new JsonCodec(), RetryPolicy.DEFAULT, clock, restartIfLost);
    }

    private Watching fromNow() {
        return watching(WatchSnapshotsRequest.newBuilder(), false);
    }

    private Watching fromInitialState() {
        return watching(
                WatchSnapshotsRequest.newBuilder()
                        .setInitialState(WatchFromInitialState.getDefaultInstance()),
                false);
    }

    private static List<String> events(Watching watching, WatchFrame... frames) {
        watching.receive(Frames.of(frames));
        List<String> names = new ArrayList<>();
        for (WatchEvent event = watching.nextEvent();
                event != null;
                event = watching.nextEvent()) {
            names.add(event.getClass().getSimpleName());
        }
        return names;
    }

    @Test
    void aWatchStartsWhereItWasTold() {
        assertTrue(fromNow().nextRequest().hasNow());
        assertTrue(fromInitialState().nextRequest().hasInitialState());
        Watching resumed = watching(WatchSnapshotsRequest.newBuilder().setResumeToken("t"), false);
        assertEquals("t", resumed.nextRequest().getResumeToken());
        assertEquals("t", resumed.resumeToken());
    }

    @Test
    void framesBecomeEventsAndGoodbyeNone() {
        Watching watching = fromNow();
        watching.nextRequest();
        assertEquals(
                List.of("Opened", "Change", "CaughtUp", "Progress"),
                events(
                        watching,
                        Frames.opened("t0"),
                        Frames.change("a", "t1"),
                        Frames.caughtUp("t1"),
                        Frames.progress("t2"),
                        Frames.goodbye("t3")));
        assertEquals("t3", watching.resumeToken());
        assertTrue(watching.ended(null) >= 0);
        assertEquals("t3", watching.nextRequest().getResumeToken());
    }

    @Test
    void aFrameOfAKindThatIsNotKnownMovesTheToken() {
        Watching watching = fromNow();
        watching.nextRequest();
        WatchFrame unknown = WatchFrame.newBuilder().setResumeToken("t9").build();
        assertEquals(List.of("Opened"), events(watching, Frames.opened("t0"), unknown));
        assertEquals("t9", watching.resumeToken());
    }

    @Test
    void theTokenMovesWhenAnEventIsTakenNotWhenItCame() {
        Watching watching = fromNow();
        watching.nextRequest();
        watching.receive(
                Frames.of(
                        Frames.opened("t0"), Frames.change("a", "t1"), Frames.change("b", "t2")));
        watching.nextEvent();
        watching.nextEvent();
        assertEquals("t1", watching.resumeToken());
        watching.ended(BROKEN);
        assertEquals("t1", watching.nextRequest().getResumeToken());
        assertNull(watching.nextEvent());
    }

    @Test
    void insideTheInitialStateNoTokenIsSafe() {
        Watching watching = fromInitialState();
        watching.nextRequest();
        watching.receive(Frames.of(Frames.opened("x"), Frames.change("a", "y")));
        WatchEvent opened = watching.nextEvent();
        WatchEvent.Change change =
                assertInstanceOf(WatchEvent.Change.class, watching.nextEvent());
        assertEquals("", opened.resumeToken());
        assertEquals("", change.resumeToken());
        assertTrue(change.initial());
        assertEquals("", watching.resumeToken());
        watching.receive(
                Frames.of(Frames.initialStateEnd("t5"), Frames.change("b", "t6")));
        assertEquals("t5", watching.nextEvent().resumeToken());
        change = assertInstanceOf(WatchEvent.Change.class, watching.nextEvent());
        assertFalse(change.initial());
        assertEquals("t6", watching.resumeToken());
    }

    @Test
    void aCutInsideTheInitialStateStartsItOverAndSaysSo() {
        Watching watching = fromInitialState();
        watching.nextRequest();
        events(watching, Frames.opened(""), Frames.change("a", ""));
        watching.ended(BROKEN);
        assertTrue(watching.nextRequest().hasInitialState());
        watching.receive(Frames.of(Frames.opened(""), Frames.change("a", "")));
        assertEquals(new WatchEvent.Restarted("INTERRUPTED"), watching.nextEvent());
        assertInstanceOf(WatchEvent.Opened.class, watching.nextEvent());
        assertInstanceOf(WatchEvent.Change.class, watching.nextEvent());
    }

    @Test
    void aCutBeforeAnythingWasShownNeedsNoWord() {
        Watching watching = fromInitialState();
        watching.nextRequest();
        events(watching, Frames.opened(""));
        watching.ended(BROKEN);
        watching.nextRequest();
        assertEquals(List.of("Opened"), events(watching, Frames.opened("")));
    }

    @Test
    void theWordWaitsUntilANewViewComes() {
        Watching watching = fromInitialState();
        watching.nextRequest();
        events(watching, Frames.opened(""), Frames.change("a", ""));
        watching.ended(BROKEN);
        watching.nextRequest();
        assertNull(watching.nextEvent());
        watching.ended(BROKEN);
        watching.nextRequest();
        assertEquals(List.of("Restarted", "Opened"), events(watching, Frames.opened("")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"HISTORY_COMPACTED", "STORE_REPLACED", "REVISION_IN_FUTURE"})
    void aLostTokenStartsOverIfToldTo(String reason) {
        StillframeException lost = Statuses.error(Errors.of(Status.Code.OUT_OF_RANGE, reason));
        WatchSnapshotsRequest.Builder request =
                WatchSnapshotsRequest.newBuilder().setResumeToken("t");
        Watching watching = watching(request, true);
        watching.nextRequest();
        watching.ended(lost);
        assertTrue(watching.nextRequest().hasInitialState());
        assertEquals("", watching.resumeToken());
        watching.receive(Frames.of(Frames.opened("")));
        assertEquals(new WatchEvent.Restarted(reason), watching.nextEvent());

        Watching other = watching(request, false);
        other.nextRequest();
        assertThrows(StillframeException.class, () -> other.ended(lost));
    }

    @Test
    void anErrorThatWaitingDoesNotMendIsThrown() {
        Watching watching = fromNow();
        StillframeException error =
                Statuses.error(Errors.of(Status.Code.INVALID_ARGUMENT, "INVALID_FIELD"));
        watching.nextRequest();
        assertThrows(InvalidFieldException.class, () -> watching.ended(error));
        StillframeException compacted =
                Statuses.error(Errors.of(Status.Code.OUT_OF_RANGE, "HISTORY_COMPACTED"));
        assertThrows(HistoryCompactedException.class, () -> watching.ended(compacted));
    }

    @Test
    void aWatchThatWasNeverOpenGivesUpAndOneThatWasDoesNot() {
        Watching never = fromNow();
        for (int i = 1; i < RetryPolicy.DEFAULT.maxAttempts(); i++) {
            never.nextRequest();
            never.ended(BROKEN);
        }
        assertThrows(UnavailableException.class, () -> never.ended(BROKEN));

        Watching open = fromNow();
        open.nextRequest();
        events(open, Frames.opened("t0"));
        for (int i = 0; i < 1_000; i++) {
            assertTrue(open.ended(BROKEN) <= RetryPolicy.DEFAULT.maxBackoff().toNanos());
            open.nextRequest();
        }
    }

    @Test
    void aChangeByWhichAnExecutionEndsIsNotWhole() {
        Watching watching = fromNow();
        watching.nextRequest();
        watching.receive(
                Frames.of(
                        Frames.opened("t0"),
                        Frames.change(io.stillframe.v1.ChangeKind.CHANGE_KIND_DELETED, "a", "t1"),
                        Frames.change("b", "t2")));
        watching.nextEvent();
        WatchEvent.Change deleted = (WatchEvent.Change) watching.nextEvent();
        assertEquals(ChangeKind.DELETED, deleted.kind());
        assertThrows(InvalidFieldException.class, () -> deleted.snapshot().toBuilder());
        WatchEvent.Change saved = (WatchEvent.Change) watching.nextEvent();
        assertFalse(saved.snapshot().variables().isPartial());
    }
}
