/** What a call selects: filters on heads, bounds on snapshots, projections of entries. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ExecutionFilterSchema,
  ExecutionState,
  MapProjectionSchema,
  SnapshotCriteriaSchema,
  SnapshotProjectionSchema,
  SnapshotSelectorSchema,
  StateClass,
  WaitReason,
} from "@stillframe/proto";
import { int32, int64, timestampOf } from "./encoding.js";
import { invalidField } from "./errors.js";
import type { Int64 } from "./types.js";

/**
 * Bounds that select snapshots: inclusive, all must hold; unset is no bound, 0 is a value.
 *
 * `{ sequenceMax: 41 }` reads "at or before sequence 41". `timestamp…` is the engine's clock (a
 * snapshot without a timestamp does not meet such a bound), `commitTime…` the store's.
 */
export interface Criteria {
  readonly sequenceMin?: Int64 | undefined;
  readonly sequenceMax?: Int64 | undefined;
  readonly timestampMinNs?: bigint | undefined;
  readonly timestampMaxNs?: bigint | undefined;
  readonly commitTimeMinNs?: bigint | undefined;
  readonly commitTimeMaxNs?: bigint | undefined;
}

/**
 * Selects executions by their head. Fields are ANDed, the values of one are ORed, and labels must
 * all hold. Unset is no condition; a list that is empty is refused with InvalidFieldError, because
 * the contract cannot tell it from unset and would match all.
 */
export interface Filter {
  readonly executionIds?: readonly string[] | undefined;
  readonly executionIdPrefix?: string | undefined;
  readonly states?: readonly ExecutionState[] | undefined;
  readonly stateClasses?: readonly StateClass[] | undefined;
  readonly waitReasons?: readonly WaitReason[] | undefined;
  readonly userId?: string | undefined;
  readonly parentExecutionId?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly criteria?: Criteria | undefined;
}

/** Names one snapshot of an execution by at most one of the three; none of them is the head. */
export interface Selector {
  readonly version?: Int64 | undefined;
  readonly snapshotId?: string | undefined;
  /** The latest snapshot that meets these bounds. */
  readonly criteria?: Criteria | undefined;
}

/**
 * Which entries of one map an answer carries: all, or those that any key or key prefix names, at
 * most 1,000 together. A key that does not exist is passed over.
 */
export interface MapProjection {
  readonly all?: boolean;
  readonly keys?: readonly string[];
  readonly keyPrefixes?: readonly string[];
}

/** Which entries of a snapshot an answer carries. `{}` is the header only. */
export interface Projection {
  readonly stepOutputs?: MapProjection | undefined;
  readonly variables?: MapProjection | undefined;
}

/** `field` is its path in the request, for errors. */
export function criteriaMessage(
  field: string,
  criteria: Criteria | undefined,
): MessageInitShape<typeof SnapshotCriteriaSchema> | undefined {
  return (
    criteria && {
      sequenceMin: int64(`${field}.sequence_min`, criteria.sequenceMin),
      sequenceMax: int64(`${field}.sequence_max`, criteria.sequenceMax),
      timestampMin: timestampOf(`${field}.timestamp_min`, criteria.timestampMinNs),
      timestampMax: timestampOf(`${field}.timestamp_max`, criteria.timestampMaxNs),
      commitTimeMin: timestampOf(`${field}.commit_time_min`, criteria.commitTimeMinNs),
      commitTimeMax: timestampOf(`${field}.commit_time_max`, criteria.commitTimeMaxNs),
    }
  );
}

export function filterMessage(
  filter: Filter | undefined,
): MessageInitShape<typeof ExecutionFilterSchema> | undefined {
  return (
    filter && {
      executionIds: notEmpty("filter.execution_ids", filter.executionIds),
      executionIdPrefix: filter.executionIdPrefix,
      states: enums("filter.states", filter.states),
      stateClasses: enums("filter.state_classes", filter.stateClasses),
      waitReasons: enums("filter.wait_reasons", filter.waitReasons),
      userId: filter.userId,
      parentExecutionId: filter.parentExecutionId,
      labels: { ...filter.labels },
      criteria: criteriaMessage("filter.criteria", filter.criteria),
    }
  );
}

/** `field` is its path in the request, for errors. */
export function selectorMessage(
  field: string,
  { version, snapshotId, criteria }: Selector,
): MessageInitShape<typeof SnapshotSelectorSchema> | undefined {
  if ([version, snapshotId, criteria].filter((each) => each !== undefined).length > 1) {
    throw invalidField(field, "takes one of version, snapshotId and criteria");
  }
  if (version !== undefined) {
    return { selector: { case: "version", value: int64(`${field}.version`, version) } };
  }
  if (snapshotId !== undefined) {
    return { selector: { case: "snapshotId", value: snapshotId } };
  }
  const value = criteriaMessage(`${field}.latest_matching`, criteria);
  return value && { selector: { case: "latestMatching", value } };
}

export function projectionMessage(
  projection: Projection | undefined,
): MessageInitShape<typeof SnapshotProjectionSchema> | undefined {
  return (
    projection && {
      stepOutputs: mapProjectionMessage(projection.stepOutputs),
      variables: mapProjectionMessage(projection.variables),
    }
  );
}

function mapProjectionMessage(
  projection: MapProjection | undefined,
): MessageInitShape<typeof MapProjectionSchema> | undefined {
  return (
    projection && {
      all: projection.all ?? false,
      keys: [...(projection.keys ?? [])],
      keyPrefixes: [...(projection.keyPrefixes ?? [])],
    }
  );
}

function enums<T extends number>(field: string, values: readonly T[] | undefined): T[] {
  return notEmpty(field, values).map((each) => int32(field, each));
}

/**
 * Refuses a list that selects nothing, where the contract would read it as no condition: a list
 * of wanted ids that came out empty would match everything.
 */
export function notEmpty<T>(field: string, values: readonly T[] | undefined): T[] {
  if (values?.length === 0) {
    throw invalidField(field, "is empty; unset is no condition");
  }
  return [...(values ?? [])];
}
