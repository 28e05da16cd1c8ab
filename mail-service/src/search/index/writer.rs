//! Writing blocks.

use std::mem;

use super::{
    block::{BLOCK_BYTES, Block, VERSION},
    key,
};

/// The most bytes of an entry's postings, give or take a posting. A long list fills blocks with four of these.
const ENTRY_BYTES: usize = 940;

/// Makes blocks of postings.
#[derive(Debug, Default)]
pub(super) struct Writer {
    finished: Vec<Block>,
    block: Block,
    /// The key that was last written to `block`.
    last_key: Vec<u8>,
    entry: Entry,
}

/// An entry whose last posting is still open; none, if it has no key.
#[derive(Debug, Default)]
struct Entry {
    key_length: usize,
    stored_key: Vec<u8>,
    postings: Vec<u8>,
    time: i64,
    /// The position after the last.
    next: u32,
}

impl Writer {
    /// Adds a posting. Keys come rising, the times of a key falling, the positions of a time rising;
    /// a time may come again with more positions.
    pub(super) fn push(&mut self, key: &[u8], time: i64, positions: impl Iterator<Item = u32>) {
        self.open_posting(key, time);
        for position in positions {
            self.push_position(position);
        }
    }

    /// Begins a posting, or goes on with it: see [`Self::push`].
    pub(super) fn open_posting(&mut self, key: &[u8], time: i64) {
        let entry = &mut self.entry;
        let is_same = entry.key() == key;
        if is_same && entry.time == time {
            return;
        }
        if is_same && entry.postings.len() < ENTRY_BYTES {
            entry.postings.push(0);
            write_number(entry.time.abs_diff(time), &mut entry.postings);
            entry.time = time;
            entry.next = 0;
        } else {
            self.finish_entry();
            self.entry.begin(key, time, None);
        }
    }

    /// Adds a position to the posting that was opened last.
    pub(super) fn push_position(&mut self, position: u32) {
        if position < self.entry.next {
            return;
        }
        if self.entry.postings.len() >= ENTRY_BYTES {
            let (key, time) = (self.entry.key().to_vec(), self.entry.time);
            self.finish_entry();
            self.entry.begin(&key, time, Some(position));
        }
        let entry = &mut self.entry;
        write_number(u64::from(position - entry.next) + 1, &mut entry.postings);
        entry.next = position + 1;
    }

    /// Writes the entry, if there is one.
    fn finish_entry(&mut self) {
        let entry = &mut self.entry;
        if entry.key_length == 0 {
            return;
        }
        entry.postings.push(0);
        // Besides key and postings, an entry is three numbers of at most two bytes.
        let bytes = entry.stored_key.len() + entry.postings.len() + 6;
        if self.block.first_key.len() + self.block.data.len() + bytes > BLOCK_BYTES {
            finish_block(&mut self.block, &mut self.finished);
        }
        if self.block.data.is_empty() {
            self.block.data.reserve(BLOCK_BYTES);
            self.block.data.push(VERSION);
            self.block.first_key.clone_from(&entry.stored_key);
            self.last_key.clone_from(&entry.stored_key);
        }
        let pairs = entry.stored_key.iter().zip(&self.last_key);
        let shared = pairs.take_while(|(a, b)| a == b).count();
        let data = &mut self.block.data;
        write_number(shared as u64, data);
        write_bytes(&entry.stored_key[shared..], data);
        write_bytes(&entry.postings, data);
        mem::swap(&mut self.last_key, &mut entry.stored_key);
    }

    /// The blocks that are finished and were not taken before.
    pub(super) fn take(&mut self) -> Vec<Block> {
        mem::take(&mut self.finished)
    }

    /// The remaining blocks.
    pub(super) fn finish(mut self) -> Vec<Block> {
        self.finish_entry();
        finish_block(&mut self.block, &mut self.finished);
        self.finished
    }
}

fn finish_block(block: &mut Block, finished: &mut Vec<Block>) {
    if !block.data.is_empty() {
        finished.push(mem::take(block));
    }
}

impl Entry {
    /// Begins anew.
    fn begin(&mut self, key: &[u8], time: i64, position: Option<u32>) {
        self.key_length = key.len();
        key::store(key, time, position, &mut self.stored_key);
        self.postings.clear();
        self.time = time;
        self.next = 0;
    }

    fn key(&self) -> &[u8] {
        &self.stored_key[..self.key_length]
    }
}

fn write_bytes(bytes: &[u8], to: &mut Vec<u8>) {
    write_number(bytes.len() as u64, to);
    to.extend_from_slice(bytes);
}

/// LEB128.
#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
fn write_number(mut number: u64, to: &mut Vec<u8>) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}
