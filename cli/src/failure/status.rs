//! What the server answered, or that it did not, as a failure.

use tonic::{Code, Status};
use tonic_types::StatusExt;
use turbomessage_service_kit::problem::code_name;

use super::{Failure, Kind, SIGN_IN, Violation};

impl From<Status> for Failure {
    /// What the server answered, in the words it chose for the caller; or that it did not.
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let Some(info) = details.error_info() else {
            return without_details(&status);
        };
        let message = details
            .localized_message()
            .map_or(status.message(), |localized| &localized.message);
        let mut failure = Self::new(
            kind(status.code()),
            code_name(status.code()),
            &info.reason,
            message,
        );
        failure.metadata = info.metadata.clone().into_iter().collect();
        if let Some(request) = details.bad_request() {
            failure.violations = request.field_violations.iter().map(violation).collect();
        }
        if let Some(delay) = details.retry_info().and_then(|info| info.retry_delay) {
            failure.hint = Some(format!("try again in {} s", delay.as_secs().max(1)));
        }
        if info.reason == "SESSION_INVALID" {
            failure.hint = Some(SIGN_IN.into());
        }
        let trace = failure.metadata.get("trace_id");
        let trace = trace.map(|id| format!("trace {id} tells those who run the server more"));
        failure.also(trace)
    }
}

/// Every error of the server's own has details: one without comes from the way there.
fn without_details(status: &Status) -> Failure {
    let code = status.code();
    let lost = matches!(
        code,
        Code::Unknown | Code::Cancelled | Code::Unavailable | Code::Internal
    );
    if code == Code::Cancelled || code == Code::DeadlineExceeded {
        return Failure::unreachable("The server did not answer in time.");
    }
    if lost {
        return Failure::unreachable("The connection broke before the server answered.");
    }
    Failure::new(kind(code), code_name(code), "", status.message())
}

fn violation(violation: &tonic_types::FieldViolation) -> Violation {
    let localized = violation.localized_message.as_ref();
    Violation {
        field: violation.field.clone(),
        reason: violation.reason.clone(),
        message: localized
            .map_or(&violation.description, |l| &l.message)
            .clone(),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "codes without an exit code of their own share one"
)]
fn kind(code: Code) -> Kind {
    match code {
        Code::Unauthenticated => Kind::NotSignedIn,
        Code::NotFound => Kind::NotFound,
        Code::Unavailable | Code::DeadlineExceeded => Kind::Unavailable,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic_types::ErrorDetails;

    use super::*;

    fn status(code: Code, reason: &str) -> Status {
        let mut details = ErrorDetails::new();
        details.set_error_info(reason, "turbomessage", HashMap::new());
        details.set_localized_message("es", "Frase.");
        Status::with_error_details(code, "Sentence.", details)
    }

    #[test]
    fn a_status_becomes_an_exit_code() {
        for (status, expected) in [
            (status(Code::AlreadyExists, "USERNAME_TAKEN"), 1),
            (status(Code::Unauthenticated, "SESSION_INVALID"), 4),
            (status(Code::NotFound, "MESSAGE_NOT_FOUND"), 5),
            (status(Code::Unavailable, "STORE_UNAVAILABLE"), 6),
            (Status::unknown("transport error"), 6),
            (Status::cancelled("Timeout expired"), 6),
        ] {
            let failure = Failure::from(status);
            assert_eq!(failure.exit_code(), expected, "{failure:?}");
        }
    }

    #[test]
    fn the_trace_of_a_failure_is_told() {
        let mut details = ErrorDetails::new();
        let trace = HashMap::from([("trace_id".to_owned(), "4bf92f35".to_owned())]);
        details.set_error_info("STORE_UNAVAILABLE", "turbomessage", trace);
        let failure = Failure::from(Status::with_error_details(
            Code::Unavailable,
            "Sentence.",
            details,
        ));
        assert!(failure.hint.unwrap().contains("4bf92f35"));
    }

    #[test]
    fn people_get_the_sentence_in_their_language() {
        let failure = Failure::from(status(Code::NotFound, "MESSAGE_NOT_FOUND"));
        assert_eq!(failure.message, "Frase.");
        assert_eq!(failure.reason, "MESSAGE_NOT_FOUND");
    }
}
