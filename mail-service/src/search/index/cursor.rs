//! Reading blocks: entry after entry, posting after posting. Damage is an error, never more.

use std::{borrow::Cow, ops::Range};

use super::{
    block::{Block, Corrupt, VERSION},
    key::{self, KeyRange},
};

/// A place in a block.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    data: Cow<'a, [u8]>,
    /// What comes next.
    at: usize,
    /// Where the entry ends.
    end: usize,
    stored_key: Vec<u8>,
    /// How much of it is the posting's key, without the time.
    key_length: usize,
    time: i64,
    /// Whether the entry's first posting is still to come.
    fresh: bool,
    positions: Range<usize>,
}

impl<'a> Cursor<'a> {
    /// Before the first entry of `block`.
    pub(super) fn new(block: &'a Block) -> Result<Self, Corrupt> {
        Self::start(block.first_key.clone(), Cow::Borrowed(&block.data))
    }

    fn start(stored_key: Vec<u8>, data: Cow<'a, [u8]>) -> Result<Self, Corrupt> {
        if data.first() != Some(&VERSION) {
            return Err(Corrupt);
        }
        Ok(Self {
            data,
            at: 1,
            end: 1,
            stored_key,
            key_length: 0,
            time: 0,
            fresh: false,
            positions: 0..0,
        })
    }

    /// Goes to the next entry, before its first posting, if there is one.
    pub(super) fn next_entry(&mut self) -> Result<bool, Corrupt> {
        self.at = self.end;
        if self.at == self.data.len() {
            return Ok(false);
        }
        let first = self.at == 1;
        let shared = self.length(self.stored_key.len())?;
        let other = self.length(self.data.len())?;
        let other = self.at..self.at + other;
        let bytes = self.data.get(other.clone()).ok_or(Corrupt)?;
        if !first && *bytes <= self.stored_key[shared..] {
            return Err(Corrupt);
        }
        self.stored_key.truncate(shared);
        self.stored_key.extend_from_slice(bytes);
        self.at = other.end;
        let length = self.length(self.data.len())?;
        self.end = self.at + length;
        if self.end > self.data.len() {
            return Err(Corrupt);
        }
        self.fresh = true;
        Ok(true)
    }

    /// Goes to the next posting of the entry, if there is one.
    pub(super) fn next_posting(&mut self) -> Result<bool, Corrupt> {
        if self.fresh {
            (self.key_length, self.time) = key::split(&self.stored_key)?;
        } else if self.at == self.end {
            return Ok(false);
        } else {
            let gap = read_number(&self.data[..self.end], &mut self.at)?;
            self.time = self.time.checked_sub_unsigned(gap).ok_or(Corrupt)?;
        }
        self.fresh = false;
        let rest = &self.data[self.at..self.end];
        let length = rest.iter().position(|byte| *byte == 0).ok_or(Corrupt)?;
        self.positions = self.at..self.at + length;
        self.at += length + 1;
        Ok(true)
    }

    /// The entry's key, as stored.
    pub(super) fn stored_key(&self) -> &[u8] {
        &self.stored_key
    }

    /// The posting's key.
    pub(super) fn key(&self) -> &[u8] {
        &self.stored_key[..self.key_length]
    }

    /// Whether the entry may have postings in `range`, unless its stored key is past it.
    pub(super) fn is_in(&self, range: &KeyRange) -> bool {
        self.stored_key.starts_with(&range.head)
    }

    /// The message of the posting.
    pub(super) fn time(&self) -> i64 {
        self.time
    }

    /// The positions of the posting, rising.
    pub(super) fn positions(&self) -> impl Iterator<Item = Result<u32, Corrupt>> {
        let bytes = &self.data[self.positions.clone()];
        let (mut at, mut next) = (0, 0);
        std::iter::from_fn(move || {
            (at < bytes.len()).then(|| {
                let gap = read_number(bytes, &mut at)?;
                next = u64::checked_add(next, gap).ok_or(Corrupt)?;
                Ok(u32::try_from(next).map_err(|_| Corrupt)? - 1)
            })
        })
    }

    fn length(&mut self, most: usize) -> Result<usize, Corrupt> {
        let length = read_number(&self.data, &mut self.at)?;
        let length = usize::try_from(length).map_err(|_| Corrupt)?;
        if length > most {
            Err(Corrupt)
        } else {
            Ok(length)
        }
    }
}

impl Cursor<'static> {
    /// Before the first entry of `block`.
    pub(super) fn owned(block: Block) -> Result<Self, Corrupt> {
        Self::start(block.first_key, Cow::Owned(block.data))
    }

    /// Goes to the next posting of the block, of whatever entry, if there is one.
    pub(super) fn advance(&mut self) -> Result<bool, Corrupt> {
        loop {
            if self.next_posting()? {
                return Ok(true);
            }
            if !self.next_entry()? {
                return Ok(false);
            }
        }
    }
}

/// Reads a LEB128 number of at most 64 bits.
fn read_number(bytes: &[u8], at: &mut usize) -> Result<u64, Corrupt> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let byte = *bytes.get(*at).ok_or(Corrupt)?;
        *at += 1;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            return Err(Corrupt);
        }
        number |= bits << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(Corrupt)
}
