//! Making a segment from messages.

use std::{cmp::Reverse, collections::HashMap};

use super::{Block, key, writer::Writer};
use crate::search::document::Document;

/// Where the keys of some messages stand: by time, newest first, then by position.
#[derive(Default)]
struct Postings(HashMap<Vec<u8>, Vec<(i64, Option<u32>)>>);

impl Postings {
    fn add(&mut self, key: &[u8], time: i64, position: Option<u32>) {
        match self.0.get_mut(key) {
            Some(places) => places.push((time, position)),
            None => _ = self.0.insert(key.to_vec(), vec![(time, position)]),
        }
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
            postings.add(&key, time, Some(token.position));
        });
        for (person, role) in document.people {
            postings.add(&key::person(*person, *role), time, None);
        }
    }
    write(postings)
}

fn write(postings: Postings) -> Vec<Block> {
    let mut keys: Vec<_> = postings.0.into_iter().collect();
    keys.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let mut writer = Writer::default();
    for (key, places) in keys {
        for (time, position) in places {
            writer.push(&key, time, position.into_iter());
        }
    }
    writer.finish()
}
