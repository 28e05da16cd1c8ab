//! Finding messages in a segment.

use std::cmp::Reverse;

use uuid::Uuid;

use super::{Blocks, Corrupt, KeyRange, Window, cursor::Cursor, key};
use crate::search::{
    document::Field,
    query::{Leaf, Phrase},
};

/// A word's place in a mailbox: newest message first, then in order of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Spot {
    time: Reverse<i64>,
    field: Field,
    position: u32,
}

/// What must be read of a segment to find `leaf` in `window`. `people` are those with a name in which its
/// phrase occurs.
#[must_use]
pub fn ranges(leaf: &Leaf, people: &[Uuid], window: Window) -> Vec<KeyRange> {
    let mut ranges = person_ranges(leaf, people, window);
    for number in 0..leaf.phrase.words.len() {
        ranges.extend(word_ranges(leaf, number, window));
    }
    ranges
}

/// The messages in `window` where `leaf` is found, newest first. `people` are those with a name in which its
/// phrase occurs; `blocks` cover its [`ranges`].
///
/// # Errors
/// A block cannot be read.
pub fn hits(
    blocks: &Blocks,
    leaf: &Leaf,
    people: &[Uuid],
    window: Window,
) -> Result<Vec<i64>, Corrupt> {
    let mut times = Vec::new();
    let mut add = |cursor: &Cursor<'_>| {
        times.push(cursor.time());
        Ok(())
    };
    for range in person_ranges(leaf, people, window) {
        visit(blocks, &range, window, &mut add)?;
    }
    if leaf.phrase.words.len() == 1 {
        visit_word(blocks, leaf, 0, window, add)?;
    } else {
        times.extend(
            phrase_spots(blocks, leaf, window)?
                .iter()
                .map(|spot| spot.time.0),
        );
    }
    times.sort_by_key(|time| Reverse(*time));
    times.dedup();
    Ok(times)
}

/// Where the phrase of `leaf` ends.
fn phrase_spots(blocks: &Blocks, leaf: &Leaf, window: Window) -> Result<Vec<Spot>, Corrupt> {
    let mut ends = word_spots(blocks, leaf, 0, window)?;
    for number in 1..leaf.phrase.words.len() {
        if ends.is_empty() {
            break;
        }
        let after = |end: Spot| Spot {
            position: end.position + 1,
            ..end
        };
        let mut wanted = ends.into_iter().map(after).peekable();
        ends = word_spots(blocks, leaf, number, window)?;
        ends.retain(|spot| {
            while wanted.next_if(|wanted| wanted < spot).is_some() {}
            wanted.peek() == Some(spot)
        });
    }
    Ok(ends)
}

/// Where the word of this number in the phrase of `leaf` stands, in order.
fn word_spots(
    blocks: &Blocks,
    leaf: &Leaf,
    number: usize,
    window: Window,
) -> Result<Vec<Spot>, Corrupt> {
    let mut spots = Vec::new();
    visit_word(blocks, leaf, number, window, |cursor| {
        let (time, field) = (Reverse(cursor.time()), key::field(cursor.key())?);
        for position in cursor.positions() {
            let position = position?;
            spots.push(Spot {
                time,
                field,
                position,
            });
        }
        Ok(())
    })?;
    // Few sorted runs: this is a merge.
    spots.sort();
    Ok(spots)
}

/// Shows `see` every posting in `window` of the word of this number in the phrase of `leaf`.
fn visit_word(
    blocks: &Blocks,
    leaf: &Leaf,
    number: usize,
    window: Window,
    mut see: impl FnMut(&Cursor<'_>) -> Result<(), Corrupt>,
) -> Result<(), Corrupt> {
    for range in word_ranges(leaf, number, window) {
        visit(blocks, &range, window, |cursor| {
            let field = key::field(cursor.key())?;
            if leaf.scope.fields().contains(&field) {
                see(cursor)
            } else {
                Ok(())
            }
        })?;
    }
    Ok(())
}

/// Shows `see` every posting of `range` in `window`.
fn visit(
    blocks: &Blocks,
    range: &KeyRange,
    window: Window,
    mut see: impl FnMut(&Cursor<'_>) -> Result<(), Corrupt>,
) -> Result<(), Corrupt> {
    for block in blocks.within(range) {
        let mut cursor = Cursor::new(block)?;
        while cursor.next_entry()? && cursor.stored_key() < range.end.as_slice() {
            while cursor.is_in(range) && cursor.next_posting()? {
                if window.contains(cursor.time()) {
                    see(&cursor)?;
                }
            }
        }
    }
    Ok(())
}

fn word_ranges(leaf: &Leaf, number: usize, window: Window) -> Vec<KeyRange> {
    let Phrase { words, prefix } = &leaf.phrase;
    let (word, fields) = (&words[number], leaf.scope.fields());
    if *prefix && number + 1 == words.len() && !fields.is_empty() {
        return vec![KeyRange::prefix(word)];
    }
    if window == Window::ALL && fields.len() == Field::ALL.len() {
        return vec![KeyRange::word(word)];
    }
    let exact = |field: &Field| KeyRange::exact(key::word(word, *field), window);
    fields.iter().map(exact).collect()
}

fn person_ranges(leaf: &Leaf, people: &[Uuid], window: Window) -> Vec<KeyRange> {
    let roles = leaf.scope.roles().iter();
    let keys = roles.flat_map(|role| people.iter().map(|person| key::person(*person, *role)));
    keys.map(|key| KeyRange::exact(key, window)).collect()
}
