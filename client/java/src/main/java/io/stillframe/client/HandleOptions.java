package io.stillframe.client;

import java.util.OptionalLong;

/** What a handle on an execution is told. */
public final class HandleOptions {
    OptionalLong writerEpoch = OptionalLong.empty();
    boolean overwrite;

    HandleOptions() {}

    /** The writer epoch that goes with every save, as in {@link SaveOptions#writerEpoch}. */
    public HandleOptions writerEpoch(long writerEpoch) {
        this.writerEpoch = OptionalLong.of(writerEpoch);
        return this;
    }

    /** Where somebody else has written, save the whole snapshot over it, instead of throwing. */
    public HandleOptions overwrite() {
        this.overwrite = true;
        return this;
    }
}
