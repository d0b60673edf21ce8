/**
 * The calls of the contract: for each RPC its request, and how its answer is read. Beside
 * history.ts and memory.ts, which have the others.
 */

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  SnapshotService,
  SnapshotView,
  WatchMode,
  WatchSnapshotsRequestSchema,
  type ExecutionSnapshot,
  type SnapshotDelta,
  type WatchSnapshotsRequest,
} from "@stillframe/proto";
import { call, newRequestId, refuseTooLarge, sizeOf, type Call } from "./call.js";
import { plain, storedSnapshot } from "./decoding.js";
import {
  durationOf,
  int32,
  int64,
  snapshotMessage,
  uint32,
  type EncodedSnapshot,
} from "./encoding.js";
import { invalidField, SnapshotTooLargeError, UnknownError } from "./errors.js";
import type { Codec } from "./payload.js";
import type {
  ClaimOptions,
  DeleteOptions,
  HistoryPageOptions,
  ListPageOptions,
  LoadOptions,
  SaveOptions,
  ViewOptions,
  WatchRequestOptions,
} from "./options.js";
import { criteriaMessage, filterMessage, projectionMessage, selectorMessage } from "./queries.js";
import type {
  Claim,
  Deleted,
  Freshness,
  Int64,
  Page,
  Saved,
  ServerInfo,
  StoredSnapshot,
} from "./types.js";

/** The most executions of one CheckFreshness, by the contract. */
const FRESHNESS_BATCH = 1_000;

/** Builds the calls of one tenant. */
export class Requests {
  constructor(
    readonly tenantId: string,
    readonly codec: Codec,
    readonly maxMessageBytes: number,
  ) {}

  save(
    executionId: string,
    content:
      { case: "snapshot"; value: ExecutionSnapshot } | { case: "delta"; value: SnapshotDelta },
    options: SaveOptions,
  ): Call<Saved> {
    const request = {
      tenantId: this.tenantId,
      executionId,
      content,
      requestId: options.requestId ?? newRequestId(),
      expectedEtag: options.expectedEtag,
      mustNotExist: options.mustNotExist ?? false,
      writerEpoch: int64("writer_epoch", options.writerEpoch),
      ttl: durationOf(options.ttlMs),
      allowSequenceRegression: options.allowSequenceRegression ?? false,
    };
    const built = call(SnapshotService.method.saveSnapshot, request, plain);
    refuseTooLarge(built, this.maxMessageBytes, SnapshotTooLargeError, "SNAPSHOT_TOO_LARGE");
    return built;
  }

  /** The save of a whole snapshot. */
  saveWhole(executionId: string, snapshot: EncodedSnapshot, options: SaveOptions): Call<Saved> {
    const value = snapshotMessage(snapshot, snapshot.stepOutputs, snapshot.variables);
    return this.save(executionId, { case: "snapshot", value }, options);
  }

  load(executionId: string, options: LoadOptions): Call<StoredSnapshot> {
    const request = {
      tenantId: this.tenantId,
      executionId,
      selector: selectorMessage("selector", options),
      projection: projectionMessage(options.projection),
      eventStoreHead: int64("event_store_head", options.eventStoreHead),
      requireFresh: options.requireFresh ?? false,
      maxBehind: int64("max_behind", options.maxBehind),
      maxMessageBytes: this.#bound(options.maxMessageBytes),
    };
    return call(SnapshotService.method.loadSnapshot, request, (answer) => {
      const freshness = answer.freshness && plain(answer.freshness);
      return storedSnapshot(expectPresent(answer.snapshot), this.codec, { freshness });
    });
  }

  claim(executionId: string, options: ClaimOptions): Call<Claim> {
    const request = {
      tenantId: this.tenantId,
      executionId,
      allowMissing: options.allowMissing ?? false,
      projection: projectionMessage(options.projection),
      eventStoreHead: int64("event_store_head", options.eventStoreHead),
      maxMessageBytes: this.#bound(undefined),
    };
    return call(SnapshotService.method.claimExecution, request, (answer) => {
      const { writerEpoch, snapshot } = answer;
      const freshness = answer.freshness && plain(answer.freshness);
      return {
        writerEpoch,
        snapshot: snapshot && storedSnapshot(snapshot, this.codec, { freshness }),
        freshness,
      };
    });
  }

  /** One call for each batch, in order. */
  checkFreshness(
    heads: Readonly<Record<string, Int64>> | ReadonlyMap<string, Int64>,
  ): Call<readonly Freshness[]>[] {
    const pairs: [string, Int64][] = heads instanceof Map ? [...heads] : Object.entries(heads);
    const queries = pairs.map(([executionId, head]) => ({
      executionId,
      eventStoreHead: int64("executions.event_store_head", head),
    }));
    const calls: Call<readonly Freshness[]>[] = [];
    for (let start = 0; start < queries.length; start += FRESHNESS_BATCH) {
      const executions = queries.slice(start, start + FRESHNESS_BATCH);
      const request = { tenantId: this.tenantId, executions };
      calls.push(
        call(SnapshotService.method.checkFreshness, request, ({ results }) => results.map(plain)),
      );
    }
    return calls;
  }

  listPage(options: ListPageOptions): Call<Page<StoredSnapshot>> {
    const request = {
      tenantId: this.tenantId,
      filter: filterMessage(options.filter),
      ...viewOf(options),
      pageSize: uint32("page_size", options.pageSize ?? 0),
      pageToken: options.pageToken ?? "",
      includeCount: options.includeCount ?? false,
      maxMessageBytes: this.#bound(undefined),
    };
    return call(SnapshotService.method.listExecutions, request, (answer) => ({
      items: answer.executions.map((each) => storedSnapshot(each, this.codec)),
      nextPageToken: answer.nextPageToken,
      count: answer.count && plain(answer.count),
    }));
  }

  historyPage(
    executionId: string | undefined,
    options: HistoryPageOptions,
  ): Call<Page<StoredSnapshot>> {
    const request = {
      tenantId: this.tenantId,
      executionId,
      filter: filterMessage(options.filter),
      criteria: criteriaMessage("criteria", options.criteria),
      labels: { ...options.labels },
      ...viewOf(options),
      pageSize: uint32("page_size", options.pageSize ?? 0),
      pageToken: options.pageToken ?? "",
      maxMessageBytes: this.#bound(undefined),
    };
    return call(SnapshotService.method.listSnapshots, request, (answer) => ({
      items: answer.snapshots.map((each) => storedSnapshot(each, this.codec)),
      nextPageToken: answer.nextPageToken,
      count: undefined,
    }));
  }

  delete(executionId: string, options: DeleteOptions): Call<Deleted> {
    const request = {
      tenantId: this.tenantId,
      executionId,
      expectedEtag: options.expectedEtag,
      writerEpoch: int64("writer_epoch", options.writerEpoch),
      requestId: options.requestId ?? newRequestId(),
      includeDescendants: options.includeDescendants ?? false,
    };
    return call(SnapshotService.method.deleteExecution, request, plain);
  }

  /** The first request of a watch, which Watching makes the later ones from. */
  watch(options: WatchRequestOptions): WatchSnapshotsRequest {
    const { resumeToken, initialState } = options;
    if (resumeToken !== undefined && initialState) {
      throw invalidField("start", "takes one of resumeToken and initialState");
    }
    if (resumeToken === "") {
      throw invalidField("resume_token", "is empty; unset starts now");
    }
    const request: MessageInitShape<typeof WatchSnapshotsRequestSchema> = {
      tenantId: this.tenantId,
      filter: filterMessage(options.filter),
      start:
        resumeToken !== undefined
          ? { case: "resumeToken", value: resumeToken }
          : { case: initialState ? "initialState" : "now", value: {} },
      mode: int32("mode", options.mode ?? WatchMode.LATEST),
      ...viewOf(options),
      maxMessageBytes: this.#bound(options.maxMessageBytes),
    };
    const message = create(WatchSnapshotsRequestSchema, request);
    sizeOf(WatchSnapshotsRequestSchema, message);
    return message;
  }

  info(): Call<ServerInfo> {
    return call(SnapshotService.method.getServerInfo, {}, (answer) => ({
      ...plain(answer),
      limits: plain(expectPresent(answer.limits)),
    }));
  }

  #bound(maxMessageBytes: Int64 | undefined): bigint {
    return int64("max_message_bytes", maxMessageBytes ?? this.maxMessageBytes);
  }
}

/** The view of a list or watch; a projection means nothing without the FULL one. */
function viewOf({ full, projection }: ViewOptions) {
  if (projection !== undefined && !full) {
    throw invalidField("projection", "needs full");
  }
  return {
    view: full ? SnapshotView.FULL : SnapshotView.METADATA,
    projection: projectionMessage(projection),
  };
}

/** What every answer of a server has, but the type of a message cannot say. */
function expectPresent<T>(value: T | undefined): T {
  if (value === undefined) {
    throw new UnknownError("the answer lacks what every answer has");
  }
  return value;
}
