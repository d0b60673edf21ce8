//! How a gRPC status becomes an error: by the reason of its ErrorInfo if that is one of
//! Stillframe's, otherwise by its code alone.

use std::error::Error as _;

use tonic::{Code, Status, TimeoutExpired};
use tonic_types::StatusExt;

use crate::error::{Error, FieldViolation, Reason};

const DOMAIN: &str = "stillframe";

/// What tonic says of a message that is above the client's bound.
const TOO_LARGE: &str = "Error, decoded message length too large";

/// The error of a status.
pub(crate) fn error_of(status: &Status) -> Error {
    let details = status.get_error_details();
    // Another domain is a proxy's or a mesh's: its reasons are not ours.
    let info = details.error_info().filter(|info| info.domain == DOMAIN);
    let code = code_of(status);
    let reason = match info {
        Some(info) => Some(Reason::from_name(&info.reason)),
        None => (code == Code::DeadlineExceeded).then_some(Reason::Deadline),
    };
    let violations = details.bad_request().map(|bad| {
        let each = |violation: &tonic_types::FieldViolation| FieldViolation {
            field: violation.field.clone(),
            description: violation.description.clone(),
        };
        bad.field_violations.iter().map(each).collect()
    });
    Error::new(code, reason, message_of(status))
        .with_metadata(info.map(|info| info.metadata.clone()).unwrap_or_default())
        .with_violations(violations.unwrap_or_default())
        .with_retry_after(details.retry_info().and_then(|retry| retry.retry_delay))
}

/// What the server said; of a status that tonic made up because the connection broke, what
/// gRPC wants it to be: tonic itself says UNKNOWN or CANCELLED for many of them.
fn code_of(status: &Status) -> Code {
    // gRPC's code for a message above the bound; tonic's would be taken for a lost resume token.
    if status.message().starts_with(TOO_LARGE) {
        return Code::ResourceExhausted;
    }
    let Some(source) = status.source() else {
        return status.code();
    };
    let mut cause = Some(source);
    while let Some(error) = cause {
        if error.is::<TimeoutExpired>() {
            return Code::DeadlineExceeded;
        }
        cause = error.source();
    }
    match status.code() {
        Code::Unknown | Code::Cancelled | Code::Internal => Code::Unavailable,
        code => code,
    }
}

/// The message, with what caused it where tonic made it up.
fn message_of(status: &Status) -> String {
    let mut message = status.message().to_owned();
    let mut cause = status.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message = if message.is_empty() {
                text
            } else {
                format!("{message}: {text}")
            };
        }
        cause = error.source();
    }
    message
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use tonic_types::{ErrorDetails, StatusExt};

    use super::*;

    fn with(details: ErrorDetails) -> Status {
        Status::with_error_details(Code::Aborted, "no", details)
    }

    #[test]
    fn an_error_has_what_the_details_say() {
        let metadata = HashMap::from([("head_etag".to_owned(), "5-x".to_owned())]);
        let mut details = ErrorDetails::with_error_info("ETAG_MISMATCH", "stillframe", metadata);
        details.set_retry_info(Some(Duration::from_millis(250)));
        details.add_bad_request_violation("snapshot.state", "is not set");
        let error = error_of(&with(details));
        assert_eq!(
            (error.code(), error.reason()),
            (Code::Aborted, Some(&Reason::EtagMismatch))
        );
        assert_eq!(error.metadata()["head_etag"], "5-x");
        assert_eq!(error.violations()[0].field, "snapshot.state");
        assert_eq!(error.retry_after(), Some(Duration::from_millis(250)));
    }

    #[test]
    fn an_unknown_reason_keeps_its_name() {
        let details = ErrorDetails::with_error_info("NEW_ONE", "stillframe", HashMap::new());
        let error = error_of(&with(details));
        assert_eq!(error.reason(), Some(&Reason::Other("NEW_ONE".into())));
        assert_eq!(error.reason().map(Reason::as_str), Some("NEW_ONE"));
    }

    #[test]
    fn the_reason_of_another_domain_is_not_ours() {
        let details = ErrorDetails::with_error_info("FENCED", "mesh.example", HashMap::new());
        let error = error_of(&with(details));
        assert_eq!((error.code(), error.reason()), (Code::Aborted, None));
        assert!(error.metadata().is_empty());
    }

    #[test]
    fn details_that_cannot_be_read_do_not_hide_the_status() {
        let status = Status::with_details(Code::NotFound, "no", vec![0xff; 9].into());
        assert_eq!(error_of(&status).code(), Code::NotFound);
    }

    #[test]
    fn a_broken_connection_is_unavailable() {
        let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let error = error_of(&Status::from_error(Box::new(broken)));
        assert_eq!((error.code(), error.reason()), (Code::Unavailable, None));
        assert_eq!(
            error_of(&Status::unknown("a proxy's")).code(),
            Code::Unknown
        );
    }

    #[test]
    fn every_reason_of_the_contract_is_known() {
        use stillframe_proto::v1::ErrorReason;
        let names = (1..).map_while(|number| ErrorReason::try_from(number).ok());
        let mut count = 0;
        for reason in names {
            let name = reason.as_str_name().trim_start_matches("ERROR_REASON_");
            assert!(
                !matches!(Reason::from_name(name), Reason::Other(_)),
                "{name}"
            );
            count += 1;
        }
        assert!(count >= 32);
    }
}
