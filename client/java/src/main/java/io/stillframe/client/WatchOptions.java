package io.stillframe.client;

import io.stillframe.v1.SnapshotView;
import io.stillframe.v1.WatchFromInitialState;
import io.stillframe.v1.WatchSnapshotsRequest;

/** What a watch is told. Without a start it begins with the first change after it was opened. */
public final class WatchOptions {
    final WatchSnapshotsRequest.Builder request =
            WatchSnapshotsRequest.newBuilder()
                    .setModeValue(Enums.number("mode", WatchMode.LATEST))
                    .setView(SnapshotView.SNAPSHOT_VIEW_METADATA);
    boolean restartIfLost;

    WatchOptions() {}

    /** Which executions; not set, all of the tenant. */
    public WatchOptions filter(Filter filter) {
        request.setFilter(filter.message());
        return this;
    }

    /** Start with the heads that the filter matches, then the changes after them. */
    public WatchOptions initialState() {
        if (request.hasResumeToken()) {
            throw twoStarts();
        }
        request.setInitialState(WatchFromInitialState.getDefaultInstance());
        return this;
    }

    /** Start with the first change after the one that this token names. */
    public WatchOptions resumeToken(String resumeToken) {
        if (request.hasInitialState()) {
            throw twoStarts();
        }
        if (resumeToken.isEmpty()) {
            throw Messages.invalidField("resume_token", "is empty; not set starts now");
        }
        request.setResumeToken(resumeToken);
        return this;
    }

    /** Whether superseded changes may be skipped; not set, they may ({@link WatchMode#LATEST}). */
    public WatchOptions mode(WatchMode mode) {
        request.setModeValue(Enums.number("mode", mode));
        return this;
    }

    /** With every entry; not set, the header, and an omission that counts the entries. */
    public WatchOptions full() {
        request.setView(SnapshotView.SNAPSHOT_VIEW_FULL);
        return this;
    }

    /** With these entries. Needs {@link #full}. */
    public WatchOptions projection(Projection projection) {
        request.setProjection(projection.message());
        return this;
    }

    /** As in {@link LoadOptions#maxMessageBytes}. */
    public WatchOptions maxMessageBytes(long bytes) {
        request.setMaxMessageBytes(bytes);
        return this;
    }

    /**
     * Where the watch cannot go on from its token (HistoryCompactedException,
     * StoreReplacedException, RevisionInFutureException), start over with the initial state, and
     * say so by {@link WatchEvent.Restarted}, instead of throwing.
     */
    public WatchOptions restartIfLost() {
        restartIfLost = true;
        return this;
    }

    private static RuntimeException twoStarts() {
        return Messages.invalidField("start", "takes one of resume_token and initial_state");
    }
}
