//! Searching, with an index that is made when a case says so, and random queries.

mod library;
mod model;
mod random;
mod shelf;
mod words;

pub(super) use library::Library;
pub use random::check;
