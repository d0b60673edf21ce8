package io.stillframe.client;

/** What happened to an execution, seen through the filter of a watch. */
public enum ChangeKind {
    /** It has a new head, and the filter matches it. */
    SAVED,
    /** It was deleted; the filter matched its head. */
    DELETED,
    /** It outlived its ttl and is gone; the filter matched its head. */
    EXPIRED,
    /** It has a new head that the filter does not match; it matched the one before. */
    LEFT_FILTER,
    /** A value that this version of the client does not know. A call that carries it is refused. */
    UNRECOGNIZED
}
