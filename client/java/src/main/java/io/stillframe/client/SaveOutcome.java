package io.stillframe.client;

/** What a save did. */
public enum SaveOutcome {
    /** The execution did not exist and does now. */
    CREATED,
    /** The execution has a new head. */
    UPDATED,
    /** Everything equals the head: no version was made. A ttl counts all the same. */
    UNCHANGED,
    /** The request id was seen before; this is the first answer again. */
    REPLAYED,
    /** A value that this version of the client does not know. A call that carries it is refused. */
    UNRECOGNIZED
}
