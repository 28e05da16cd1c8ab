//! Blocks: what a segment is stored as.
//!
//! Data: the version, then entries. An entry: how many bytes of its key are those of the key before
//! (in the first: of the block's first key), the number of the other bytes, those; the length of its
//! postings, those. Numbers are LEB128.

use thiserror::Error;

use super::key::KeyRange;

/// The first byte of a block's data.
pub(super) const VERSION: u8 = 1;

/// The most bytes of a block, with its first key. Two such rows fill a page of `PostgreSQL`, one a page
/// of `SQLite`.
pub(super) const BLOCK_BYTES: usize = 3900;

/// A row of the index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Block {
    /// The key it begins with, unique in its segment: blocks are in its order, bytewise.
    pub first_key: Vec<u8>,
    /// Its entries.
    pub data: Vec<u8>,
}

/// A block that was not written by this program, or was damaged since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a block of the search index cannot be read")]
pub struct Corrupt;

/// Some blocks of one segment.
#[derive(Debug, Clone, Default)]
pub struct Blocks(Vec<Block>);

impl Blocks {
    /// These blocks, in whatever order. One that was read twice counts once.
    #[must_use]
    pub fn new(mut blocks: Vec<Block>) -> Self {
        blocks.sort_unstable_by(|a, b| a.first_key.cmp(&b.first_key));
        blocks.dedup_by(|a, b| a.first_key == b.first_key);
        Self(blocks)
    }

    /// Those that may hold keys of `range`.
    pub(super) fn within<'a>(&'a self, range: &'a KeyRange) -> impl Iterator<Item = &'a Block> {
        let after = self
            .0
            .partition_point(|block| block.first_key <= range.start);
        self.0[after.saturating_sub(1)..]
            .iter()
            .take_while(|block| block.first_key < range.end)
    }
}
