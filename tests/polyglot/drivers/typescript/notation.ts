/** The notation of the drivers, as the TypeScript client's own types and back. */

import {
  DifferenceKind,
  ExecutionState,
  FreshnessStatus,
  OmissionReason,
  Payload,
  SaveOutcome,
  SnapshotMap,
  StateClass,
  StillframeError,
  ValueDecodeError,
  WaitReason,
  type Claim,
  type Criteria,
  type Diff,
  type Filter,
  type Freshness,
  type MapProjection,
  type Omission,
  type Origin,
  type Projection,
  type Saved,
  type Selector,
  type Snapshot,
  type StoredSnapshot,
  type Values,
  type ValueSet,
} from "@stillframe/client";

/** What a command holds, and an answer. */
export type Json = any;

const NANOS = 1_000_000_000n;

export function number(text: string | null | undefined): bigint | undefined {
  return text == null ? undefined : BigInt(text);
}

export function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1_000;
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

export function nanoseconds(text: string | null | undefined): bigint | undefined {
  if (text == null) {
    return undefined;
  }
  const match = /^(.*?)(?:\.([0-9]{1,9}))?Z$/.exec(text);
  const milliseconds = Date.parse(`${match?.[1]}Z`);
  if (match === null || Number.isNaN(milliseconds)) {
    throw new Error(`${text} is no time`);
  }
  return BigInt(milliseconds) * 1_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
}

export function time(nanoseconds: bigint): string {
  const fraction = ((nanoseconds % NANOS) + NANOS) % NANOS;
  const moment = new Date(Number((nanoseconds - fraction) / 1_000_000n));
  const digits = fraction.toString().padStart(9, "0").replace(/0+$/, "");
  const [seconds] = moment.toISOString().split(".");
  return `${seconds}${digits === "" ? "" : "."}${digits}Z`;
}

/** A value, as an object of JavaScript. */
export function value(written: Json): unknown {
  const [[kind, content]] = Object.entries(written) as [[string, Json]];
  switch (kind) {
    case "null":
      return null;
    case "bool":
    case "string":
      return content;
    case "int":
      return Number.isSafeInteger(Number(content)) ? Number(content) : BigInt(content);
    case "double":
      return Buffer.from(content, "hex").readDoubleBE();
    case "array":
      return content.map(value);
    case "object":
      return values(content);
    case "payload":
      return new Payload(Buffer.from(content.data, "base64"), {
        encoding: content.encoding ?? "",
        codecs: content.codecs ?? [],
      });
    default:
      throw new Error(`there is no kind of value ${kind}`);
  }
}

function values(written: Json): Record<string, unknown> {
  return Object.fromEntries(Object.entries(written).map(([key, each]) => [key, value(each)]));
}

/** An object of JavaScript, as a value. */
export function written(value: unknown): Json {
  switch (typeof value) {
    case "boolean":
      return { bool: value };
    case "string":
      return { string: value };
    case "bigint":
      return { int: value.toString() };
    case "number": {
      const bits = Buffer.alloc(8);
      bits.writeDoubleBE(value);
      return { double: bits.toString("hex") };
    }
    case "object":
      if (value === null) {
        return { null: null };
      }
      if (Array.isArray(value)) {
        return { array: value.map(written) };
      }
      return {
        object: Object.fromEntries(
          Object.entries(value).map(([key, each]) => [key, written(each)]),
        ),
      };
    default:
      throw new Error(`${typeof value} is no type of JSON`);
  }
}

function entries(values: Values): Json {
  return Object.fromEntries([...values.keys()].map((key) => [key, entry(values, key)]));
}

function entry(values: Values, key: string): Json {
  const raw = values.payload(key);
  if (raw !== undefined && raw.encoding !== "" && raw.encoding !== "json/utf8") {
    return { payload: payload(raw) };
  }
  try {
    return written(values.get(key));
  } catch (error) {
    if (error instanceof ValueDecodeError) {
      return { undecodable: payload(error.payload) };
    }
    throw error;
  }
}

function payload({ data, encoding, codecs }: Payload): Json {
  return { data: base64(data), encoding, codecs };
}

export function snapshot(given: Json): Snapshot {
  return {
    state: member(ExecutionState, given.state),
    sequenceNumber: number(given.sequence_number) ?? 0n,
    waitReason: given.wait_reason == null ? undefined : member(WaitReason, given.wait_reason),
    userId: given.user_id ?? undefined,
    currentStepId: given.current_step_id ?? undefined,
    stepOutputs: values(given.step_outputs ?? {}),
    variables: values(given.variables ?? {}),
    timestampNs: nanoseconds(given.timestamp),
    labels: given.labels ?? {},
    snapshotId: given.snapshot_id ?? undefined,
    parentSnapshotId: given.parent_snapshot_id ?? undefined,
    parentExecutionId: given.parent_execution_id ?? undefined,
    schemaVersion: given.schema_version ?? "",
  };
}

export function stored(snapshot: StoredSnapshot): Json {
  return {
    execution_id: snapshot.executionId,
    state: ExecutionState[snapshot.state],
    sequence_number: `${snapshot.sequenceNumber}`,
    wait_reason: snapshot.waitReason && WaitReason[snapshot.waitReason],
    user_id: snapshot.userId,
    current_step_id: snapshot.currentStepId,
    step_outputs: entries(snapshot.stepOutputs),
    variables: entries(snapshot.variables),
    timestamp: snapshot.timestampNs === undefined ? undefined : time(snapshot.timestampNs),
    labels: snapshot.labels,
    snapshot_id: snapshot.snapshotId,
    parent_snapshot_id: snapshot.parentSnapshotId,
    parent_execution_id: snapshot.parentExecutionId,
    schema_version: snapshot.schemaVersion || undefined,
    version: `${snapshot.version}`,
    etag: snapshot.etag,
    revision: `${snapshot.revision}`,
    commit_time: time(snapshot.commitTimeNs),
    origin: snapshot.origin && origin(snapshot.origin),
    omission: snapshot.omission && omission(snapshot.omission),
  };
}

function origin({ executionId, version, etag, commitTimeNs }: Origin): Json {
  return {
    execution_id: executionId,
    version: `${version}`,
    etag,
    commit_time: time(commitTimeNs),
  };
}

function omission(omission: Omission): Json {
  return {
    count: `${omission.count}`,
    size_bytes: `${omission.sizeBytes}`,
    entries: omission.entries.map(({ map, key, sizeBytes, reason }) => ({
      map: SnapshotMap[map],
      key,
      size_bytes: `${sizeBytes}`,
      reason: OmissionReason[reason],
    })),
  };
}

/** An answer of numbers and text. */
export function numbers(answer: object): Json {
  return Object.fromEntries(
    Object.entries(answer).map(([key, each]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      String(each),
    ]),
  );
}

export function freshness({ status, ...numbersOf }: Freshness): Json {
  return { ...numbers(numbersOf), status: FreshnessStatus[status] };
}

export function saved({ outcome, ...numbersOf }: Saved): Json {
  return { ...numbers(numbersOf), outcome: SaveOutcome[outcome] };
}

export function loaded(snapshot: StoredSnapshot): Json {
  return {
    snapshot: stored(snapshot),
    freshness: snapshot.freshness && freshness(snapshot.freshness),
  };
}

export function claimed(claim: Claim): Json {
  return {
    writer_epoch: `${claim.writerEpoch}`,
    snapshot: claim.snapshot && stored(claim.snapshot),
    freshness: claim.freshness && freshness(claim.freshness),
  };
}

export function diff({ fromVersion, toVersion, headerFields, entries }: Diff): Json {
  return {
    from_version: `${fromVersion}`,
    to_version: `${toVersion}`,
    header_fields: headerFields,
    entries: entries.map(({ map, key, kind }) => ({
      map: SnapshotMap[map],
      key,
      kind: DifferenceKind[kind],
    })),
  };
}

export function valueSet({ etag, commitTimeNs, expireTimeNs }: ValueSet): Json {
  return {
    etag,
    commit_time: time(commitTimeNs),
    expire_time: expireTimeNs === undefined ? undefined : time(expireTimeNs),
  };
}

export async function all<T>(found: AsyncIterable<T>, write: (each: T) => Json): Promise<Json[]> {
  const written: Json[] = [];
  for await (const each of found) {
    written.push(write(each));
  }
  return written;
}

export function criteria(given: Json): Criteria | undefined {
  return (
    given && {
      sequenceMin: number(given.sequence_min),
      sequenceMax: number(given.sequence_max),
      timestampMinNs: nanoseconds(given.timestamp_min),
      timestampMaxNs: nanoseconds(given.timestamp_max),
      commitTimeMinNs: nanoseconds(given.commit_time_min),
      commitTimeMaxNs: nanoseconds(given.commit_time_max),
    }
  );
}

export function selector(given: Json): Selector {
  return {
    version: number(given.version),
    snapshotId: given.snapshot_id ?? undefined,
    criteria: criteria(given.criteria),
  };
}

export function filter(given: Json): Filter | undefined {
  return (
    given && {
      executionIds: given.execution_ids ?? undefined,
      executionIdPrefix: given.execution_id_prefix ?? undefined,
      states: given.states?.map((name: string) => member(ExecutionState, name)),
      stateClasses: given.state_classes?.map((name: string) => member(StateClass, name)),
      waitReasons: given.wait_reasons?.map((name: string) => member(WaitReason, name)),
      userId: given.user_id ?? undefined,
      parentExecutionId: given.parent_execution_id ?? undefined,
      labels: given.labels ?? undefined,
      criteria: criteria(given.criteria),
    }
  );
}

export function projection(given: Json): Projection | undefined {
  return given && { stepOutputs: chosen(given.step_outputs), variables: chosen(given.variables) };
}

function chosen(given: Json): MapProjection | undefined {
  return (
    given && {
      all: given.all ?? false,
      keys: given.keys ?? [],
      keyPrefixes: given.key_prefixes ?? [],
    }
  );
}

function member<E>(kind: Record<string, E | string>, name: string): E {
  const found = kind[name];
  if (found === undefined || typeof found === "string") {
    throw new Error(`there is no ${name}`);
  }
  return found;
}

/** The reasons of errors that no server gave, by their class. */
const LOCAL: Record<string, string> = {
  ValueEncodeError: "VALUE_ENCODE",
  ValueDecodeError: "VALUE_DECODE",
  IncompleteSnapshotError: "INCOMPLETE_SNAPSHOT",
  DeadlineExceededError: "DEADLINE",
  ClosedError: "CLOSED",
};

/** An error, by its class. One whose class says no more than the code has the text of its reason. */
export function error(failure: StillframeError): Json {
  const byCode = Object.getPrototypeOf(failure.constructor) === StillframeError;
  const name = failure.constructor.name;
  const byClass = name
    .replace(/Error$/, "")
    .replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`)
    .toUpperCase();
  const { metadata, violations, retryAfterMs } = failure;
  return {
    reason: LOCAL[name] ?? (byCode ? failure.reason : byClass),
    code: failure.code,
    message: failure.message,
    metadata: Object.keys(metadata).length === 0 ? undefined : metadata,
    fields: violations.length === 0 ? undefined : violations.map(({ field }) => field),
    retry_after: retryAfterMs === undefined ? undefined : retryAfterMs / 1_000,
  };
}
