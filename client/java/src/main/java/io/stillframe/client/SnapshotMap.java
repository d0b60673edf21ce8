package io.stillframe.client;

/** One of the two maps of a snapshot. */
public enum SnapshotMap {
    /** Step id to output. */
    STEP_OUTPUTS,
    /** Variable name to value. */
    VARIABLES,
    /** A value that this version of the client does not know. A call that carries it is refused. */
    UNRECOGNIZED
}
