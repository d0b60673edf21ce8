package io.stillframe.client;

/** What an execution in state WAITING waits for. */
public enum WaitReason {
    /** Somebody must approve the next step. */
    APPROVAL,
    /** Somebody must enter something. */
    USER_INPUT,
    /** A rate limit must pass. */
    RATE_LIMIT,
    /** A system outside the engine must answer. */
    EXTERNAL,
    /** A checkpoint must be confirmed. */
    CHECKPOINT,
    /** A cost threshold was reached. */
    COST_THRESHOLD,
    /** Memory must become free. */
    MEMORY_PRESSURE,
    /** A sub-agent or child workflow must end. */
    SUB_AGENT,
    /** A value that this version of the client does not know. A call that carries it is refused. */
    UNRECOGNIZED
}
