package io.stillframe.client;

/** The state that an execution is in, as the engine reports it. */
public enum ExecutionState {
    /** It exists and has not begun. */
    CREATED,
    /** The engine is working out which steps to run. */
    PLANNING,
    /** Steps are running. */
    RUNNING,
    /** Stopped on purpose, to be resumed later. */
    PAUSED,
    /** Stopped until something happens; the wait reason says what. */
    WAITING,
    /** Ended with success. */
    COMPLETED,
    /** Ended with an error. */
    FAILED,
    /** Ended by request. */
    CANCELLED,
    /** A value that this version of the client does not know. A call that carries it is refused. */
    UNRECOGNIZED;

    /** Whether the execution has ended: COMPLETED, FAILED or CANCELLED. */
    public boolean isTerminal() {
        return this == COMPLETED || this == FAILED || this == CANCELLED;
    }

    /** Whether it stopped and can go on: PAUSED or WAITING. */
    public boolean canResume() {
        return this == PAUSED || this == WAITING;
    }

    /** Whether it is under way: RUNNING or WAITING. */
    public boolean isActive() {
        return this == RUNNING || this == WAITING;
    }
}
