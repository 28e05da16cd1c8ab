//! Finding words without an index: in messages that are not indexed yet, in names, in texts to show.

use std::ops::Range;

use uuid::Uuid;

use super::{
    document::Document,
    query::{Leaf, Phrase},
    tokenizer::{Token, tokens},
};

/// Which of `leaves` are found in `document`. With each come the people with a name in which its phrase
/// occurs.
#[must_use]
pub fn matching(document: &Document<'_>, leaves: &[(&Leaf, &[Uuid])]) -> Vec<bool> {
    let mut found: Vec<bool> = leaves
        .iter()
        .map(|(leaf, people)| names_one_of(document, leaf, people))
        .collect();
    let mut seekers: Vec<_> = leaves
        .iter()
        .map(|(leaf, _)| (leaf.scope.fields(), Seeker::new(&leaf.phrase)))
        .collect();
    document.words(|field, token| {
        for ((fields, seeker), found) in seekers.iter_mut().zip(&mut found) {
            *found |= fields.contains(&field) && seeker.read(&token).is_some();
        }
    });
    found
}

/// Whether `phrase` occurs in `name`.
#[must_use]
pub fn names(phrase: &Phrase, name: &str) -> bool {
    !occurrences(&[phrase], name).is_empty()
}

/// Where `phrases` occur in `text`, in bytes, in the order of their ends.
pub(super) fn occurrences(phrases: &[&Phrase], text: &str) -> Vec<Range<usize>> {
    let mut seekers: Vec<_> = phrases.iter().map(|phrase| Seeker::new(phrase)).collect();
    let mut found = Vec::new();
    tokens(text, |token| {
        found.extend(seekers.iter_mut().filter_map(|seeker| seeker.read(&token)));
    });
    found
}

fn names_one_of(document: &Document<'_>, leaf: &Leaf, people: &[Uuid]) -> bool {
    document
        .people
        .iter()
        .any(|(person, role)| leaf.scope.roles().contains(role) && people.contains(person))
}

/// Looks for a phrase, word after word.
struct Seeker<'a> {
    phrase: &'a Phrase,
    /// Where the phrase may have begun: the position, and the byte.
    begun: Vec<(u32, usize)>,
    /// The position that comes next in the same text.
    next: u32,
}

impl<'a> Seeker<'a> {
    fn new(phrase: &'a Phrase) -> Self {
        Self {
            phrase,
            begun: Vec::new(),
            next: 0,
        }
    }

    /// Reads a word; answers where the phrase stands that it ends.
    fn read(&mut self, token: &Token<'_>) -> Option<Range<usize>> {
        if token.position != self.next {
            self.begun.clear();
        }
        self.next = token.position + 1;
        self.begun.push((token.position, token.start));
        let Phrase { words, prefix } = self.phrase;
        let last = words.len() - 1;
        let goes_on = |number: usize| match words.get(number) {
            Some(word) if *prefix && number == last => token.word.starts_with(word.as_str()),
            Some(word) => token.word == word,
            None => false,
        };
        let number = |from: u32| (token.position - from) as usize;
        self.begun.retain(|(from, _)| goes_on(number(*from)));
        let (_, start) = self.begun.iter().find(|(from, _)| number(*from) == last)?;
        Some(*start..token.end)
    }
}
