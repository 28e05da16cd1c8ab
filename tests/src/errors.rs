//! What a failed call says.

use std::collections::HashMap;

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// The reason in the status' `ErrorInfo`; empty without one.
#[must_use]
pub fn reason(status: &Status) -> String {
    let info = status.get_details_error_info();
    info.map(|info| info.reason).unwrap_or_default()
}

/// The metadata in the status' `ErrorInfo`.
#[must_use]
pub fn metadata(status: &Status) -> HashMap<String, String> {
    let info = status.get_details_error_info();
    info.map(|info| info.metadata).unwrap_or_default()
}

/// The fields that the status' `BadRequest` names, in its order.
#[must_use]
pub fn fields(status: &Status) -> Vec<String> {
    let violations = status.get_details_bad_request();
    let violations = violations.map(|b| b.field_violations).unwrap_or_default();
    violations.into_iter().map(|v| v.field).collect()
}

/// The language and text of the status' `LocalizedMessage`; empty without one.
#[must_use]
pub fn localized(status: &Status) -> (String, String) {
    let message = status.get_details_localized_message();
    message.map(|m| (m.locale, m.message)).unwrap_or_default()
}

/// Fails unless the call failed with this code for this reason; answers with the status.
#[track_caller]
pub fn refused<T>(result: Result<T, Status>, code: Code, expected: &str) -> Status {
    let Err(status) = result else {
        panic!("was answered, not refused with {expected}");
    };
    let got = (status.code(), reason(&status));
    assert_eq!(got, (code, expected.to_owned()), "{status:?}");
    let (_, text) = localized(&status);
    assert!(!text.is_empty(), "no LocalizedMessage: {status:?}");
    status
}

/// Fails unless the call was refused with `FIELD_INVALID` for exactly these fields, in this order.
#[track_caller]
pub fn refused_fields<T>(result: Result<T, Status>, expected: &[&str]) {
    let status = refused(result, Code::InvalidArgument, "FIELD_INVALID");
    assert_eq!(fields(&status), expected, "{status:?}");
}

/// What a client repeats: a service of ours that is away says UNAVAILABLE, and a connection that is
/// lost with the edge itself, or closed by it because too many calls were given up at once, is whatever the
/// client's library makes of it, without details.
#[must_use]
pub fn is_worth_repeating(status: &Status) -> bool {
    let ours = [Code::Unavailable, Code::DeadlineExceeded].contains(&status.code());
    let librarys = [
        Code::Unknown,
        Code::Cancelled,
        Code::Internal,
        Code::ResourceExhausted,
    ]
    .contains(&status.code());
    ours || (librarys && status.details().is_empty())
}
