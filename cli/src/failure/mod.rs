//! What went wrong, as people and programs are told it, and the exit code it ends in.

mod status;

use std::{collections::BTreeMap, fmt, io};

use crate::server_address::ServerAddress;

/// What kind of failure this is: each has an exit code of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any other.
    Other,
    /// The command was not given what it needs, or something it cannot use.
    Usage,
    /// Nobody is signed in, or the server does not accept who it is.
    NotSignedIn,
    /// What was named is not there.
    NotFound,
    /// The server, or a part of it, does not answer.
    Unavailable,
    /// Whoever read the output has read enough: not worth a word.
    OutputClosed,
}

/// One field of a request that the server does not accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The field as a path in the request.
    pub(crate) field: String,
    /// The rule it breaks, as a fixed word.
    pub(crate) reason: String,
    /// What is wrong, in the caller's language.
    pub(crate) message: String,
}

/// A failure of a command.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What kind it is.
    pub(crate) kind: Kind,
    /// The gRPC status code's name, also for what failed before the server was asked.
    pub(crate) code: &'static str,
    /// `google.rpc.ErrorInfo.reason`, or a word of this client's own.
    pub(crate) reason: String,
    /// What happened, in one sentence.
    pub(crate) message: String,
    /// The fields that the server does not accept.
    pub(crate) violations: Vec<Violation>,
    /// `google.rpc.ErrorInfo.metadata`.
    pub(crate) metadata: BTreeMap<String, String>,
    /// What to do about it, for people.
    pub(crate) hint: Option<String>,
    /// Where in what was typed the fault is, if it is there.
    pub(crate) place: Option<Place>,
}

/// A place in a text that somebody typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The text.
    pub(crate) text: String,
    /// The character at fault, from 1; one more than there are is the end.
    pub(crate) position: usize,
}

impl Failure {
    fn new(kind: Kind, code: &'static str, reason: &str, message: impl Into<String>) -> Self {
        Self {
            kind,
            code,
            reason: reason.into(),
            message: message.into(),
            violations: Vec::new(),
            metadata: BTreeMap::new(),
            hint: None,
            place: None,
        }
    }

    /// The command cannot be carried out as it was given.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, "INVALID_ARGUMENT", "USAGE", message)
    }

    /// There is no session to act in.
    pub(crate) fn not_signed_in(message: impl Into<String>) -> Self {
        Self::new(
            Kind::NotSignedIn,
            "UNAUTHENTICATED",
            "NOT_SIGNED_IN",
            message,
        )
        .hint(SIGN_IN)
    }

    /// What was named is not there; `reason` as the server would give it.
    pub(crate) fn not_found(reason: &str, message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, "NOT_FOUND", reason, message)
    }

    /// No connection to the server.
    pub(crate) fn unreachable(message: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, "UNAVAILABLE", "UNREACHABLE", message)
    }

    /// Something on this machine that has no exit code of its own.
    pub(crate) fn other(message: impl fmt::Display) -> Self {
        Self::new(Kind::Other, "UNKNOWN", "CLIENT", message.to_string())
    }

    /// The same, with what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, with one more thing to do about it, if there is one.
    pub(crate) fn also(self, hint: Option<String>) -> Self {
        let hints: Vec<String> = self.hint.iter().cloned().chain(hint).collect();
        if hints.is_empty() {
            self
        } else {
            self.hint(hints.join("; "))
        }
    }

    /// The same, showing where in the search `query` the fault is, if that is the matter.
    pub(crate) fn in_query(mut self, query: &str) -> Self {
        let position = self.metadata.get("position").and_then(|at| at.parse().ok());
        if let ("QUERY_INVALID", Some(position @ 1..)) = (self.reason.as_str(), position) {
            self.place = Some(Place {
                text: query.to_owned(),
                position,
            });
        }
        self
    }

    /// The same, saying which server does not answer if that is the matter.
    pub(crate) fn at(self, server: &ServerAddress) -> Self {
        if self.kind == Kind::Unavailable && self.hint.is_none() {
            self.hint(format!(
                "this is about {server}: `tm dev` starts a server on this machine, --server names another"
            ))
        } else {
            self
        }
    }

    /// The exit code of the program.
    pub(crate) fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::OutputClosed => 0,
            Kind::Other => 1,
            Kind::Usage => 2,
            Kind::NotSignedIn => 4,
            Kind::NotFound => 5,
            Kind::Unavailable => 6,
        }
    }
}

const SIGN_IN: &str = "`tm login NAME` signs in, `tm register NAME` opens an account";

impl From<io::Error> for Failure {
    /// A failure to write what the command has to say.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::new(Kind::OutputClosed, "OK", "", "")
        } else {
            Self::other(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_of_the_design() {
        for (failure, expected) in [
            (Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)), 0),
            (Failure::other("x"), 1),
            (Failure::usage("x"), 2),
            (Failure::not_signed_in("x"), 4),
            (Failure::not_found("X", "x"), 5),
            (Failure::unreachable("x"), 6),
        ] {
            assert_eq!(failure.exit_code(), expected, "{failure:?}");
        }
    }

    #[test]
    fn only_a_server_that_does_not_answer_is_named() {
        let server: ServerAddress = "localhost:1".parse().unwrap();
        let hint = |failure: Failure| failure.at(&server).hint.unwrap_or_default();
        assert!(hint(Failure::unreachable("x")).contains("http://localhost:1"));
        assert_eq!(hint(Failure::usage("x")), "");
    }
}
