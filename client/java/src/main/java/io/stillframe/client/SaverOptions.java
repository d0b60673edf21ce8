package io.stillframe.client;

import java.time.Duration;

/** What a background saver is told. */
public final class SaverOptions {
    final HandleOptions handle = new HandleOptions();
    Duration maxAbsence = Duration.ofSeconds(60);

    SaverOptions() {}

    /** As in {@link HandleOptions#writerEpoch}. */
    public SaverOptions writerEpoch(long writerEpoch) {
        handle.writerEpoch(writerEpoch);
        return this;
    }

    /** As in {@link HandleOptions#overwrite}. */
    public SaverOptions overwrite() {
        handle.overwrite();
        return this;
    }

    /**
     * How long a server's absence is ridden out, from the beginning of the first try that failed, and
     * whatever time to wait the server names; 60 s if not set.
     */
    public SaverOptions maxAbsence(Duration maxAbsence) {
        this.maxAbsence = maxAbsence;
        return this;
    }
}
