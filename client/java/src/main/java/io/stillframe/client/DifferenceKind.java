package io.stillframe.client;

/** How an entry differs between two snapshots. */
public enum DifferenceKind {
    /** Only the second has it. */
    ADDED,
    /** Only the first has it. */
    REMOVED,
    /** Both have it, with different payloads. */
    CHANGED,
    /** A value that this version of the client does not know. A call that carries it is refused. */
    UNRECOGNIZED
}
