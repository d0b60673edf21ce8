/**
 * Snapshots as messages: every value encoded, the two maps apart from the header, so that a full
 * save and a delta are cut from the same cloth. And the numbers and times of every request.
 */

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import {
  ExecutionSnapshotSchema,
  PayloadSchema,
  WaitReason,
  type ExecutionSnapshot,
  type Payload as PayloadMessage,
} from "@stillframe/proto";
import { refuseBrokenText } from "./call.js";
import { IncompleteSnapshotError, invalidField } from "./errors.js";
import { encodeEntry, type Codec, type Payload } from "./payload.js";
import type { Entries, Int64, Snapshot, StoredSnapshot } from "./types.js";
import { entryName, Values } from "./values.js";

export const NANOS = 1_000_000_000n;

/** The first and the last second of a time: the years 1 to 9999. */
const MIN_SECONDS = -62_135_596_800n;
const MAX_SECONDS = 253_402_300_799n;
/** The longest google.protobuf.Duration. */
const MAX_DURATION_MS = 315_576_000_000_000;

export type Payloads = ReadonlyMap<string, Payload>;

/** A snapshot ready to be sent. */
export interface EncodedSnapshot {
  /** The snapshot with its two maps empty. */
  readonly header: ExecutionSnapshot;
  readonly stepOutputs: Payloads;
  readonly variables: Payloads;
}

/**
 * Encodes a snapshot, and so takes a copy of everything in it. What cannot be sent is refused here,
 * so that a saver refuses it when it is submitted.
 */
export function encodeSnapshot(snapshot: Snapshot, codec: Codec): EncodedSnapshot {
  const { omission } = snapshot as Partial<StoredSnapshot>;
  if (omission !== undefined) {
    throw incomplete("snapshot.omission");
  }
  const header = create(ExecutionSnapshotSchema, {
    userId: snapshot.userId,
    state: int32("snapshot.state", snapshot.state),
    waitReason: int32("snapshot.wait_reason", snapshot.waitReason ?? WaitReason.UNSPECIFIED),
    currentStepId: snapshot.currentStepId,
    timestamp: timestampOf("snapshot.timestamp", snapshot.timestampNs),
    sequenceNumber: int64("snapshot.sequence_number", snapshot.sequenceNumber ?? 0n),
    labels: { ...snapshot.labels },
    snapshotId: snapshot.snapshotId,
    parentSnapshotId: snapshot.parentSnapshotId,
    parentExecutionId: snapshot.parentExecutionId,
    schemaVersion: snapshot.schemaVersion ?? "",
  });
  refuseBrokenText(header, "snapshot");
  return {
    header,
    stepOutputs: encodeMap("step_outputs", snapshot.stepOutputs ?? {}, codec),
    variables: encodeMap("variables", snapshot.variables ?? {}, codec),
  };
}

/** The whole snapshot, or with other entries what a delta sets. */
export function snapshotMessage(
  { header }: EncodedSnapshot,
  stepOutputs: Payloads,
  variables: Payloads,
): ExecutionSnapshot {
  return {
    ...header,
    stepOutputs: mapMessage(stepOutputs),
    variables: mapMessage(variables),
  };
}

export function payloadMessage({ data, encoding, codecs }: Payload): PayloadMessage {
  return create(PayloadSchema, { data, encoding, codecs: [...codecs] });
}

function mapMessage(payloads: Payloads): Record<string, PayloadMessage> {
  // fromEntries, because an assignment to `__proto__` would be lost.
  return Object.fromEntries([...payloads].map(([key, each]) => [key, payloadMessage(each)]));
}

function encodeMap(name: string, entries: Entries, codec: Codec): Payloads {
  if (entries instanceof Values) {
    if (entries.isPartial) {
      throw incomplete(`snapshot.${name}`);
    }
    entries = entries.payloads();
  }
  const pairs = entries instanceof Map ? entries : Object.entries(entries);
  const payloads = new Map<string, Payload>();
  for (const [key, value] of pairs as Iterable<[string, unknown]>) {
    const payload = encodeEntry(codec, entryName(name, key), value);
    refuseBrokenText([key, payload.encoding, payload.codecs], `snapshot.${name}`);
    payloads.set(key, payload);
  }
  return payloads;
}

function incomplete(field: string): IncompleteSnapshotError {
  const description = "leaves entries of its snapshot out, and a save would delete them";
  return invalidField(field, description, IncompleteSnapshotError);
}

/** A 64-bit number of a request. */
export function int64(field: string, value: Int64): bigint;
export function int64(field: string, value: Int64 | undefined): bigint | undefined;
export function int64(field: string, value: Int64 | undefined): bigint | undefined {
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw invalidField(field, `${value} is not a safe integer`);
  }
  const number = value === undefined ? undefined : BigInt(value);
  if (number !== undefined && (number < 0n || number >= 2n ** 64n)) {
    throw invalidField(field, `${number} is out of range`);
  }
  return number;
}

/** A number of a request that has 32 bits, without a sign. */
export function uint32(field: string, value: number): number {
  return int32(field, value, 0, 2 ** 32 - 1);
}

/** An enum of a request, or another number of 32 bits. */
export function int32<T extends number>(
  field: string,
  value: T,
  minimum = -(2 ** 31),
  maximum = 2 ** 31 - 1,
): T {
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw invalidField(field, `${value} is not an integer from ${minimum} to ${maximum}`);
  }
  return value;
}

/** A time of a request. */
export function timestampOf(
  field: string,
  ns: bigint | undefined,
): MessageInitShape<typeof TimestampSchema> | undefined {
  if (ns === undefined) {
    return undefined;
  }
  // Division rounds towards zero, and nanos must not be negative.
  const nanos = ((ns % NANOS) + NANOS) % NANOS;
  const seconds = (ns - nanos) / NANOS;
  if (seconds < MIN_SECONDS || seconds > MAX_SECONDS) {
    throw invalidField(field, "is not a time of the years 1 to 9999");
  }
  return { seconds, nanos: Number(nanos) };
}

/** A ttl of a request. */
export function durationOf(
  ms: number | undefined,
): MessageInitShape<typeof DurationSchema> | undefined {
  if (ms === undefined) {
    return undefined;
  }
  if (!Number.isFinite(ms)) {
    throw invalidField("ttl", "is not a number of milliseconds");
  }
  if (ms < 0) {
    throw invalidField("ttl", "is negative");
  }
  if (ms > MAX_DURATION_MS) {
    throw invalidField("ttl", "is out of range");
  }
  const seconds = Math.trunc(ms / 1e3);
  // In this order, because ms * 1e6 as a whole may be beyond what a number holds exactly.
  const nanos = BigInt(Math.round((ms - seconds * 1e3) * 1e6));
  return { seconds: BigInt(seconds) + nanos / NANOS, nanos: Number(nanos % NANOS) };
}
