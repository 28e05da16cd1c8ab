//! What a query asks for: one string, read into a tree.

mod canonical;
mod error;
mod operator;
mod parser;
#[cfg(test)]
mod tests;

use time::Date;

pub use error::{ErrorKind, QueryError};
pub use parser::parse;

use super::document::{Field, Role};
use crate::domain::FolderRole;

/// The longest query.
pub const MAX_BYTES: usize = 4096;
/// The most terms: every word counts, also those of phrases, and every operator.
pub const MAX_TERMS: usize = 64;
/// The most parentheses and minus signs inside of each other.
pub const MAX_DEPTH: usize = 16;

/// A query that was understood. It is shown in a form that reads as the same query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What must hold.
    pub root: Node,
    /// What is searched in the index. The tree names these by their number.
    pub leaves: Vec<Leaf>,
    /// Whether `in:` occurs: without it, Spam and Trash are not searched.
    pub mentions_in: bool,
}

/// A condition for a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Every message.
    All,
    /// Those where this one of [`Query::leaves`] is found.
    Leaf(usize),
    /// Those of which this holds.
    Attribute(Attribute),
    /// Those where this does not hold.
    Not(Box<Node>),
    /// Those where all of these hold.
    And(Vec<Node>),
    /// Those where one of these holds.
    Or(Vec<Node>),
}

/// Words to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Where.
    pub scope: Scope,
    /// Which.
    pub phrase: Phrase,
}

/// Where words are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In the subject, the body and the names of everybody named.
    Everywhere,
    /// In the subject alone.
    Subject,
    /// In the sender's names.
    From,
    /// In the names of the first recipients, and of hidden ones.
    To,
    /// In the names of those who get it for information.
    Cc,
}

impl Scope {
    /// The texts that are searched.
    #[must_use]
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::Everywhere => Field::ALL,
            Self::Subject => &[Field::Subject],
            Self::From | Self::To | Self::Cc => &[],
        }
    }

    /// The people whose names are searched.
    #[must_use]
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::Everywhere => &[Role::From, Role::To, Role::Cc, Role::Bcc],
            Self::Subject => &[],
            Self::From => &[Role::From],
            Self::To => &[Role::To, Role::Bcc],
            Self::Cc => &[Role::Cc],
        }
    }
}

/// Words that follow each other, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    /// The words, folded.
    pub words: Vec<String>,
    /// Whether the last is the beginning of a word.
    pub prefix: bool,
}

/// What is not in the index, because it changes or is cheaper to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// In this place.
    In(Place),
    /// With this label, [folded](super::fold).
    Label(String),
    /// Read, or not.
    Read(bool),
    /// A favourite.
    Starred,
    /// With an attachment.
    HasAttachment,
    /// Before this day begins (UTC).
    Before(Date),
    /// From this day on (UTC).
    After(Date),
    /// Of more bytes than this.
    Larger(i64),
    /// Of fewer bytes than this.
    Smaller(i64),
}

/// Where a message may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Wherever.
    Anywhere,
    /// In a standard folder.
    Role(FolderRole),
    /// In the folder of this name, [folded](super::fold).
    Named(String),
}
