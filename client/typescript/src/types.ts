/**
 * The nouns of the client: what an engine saves, and what the server answers.
 *
 * 64-bit numbers are bigint in answers; calls take a bigint or a safe integer. Times are whole
 * nanoseconds since the Unix epoch, so that they come back exactly as they were saved:
 * `BigInt(Date.now()) * 1_000_000n` is now.
 */

import type { Message } from "@bufbuild/protobuf";
import type * as pb from "@stillframe/proto";
import type { Values } from "./values.js";

export {
  ChangeKind,
  DifferenceKind,
  ExecutionState,
  FreshnessStatus,
  OmissionReason,
  SaveOutcome,
  SnapshotMap,
  StateClass,
  WaitReason,
  WatchMode,
} from "@stillframe/proto";

/** The fields of a message. */
export type Plain<M extends Message> = Readonly<Omit<M, keyof Message>>;

/** A 64-bit number going in: a bigint, or a number that is a safe integer. */
export type Int64 = bigint | number;

/** A map of values going in; a Payload among them is saved byte for byte. */
export type Entries = Readonly<Record<string, unknown>> | ReadonlyMap<string, unknown> | Values;

/**
 * The whole state of an execution at one moment, as an engine saves it.
 *
 * Ids, keys and labels are 1 to 512 bytes of UTF-8 without control characters, numbers at most
 * 2^63 - 1. Values are what the client's codec encodes (JSON values by default).
 */
export interface Snapshot {
  /** The state of the execution. */
  state: pb.ExecutionState;
  /** The sequence number of the last event of the engine's event store that this includes; 0. */
  sequenceNumber?: Int64;
  /** Required exactly when the state is WAITING. */
  waitReason?: pb.WaitReason | undefined;
  /** The user on whose behalf the execution runs. */
  userId?: string | undefined;
  /** The step that the engine is at. */
  currentStepId?: string | undefined;
  /** Step id to output. */
  stepOutputs?: Entries;
  /** Variable name to value. */
  variables?: Entries;
  /** The engine's clock when it made the snapshot, in nanoseconds since the epoch. */
  timestampNs?: bigint | undefined;
  /** What lists and watches filter on; at most 64. */
  labels?: Readonly<Record<string, string>>;
  /** The engine's own id for this snapshot, unique within the execution. */
  snapshotId?: string | undefined;
  /** The engine's own id of the snapshot that this came from. Not checked. */
  parentSnapshotId?: string | undefined;
  /** The execution of the same tenant that started this one. Not checked. */
  parentExecutionId?: string | undefined;
  /** The shape of the state; empty means unknown. */
  schemaVersion?: string;
}

/**
 * A snapshot as the server has it.
 *
 * It can be changed and saved again: entries that were not set go back byte for byte. One with an
 * `omission` is not whole, and a save refuses it.
 */
export interface StoredSnapshot extends Snapshot {
  sequenceNumber: bigint;
  /** Step id to output, decoded when looked up. */
  stepOutputs: Values;
  /** Variable name to value, decoded when looked up. */
  variables: Values;
  labels: Record<string, string>;
  schemaVersion: string;
  readonly tenantId: string;
  readonly executionId: string;
  /** 1, 2, 3 … per execution; never used twice. */
  readonly version: bigint;
  /** Opaque text that names this snapshot for good; preconditions name it. */
  readonly etag: string;
  /** The tenant's revision that committed this snapshot. */
  readonly revision: bigint;
  /** The store's clock at the commit, in nanoseconds since the epoch. */
  readonly commitTimeNs: bigint;
  /** Where the snapshot was forked from; undefined unless it came with a fork. */
  readonly origin: Origin | undefined;
  /** What this answer leaves out; undefined when it is whole. */
  readonly omission: Omission | undefined;
  /** How it compares with the eventStoreHead that the call gave; undefined without one. */
  readonly freshness: Freshness | undefined;
}

/** Where a forked snapshot came from. */
export interface Origin {
  readonly executionId: string;
  readonly version: bigint;
  readonly etag: string;
  readonly commitTimeNs: bigint;
}

/** What an answer leaves out of a snapshot's two maps, by name, and how much it is. */
export interface Omission extends Omit<Plain<pb.Omission>, "entries"> {
  readonly entries: readonly OmittedEntry[];
}

/** One entry that an answer leaves out. */
export type OmittedEntry = Plain<pb.OmittedEntry>;

/** How a snapshot compares with an event store's head. */
export type Freshness = Plain<pb.Freshness>;

/** The answer to a save: it is durable. */
export type Saved = Plain<pb.SaveSnapshotResponse>;

/** The answer to a delete; `revision` is 0 when there was nothing to delete. */
export type Deleted = Plain<pb.DeleteExecutionResponse>;

/** The answer to a fork: the new execution's head. */
export type Forked = Plain<pb.ForkExecutionResponse>;

/** An entry that differs between two snapshots. */
export type EntryDifference = Plain<pb.EntryDifference>;

/** A count that is exact up to 10,000; `atLeast`: there may be more than `value`. */
export type MatchCount = Plain<pb.MatchCount>;

/** The limits of a server, under the names that errors give as `limit`, in camel case. */
export type ServerLimits = Plain<pb.ServerLimits>;

/** How two snapshots of an execution differ. */
export interface Diff {
  readonly fromVersion: bigint;
  readonly toVersion: bigint;
  /** The names in the contract of the header fields that differ, such as `wait_reason`. */
  readonly headerFields: readonly string[];
  readonly entries: readonly EntryDifference[];
}

/** The answer to a claim. */
export interface Claim {
  /** What the caller's saves must carry from now on. */
  readonly writerEpoch: bigint;
  /** The head at that moment; undefined when there is none. */
  readonly snapshot: StoredSnapshot | undefined;
  /** As in the snapshot, and also there when it is missing. */
  readonly freshness: Freshness | undefined;
}

/**
 * One page of a list. It may be empty without being the last: the last one is the one whose
 * `nextPageToken` is empty.
 */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextPageToken: string;
  /** How many the filter matches; undefined unless it was asked for. */
  readonly count: MatchCount | undefined;
}

/** What a server is. */
export interface ServerInfo {
  readonly serverVersion: string;
  /** `memory`, `sqlite`, or the URL scheme of another. */
  readonly storeKind: string;
  readonly limits: ServerLimits;
  /** The parts of the contract that it has, by name. */
  readonly features: readonly string[];
}

/** The answer to setting a value of the working memory. */
export interface ValueSet {
  /** Opaque text that names the value, as it was set now, for good. */
  readonly etag: string;
  /** The store's clock at the commit, in nanoseconds since the epoch. */
  readonly commitTimeNs: bigint;
  /** When the value's ttl is over; undefined when it has none. */
  readonly expireTimeNs: bigint | undefined;
}

/** A value of the working memory. */
export interface StoredValue extends ValueSet {
  readonly value: Uint8Array;
}

/** A key of the working memory, and what is known of its value. */
export interface KeyInfo extends ValueSet {
  readonly key: string;
  readonly sizeBytes: bigint;
}
