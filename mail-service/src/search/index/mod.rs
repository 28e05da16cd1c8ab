//! The inverted index of a mailbox, in segments.
//!
//! A segment is a sorted run of keys, cut into [`Block`]s. A key names a word in a field, or a person in a
//! role; it has postings, newest first: the receive time of a message and the word's positions in it.
//! Segments are never changed: [`build`] makes one from messages, [`Merger`] one from several.
//!
//! A segment is asked in two steps. [`ranges`] says which keys matter; of each range the blocks are
//! read from the last that does not begin after its start up to the last that begins before its end.
//! [`hits`] then finds the messages in those blocks.

mod block;
mod build;
mod cursor;
mod key;
mod merge;
mod search;
#[cfg(test)]
mod tests;
mod writer;

pub use block::{Block, Blocks, Corrupt};
pub use build::build;
pub use key::{KeyRange, Window};
pub use merge::Merger;
pub use search::{hits, ranges};
