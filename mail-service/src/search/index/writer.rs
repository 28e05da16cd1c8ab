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
    entry: Option<Entry>,
}

/// An entry whose last posting is still open.
#[derive(Debug)]
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
        match &mut self.entry {
            Some(entry) if entry.key() == key && entry.time == time => {}
            Some(entry) if entry.key() == key && entry.postings.len() < ENTRY_BYTES => {
                entry.postings.push(0);
                write_number(entry.time.abs_diff(time), &mut entry.postings);
                entry.time = time;
                entry.next = 0;
            }
            _ => self.open_entry(Entry::new(key, time, None)),
        }
    }

    /// Adds a position to the posting that was opened last.
    pub(super) fn push_position(&mut self, position: u32) {
        let Some(entry) = &mut self.entry else { return };
        if position < entry.next {
            return;
        }
        if entry.postings.len() >= ENTRY_BYTES {
            let next = Entry::new(entry.key(), entry.time, Some(position));
            self.open_entry(next);
        }
        if let Some(entry) = &mut self.entry {
            write_number(u64::from(position - entry.next) + 1, &mut entry.postings);
            entry.next = position + 1;
        }
    }

    fn open_entry(&mut self, next: Entry) {
        if let Some(mut entry) = self.entry.replace(next) {
            entry.postings.push(0);
            self.write(entry);
        }
    }

    fn write(&mut self, entry: Entry) {
        // Besides key and postings, an entry is three numbers of at most two bytes.
        let bytes = entry.stored_key.len() + entry.postings.len() + 6;
        if self.block.first_key.len() + self.block.data.len() + bytes > BLOCK_BYTES {
            self.finish_block();
        }
        if self.block.data.is_empty() {
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
        self.last_key = entry.stored_key;
    }

    fn finish_block(&mut self) {
        if !self.block.data.is_empty() {
            self.finished.push(mem::take(&mut self.block));
        }
    }

    /// The blocks that are finished and were not taken before.
    pub(super) fn take(&mut self) -> Vec<Block> {
        mem::take(&mut self.finished)
    }

    /// The remaining blocks.
    pub(super) fn finish(mut self) -> Vec<Block> {
        if let Some(mut entry) = self.entry.take() {
            entry.postings.push(0);
            self.write(entry);
        }
        self.finish_block();
        self.finished
    }
}

impl Entry {
    fn new(key: &[u8], time: i64, position: Option<u32>) -> Self {
        Self {
            key_length: key.len(),
            stored_key: key::stored(key, time, position),
            postings: Vec::new(),
            time,
            next: 0,
        }
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
