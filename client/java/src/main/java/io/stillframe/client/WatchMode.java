package io.stillframe.client;

/** How a watch treats changes that are superseded before they are delivered. */
public enum WatchMode {
    /** May skip a change that a later one of the same execution follows; always ends with the true state. */
    LATEST,
    /** Every change, in the order of revisions, without gap or duplicate. */
    EVERY_CHANGE,
    /** A value that this version of the client does not know. A call that carries it is refused. */
    UNRECOGNIZED
}
