//! Why calls fail: the one table of names.

macro_rules! reasons {
    ( $( $(#[$doc:meta])* $variant:ident $text:literal, )* ) => {
        /// Why a call failed: the reasons of the contract (`error.proto`), and those that the
        /// client itself gives. What to do about each stands in the documentation of Stillframe.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $( $(#[$doc])* $variant, )*
            /// A reason that this version does not know, by its name.
            Other(String),
        }

        impl Reason {
            /// Its name in the contract.
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $text, )*
                    Self::Other(name) => name,
                }
            }

            pub(crate) fn from_name(name: &str) -> Self {
                match name {
                    $( $text => Self::$variant, )*
                    _ => Self::Other(name.to_owned()),
                }
            }
        }
    };
}

reasons! {
    /// A field is missing, out of bounds or contradicts another; the violations name each.
    InvalidField "INVALID_FIELD",
    /// The server could not read the request.
    MalformedMessage "MALFORMED_MESSAGE",
    /// The page token was given by another request.
    PageTokenMismatch "PAGE_TOKEN_MISMATCH",
    /// The request_id was used for a request with another body.
    RequestIdReused "REQUEST_ID_REUSED",
    /// There is no such execution.
    ExecutionNotFound "EXECUTION_NOT_FOUND",
    /// The execution has no such snapshot.
    SnapshotNotFound "SNAPSHOT_NOT_FOUND",
    /// There is a head where none is wanted; the metadata has its etag.
    ExecutionExists "EXECUTION_EXISTS",
    /// Another snapshot of the execution has this snapshot_id.
    SnapshotIdExists "SNAPSHOT_ID_EXISTS",
    /// The head, or the value, is not the one that expected_etag names.
    EtagMismatch "ETAG_MISMATCH",
    /// The head is not the base of the delta: somebody else has written.
    DeltaBaseMismatch "DELTA_BASE_MISMATCH",
    /// Another engine has claimed the execution; the caller must stop working on it.
    Fenced "FENCED",
    /// The sequence_number is lower than the head's.
    SequenceRegression "SEQUENCE_REGRESSION",
    /// The snapshot is further behind the event store than the caller allows.
    SnapshotStale "SNAPSHOT_STALE",
    /// The snapshot includes events that the event store does not have.
    SnapshotAhead "SNAPSHOT_AHEAD",
    /// The change log no longer reaches back to the resume token.
    HistoryCompacted "HISTORY_COMPACTED",
    /// The store does not know the resume token: it was restored or replaced.
    StoreReplaced "STORE_REPLACED",
    /// The resume token names a revision that the store has not reached.
    RevisionInFuture "REVISION_IN_FUTURE",
    /// The snapshot, or a part of it, is larger than the server accepts.
    SnapshotTooLarge "SNAPSHOT_TOO_LARGE",
    /// The tenant has used up a quota.
    QuotaExceeded "QUOTA_EXCEEDED",
    /// Too many calls in a time.
    RateLimited "RATE_LIMITED",
    /// The server has as much work as it can hold.
    ServerBusy "SERVER_BUSY",
    /// The call carries no credentials.
    CredentialsRequired "CREDENTIALS_REQUIRED",
    /// The credentials are unknown or no longer valid.
    CredentialsInvalid "CREDENTIALS_INVALID",
    /// The credentials are not for this tenant.
    TenantDenied "TENANT_DENIED",
    /// The credentials do not allow this RPC.
    ScopeDenied "SCOPE_DENIED",
    /// The server's store cannot be reached or cannot write.
    StoreUnavailable "STORE_UNAVAILABLE",
    /// The server is stopping.
    ShuttingDown "SHUTTING_DOWN",
    /// A fault of the server's own; the metadata key `error_id` stands in its log.
    Internal "INTERNAL",
    /// The server does not have the RPC.
    Unimplemented "UNIMPLEMENTED",
    /// There is no such value in the working memory, or its ttl is over.
    ValueNotFound "VALUE_NOT_FOUND",
    /// There is a value where none is wanted; the metadata has its etag.
    ValueExists "VALUE_EXISTS",
    /// The value is larger than the server accepts.
    ValueTooLarge "VALUE_TOO_LARGE",
    /// A value cannot be encoded. Given by the client itself.
    ValueEncode "VALUE_ENCODE",
    /// A payload is not a value that the codec can read; the error has the raw
    /// [payload](crate::Error::payload). Given by the client itself.
    ValueDecode "VALUE_DECODE",
    /// A snapshot that leaves something out cannot be saved: it would delete what it does not
    /// carry. Given by the client itself.
    IncompleteSnapshot "INCOMPLETE_SNAPSHOT",
    /// The saver was closed before. Given by the client itself.
    Closed "CLOSED",
    /// The timeout passed. Whether the call took effect is unknown.
    Deadline "DEADLINE",
}
