//! Search: how text becomes words, what a query asks for, and an index that answers it.
//!
//! Everything here is plain computing: it reads no database and waits for nothing. A mailbox's mail is
//! indexed in segments, each a few [`Block`]s that any table can hold; a message is named by its
//! receive time, which is unique in its mailbox. What changes (folder, flags, labels) is in no index:
//! it is checked on the message when it was found.

mod document;
mod evaluate;
mod highlight;
mod html;
mod index;
mod matcher;
mod query;
mod tokenizer;

pub use document::{Document, Field, Role};
pub use evaluate::{Facts, candidates, contains, matches, span};
pub use highlight::{Highlights, Part, highlight};
pub use html::html_text;
pub use index::{Block, Blocks, Corrupt, KeyRange, Merger, Window, build, hits, ranges};
pub use matcher::{matching, names};
pub use query::{
    Attribute, ErrorKind, Leaf, MAX_BYTES, MAX_DEPTH, MAX_TERMS, Node, Phrase, Place, Query,
    QueryError, Scope, parse,
};
pub use tokenizer::{VERSION, fold};
