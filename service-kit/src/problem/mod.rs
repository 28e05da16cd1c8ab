//! Errors as the caller gets them: a closed set of reasons, facts in metadata, texts from one
//! catalogue. Domain code makes [`Problem`]s; `status` turns them into gRPC statuses.

mod catalogue;
mod rule;
mod status;

use std::time::Duration;

pub use rule::{Rule, Unit};
pub use status::{code_in, code_name, complete, reason_of};

/// The domain of every `google.rpc.ErrorInfo` of ours.
pub const DOMAIN: &str = "turbomessage";

/// Names at most this many culprits in an error's metadata; the rest is counted.
pub const MAX_CULPRITS: usize = 20;

macro_rules! reasons {
    ($($reason:ident = $name:literal, $code:ident;)*) => {
        /// Why a call failed: the closed set of `turbomessage.common.v1.ErrorReason`, where each
        /// value is explained.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "explained in error_reason.proto, once")]
        pub enum Reason { $($reason,)* }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$reason,)*];

            /// The value of `google.rpc.ErrorInfo.reason`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$reason => $name,)* }
            }

            /// The gRPC status code this reason comes with.
            #[must_use]
            pub const fn code(self) -> tonic::Code {
                match self { $(Self::$reason => tonic::Code::$code,)* }
            }
        }
    };
}

reasons! {
    SessionInvalid = "SESSION_INVALID", Unauthenticated;
    CredentialsInvalid = "CREDENTIALS_INVALID", Unauthenticated;
    FieldInvalid = "FIELD_INVALID", InvalidArgument;
    PasswordTooWeak = "PASSWORD_TOO_WEAK", InvalidArgument;
    PageTokenInvalid = "PAGE_TOKEN_INVALID", InvalidArgument;
    StateInvalid = "STATE_INVALID", InvalidArgument;
    QueryInvalid = "QUERY_INVALID", InvalidArgument;
    MessageNotFound = "MESSAGE_NOT_FOUND", NotFound;
    ThreadNotFound = "THREAD_NOT_FOUND", NotFound;
    FolderNotFound = "FOLDER_NOT_FOUND", NotFound;
    SessionNotFound = "SESSION_NOT_FOUND", NotFound;
    AttachmentNotFound = "ATTACHMENT_NOT_FOUND", NotFound;
    RuleNotFound = "RULE_NOT_FOUND", NotFound;
    RecipientNotFound = "RECIPIENT_NOT_FOUND", NotFound;
    UsernameTaken = "USERNAME_TAKEN", AlreadyExists;
    FolderNameTaken = "FOLDER_NAME_TAKEN", AlreadyExists;
    RequestIdReused = "REQUEST_ID_REUSED", AlreadyExists;
    FolderProtected = "FOLDER_PROTECTED", FailedPrecondition;
    NotADraft = "NOT_A_DRAFT", FailedPrecondition;
    AlreadyDelivered = "ALREADY_DELIVERED", FailedPrecondition;
    EtagMismatch = "ETAG_MISMATCH", Aborted;
    HistoryExpired = "HISTORY_EXPIRED", OutOfRange;
    MailboxFull = "MAILBOX_FULL", ResourceExhausted;
    RateLimited = "RATE_LIMITED", ResourceExhausted;
    Overloaded = "OVERLOADED", ResourceExhausted;
    TooLarge = "TOO_LARGE", ResourceExhausted;
    LimitReached = "LIMIT_REACHED", ResourceExhausted;
    UpstreamUnavailable = "UPSTREAM_UNAVAILABLE", Unavailable;
    StoreUnavailable = "STORE_UNAVAILABLE", Unavailable;
    ShuttingDown = "SHUTTING_DOWN", Unavailable;
    MethodUnknown = "METHOD_UNKNOWN", Unimplemented;
    DeadlineExceeded = "DEADLINE_EXCEEDED", DeadlineExceeded;
    Internal = "INTERNAL", Internal;
    Cancelled = "CANCELLED", Cancelled;
}

/// One field that breaks one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field as a path in the request: `subject`, `to[2]`, `body.text`.
    pub field: String,
    /// The rule it breaks.
    pub rule: Rule,
}

/// A failure on its way to the caller.
#[derive(Debug, thiserror::Error)]
#[error("{}", .reason.name())]
pub struct Problem {
    reason: Reason,
    metadata: Vec<(&'static str, String)>,
    violations: Vec<Violation>,
    retry_after: Option<Duration>,
    #[source]
    cause: Option<anyhow::Error>,
}

impl Problem {
    /// A failure for `reason`.
    #[must_use]
    pub fn new(reason: Reason) -> Self {
        Self {
            reason,
            metadata: Vec::new(),
            violations: Vec::new(),
            retry_after: None,
            cause: None,
        }
    }

    /// `FIELD_INVALID` for one field.
    #[must_use]
    pub fn field(field: impl Into<String>, rule: Rule) -> Self {
        Self::fields(vec![Violation {
            field: field.into(),
            rule,
        }])
    }

    /// `FIELD_INVALID` for several fields.
    #[must_use]
    pub fn fields(violations: Vec<Violation>) -> Self {
        Self::new(Reason::FieldInvalid).with_violations(violations)
    }

    /// A field that the contract names and this version does not serve yet.
    #[must_use]
    pub fn not_served(field: &'static str) -> Self {
        Self::new(Reason::MethodUnknown).with("field", field)
    }

    /// A fault of ours. The cause goes to the log only.
    #[must_use]
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::new(Reason::Internal).because(cause)
    }

    /// A database that does not answer. The cause goes to the log only.
    #[must_use]
    pub fn store_unavailable(cause: impl Into<anyhow::Error>) -> Self {
        Self::new(Reason::StoreUnavailable)
            .because(cause)
            .retry_after(Duration::from_secs(1))
    }

    /// Another service that does not answer. The cause goes to the log only.
    #[must_use]
    pub fn upstream_unavailable(cause: impl Into<anyhow::Error>) -> Self {
        Self::new(Reason::UpstreamUnavailable)
            .because(cause)
            .retry_after(Duration::from_secs(1))
    }

    /// Adds a fact to the error's metadata.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.metadata.push((key, value.into()));
        self
    }

    /// Adds a list of culprits under `key`, cut to [`MAX_CULPRITS`], and how many there are under
    /// `count`.
    #[must_use]
    pub fn with_culprits<T: ToString>(self, key: &'static str, culprits: &[T]) -> Self {
        let names: Vec<String> = culprits
            .iter()
            .take(MAX_CULPRITS)
            .map(T::to_string)
            .collect();
        self.with(key, names.join(","))
            .with("count", culprits.len().to_string())
    }

    /// Adds fields that break rules.
    #[must_use]
    pub fn with_violations(mut self, violations: Vec<Violation>) -> Self {
        self.violations = violations;
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// Keeps what led to this, for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Why the call failed.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The fact kept under `key`.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata
            .iter()
            .find(|(k, _)| *k == key)
            .map(|(_, v)| v.as_str())
    }

    /// The fields that break rules.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }
}
