//! What can be wrong with a query.

use thiserror::Error;

/// A query that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{kind:?} at character {position}")]
pub struct QueryError {
    /// Where, in characters from 1.
    pub position: usize,
    /// What is wrong there.
    pub kind: ErrorKind,
}

/// What is wrong with a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// More than [`MAX_BYTES`](super::MAX_BYTES). The position is that of the first character too many.
    TooLong,
    /// More than [`MAX_TERMS`](super::MAX_TERMS).
    TooManyTerms,
    /// More than [`MAX_DEPTH`](super::MAX_DEPTH) parentheses and minus signs inside of each other.
    TooDeep,
    /// This quotation mark opens a phrase that does not end.
    UnclosedQuote,
    /// This parenthesis opens a group that does not end.
    UnclosedParenthesis,
    /// This parenthesis closes nothing.
    UnexpectedParenthesis,
    /// `OR` or `-` has nothing beside it to work on.
    MissingOperand(&'static str),
    /// The value should follow the operator's colon directly.
    MissingValue(&'static str),
    /// The operator knows no such value.
    UnknownValue(&'static str),
    /// Nothing here could be found in a message: there is no letter, digit or symbol.
    NothingToSearch,
}

impl ErrorKind {
    /// A name that stays the same, for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::TooManyTerms => "too_many_terms",
            Self::TooDeep => "too_deep",
            Self::UnclosedQuote => "unclosed_quote",
            Self::UnclosedParenthesis => "unclosed_parenthesis",
            Self::UnexpectedParenthesis => "unexpected_parenthesis",
            Self::MissingOperand(_) => "missing_operand",
            Self::MissingValue(_) => "missing_value",
            Self::UnknownValue(_) => "unknown_value",
            Self::NothingToSearch => "nothing_to_search",
        }
    }

    /// The operator that it is about, if it is about one.
    #[must_use]
    pub const fn operator(self) -> Option<&'static str> {
        match self {
            Self::MissingOperand(operator)
            | Self::MissingValue(operator)
            | Self::UnknownValue(operator) => Some(operator),
            Self::TooLong
            | Self::TooManyTerms
            | Self::TooDeep
            | Self::UnclosedQuote
            | Self::UnclosedParenthesis
            | Self::UnexpectedParenthesis
            | Self::NothingToSearch => None,
        }
    }
}
