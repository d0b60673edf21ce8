import type { ChangeKind, WatchMode } from "@stillframe/proto";
import type { StoredSnapshot } from "./types.js";

/**
 * What a watch delivers. `resumeToken` in an event is a point up to which everything was
 * delivered: a watch that starts with it goes on from there. It is empty in events of the initial
 * state.
 */
export type WatchEvent = WatchOpened | Change | InitialStateEnd | CaughtUp | Progress | Restarted;

/** The watch is open, with these settings. Comes again after every reconnection. */
export interface WatchOpened {
  readonly type: "opened";
  readonly mode: WatchMode;
  /** Whether snapshots carry entries. */
  readonly full: boolean;
  /** The bound on response messages in force. */
  readonly maxMessageBytes: bigint;
  /** How often, at least, a progress event comes. */
  readonly progressIntervalMs: number;
  readonly resumeToken: string;
}

/** An execution changed, or, with `initial`, is part of the initial state. */
export interface Change {
  readonly type: "change";
  readonly kind: ChangeKind;
  /**
   * For SAVED and LEFT_FILTER the new head; for DELETED and EXPIRED the ids, the version, and what
   * filters test of the head that is gone.
   */
  readonly snapshot: StoredSnapshot;
  readonly initial: boolean;
  /** The entries were asked for and are no longer there. */
  readonly contentGone: boolean;
  readonly resumeToken: string;
}

/** The changes so far, applied in order, are the state at the resume token. */
export interface InitialStateEnd {
  readonly type: "initialStateEnd";
  /** How many executions the filter matched. */
  readonly executionCount: bigint;
  readonly resumeToken: string;
}

/** The stream has reached the present. */
export interface CaughtUp {
  readonly type: "caughtUp";
  readonly resumeToken: string;
}

/** Everything up to the resume token was delivered, whether or not anything matched. */
export interface Progress {
  readonly type: "progress";
  readonly resumeToken: string;
}

/** The watch starts over with the initial state: forget what it delivered so far. */
export interface Restarted {
  readonly type: "restarted";
  /**
   * INTERRUPTED (cut off during the initial state), or the reason of the error that the watch was
   * told to survive: HISTORY_COMPACTED, STORE_REPLACED, REVISION_IN_FUTURE.
   */
  readonly reason: string;
}
