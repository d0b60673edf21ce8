/**
 * The errors of the client: one class for each status code, one for each reason.
 *
 *     StillframeError
 *     ├── InvalidArgumentError
 *     │   ├── InvalidFieldError
 *     │   │   └── IncompleteSnapshotError     (thrown by the client itself)
 *     │   ├── MalformedMessageError
 *     │   ├── PageTokenMismatchError
 *     │   ├── RequestIdReusedError
 *     │   └── ValueEncodeError                (thrown by the client itself)
 *     ├── NotFoundError
 *     │   ├── ExecutionNotFoundError
 *     │   ├── SnapshotNotFoundError
 *     │   └── ValueNotFoundError
 *     ├── AlreadyExistsError
 *     │   ├── ExecutionExistsError
 *     │   ├── SnapshotIdExistsError
 *     │   └── ValueExistsError
 *     ├── AbortedError
 *     │   ├── EtagMismatchError
 *     │   └── DeltaBaseMismatchError
 *     ├── FailedPreconditionError
 *     │   ├── FencedError
 *     │   ├── SequenceRegressionError
 *     │   ├── SnapshotStaleError
 *     │   ├── SnapshotAheadError
 *     │   └── ClosedError                     (thrown by the client itself)
 *     ├── OutOfRangeError
 *     │   ├── HistoryCompactedError
 *     │   ├── StoreReplacedError
 *     │   └── RevisionInFutureError
 *     ├── ResourceExhaustedError
 *     │   ├── SnapshotTooLargeError
 *     │   ├── ValueTooLargeError
 *     │   ├── QuotaExceededError
 *     │   ├── RateLimitedError
 *     │   └── ServerBusyError
 *     ├── UnauthenticatedError
 *     │   ├── CredentialsRequiredError
 *     │   └── CredentialsInvalidError
 *     ├── PermissionDeniedError
 *     │   ├── TenantDeniedError
 *     │   └── ScopeDeniedError
 *     ├── UnavailableError
 *     │   ├── StoreUnavailableError
 *     │   └── ShuttingDownError
 *     ├── InternalError                       (reason INTERNAL)
 *     ├── UnimplementedError                  (reason UNIMPLEMENTED)
 *     ├── DeadlineExceededError
 *     ├── CallCancelledError
 *     ├── DataLossError
 *     │   └── ValueDecodeError                (thrown by the client itself)
 *     └── UnknownError
 *
 * How a status becomes one of these stands in statuses.ts.
 */

import type { Payload } from "./payload.js";

/** One field of a request that was refused, by its path, and why. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** What an error carries beside its message. */
export interface ErrorDetails {
  readonly reason?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly violations?: readonly FieldViolation[] | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** The base of every error that the client throws for a call. The message is for the developer. */
export class StillframeError extends Error {
  /** The name of the gRPC status code; for an error of the client's own, what a server would say. */
  get code(): string {
    return "UNKNOWN";
  }
  /**
   * The name in error.proto, such as `ETAG_MISMATCH`; empty when the failure has none, as with a
   * broken connection.
   */
  readonly reason: string;
  /** The values that the message mentions, under the keys that error.proto gives for the reason. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The refused fields. */
  readonly violations: readonly FieldViolation[];
  /** Milliseconds to wait before another try; undefined when the server named no time. */
  readonly retryAfterMs: number | undefined;

  constructor(message = "", details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = new.target.name;
    this.reason = details.reason ?? "";
    this.metadata = details.metadata ?? {};
    this.violations = details.violations ?? [];
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** INVALID_ARGUMENT: the request can never succeed as it is. */
export class InvalidArgumentError extends StillframeError {
  override get code() {
    return "INVALID_ARGUMENT";
  }
}
/** A field is missing, out of bounds or contradicts another; `violations` names each. */
export class InvalidFieldError extends InvalidArgumentError {}
/**
 * A snapshot that leaves something out cannot be saved: it would delete what it does not carry.
 * Load it whole, or save a snapshot of the values that are meant.
 */
export class IncompleteSnapshotError extends InvalidFieldError {}
/** The server could not read the request. */
export class MalformedMessageError extends InvalidArgumentError {}
/** The page token was given by another request (AIP-158). */
export class PageTokenMismatchError extends InvalidArgumentError {}
/** The request_id was used for a request with another body. */
export class RequestIdReusedError extends InvalidArgumentError {}

/** A value cannot be encoded. */
export class ValueEncodeError extends InvalidArgumentError {
  /** The entry it was meant for, such as `variables["x"]`; empty when a codec was called. */
  readonly key: string;

  constructor(message: string, details: { key?: string; cause?: unknown } = {}) {
    super(details.key ? `${details.key}: ${message}` : message, { cause: details.cause });
    this.key = details.key ?? "";
  }
}

/** NOT_FOUND. */
export class NotFoundError extends StillframeError {
  override get code() {
    return "NOT_FOUND";
  }
}
/** There is no such execution. */
export class ExecutionNotFoundError extends NotFoundError {}
/** The execution has no such snapshot. */
export class SnapshotNotFoundError extends NotFoundError {}
/** There is no such value in the working memory, or its ttl is over. */
export class ValueNotFoundError extends NotFoundError {}

/** ALREADY_EXISTS. */
export class AlreadyExistsError extends StillframeError {
  override get code() {
    return "ALREADY_EXISTS";
  }
}
/** There is a head where a save with mustNotExist, or the new id of a fork, wants none. */
export class ExecutionExistsError extends AlreadyExistsError {}
/** Another snapshot of the execution has this snapshot_id. */
export class SnapshotIdExistsError extends AlreadyExistsError {}
/** There is a value in the working memory where mustNotExist wants none. */
export class ValueExistsError extends AlreadyExistsError {}

/** ABORTED: somebody else has written. Load, decide, save again. */
export class AbortedError extends StillframeError {
  override get code() {
    return "ABORTED";
  }
}
/** The head, or the value, is not the one that expectedEtag names. */
export class EtagMismatchError extends AbortedError {}
/** The head is not the base of the delta. */
export class DeltaBaseMismatchError extends AbortedError {}

/** FAILED_PRECONDITION. */
export class FailedPreconditionError extends StillframeError {
  override get code() {
    return "FAILED_PRECONDITION";
  }
}
/** Another engine has claimed the execution; the caller must stop working on it. */
export class FencedError extends FailedPreconditionError {}
/** The sequence number is lower than the head's. */
export class SequenceRegressionError extends FailedPreconditionError {}
/** The snapshot is further behind the event store than the caller allows. */
export class SnapshotStaleError extends FailedPreconditionError {}
/** The snapshot includes events that the event store does not have. */
export class SnapshotAheadError extends FailedPreconditionError {}
/** The client, or the saver, was closed. */
export class ClosedError extends FailedPreconditionError {}

/** OUT_OF_RANGE: a watch cannot go on from its resume token. */
export class OutOfRangeError extends StillframeError {
  override get code() {
    return "OUT_OF_RANGE";
  }
}
/** The change log no longer reaches back to the resume token. */
export class HistoryCompactedError extends OutOfRangeError {}
/** The store does not know the resume token: it was restored or replaced. */
export class StoreReplacedError extends OutOfRangeError {}
/** The resume token names a revision that the store has not reached. */
export class RevisionInFutureError extends OutOfRangeError {}

/** RESOURCE_EXHAUSTED. */
export class ResourceExhaustedError extends StillframeError {
  override get code() {
    return "RESOURCE_EXHAUSTED";
  }
}
/** The snapshot, or a part of it, is larger than the server, or the client's bound, accepts. */
export class SnapshotTooLargeError extends ResourceExhaustedError {}
/** The value is larger than the server, or the client's bound, accepts. */
export class ValueTooLargeError extends ResourceExhaustedError {}
/** The tenant has used up a quota. */
export class QuotaExceededError extends ResourceExhaustedError {}
/** Too many calls in a time. */
export class RateLimitedError extends ResourceExhaustedError {}
/** The server has as much work as it can hold. */
export class ServerBusyError extends ResourceExhaustedError {}

/** UNAUTHENTICATED. */
export class UnauthenticatedError extends StillframeError {
  override get code() {
    return "UNAUTHENTICATED";
  }
}
/** The call carries no credentials. */
export class CredentialsRequiredError extends UnauthenticatedError {}
/** The credentials are unknown or no longer valid. */
export class CredentialsInvalidError extends UnauthenticatedError {}

/** PERMISSION_DENIED. */
export class PermissionDeniedError extends StillframeError {
  override get code() {
    return "PERMISSION_DENIED";
  }
}
/** The credentials are not for this tenant. */
export class TenantDeniedError extends PermissionDeniedError {}
/** The credentials do not allow this RPC. */
export class ScopeDeniedError extends PermissionDeniedError {}

/**
 * UNAVAILABLE: the server was not reached, or the connection broke. Whether a save or delete took
 * effect is unknown; a repeat with the same requestId is safe.
 */
export class UnavailableError extends StillframeError {
  override get code() {
    return "UNAVAILABLE";
  }
}
/** The server's store cannot be reached or cannot write. */
export class StoreUnavailableError extends UnavailableError {}
/** The server is stopping. */
export class ShuttingDownError extends UnavailableError {}

/** INTERNAL: a fault of the server's own; metadata `error_id` stands in its log. */
export class InternalError extends StillframeError {
  override get code() {
    return "INTERNAL";
  }
}

/** UNIMPLEMENTED: this server does not have the RPC. */
export class UnimplementedError extends StillframeError {
  override get code() {
    return "UNIMPLEMENTED";
  }
}

/** DEADLINE_EXCEEDED: the timeout passed. Whether the call took effect is unknown. */
export class DeadlineExceededError extends StillframeError {
  override get code() {
    return "DEADLINE_EXCEEDED";
  }
}

/** CANCELLED: the call was cancelled by the server. */
export class CallCancelledError extends StillframeError {
  override get code() {
    return "CANCELLED";
  }
}

/** DATA_LOSS. */
export class DataLossError extends StillframeError {
  override get code() {
    return "DATA_LOSS";
  }
}

/** A payload is not a value that the codec can read. */
export class ValueDecodeError extends DataLossError {
  /** The entry it stands in, such as `variables["x"]`; empty when a codec was called. */
  readonly key: string;
  /** The raw payload, whole. */
  readonly payload: Payload;

  constructor(message: string, details: { key?: string; payload: Payload; cause?: unknown }) {
    super(details.key ? `${details.key}: ${message}` : message, { cause: details.cause });
    this.key = details.key ?? "";
    this.payload = details.payload;
  }
}

/** UNKNOWN: a status from something that is not a Stillframe server. */
export class UnknownError extends StillframeError {}

/** The error that the server would answer with, for what the client sees first. */
export function invalidField(
  field: string,
  description: string,
  Kind: typeof InvalidFieldError = InvalidFieldError,
): InvalidFieldError {
  return new Kind(`${field}: ${description}`, {
    reason: "INVALID_FIELD",
    metadata: { field },
    violations: [{ field, description }],
  });
}
