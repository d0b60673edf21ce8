//! The error of every call, told apart by its reason.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use stillframe_proto::v1::Payload;
pub use tonic::Code;

/// What the calls of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

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
    /// A payload is not a value that the codec can read; [`Error::payload`] is the raw payload.
    /// Given by the client itself.
    ValueDecode "VALUE_DECODE",
    /// A snapshot that leaves something out cannot be saved: it would delete what it does not
    /// carry. Given by the client itself.
    IncompleteSnapshot "INCOMPLETE_SNAPSHOT",
    /// The saver was closed before. Given by the client itself.
    Closed "CLOSED",
    /// The timeout passed. Whether the call took effect is unknown.
    Deadline "DEADLINE",
}

/// One field of a request that was refused, by its path, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldViolation {
    /// Its path in the request, such as `snapshot.state`.
    pub field: String,
    /// Why, in English.
    pub description: String,
}

/// Why a call failed.
///
/// Match on [`reason`](Self::reason), or on [`code`](Self::code) for all of a kind.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    code: Code,
    reason: Option<Reason>,
    message: String,
    metadata: BTreeMap<String, String>,
    violations: Vec<FieldViolation>,
    retry_after: Option<Duration>,
    payload: Option<Payload>,
}

impl Error {
    /// The status code; of an error that the client gives itself, the one that a server would
    /// have answered with.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The reason. None when the failure has none: a broken connection, or a status from
    /// something that is no Stillframe server.
    pub fn reason(&self) -> Option<&Reason> {
        self.0.reason.as_ref()
    }

    /// Whether this is the reason.
    pub fn is(&self, reason: &Reason) -> bool {
        self.reason() == Some(reason)
    }

    /// What went wrong, in English, for the developer.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The values that the message mentions, under the keys that `error.proto` gives for the
    /// reason.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.0.metadata
    }

    /// The refused fields.
    pub fn violations(&self) -> &[FieldViolation] {
        &self.0.violations
    }

    /// How long the server asks to wait before another try.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The raw payload that could not be read, of [`Reason::ValueDecode`].
    pub fn payload(&self) -> Option<&Payload> {
        self.0.payload.as_ref()
    }

    /// An error of [`Reason::ValueEncode`], for codecs.
    pub fn value_encode(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, Some(Reason::ValueEncode), message)
    }

    /// An error of [`Reason::ValueDecode`], for codecs.
    pub fn value_decode(message: impl Into<String>) -> Self {
        Self::new(Code::DataLoss, Some(Reason::ValueDecode), message)
    }

    pub(crate) fn new(code: Code, reason: Option<Reason>, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            reason,
            message: message.into(),
            metadata: BTreeMap::new(),
            violations: Vec::new(),
            retry_after: None,
            payload: None,
        }))
    }

    /// The error that the server would answer with, for what the client sees first.
    pub(crate) fn invalid_field(field: &str, description: &str) -> Self {
        Self::of_field(Reason::InvalidField, field, description)
    }

    pub(crate) fn incomplete(field: &str) -> Self {
        let description = "leaves entries of its snapshot out, and a save would delete them";
        Self::of_field(Reason::IncompleteSnapshot, field, description)
    }

    pub(crate) fn closed() -> Self {
        let message = "the saver is closed";
        Self::new(Code::FailedPrecondition, Some(Reason::Closed), message)
    }

    pub(crate) fn deadline(after: Duration) -> Self {
        let message = format!("no answer within {after:?}");
        Self::new(Code::DeadlineExceeded, Some(Reason::Deadline), message)
    }

    fn of_field(reason: Reason, field: &str, description: &str) -> Self {
        let message = format!("{field}: {description}");
        Self::new(Code::InvalidArgument, Some(reason), message)
            .with_metadata([("field", field.to_owned())])
            .with_violations(vec![FieldViolation {
                field: field.to_owned(),
                description: description.to_owned(),
            }])
    }

    pub(crate) fn with_metadata<K: Into<String>>(
        mut self,
        metadata: impl IntoIterator<Item = (K, String)>,
    ) -> Self {
        let metadata = metadata.into_iter().map(|(key, value)| (key.into(), value));
        self.0.metadata.extend(metadata);
        self
    }

    pub(crate) fn with_violations(mut self, violations: Vec<FieldViolation>) -> Self {
        self.0.violations = violations;
        self
    }

    pub(crate) fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.0.retry_after = retry_after;
        self
    }

    /// Names the entry that a value was meant for, or stands in.
    pub(crate) fn at_entry(mut self, entry: &str) -> Self {
        self.0.message = format!("{entry}: {}", self.0.message);
        self
    }

    pub(crate) fn with_payload(mut self, payload: &Payload) -> Self {
        self.0.payload = Some(payload.clone());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason() {
            Some(reason) => write!(f, "{}: {}", reason.as_str(), self.message()),
            None => write!(f, "{:?}: {}", self.code(), self.message()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            code,
            reason,
            message,
            metadata,
            violations,
            retry_after,
            payload,
        } = &*self.0;
        f.debug_struct("Error")
            .field("code", code)
            .field("reason", reason)
            .field("message", message)
            .field("metadata", metadata)
            .field("violations", violations)
            .field("retry_after", retry_after)
            .field(
                "payload_bytes",
                &payload.as_ref().map(|payload| payload.data.len()),
            )
            .finish()
    }
}

impl std::error::Error for Error {}
