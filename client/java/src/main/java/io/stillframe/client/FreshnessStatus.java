package io.stillframe.client;

/** How a snapshot compares with the engine's event store. */
public enum FreshnessStatus {
    /** It includes every event. */
    FRESH,
    /** The event store is further: replay from the snapshot's sequence number + 1. */
    STALE,
    /** It includes events that the event store lost. Never resume from it silently. */
    AHEAD,
    /** There is no such execution. */
    MISSING,
    /** A value that this version of the client does not know. A call that carries it is refused. */
    UNRECOGNIZED
}
