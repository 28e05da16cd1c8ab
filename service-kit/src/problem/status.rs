//! Problems as gRPC statuses with `google.rpc` details, and details for the statuses that
//! libraries make themselves.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what a code or reason means here, and one meaning for all others"
)]

use std::collections::HashMap;

use http::HeaderMap;
use tonic::{Code, Status};
use tonic_types::{
    ErrorDetails, FieldViolation, LocalizedMessage, PreconditionViolation, QuotaViolation,
    StatusExt,
};

use super::{DOMAIN, MAX_CULPRITS, Problem, Reason, Violation, catalogue};
use crate::{
    context,
    language::Language::{self, English},
};

impl From<Problem> for Status {
    /// Explains the problem to the caller of the current call, in their language, and logs what
    /// they are not told: this is where a failure is handled, so this is where it is logged.
    fn from(problem: Problem) -> Self {
        log(&problem);
        problem.to_status(context::language())
    }
}

impl Problem {
    fn to_status(&self, language: Language) -> Status {
        let mut metadata: HashMap<String, String> = self
            .metadata
            .iter()
            .map(|(k, v)| ((*k).to_owned(), v.clone()))
            .collect();
        if self.violations.len() > MAX_CULPRITS {
            metadata.insert("count".into(), self.violations.len().to_string());
        }
        let names_the_call = matches!(self.reason.code(), Code::Internal | Code::Unavailable);
        if names_the_call && let Some(context) = context::current() {
            metadata.insert("request_id".into(), context.request_id.to_string());
            let trace_id = context
                .trace_id()
                .map(|id| ("trace_id".into(), id.to_string()));
            metadata.extend(trace_id);
        }

        let mut details = ErrorDetails::new();
        details.set_error_info(self.reason.name(), DOMAIN, metadata);
        details.set_localized_message(language.tag(), self.sentence(language));
        if !self.violations.is_empty() {
            let shown = self.violations.iter().take(MAX_CULPRITS);
            details.set_bad_request(shown.map(|v| v.to_detail(language)).collect::<Vec<_>>());
        }
        if self.retry_after.is_some() {
            details.set_retry_info(self.retry_after);
        }
        match self.reason {
            Reason::MailboxFull => {
                let subjects = self.metadata("recipients").unwrap_or_default().split(',');
                let violations: Vec<_> = subjects
                    .map(|s| QuotaViolation::new(s, "The mailbox is full."))
                    .collect();
                details.set_quota_failure(violations);
            }
            Reason::LimitReached => {
                details.add_quota_failure_violation("mailbox", self.sentence(English));
            }
            Reason::FolderProtected | Reason::NotADraft | Reason::AlreadyDelivered => {
                let subject = self.metadata.first().map_or("", |(_, v)| v.as_str());
                details.set_precondition_failure(vec![PreconditionViolation::new(
                    self.reason.name(),
                    subject,
                    self.sentence(English),
                )]);
            }
            _ => {}
        }
        Status::with_error_details(self.reason.code(), self.sentence(English), details)
    }

    fn sentence(&self, language: Language) -> String {
        catalogue::fill(
            catalogue::template(self.reason, language),
            |key| match key {
                "fields" => Some(self.list_of_fields(language)),
                "field_note" => self.metadata("field").map(|field| format!(" ({field})")),
                _ => self.metadata(key).map(|value| readable_list(key, value)),
            },
        )
    }

    fn list_of_fields(&self, language: Language) -> String {
        let texts: Vec<String> = self
            .violations
            .iter()
            .take(MAX_CULPRITS)
            .map(|v| format!("{} {}", v.field, v.rule.text(language)))
            .collect();
        texts.join("; ")
    }
}

/// Programs get `a,b`, people `a, b`.
fn readable_list(key: &str, value: &str) -> String {
    if key == "recipients" {
        value.replace(',', ", ")
    } else {
        value.to_owned()
    }
}

impl Violation {
    fn to_detail(&self, language: Language) -> FieldViolation {
        let mut detail = FieldViolation::new(self.field.clone(), self.rule.text(English));
        self.rule.name().clone_into(&mut detail.reason);
        detail.localized_message = Some(LocalizedMessage::new(
            language.tag(),
            self.rule.text(language),
        ));
        detail
    }
}

fn log(problem: &Problem) {
    let Some(cause) = &problem.cause else { return };
    let reason = problem.reason.name();
    if problem.reason.code() == Code::Internal {
        tracing::error!(error.reason = reason, error.cause = %format_args!("{cause:#}"), "call failed");
    } else {
        tracing::warn!(error.reason = reason, error.cause = %format_args!("{cause:#}"), "call failed");
    }
}

/// A code as the specification of gRPC writes it.
#[must_use]
pub const fn code_name(code: Code) -> &'static str {
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

/// The reason that `status` carries, if it is one of ours.
#[must_use]
pub fn reason_of(status: &Status) -> Option<Reason> {
    let info = status.get_details_error_info()?;
    Reason::ALL
        .iter()
        .copied()
        .find(|r| info.domain == DOMAIN && r.name() == info.reason)
}

impl From<Status> for Problem {
    /// What another service of ours answered: its reason if it gave one, else what its code means
    /// for the caller. Dead transports show as `UNKNOWN` and `CANCELLED`.
    fn from(status: Status) -> Self {
        if let Some(reason) = reason_of(&status) {
            let mut problem = Self::new(reason);
            problem.retry_after = status.get_details_retry_info().and_then(|r| r.retry_delay);
            return problem.because(anyhow::anyhow!("upstream: {}", status.message()));
        }
        match status.code() {
            Code::Unavailable | Code::Unknown | Code::Cancelled => {
                Self::upstream_unavailable(status)
            }
            Code::DeadlineExceeded => Self::new(Reason::DeadlineExceeded).because(status),
            _ => Self::internal(status),
        }
    }
}

/// The code of the status in `headers` (or trailers), if there is one. Nothing else of it is decoded: reading all of it with
/// `Status::from_header_map` copies the headers, and panics where the details are not base64.
#[must_use]
pub fn code_in(headers: &HeaderMap) -> Option<Code> {
    let code = headers.get(Status::GRPC_STATUS)?;
    Some(Code::from_bytes(code.as_bytes()))
}

/// Gives the status in `headers` (or trailers) the details that every error of ours carries, if a
/// library made it without them. Answers whether it changed anything.
pub fn complete(headers: &mut HeaderMap, language: Language) -> bool {
    let details = headers.get(Status::GRPC_STATUS_DETAILS);
    let is_complete = details.is_some_and(|details| !details.is_empty());
    if is_complete || code_in(headers).is_none_or(|code| code == Code::Ok) {
        return false;
    }
    let Some(status) = Status::from_header_map(headers) else {
        return false;
    };
    let problem = Problem::new(reason_for(&status));
    let problem = match problem.reason {
        Reason::Overloaded | Reason::UpstreamUnavailable => {
            problem.retry_after(std::time::Duration::from_secs(1))
        }
        _ => problem,
    };
    let completed = problem.to_status(language);
    // The code stays as the library chose it: only what it means is added.
    let completed = Status::with_details(
        status.code(),
        completed.message(),
        with_code(completed.details(), status.code()),
    );
    completed.add_header(headers).is_ok()
}

/// A `google.rpc.Status` must repeat the status' own code, or clients throw its details away.
fn with_code(details: &[u8], code: Code) -> bytes::Bytes {
    use prost::Message as _;
    let Ok(mut status) = tonic_types::pb::Status::decode(details) else {
        return bytes::Bytes::new();
    };
    status.code = code as i32;
    status.encode_to_vec().into()
}

fn reason_for(status: &Status) -> Reason {
    match status.code() {
        Code::OutOfRange | Code::ResourceExhausted
            if status.message().contains("larg") || status.message().contains("size limit") =>
        {
            Reason::TooLarge
        }
        Code::ResourceExhausted => Reason::Overloaded,
        // Health and reflection say NOT_FOUND of services that are not there.
        Code::Unimplemented | Code::NotFound => Reason::MethodUnknown,
        Code::DeadlineExceeded => Reason::DeadlineExceeded,
        Code::Cancelled => Reason::Cancelled,
        Code::Unavailable => Reason::UpstreamUnavailable,
        Code::InvalidArgument => Reason::FieldInvalid,
        Code::Unauthenticated => Reason::SessionInvalid,
        _ => Reason::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{Rule, Unit};

    #[test]
    fn a_problem_explains_itself_in_both_languages() {
        let problem = Problem::fields(vec![
            Violation {
                field: "to[2]".into(),
                rule: Rule::Username,
            },
            Violation {
                field: "subject".into(),
                rule: Rule::TooLong(998, Unit::Bytes),
            },
        ]);
        for language in Language::ALL {
            let status = problem.to_status(language);
            assert_eq!(status.code(), Code::InvalidArgument);
            let details = status.get_error_details();
            let info = details.error_info().unwrap();
            assert_eq!(
                (info.reason.as_str(), info.domain.as_str()),
                ("FIELD_INVALID", DOMAIN)
            );
            let fields: Vec<_> = details
                .bad_request()
                .unwrap()
                .field_violations
                .iter()
                .map(|v| v.field.as_str())
                .collect();
            assert_eq!(fields, ["to[2]", "subject"]);
            let localized = details.localized_message().unwrap();
            assert_eq!(localized.locale, language.tag());
            assert!(localized.message.contains("998"), "{}", localized.message);
        }
    }

    #[test]
    fn causes_stay_inside() {
        let problem = Problem::internal(anyhow::anyhow!("SELECT secret FROM table"));
        let status = Status::from(problem);
        assert!(!format!("{status:?}").contains("secret"));
    }

    #[test]
    fn long_lists_are_cut_and_counted() {
        let names: Vec<String> = (0..100).map(|n| format!("nobody-{n}")).collect();
        let status = Status::from(
            Problem::new(Reason::RecipientNotFound).with_culprits("recipients", &names),
        );
        let details = status.get_error_details();
        let metadata = &details.error_info().unwrap().metadata;
        assert_eq!(metadata["count"], "100");
        assert_eq!(metadata["recipients"].split(',').count(), MAX_CULPRITS);
    }

    #[test]
    fn a_librarys_own_status_gets_details() {
        let mut headers = HeaderMap::new();
        Status::out_of_range("Error, decoded message length too large: found 5 bytes")
            .add_header(&mut headers)
            .unwrap();
        assert!(complete(&mut headers, Language::Spanish));
        let status = Status::from_header_map(&headers).unwrap();
        assert_eq!(status.code(), Code::OutOfRange);
        assert_eq!(reason_of(&status), Some(Reason::TooLarge));
        assert!(
            !complete(&mut headers, Language::Spanish),
            "complete already"
        );
    }

    #[test]
    fn details_are_not_read_to_see_that_there_are_some() {
        let mut headers = HeaderMap::new();
        Status::unavailable("elsewhere")
            .add_header(&mut headers)
            .unwrap();
        // Not base64, on which reading the status would panic.
        headers.insert(Status::GRPC_STATUS_DETAILS, "?".parse().unwrap());
        let before = headers.clone();
        assert!(!complete(&mut headers, Language::English));
        assert_eq!(headers, before);
        assert_eq!(code_in(&headers), Some(Code::Unavailable));
    }

    #[test]
    fn another_services_reason_passes_through() {
        let status = Status::from(
            Problem::new(Reason::RateLimited).retry_after(std::time::Duration::from_secs(7)),
        );
        let problem = Problem::from(status);
        assert_eq!(problem.reason(), Reason::RateLimited);
        assert_eq!(problem.retry_after, Some(std::time::Duration::from_secs(7)));
        assert_eq!(
            Problem::from(Status::unknown("transport error")).reason(),
            Reason::UpstreamUnavailable
        );
    }
}
