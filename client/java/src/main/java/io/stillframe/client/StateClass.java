package io.stillframe.client;

/** A group of states, for filters. */
public enum StateClass {
    /** COMPLETED, FAILED or CANCELLED. */
    TERMINAL,
    /** PAUSED or WAITING. */
    RESUMABLE,
    /** RUNNING or WAITING. */
    ACTIVE,
    /** A value that this version of the client does not know. A call that carries it is refused. */
    UNRECOGNIZED
}
