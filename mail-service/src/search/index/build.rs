//! Making a segment from messages.

use std::{cmp::Reverse, hash::BuildHasher as _, ops::Range};

use hashbrown::{DefaultHashBuilder, HashTable};

use super::{Block, key, writer::Writer};
use crate::search::document::Document;

/// Where the keys of some messages stand, in few and large pieces of memory: there is a place for every word.
#[derive(Default)]
struct Postings {
    /// The bytes of all keys, one key after the other.
    bytes: Vec<u8>,
    /// Each key, by its number.
    keys: Vec<Key>,
    /// The numbers of the keys, to be found by their bytes.
    numbers: HashTable<u32>,
    /// Seeded anew in every process: whoever writes cannot choose words that are slow to find.
    hashing: DefaultHashBuilder,
    /// Document by document, in each by position: the number of the key, and where it stands.
    places: Vec<(u32, Place)>,
}

struct Key {
    bytes: Range<usize>,
    hash: u64,
    /// How often it stands anywhere.
    count: usize,
}

/// The number of a document, and the position of a word in it, or [`PERSON`].
type Place = (u32, u32);

/// Of somebody who is named in a message. No text has as many words.
const PERSON: u32 = u32::MAX;

impl Postings {
    /// Adds a place of the key that `write` writes.
    fn add(&mut self, place: Place, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let key = &self.bytes[start..];
        let hash = self.hashing.hash_one(key);
        let found = self.numbers.find(hash, |&number| {
            let other = &self.keys[number as usize];
            other.hash == hash && &self.bytes[other.bytes.clone()] == key
        });
        let number = if let Some(&number) = found {
            self.bytes.truncate(start);
            number
        } else {
            let number = small(self.keys.len());
            let bytes = start..self.bytes.len();
            self.keys.push(Key {
                bytes,
                hash,
                count: 0,
            });
            let hash_of = |&number: &u32| self.keys[number as usize].hash;
            self.numbers.insert_unique(hash, number, hash_of);
            number
        };
        self.keys[number as usize].count += 1;
        self.places.push((number, place));
    }

    /// Every key with its number, in their order.
    fn sorted_keys(&self) -> Vec<(u64, &[u8], usize)> {
        let keys = self.keys.iter().enumerate().map(|(number, key)| {
            let bytes = &self.bytes[key.bytes.clone()];
            (head(bytes), bytes, number)
        });
        let mut keys: Vec<_> = keys.collect();
        keys.sort_unstable();
        keys
    }

    /// The places by the number of their key, otherwise in their order, and where those of each key end.
    fn by_key(&self) -> (Vec<Place>, Vec<usize>) {
        let mut ends = Vec::with_capacity(self.keys.len());
        let mut next = 0;
        for key in &self.keys {
            ends.push(next);
            next += key.count;
        }
        let mut sorted = vec![Place::default(); self.places.len()];
        for (number, place) in &self.places {
            let end = &mut ends[*number as usize];
            sorted[*end] = *place;
            *end += 1;
        }
        (sorted, ends)
    }
}

/// The first bytes of a key as a number of the same order: most keys differ in them.
fn head(key: &[u8]) -> u64 {
    let mut head = [0; 8];
    let length = key.len().min(head.len());
    head[..length].copy_from_slice(&key[..length]);
    u64::from_be_bytes(head)
}

/// The number of a document or a key in half of the memory: there is one of each for every word.
fn small(number: usize) -> u32 {
    u32::try_from(number).expect("a segment has fewer documents, and fewer keys, than that")
}

/// A segment of `documents`, whose times differ. Takes memory in proportion to their text.
///
/// # Panics
/// They have four billion words that differ.
#[must_use]
pub fn build(documents: &[Document<'_>]) -> Vec<Block> {
    let mut newest_first: Vec<_> = documents.iter().collect();
    newest_first.sort_unstable_by_key(|document| Reverse(document.time));
    let mut postings = Postings::default();
    for (number, document) in newest_first.iter().enumerate() {
        let number = small(number);
        document.words(|field, token| {
            let place = (number, token.position);
            postings.add(place, |key| key::write_word(token.word, field, key));
        });
        for (person, role) in document.people {
            let key = key::person(*person, *role);
            postings.add((number, PERSON), |bytes| bytes.extend_from_slice(&key));
        }
    }
    let times: Vec<i64> = newest_first.iter().map(|document| document.time).collect();
    write(&postings, &times)
}

fn write(postings: &Postings, times: &[i64]) -> Vec<Block> {
    let (places, ends) = postings.by_key();
    let mut writer = Writer::default();
    for (_, key, number) in postings.sorted_keys() {
        let end = ends[number];
        for &(document, position) in &places[end - postings.keys[number].count..end] {
            let position = (position != PERSON).then_some(position);
            writer.push(key, times[document as usize], position.into_iter());
        }
    }
    writer.finish()
}
