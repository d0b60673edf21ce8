//! The error of every call, told apart by its reason.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use stillframe_proto::v1::Payload;
pub use tonic::Code;

pub use crate::reason::Reason;

/// What the calls of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

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
