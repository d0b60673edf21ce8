/** What a client, and each call, can be told. */

import type { WatchMode } from "@stillframe/proto";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import type { CallOptions } from "./call.js";
import type { Codec } from "./payload.js";
import type { Criteria, Filter, Projection, Selector } from "./queries.js";
import type { Clock, RetryPolicy } from "./retry.js";
import type { Metadata } from "./target.js";
import type { Int64 } from "./types.js";

/** What a client is opened with. */
export interface ClientOptions {
  /** The tenant of every call. */
  readonly tenant: string;
  /**
   * Unset or false is plaintext, true is TLS with the default roots; an object says more, such as
   * `ca` (own roots, PEM), `cert` and `key`, `servername`.
   */
  readonly tls?: boolean | TlsOptions | undefined;
  /**
   * Text that goes with every call, by lower-case name, such as `authorization`; or a function that
   * gives it for each try.
   */
  readonly metadata?: Metadata | undefined;
  /**
   * The milliseconds that a call may take with all its retries; 30,000. Infinity is no bound. A
   * watch has none.
   */
  readonly timeoutMs?: number | undefined;
  /** How calls are retried; what is unset is as in DEFAULT_RETRY. */
  readonly retry?: Partial<RetryPolicy> | undefined;
  /** Turns values into payloads and back; unset is JSON. */
  readonly codec?: Codec | undefined;
  /** The bound on messages in both directions, in bytes; 64 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /** The time and chance that retries depend on, for tests. */
  readonly clock?: Clock | undefined;
}

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

/** What a watch is told. */
export interface WatchOptions extends WatchRequestOptions {
  /**
   * Where the watch cannot go on from its token (HistoryCompactedError, StoreReplacedError,
   * RevisionInFutureError), start over with the initial state and say so by a `restarted` event,
   * instead of throwing.
   */
  readonly restartIfLost?: boolean | undefined;
  /** Ends the watch; its iteration throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}
