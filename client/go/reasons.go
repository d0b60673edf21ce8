package stillframe

// Reason is why a call failed: a name of error.proto, or one of the client's own. It is an error
// so that errors.Is can compare with it.
type Reason string

func (r Reason) Error() string { return string(r) }

// The reasons of error.proto, which gives the code and the metadata of each.
const (
	// ReasonInvalidField: a field is missing, out of bounds or contradicts another; the
	// Violations name each.
	ReasonInvalidField Reason = "INVALID_FIELD"
	// ReasonMalformedMessage: the server could not read the request.
	ReasonMalformedMessage Reason = "MALFORMED_MESSAGE"
	// ReasonPageTokenMismatch: the page token was given to another request.
	ReasonPageTokenMismatch Reason = "PAGE_TOKEN_MISMATCH"
	// ReasonRequestIDReused: the request id was used for a request with another body.
	ReasonRequestIDReused Reason = "REQUEST_ID_REUSED"
	// ReasonExecutionNotFound: there is no such execution.
	ReasonExecutionNotFound Reason = "EXECUTION_NOT_FOUND"
	// ReasonSnapshotNotFound: the execution has no such snapshot.
	ReasonSnapshotNotFound Reason = "SNAPSHOT_NOT_FOUND"
	// ReasonExecutionExists: there is a head where MustNotExist, or the new id of a fork, wants
	// none.
	ReasonExecutionExists Reason = "EXECUTION_EXISTS"
	// ReasonSnapshotIDExists: another snapshot of the execution has this snapshot id.
	ReasonSnapshotIDExists Reason = "SNAPSHOT_ID_EXISTS"
	// ReasonETagMismatch: the head, or the value, is not the one that ExpectedETag names.
	ReasonETagMismatch Reason = "ETAG_MISMATCH"
	// ReasonDeltaBaseMismatch: the head is not the base of the delta.
	ReasonDeltaBaseMismatch Reason = "DELTA_BASE_MISMATCH"
	// ReasonFenced: another engine has claimed the execution; the caller must stop working on it.
	ReasonFenced Reason = "FENCED"
	// ReasonSequenceRegression: the sequence number is lower than the head's.
	ReasonSequenceRegression Reason = "SEQUENCE_REGRESSION"
	// ReasonSnapshotStale: the snapshot is further behind the event store than the caller allows.
	ReasonSnapshotStale Reason = "SNAPSHOT_STALE"
	// ReasonSnapshotAhead: the snapshot includes events that the event store does not have.
	ReasonSnapshotAhead Reason = "SNAPSHOT_AHEAD"
	// ReasonHistoryCompacted: the change log no longer reaches back to the resume token.
	ReasonHistoryCompacted Reason = "HISTORY_COMPACTED"
	// ReasonStoreReplaced: the store does not know the resume token: it was restored or replaced.
	ReasonStoreReplaced Reason = "STORE_REPLACED"
	// ReasonRevisionInFuture: the resume token names a revision that the store has not reached.
	ReasonRevisionInFuture Reason = "REVISION_IN_FUTURE"
	// ReasonSnapshotTooLarge: the snapshot, or a part of it, is larger than is accepted.
	ReasonSnapshotTooLarge Reason = "SNAPSHOT_TOO_LARGE"
	// ReasonQuotaExceeded: the tenant has used up a quota.
	ReasonQuotaExceeded Reason = "QUOTA_EXCEEDED"
	// ReasonRateLimited: too many calls in a time.
	ReasonRateLimited Reason = "RATE_LIMITED"
	// ReasonServerBusy: the server has as much work as it can hold.
	ReasonServerBusy Reason = "SERVER_BUSY"
	// ReasonCredentialsRequired: the call carries no credentials.
	ReasonCredentialsRequired Reason = "CREDENTIALS_REQUIRED"
	// ReasonCredentialsInvalid: the credentials are unknown or no longer valid.
	ReasonCredentialsInvalid Reason = "CREDENTIALS_INVALID"
	// ReasonTenantDenied: the credentials are not for this tenant.
	ReasonTenantDenied Reason = "TENANT_DENIED"
	// ReasonScopeDenied: the credentials do not allow this RPC.
	ReasonScopeDenied Reason = "SCOPE_DENIED"
	// ReasonStoreUnavailable: the server's store cannot be reached or cannot write.
	ReasonStoreUnavailable Reason = "STORE_UNAVAILABLE"
	// ReasonShuttingDown: the server is stopping.
	ReasonShuttingDown Reason = "SHUTTING_DOWN"
	// ReasonInternal: a fault of the server's own; metadata `error_id` stands in its log.
	ReasonInternal Reason = "INTERNAL"
	// ReasonUnimplemented: this server does not have the RPC.
	ReasonUnimplemented Reason = "UNIMPLEMENTED"
	// ReasonValueNotFound: there is no such value in the working memory, or its ttl is over.
	ReasonValueNotFound Reason = "VALUE_NOT_FOUND"
	// ReasonValueExists: there is a value where MustNotExist wants none.
	ReasonValueExists Reason = "VALUE_EXISTS"
	// ReasonValueTooLarge: the value is larger than is accepted.
	ReasonValueTooLarge Reason = "VALUE_TOO_LARGE"
)

// The reasons of errors that no server gave.
const (
	// ReasonValueEncode: a value cannot be encoded. The error is a ValueEncodeError.
	ReasonValueEncode Reason = "VALUE_ENCODE"
	// ReasonValueDecode: a payload cannot be decoded. The error is a ValueDecodeError.
	ReasonValueDecode Reason = "VALUE_DECODE"
	// ReasonIncompleteSnapshot: a snapshot that leaves something out cannot be saved: that would
	// delete what it does not carry. Load it whole, or save a Snapshot of the values meant.
	ReasonIncompleteSnapshot Reason = "INCOMPLETE_SNAPSHOT"
	// ReasonDeadline: the time of the call is over. Whether it took effect is unknown.
	ReasonDeadline Reason = "DEADLINE"
	// ReasonClosed: the client, the saver or the watch was closed before.
	ReasonClosed Reason = "CLOSED"
)
