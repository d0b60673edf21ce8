package io.stillframe.client;

/** Why an entry was left out of an answer. */
public enum OmissionReason {
    /** The projection did not select it. */
    NOT_SELECTED,
    /** It did not fit into the bound on the answer. */
    TOO_LARGE,
    /** A value that this version of the client does not know. A call that carries it is refused. */
    UNRECOGNIZED
}
