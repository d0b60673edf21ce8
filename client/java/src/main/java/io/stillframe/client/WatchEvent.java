package io.stillframe.client;

import java.time.Duration;

/** What a watch delivers. */
public sealed interface WatchEvent {
    /**
     * A point up to which everything was delivered: a watch that starts with it goes on from there.
     * Empty in events of the initial state, and in {@link Restarted}.
     */
    String resumeToken();

    /**
     * The watch is open, with these settings. Comes again after every reconnection.
     *
     * @param mode the mode in force
     * @param full whether snapshots carry entries
     * @param maxMessageBytes the bound on response messages in force
     * @param progressInterval how often, at least, a caught up or progress event comes
     * @param resumeToken see {@link WatchEvent#resumeToken}
     */
    record Opened(
            WatchMode mode,
            boolean full,
            long maxMessageBytes,
            Duration progressInterval,
            String resumeToken)
            implements WatchEvent {}

    /**
     * An execution changed, or, with {@code initial}, is part of the initial state.
     *
     * @param kind what happened
     * @param snapshot for SAVED and LEFT_FILTER the new head; for DELETED and EXPIRED the ids, the
     *     version, and what filters test of the head that is gone
     * @param initial it is part of the initial state
     * @param contentGone the entries were asked for and are no longer there
     * @param resumeToken see {@link WatchEvent#resumeToken}
     */
    record Change(
            ChangeKind kind,
            StoredSnapshot snapshot,
            boolean initial,
            boolean contentGone,
            String resumeToken)
            implements WatchEvent {}

    /**
     * The changes so far, applied in order, are the state at the resume token.
     *
     * @param executionCount how many executions the filter matched
     * @param resumeToken see {@link WatchEvent#resumeToken}
     */
    record InitialStateEnd(long executionCount, String resumeToken) implements WatchEvent {}

    /**
     * The stream has reached the present.
     *
     * @param resumeToken see {@link WatchEvent#resumeToken}
     */
    record CaughtUp(String resumeToken) implements WatchEvent {}

    /**
     * Everything up to the resume token was delivered, whether or not anything matched.
     *
     * @param resumeToken see {@link WatchEvent#resumeToken}
     */
    record Progress(String resumeToken) implements WatchEvent {}

    /**
     * The watch starts over with the initial state: forget what it delivered so far.
     *
     * @param reason INTERRUPTED (cut off during the initial state), or the reason of the error that
     *     the watch was told to survive: HISTORY_COMPACTED, STORE_REPLACED, REVISION_IN_FUTURE
     */
    record Restarted(String reason) implements WatchEvent {
        @Override
        public String resumeToken() {
            return "";
        }
    }
}
