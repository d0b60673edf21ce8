/** Messages as the client's own types: what answers and watch frames carry. */

import type { Message } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type * as pb from "@stillframe/proto";
import { NANOS } from "./encoding.js";
import { Payload, type Codec } from "./payload.js";
import type {
  Freshness,
  KeyInfo,
  Omission,
  Plain,
  StoredSnapshot,
  StoredValue,
  ValueSet,
} from "./types.js";
import { Values } from "./values.js";

/** A message without the marks of protobuf's own. */
export function plain<M extends Message>(message: M): Plain<M> {
  const { $typeName: _name, $unknown: _unknown, ...fields } = message;
  return fields as unknown as Plain<M>;
}

/**
 * The snapshot of a message. `partial`: its entries are not all there although it has no
 * omission, as in a change by which an execution ends.
 */
export function storedSnapshot(
  message: pb.ExecutionSnapshot,
  codec: Codec,
  options: { freshness?: Freshness | undefined; partial?: boolean } = {},
): StoredSnapshot {
  const partial = (options.partial ?? false) || message.omission !== undefined;
  const { origin } = message;
  return {
    state: message.state,
    sequenceNumber: message.sequenceNumber,
    waitReason: message.waitReason || undefined,
    userId: message.userId,
    currentStepId: message.currentStepId,
    stepOutputs: new Values("step_outputs", payloads(message.stepOutputs), codec, { partial }),
    variables: new Values("variables", payloads(message.variables), codec, { partial }),
    timestampNs: message.timestamp && nanoseconds(message.timestamp),
    labels: message.labels,
    snapshotId: message.snapshotId,
    parentSnapshotId: message.parentSnapshotId,
    parentExecutionId: message.parentExecutionId,
    schemaVersion: message.schemaVersion,
    tenantId: message.tenantId,
    executionId: message.executionId,
    version: message.version,
    etag: message.etag,
    revision: message.revision,
    commitTimeNs: nanoseconds(message.commitTime),
    origin: origin && {
      executionId: origin.executionId,
      version: origin.version,
      etag: origin.etag,
      commitTimeNs: nanoseconds(origin.commitTime),
    },
    omission: message.omission && omission(message.omission),
    freshness: options.freshness,
  };
}

function omission(message: pb.Omission): Omission {
  return { ...plain(message), entries: message.entries.map(plain) };
}

export function valueSet(message: pb.SetValueResponse): ValueSet {
  return {
    etag: message.etag,
    commitTimeNs: nanoseconds(message.commitTime),
    expireTimeNs: message.expireTime && nanoseconds(message.expireTime),
  };
}

export function storedValue(message: pb.GetValueResponse): StoredValue {
  return {
    value: message.value,
    etag: message.etag,
    commitTimeNs: nanoseconds(message.commitTime),
    expireTimeNs: message.expireTime && nanoseconds(message.expireTime),
  };
}

export function keyInfo(message: pb.KeyInfo): KeyInfo {
  return {
    key: message.key,
    sizeBytes: message.sizeBytes,
    etag: message.etag,
    commitTimeNs: nanoseconds(message.commitTime),
    expireTimeNs: message.expireTime && nanoseconds(message.expireTime),
  };
}

function payloads(map: Record<string, pb.Payload>): Map<string, Payload> {
  return new Map(Object.entries(map).map(([key, each]) => [key, new Payload(each.data, each)]));
}

function nanoseconds(timestamp: Timestamp | undefined): bigint {
  return timestamp ? timestamp.seconds * NANOS + BigInt(timestamp.nanos) : 0n;
}
