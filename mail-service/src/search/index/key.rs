//! Keys, in the order of their bytes.
//!
//! `w` word 0 field, or `p` id role; then, as stored, the time of the first posting, newest first, so
//! that a long list can be cut into entries; then, if the cut went through one message's positions,
//! the first position that follows.

use uuid::Uuid;

use super::Corrupt;
use crate::search::document::{Field, Role};

const WORD: u8 = b'w';
const PERSON: u8 = b'p';
const TIME_BYTES: usize = 8;
const POSITION_BYTES: usize = 4;

/// The key of `word` in `field`.
pub(super) fn word(word: &str, field: Field) -> Vec<u8> {
    let mut key = Vec::with_capacity(word.len() + 3);
    write_word(word, field, &mut key);
    key
}

/// Adds the key of `word` in `field` to `key`.
pub(super) fn write_word(word: &str, field: Field, key: &mut Vec<u8>) {
    key.push(WORD);
    key.extend_from_slice(word.as_bytes());
    key.extend_from_slice(&[0, field as u8]);
}

/// The key of `person` in `role`.
pub(super) fn person(person: Uuid, role: Role) -> Vec<u8> {
    [&[PERSON], person.as_bytes().as_slice(), &[role as u8]].concat()
}

/// A key as it is stored, whose postings begin at `time`, or there at `position`.
pub(super) fn stored(key: &[u8], time: i64, position: Option<u32>) -> Vec<u8> {
    let mut stored = Vec::new();
    store(key, time, position, &mut stored);
    stored
}

/// Makes `stored` a key as it is stored, whose postings begin at `time`, or there at `position`.
pub(super) fn store(key: &[u8], time: i64, position: Option<u32>, stored: &mut Vec<u8>) {
    stored.clear();
    stored.extend_from_slice(key);
    stored.extend_from_slice(&time_bytes(time));
    stored.extend(position.into_iter().flat_map(u32::to_be_bytes));
}

/// The length of the key that was `stored`, and the time its postings begin at.
pub(super) fn split(stored: &[u8]) -> Result<(usize, i64), Corrupt> {
    let length = match stored.first() {
        Some(&WORD) => stored.iter().position(|byte| *byte == 0).ok_or(Corrupt)? + 2,
        Some(&PERSON) => 1 + 16 + 1,
        _ => return Err(Corrupt),
    };
    let rest = stored.get(length..).ok_or(Corrupt)?;
    let (time, position) = rest.split_first_chunk().ok_or(Corrupt)?;
    match position.len() {
        0 | POSITION_BYTES => Ok((length, read_time(*time))),
        _ => Err(Corrupt),
    }
}

/// The field of a word's key.
pub(super) fn field(key: &[u8]) -> Result<Field, Corrupt> {
    match key.last() {
        Some(1) => Ok(Field::Subject),
        Some(2) => Ok(Field::Body),
        _ => Err(Corrupt),
    }
}

/// Later times first.
fn time_bytes(time: i64) -> [u8; TIME_BYTES] {
    (!time ^ i64::MIN).to_be_bytes()
}

fn read_time(bytes: [u8; TIME_BYTES]) -> i64 {
    !i64::from_be_bytes(bytes) ^ i64::MIN
}

/// A stretch of time, in microseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its last instant, inclusive.
    pub newest: i64,
    /// Its first instant, inclusive.
    pub oldest: i64,
}

impl Window {
    /// All of time.
    pub const ALL: Self = Self {
        newest: i64::MAX,
        oldest: i64::MIN,
    };

    /// Whether `time` is in it.
    #[must_use]
    pub const fn contains(self, time: i64) -> bool {
        self.oldest <= time && time <= self.newest
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            newest: self.newest.min(other.newest),
            oldest: self.oldest.max(other.oldest),
        }
    }

    /// What is in either, and between them.
    #[must_use]
    pub fn around(self, other: Self) -> Self {
        Self {
            newest: self.newest.max(other.newest),
            oldest: self.oldest.min(other.oldest),
        }
    }
}

/// A stretch of stored keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key, inclusive.
    pub start: Vec<u8>,
    /// The last key, exclusive.
    pub end: Vec<u8>,
    /// What every key begins with. An entry that begins before `start` may go on into the range.
    pub(super) head: Vec<u8>,
}

impl KeyRange {
    /// The postings of `key` in `window`.
    pub(super) fn exact(key: Vec<u8>, window: Window) -> Self {
        Self {
            start: stored(&key, window.newest, None),
            end: match window.oldest.checked_sub(1) {
                Some(older) => stored(&key, older, None),
                None => successor(&key),
            },
            head: key,
        }
    }

    /// All postings of `word`, whatever its field.
    pub(super) fn word(word: &str) -> Self {
        let head = [&[WORD], word.as_bytes(), &[0]].concat();
        Self {
            start: head.clone(),
            end: successor(&head),
            head,
        }
    }

    /// Every word that begins with `prefix`.
    pub(super) fn prefix(prefix: &str) -> Self {
        let head = [&[WORD], prefix.as_bytes()].concat();
        Self {
            start: head.clone(),
            end: successor(&head),
            head,
        }
    }
}

/// The first key after all those that begin with `key`, whose first byte is a letter.
fn successor(key: &[u8]) -> Vec<u8> {
    let mut key = key.to_vec();
    while let Some(byte) = key.pop() {
        if byte < u8::MAX {
            key.push(byte + 1);
            break;
        }
    }
    key
}
