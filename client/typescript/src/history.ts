/** The calls that compare, copy and remove snapshots of an execution. */

import { SnapshotService, type DiffSnapshotsResponse } from "@stillframe/proto";
import { call, newRequestId, type Call, type CallOptions } from "./call.js";
import { plain } from "./decoding.js";
import { int64 } from "./encoding.js";
import { invalidField } from "./errors.js";
import {
  criteriaMessage,
  notEmpty,
  selectorMessage,
  type Criteria,
  type Selector,
} from "./queries.js";
import type { Diff, Forked, Int64 } from "./types.js";

/** The most entries of one page of DiffSnapshots, by the contract. */
const DIFF_PAGE = 10_000;

/** Which snapshot a fork starts from; without a selector the head. */
export interface ForkOptions extends Selector, CallOptions {
  /** Bring the history up to there along, as far as it is still there. */
  readonly includeHistory?: boolean | undefined;
  /** Replaces the new head's sequence number, for an engine that starts a new event log. */
  readonly sequenceNumber?: Int64 | undefined;
  /** As in a save. */
  readonly requestId?: string | undefined;
}

/** Which history a prune deletes: what meets all that is set, of which something must be. */
export interface PruneOptions extends CallOptions {
  /** At most 1,000. */
  readonly versions?: readonly Int64[] | undefined;
  /** At most 1,000. */
  readonly snapshotIds?: readonly string[] | undefined;
  readonly criteria?: Criteria | undefined;
  /** Labels that must all be there with these values. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Everything but the head; contradicts the others. */
  readonly allHistory?: boolean | undefined;
  /** As in a save. */
  readonly writerEpoch?: Int64 | undefined;
  /** As in a save. */
  readonly requestId?: string | undefined;
}

/** The call for one page of a comparison. */
export function diffPage(
  tenantId: string,
  executionId: string,
  from: Selector,
  to: Selector,
  pageToken: string,
): Call<DiffSnapshotsResponse> {
  const start = selectorMessage("from", from);
  if (start === undefined) {
    throw invalidField("from", "takes one of version, snapshotId and criteria");
  }
  const request = {
    tenantId,
    executionId,
    from: start,
    to: selectorMessage("to", to),
    pageSize: DIFF_PAGE,
    pageToken,
  };
  return call(SnapshotService.method.diffSnapshots, request, (answer) => answer);
}

/** What the pages of a comparison, of which there is one at least, say together. */
export function diffOf(pages: readonly [DiffSnapshotsResponse, ...DiffSnapshotsResponse[]]): Diff {
  const [{ fromVersion, toVersion, headerFields }] = pages;
  const entries = pages.flatMap((page) => page.entries.map(plain));
  return { fromVersion, toVersion, headerFields, entries };
}

export function fork(
  tenantId: string,
  executionId: string,
  newExecutionId: string,
  options: ForkOptions,
): Call<Forked> {
  const request = {
    tenantId,
    executionId,
    newExecutionId,
    selector: selectorMessage("selector", options),
    includeHistory: options.includeHistory ?? false,
    sequenceNumber: int64("sequence_number", options.sequenceNumber),
    requestId: options.requestId ?? newRequestId(),
  };
  return call(SnapshotService.method.forkExecution, request, plain);
}

export function prune(tenantId: string, executionId: string, options: PruneOptions): Call<bigint> {
  const { labels } = options;
  if (labels !== undefined && Object.keys(labels).length === 0) {
    throw invalidField("labels", "is empty; unset is no condition");
  }
  const request = {
    tenantId,
    executionId,
    versions: notEmpty("versions", options.versions).map((each) => int64("versions", each)),
    snapshotIds: notEmpty("snapshot_ids", options.snapshotIds),
    criteria: criteriaMessage("criteria", options.criteria),
    labels: { ...labels },
    allHistory: options.allHistory ?? false,
    writerEpoch: int64("writer_epoch", options.writerEpoch),
    requestId: options.requestId ?? newRequestId(),
  };
  return call(SnapshotService.method.deleteSnapshots, request, (answer) => answer.deletedCount);
}
