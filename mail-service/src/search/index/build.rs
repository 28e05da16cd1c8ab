//! Making a segment from messages.

use std::{cmp::Reverse, collections::HashMap};

use super::{Block, key, writer::Writer};
use crate::search::document::Document;

/// Where the keys of some messages stand.
#[derive(Default)]
struct Postings {
    /// The keys, each with its number, and how often each stands anywhere, by that number.
    numbers: HashMap<Vec<u8>, usize>,
    counts: Vec<usize>,
    /// By time, newest first, then by position: the number of the key, and where it stands.
    places: Vec<(usize, Place)>,
}

/// The time of a message, and a position in it.
type Place = (i64, Option<u32>);

impl Postings {
    fn add(&mut self, key: &[u8], place: Place) {
        let number = self.numbers.get(key).copied().unwrap_or_else(|| {
            self.numbers.insert(key.to_vec(), self.counts.len());
            self.counts.push(0);
            self.counts.len() - 1
        });
        self.counts[number] += 1;
        self.places.push((number, place));
    }

    /// The places by the number of their key, otherwise in their order, and where those of each key end.
    fn by_key(&self) -> (Vec<Place>, Vec<usize>) {
        let mut ends = Vec::with_capacity(self.counts.len());
        let mut next = 0;
        for count in &self.counts {
            ends.push(next);
            next += count;
        }
        let mut sorted = vec![Place::default(); self.places.len()];
        for (number, place) in &self.places {
            sorted[ends[*number]] = *place;
            ends[*number] += 1;
        }
        (sorted, ends)
    }
}

/// A segment of `documents`, whose times differ. Takes memory in proportion to their text.
#[must_use]
pub fn build(documents: &[Document<'_>]) -> Vec<Block> {
    let mut newest_first: Vec<_> = documents.iter().collect();
    newest_first.sort_unstable_by_key(|document| Reverse(document.time));
    let mut postings = Postings::default();
    let mut key = Vec::new();
    for document in newest_first {
        let time = document.time;
        document.words(|field, token| {
            key::write_word(token.word, field, &mut key);
            postings.add(&key, (time, Some(token.position)));
        });
        for (person, role) in document.people {
            postings.add(&key::person(*person, *role), (time, None));
        }
    }
    write(&postings)
}

fn write(postings: &Postings) -> Vec<Block> {
    let mut keys: Vec<_> = postings.numbers.iter().collect();
    keys.sort_unstable();
    let (places, ends) = postings.by_key();
    let mut writer = Writer::default();
    for (key, &number) in keys {
        let end = ends[number];
        for &(time, position) in &places[end - postings.counts[number]..end] {
            writer.push(key, time, position.into_iter());
        }
    }
    writer.finish()
}
