/**
 * The TypeScript client of Stillframe.
 *
 *     await using client = new Client("127.0.0.1:50051", { tenant: "acme" });
 *     await client.save("run-1", { state: ExecutionState.RUNNING, variables: { n: 1 } });
 *     console.log((await client.load("run-1")).variables.get("n"));
 *
 * Requests, answers, errors, values, deltas, retries and the state of a watch each stand in a
 * module that does no I/O; `transport` carries their calls.
 */

export type { CallOptions } from "./call.js";
export { Client } from "./client.js";
export {
  AbortedError,
  AlreadyExistsError,
  CallCancelledError,
  ClosedError,
  CredentialsInvalidError,
  CredentialsRequiredError,
  DataLossError,
  DeadlineExceededError,
  DeltaBaseMismatchError,
  EtagMismatchError,
  ExecutionExistsError,
  ExecutionNotFoundError,
  FailedPreconditionError,
  FencedError,
  HistoryCompactedError,
  IncompleteSnapshotError,
  InternalError,
  InvalidArgumentError,
  InvalidFieldError,
  MalformedMessageError,
  NotFoundError,
  OutOfRangeError,
  PageTokenMismatchError,
  PermissionDeniedError,
  QuotaExceededError,
  RateLimitedError,
  RequestIdReusedError,
  ResourceExhaustedError,
  RevisionInFutureError,
  ScopeDeniedError,
  SequenceRegressionError,
  ServerBusyError,
  ShuttingDownError,
  SnapshotAheadError,
  SnapshotIdExistsError,
  SnapshotNotFoundError,
  SnapshotStaleError,
  SnapshotTooLargeError,
  StillframeError,
  StoreReplacedError,
  StoreUnavailableError,
  TenantDeniedError,
  UnauthenticatedError,
  UnavailableError,
  UnimplementedError,
  UnknownError,
  ValueDecodeError,
  ValueEncodeError,
  ValueExistsError,
  ValueNotFoundError,
  ValueTooLargeError,
  type ErrorDetails,
  type FieldViolation,
} from "./errors.js";
export type {
  CaughtUp,
  Change,
  InitialStateEnd,
  Progress,
  Restarted,
  WatchEvent,
  WatchOpened,
} from "./events.js";
export type { Execution, ExecutionOptions } from "./execution.js";
export type { ForkOptions, PruneOptions } from "./history.js";
export { MAX_DEPTH } from "./json.js";
export type {
  DeleteValueOptions,
  ListKeysOptions,
  ListKeysPageOptions,
  ScopeOptions,
  SetValueOptions,
} from "./memory.js";
export type {
  ClaimOptions,
  ClientOptions,
  DeleteOptions,
  HistoryOptions,
  HistoryPageOptions,
  ListOptions,
  ListPageOptions,
  LoadOptions,
  SaveOptions,
  ViewOptions,
  WatchOptions,
  WatchRequestOptions,
} from "./options.js";
export { jsonCodec, Payload, type Codec } from "./payload.js";
export type { Criteria, Filter, MapProjection, Projection, Selector } from "./queries.js";
export { DEFAULT_RETRY, type Clock, type RetryPolicy } from "./retry.js";
export type { Saver, SaverOptions } from "./saver.js";
export { canResume, isActive, isTerminal } from "./states.js";
export type { Metadata } from "./target.js";
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
  type Claim,
  type Deleted,
  type Diff,
  type Entries,
  type EntryDifference,
  type Forked,
  type Freshness,
  type Int64,
  type KeyInfo,
  type MatchCount,
  type Omission,
  type OmittedEntry,
  type Origin,
  type Page,
  type Saved,
  type ServerInfo,
  type ServerLimits,
  type Snapshot,
  type StoredSnapshot,
  type StoredValue,
  type ValueSet,
} from "./types.js";
export type { Values } from "./values.js";
export type { Watch } from "./watch.js";
