/** What each call can be told. */

import type { WatchMode } from "@stillframe/proto";
import type { CallOptions } from "./call.js";
import type { Criteria, Filter, Projection, Selector } from "./queries.js";
import type { Int64 } from "./types.js";

/** What a save is told besides the snapshot. */
export interface SaveOptions extends CallOptions {
  /** Refuse with EtagMismatchError unless the head has this etag. */
  readonly expectedEtag?: string | undefined;
  /** Refuse with ExecutionExistsError if there is a head; contradicts expectedEtag. */
  readonly mustNotExist?: boolean | undefined;
  /**
   * What a claim gave, at least 1. A lower one than the highest seen, or none when there is one,
   * is refused with FencedError.
   */
  readonly writerEpoch?: Int64 | undefined;
  /**
   * How long the execution lives from this commit, in milliseconds; unset keeps what was set
   * before, 0 clears it.
   */
  readonly ttlMs?: number | undefined;
  /** Accept a sequence number below the head's, else refused with SequenceRegressionError. */
  readonly allowSequenceRegression?: boolean | undefined;
  /** Makes a repeat by the caller safe; unset, one is made, and kept over the call's retries. */
  readonly requestId?: string | undefined;
}

/** What a claim is told. */
export interface ClaimOptions extends CallOptions {
  /** Claim an id without an execution (AIP-135). */
  readonly allowMissing?: boolean | undefined;
  /** Which entries of the head; unset is all. */
  readonly projection?: Projection | undefined;
  /** The sequence number of the last event in the caller's event store. */
  readonly eventStoreHead?: Int64 | undefined;
}

/** Which snapshot a load gets, and how much of it; without a selector the head. */
export interface LoadOptions extends Selector, CallOptions {
  /** Which entries; unset is all. */
  readonly projection?: Projection | undefined;
  /**
   * The sequence number of the last event in the caller's event store; the answer has the
   * `freshness` then.
   */
  readonly eventStoreHead?: Int64 | undefined;
  /** Refuse what is not FRESH with SnapshotStaleError or SnapshotAheadError. */
  readonly requireFresh?: boolean | undefined;
  /** Refuse what is behind by more events than this, or ahead; contradicts requireFresh. */
  readonly maxBehind?: Int64 | undefined;
  /** The most bytes of the answer, at least 262,144; the rest stands in the `omission`. */
  readonly maxMessageBytes?: Int64 | undefined;
}

/** How much of each snapshot a list or a watch carries. */
export interface ViewOptions {
  /** With entries; otherwise the header, and an `omission` that counts the entries. */
  readonly full?: boolean | undefined;
  /** With `full`, which entries; unset is all. */
  readonly projection?: Projection | undefined;
}

/** What a list is told. */
export interface ListOptions extends ViewOptions, CallOptions {
  /** Which executions; unset is all of them. */
  readonly filter?: Filter | undefined;
  /** Snapshots of one call; 0 is 100, at most 1,000. */
  readonly pageSize?: number | undefined;
}

/** Which page of a list. */
export interface ListPageOptions extends ListOptions {
  /** The nextPageToken of the page before, which must have been asked for in the same way. */
  readonly pageToken?: string | undefined;
  /** Count what the filter matches, exactly up to 10,000. */
  readonly includeCount?: boolean | undefined;
}

/** What a history is told; `filter` is tested on heads, the others on snapshots. */
export interface HistoryOptions extends ListOptions {
  readonly criteria?: Criteria | undefined;
  /** Labels that must all be there with these values. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** Which page of a history. */
export interface HistoryPageOptions extends HistoryOptions {
  /** As in a list. */
  readonly pageToken?: string | undefined;
}

/** What a delete is told; all but includeDescendants as in a save, for this execution alone. */
export interface DeleteOptions extends CallOptions {
  readonly expectedEtag?: string | undefined;
  readonly writerEpoch?: Int64 | undefined;
  readonly requestId?: string | undefined;
  /** Delete as well every execution whose head names this one as its parent, and theirs. */
  readonly includeDescendants?: boolean | undefined;
}

/** What a watch delivers, and where it starts: with neither of the two starts, now. */
export interface WatchRequestOptions extends ViewOptions {
  /** Which executions; unset is all of them. */
  readonly filter?: Filter | undefined;
  /** Start with the first change after the one that this token names. */
  readonly resumeToken?: string | undefined;
  /** Start with the heads that the filter matches. */
  readonly initialState?: boolean | undefined;
  /** Unset is LATEST. */
  readonly mode?: WatchMode | undefined;
  /** As in a load. */
  readonly maxMessageBytes?: Int64 | undefined;
}
