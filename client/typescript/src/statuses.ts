/**
 * How a failed call becomes an error: by the reason of its ErrorInfo if that is one of
 * Stillframe's (error.proto), otherwise by its code.
 */

import { fromBinary } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, decodeBinaryHeader } from "@connectrpc/connect";
import { SaveErrorSchema } from "@stillframe/proto";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "@stillframe/proto/google/rpc/error_details_pb";
import type { IncomingHttpHeaders } from "node:http2";
import * as e from "./errors.js";

const DOMAIN = "stillframe";
const DETAILS = "grpc-status-details-bin";

type ErrorClass = new (message: string, details: e.ErrorDetails) => e.StillframeError;

/** The class of each reason. */
export const BY_REASON: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>([
  ["INVALID_FIELD", e.InvalidFieldError],
  ["MALFORMED_MESSAGE", e.MalformedMessageError],
  ["PAGE_TOKEN_MISMATCH", e.PageTokenMismatchError],
  ["REQUEST_ID_REUSED", e.RequestIdReusedError],
  ["EXECUTION_NOT_FOUND", e.ExecutionNotFoundError],
  ["SNAPSHOT_NOT_FOUND", e.SnapshotNotFoundError],
  ["EXECUTION_EXISTS", e.ExecutionExistsError],
  ["SNAPSHOT_ID_EXISTS", e.SnapshotIdExistsError],
  ["ETAG_MISMATCH", e.EtagMismatchError],
  ["DELTA_BASE_MISMATCH", e.DeltaBaseMismatchError],
  ["FENCED", e.FencedError],
  ["SEQUENCE_REGRESSION", e.SequenceRegressionError],
  ["SNAPSHOT_STALE", e.SnapshotStaleError],
  ["SNAPSHOT_AHEAD", e.SnapshotAheadError],
  ["HISTORY_COMPACTED", e.HistoryCompactedError],
  ["STORE_REPLACED", e.StoreReplacedError],
  ["REVISION_IN_FUTURE", e.RevisionInFutureError],
  ["SNAPSHOT_TOO_LARGE", e.SnapshotTooLargeError],
  ["QUOTA_EXCEEDED", e.QuotaExceededError],
  ["RATE_LIMITED", e.RateLimitedError],
  ["SERVER_BUSY", e.ServerBusyError],
  ["CREDENTIALS_REQUIRED", e.CredentialsRequiredError],
  ["CREDENTIALS_INVALID", e.CredentialsInvalidError],
  ["TENANT_DENIED", e.TenantDeniedError],
  ["SCOPE_DENIED", e.ScopeDeniedError],
  ["STORE_UNAVAILABLE", e.StoreUnavailableError],
  ["SHUTTING_DOWN", e.ShuttingDownError],
  ["INTERNAL", e.InternalError],
  ["UNIMPLEMENTED", e.UnimplementedError],
  ["VALUE_NOT_FOUND", e.ValueNotFoundError],
  ["VALUE_EXISTS", e.ValueExistsError],
  ["VALUE_TOO_LARGE", e.ValueTooLargeError],
]);

const BY_CODE: ReadonlyMap<Code, ErrorClass> = new Map<Code, ErrorClass>([
  [Code.Canceled, e.CallCancelledError],
  [Code.Unknown, e.UnknownError],
  [Code.InvalidArgument, e.InvalidArgumentError],
  [Code.DeadlineExceeded, e.DeadlineExceededError],
  [Code.NotFound, e.NotFoundError],
  [Code.AlreadyExists, e.AlreadyExistsError],
  [Code.PermissionDenied, e.PermissionDeniedError],
  [Code.ResourceExhausted, e.ResourceExhaustedError],
  [Code.FailedPrecondition, e.FailedPreconditionError],
  [Code.Aborted, e.AbortedError],
  [Code.OutOfRange, e.OutOfRangeError],
  [Code.Unimplemented, e.UnimplementedError],
  [Code.Internal, e.InternalError],
  [Code.Unavailable, e.UnavailableError],
  [Code.DataLoss, e.DataLossError],
  [Code.Unauthenticated, e.UnauthenticatedError],
]);

/** What connect calls a broken connection, depending on how and when it broke. */
const BROKEN: ReadonlySet<Code> = new Set([
  Code.Aborted,
  Code.Canceled,
  Code.Internal,
  Code.Unavailable,
  Code.Unknown,
]);

/**
 * Removes details that cannot be read from the headers or trailers of an answer: connect would
 * throw DATA_LOSS in place of the status that they came with.
 */
export function dropBrokenDetails(headers: IncomingHttpHeaders): void {
  const details = headers[DETAILS];
  if (details === undefined) {
    return;
  }
  try {
    // The same bytes as google.rpc.Status.
    const { code } = fromBinary(SaveErrorSchema, decodeBinaryHeader(String(details)));
    if (`${code}` === headers["grpc-status"]) {
      return;
    }
  } catch {
    // As if it were another's code.
  }
  delete headers[DETAILS];
}

/** The client's error for one of connect's. */
export function errorOf(failure: unknown): e.StillframeError {
  const error = ConnectError.from(failure);
  // Headers come with what a peer answered, and with nothing that connect itself found.
  const answered = [...error.metadata.keys()].length > 0;
  if (!answered && BROKEN.has(error.code)) {
    return new e.UnavailableError(error.rawMessage, { cause: error });
  }
  const details = readDetails(error);
  const ErrorClass =
    BY_REASON.get(details.reason ?? "") ?? BY_CODE.get(error.code) ?? e.UnknownError;
  return new ErrorClass(error.rawMessage, details);
}

function readDetails(error: ConnectError): e.ErrorDetails {
  let reason: string | undefined;
  let metadata: Readonly<Record<string, string>> | undefined;
  let retryAfterMs: number | undefined;
  const violations: e.FieldViolation[] = [];
  try {
    for (const detail of error.details) {
      // Those that came over the wire are bytes; connect makes no others.
      if (!("type" in detail)) {
        continue;
      }
      if (detail.type === ErrorInfoSchema.typeName) {
        const info = fromBinary(ErrorInfoSchema, detail.value);
        // Another domain is a proxy's or a mesh's: its reasons are not ours.
        if (info.domain === DOMAIN) {
          ({ reason, metadata } = info);
        }
      } else if (detail.type === RetryInfoSchema.typeName) {
        const { retryDelay } = fromBinary(RetryInfoSchema, detail.value);
        retryAfterMs = retryDelay && Math.max(0, durationMs(retryDelay));
      } else if (detail.type === BadRequestSchema.typeName) {
        const { fieldViolations } = fromBinary(BadRequestSchema, detail.value);
        violations.push(
          ...fieldViolations.map(({ field, description }) => ({ field, description })),
        );
      }
    }
  } catch {
    // Details that cannot be read must not hide the status that they came with.
  }
  return { reason, metadata, violations, retryAfterMs };
}
