//! What goes wrong, and how it is said.

use serde_json::{Value, json};
use stillframe::{Code, Reason};

pub type Outcome = Result<Value, Failure>;

pub enum Failure {
    Client(stillframe::Error),
    /// What a command waited for did not come in time.
    Deadline,
    /// What the driver itself cannot do.
    Driver(String),
}

impl Failure {
    pub fn driver(message: impl Into<String>) -> Self {
        Self::Driver(message.into())
    }

    pub fn to_json(&self) -> Value {
        let error = match self {
            Self::Client(error) => error,
            Self::Deadline => {
                let message = "it did not come in time";
                return json!({"reason": "DEADLINE", "code": "DEADLINE_EXCEEDED", "message": message});
            }
            Self::Driver(message) => {
                return json!({"reason": "DRIVER", "code": "INTERNAL", "message": message});
            }
        };
        let mut said = json!({
            "reason": error.reason().map_or("", Reason::as_str),
            "code": code_name(error.code()),
            "message": error.message(),
        });
        if !error.metadata().is_empty() {
            said["metadata"] = json!(error.metadata());
        }
        if !error.violations().is_empty() {
            let fields = error.violations().iter().map(|each| each.field.as_str());
            said["fields"] = fields.collect::<Vec<_>>().into();
        }
        if let Some(delay) = error.retry_after() {
            said["retry_after"] = json!(delay.as_secs_f64());
        }
        said
    }
}

impl From<stillframe::Error> for Failure {
    fn from(error: stillframe::Error) -> Self {
        Self::Client(error)
    }
}

fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
