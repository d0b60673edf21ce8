package io.stillframe.client;

import io.stillframe.v1.ChangeKind;
import io.stillframe.v1.ExecutionSnapshot;
import io.stillframe.v1.SnapshotChange;
import io.stillframe.v1.WatchCaughtUp;
import io.stillframe.v1.WatchFrame;
import io.stillframe.v1.WatchGoodbye;
import io.stillframe.v1.WatchInitialStateEnd;
import io.stillframe.v1.WatchMode;
import io.stillframe.v1.WatchOpened;
import io.stillframe.v1.WatchProgress;
import io.stillframe.v1.WatchSnapshotsResponse;
import java.util.List;

/** Frames of a watch, as a server sends them. */
final class Frames {
    private Frames() {}

    static WatchSnapshotsResponse of(WatchFrame... frames) {
        return WatchSnapshotsResponse.newBuilder().addAllFrames(List.of(frames)).build();
    }

    static WatchFrame opened(String token) {
        return WatchFrame.newBuilder()
                .setResumeToken(token)
                .setOpened(WatchOpened.newBuilder().setMode(WatchMode.WATCH_MODE_LATEST))
                .build();
    }

    static WatchFrame change(String executionId, String token) {
        return change(ChangeKind.CHANGE_KIND_SAVED, executionId, token);
    }

    static WatchFrame change(ChangeKind kind, String executionId, String token) {
        return WatchFrame.newBuilder()
                .setResumeToken(token)
                .setChange(
                        SnapshotChange.newBuilder()
                                .setKind(kind)
                                .setSnapshot(
                                        ExecutionSnapshot.newBuilder()
                                                .setExecutionId(executionId)))
                .build();
    }

    static WatchFrame initialStateEnd(String token) {
        return WatchFrame.newBuilder()
                .setResumeToken(token)
                .setInitialStateEnd(WatchInitialStateEnd.newBuilder().setExecutionCount(1))
                .build();
    }

    static WatchFrame caughtUp(String token) {
        return WatchFrame.newBuilder()
                .setResumeToken(token)
                .setCaughtUp(WatchCaughtUp.getDefaultInstance())
                .build();
    }

    static WatchFrame progress(String token) {
        return WatchFrame.newBuilder()
                .setResumeToken(token)
                .setProgress(WatchProgress.getDefaultInstance())
                .build();
    }

    static WatchFrame goodbye(String token) {
        return WatchFrame.newBuilder()
                .setResumeToken(token)
                .setGoodbye(WatchGoodbye.getDefaultInstance())
                .build();
    }
}
