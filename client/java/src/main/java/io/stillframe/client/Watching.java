package io.stillframe.client;

import io.stillframe.client.errors.OutOfRangeException;
import io.stillframe.client.errors.StillframeException;
import io.stillframe.v1.SnapshotChange;
import io.stillframe.v1.SnapshotView;
import io.stillframe.v1.WatchFrame;
import io.stillframe.v1.WatchFromInitialState;
import io.stillframe.v1.WatchFromNow;
import io.stillframe.v1.WatchOpened;
import io.stillframe.v1.WatchSnapshotsRequest;
import io.stillframe.v1.WatchSnapshotsResponse;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The state of a watch over its connections (no I/O).
 *
 * <p>A watch is one stream of events made of many calls. Drive it so: send {@link #nextRequest};
 * {@link #receive} each response and take {@link #nextEvent} until null; when the call ends ask
 * {@link #ended}, wait as long as it says, and begin again. In EVERY_CHANGE no change is lost or
 * delivered twice over reconnections: the token moves when an event is taken, not when its message
 * arrives, and frames that came and were not taken come again.
 */
final class Watching {
    /** The reason of a Restarted event after a cut during the initial state. */
    static final String INTERRUPTED = "INTERRUPTED";

    private enum Phase {
        OPENING,
        INITIAL,
        LIVE
    }

    private final WatchSnapshotsRequest template;
    private final Codec codec;
    private final RetryPolicy policy;
    private final Clock clock;
    private final boolean restartIfLost;
    private final Deque<WatchFrame> frames = new ArrayDeque<>();
    private boolean fromInitialState;
    private String token;
    private Phase phase = Phase.OPENING;
    private String restartReason = "";
    private boolean wasOpen;
    private boolean shownInitial;
    private int failures;

    Watching(
            WatchSnapshotsRequest request,
            Codec codec,
            RetryPolicy policy,
            Clock clock,
            boolean restartIfLost) {
        this.template = request;
        this.codec = codec;
        this.policy = policy;
        this.clock = clock;
        this.restartIfLost = restartIfLost;
        this.fromInitialState = request.hasInitialState();
        this.token = request.getResumeToken();
    }

    static Watching of(WatchSnapshotsRequest request, boolean restartIfLost, Calls calls) {
        Transport transport = calls.transport();
        return new Watching(
                request, calls.codec(), transport.policy(), transport.clock(), restartIfLost);
    }

    /** The token of the last event taken that carried one; empty before the first. */
    String resumeToken() {
        return token;
    }

    /** The request of the next call. */
    WatchSnapshotsRequest nextRequest() {
        // Here and not in ended(), because a call may also be dropped without an end.
        if (phase == Phase.INITIAL && shownInitial && restartReason.isEmpty()) {
            restartReason = INTERRUPTED;
        }
        phase = Phase.OPENING;
        frames.clear();
        WatchSnapshotsRequest.Builder request = template.toBuilder();
        if (!token.isEmpty()) {
            request.setResumeToken(token);
        } else if (fromInitialState) {
            request.setInitialState(WatchFromInitialState.getDefaultInstance());
        } else {
            request.setNow(WatchFromNow.getDefaultInstance());
        }
        return request.build();
    }

    /** Takes the frames of a response. */
    void receive(WatchSnapshotsResponse response) {
        frames.addAll(response.getFramesList());
    }

    /** The next event to hand to the consumer; null when another response is needed. */
    WatchEvent nextEvent() {
        while (!frames.isEmpty()) {
            WatchFrame frame = frames.peek();
            if (frame.hasOpened() && !restartReason.isEmpty()) {
                // Said only now, when a new view is about to come: until then the consumer's old
                // view is the best that there is. The frame itself stays for next time.
                WatchEvent restarted = new WatchEvent.Restarted(restartReason);
                restartReason = "";
                shownInitial = false;
                return restarted;
            }
            frames.remove();
            WatchEvent event = event(frame);
            String safe = safe(frame);
            if (!safe.isEmpty()) {
                token = safe;
            }
            if (event != null) {
                return event;
            }
        }
        return null;
    }

    /**
     * Decides what the end of a call means: how many nanoseconds to wait before the next one.
     * {@code error} is null when the server ended the stream with OK, which it does only to be
     * resumed elsewhere.
     *
     * @throws StillframeException the error, when there is no next one
     */
    long ended(StillframeException error) {
        failures++;
        if (error instanceof OutOfRangeException && restartIfLost) {
            token = "";
            fromInitialState = true;
            restartReason = error.reason().isEmpty() ? error.code().name() : error.reason();
        } else if (error != null && !Attempts.isAbsence(error)) {
            throw error;
        }
        // A watch that never opened may have a wrong address, which waiting does not mend; one that
        // was open once waits for its server as long as it takes.
        if (error != null && !wasOpen && failures >= policy.maxAttempts()) {
            throw error;
        }
        return Attempts.delay(policy, failures, clock.random(), error);
    }

    private String safe(WatchFrame frame) {
        // Inside the initial state no token is safe, whatever a frame says: after a cut all of its
        // heads must come again.
        return phase == Phase.INITIAL ? "" : frame.getResumeToken();
    }

    private WatchEvent event(WatchFrame frame) {
        return switch (frame.getFrameCase()) {
            case OPENED -> opened(frame);
            case CHANGE -> change(frame);
            case INITIAL_STATE_END -> {
                phase = Phase.LIVE;
                yield new WatchEvent.InitialStateEnd(
                        frame.getInitialStateEnd().getExecutionCount(), safe(frame));
            }
            case CAUGHT_UP -> new WatchEvent.CaughtUp(safe(frame));
            case PROGRESS -> new WatchEvent.Progress(safe(frame));
            // Goodbye announces the end that follows; a kind that this version does not know is
            // passed over, but its token still counts.
            case GOODBYE, FRAME_NOT_SET -> null;
        };
    }

    private WatchEvent opened(WatchFrame frame) {
        phase = token.isEmpty() && fromInitialState ? Phase.INITIAL : Phase.LIVE;
        wasOpen = true;
        failures = 0;
        WatchOpened opened = frame.getOpened();
        return new WatchEvent.Opened(
                Enums.of(WatchMode.class, opened.getModeValue()),
                opened.getView() == SnapshotView.SNAPSHOT_VIEW_FULL,
                opened.getMaxMessageBytes(),
                Times.duration(opened.getProgressInterval()),
                safe(frame));
    }

    private WatchEvent change(WatchFrame frame) {
        SnapshotChange change = frame.getChange();
        ChangeKind kind = Enums.of(ChangeKind.class, change.getKindValue());
        boolean initial = phase == Phase.INITIAL;
        shownInitial = shownInitial || initial;
        boolean whole = kind == ChangeKind.SAVED && !change.getContentGone();
        return new WatchEvent.Change(
                kind,
                StoredSnapshot.ofChange(change.getSnapshot(), codec, whole),
                initial,
                change.getContentGone(),
                safe(frame));
    }
}
