//! A mailbox as plain data, and what a query finds in it, as simply as it can be said.

use time::{Duration, OffsetDateTime};

use super::words::{WORDS, Written, one};
use crate::domain::FolderRole;

/// The people, by number: username and name. The owner is the first.
pub(super) const PEOPLE: [(&str, &str); 5] = [
    ("owner", "La Dueña"),
    ("ana.cafe", "Ana Ñandú"),
    ("ben", "Ben Report of Invoices"),
    ("cleo", "Cleo"),
    ("of", "Reunión de la Mañana"),
];

/// The words of their names, as they are searched.
const NAMES: [&[&[&str]]; 5] = [
    &[&["owner"], &["la", "duena"]],
    &[&["ana", "cafe"], &["ana", "nandu"]],
    &[&["ben"], &["ben", "report", "of", "invoices"]],
    &[&["cleo"], &["cleo"]],
    &[&["of"], &["reunion", "de", "la", "manana"]],
];

pub(super) const LABELS: [&str; 3] = ["Año 2024", "C++", "trabajo"];
const FOLDED_LABELS: [&str; 3] = ["ano 2024", "c++", "trabajo"];

/// Where a message may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Role(FolderRole),
    /// The owner's own folder.
    Own,
}

/// The owner's own folder.
pub(super) const OWN: &str = "Mis Cafés";
const FOLDED_OWN: &str = "mis cafes";

/// How a message comes into the mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// From somebody.
    From(usize),
    Sent,
    Draft,
}

/// A message.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) origin: Origin,
    /// Besides the owner, where somebody else sent it.
    pub(super) to: Vec<usize>,
    pub(super) cc: Vec<usize>,
    pub(super) bcc: Vec<usize>,
    pub(super) subject: Vec<Written>,
    pub(super) text: Vec<Written>,
    pub(super) html: Vec<Written>,
    pub(super) place: Place,
    pub(super) read: bool,
    pub(super) starred: bool,
    pub(super) labels: Vec<usize>,
    /// In bytes.
    pub(super) size: usize,
    /// The day it came, counted from the first.
    pub(super) day: i64,
}

/// Where words are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Everywhere,
    Subject,
    From,
    To,
    Cc,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) enum Ask {
    /// A phrase, or one word; of the last, only so many characters if they are given.
    Words(Scope, Vec<Written>, Option<usize>),
    Anywhere,
    In(Place),
    Label(usize),
    Read(bool),
    Starred,
    Attachment,
    Before(i64),
    After(i64),
    Larger(usize),
    Smaller(usize),
    Not(Box<Ask>),
    And(Vec<Ask>),
    Or(Vec<Ask>),
}

/// Whether `ask` finds `item`.
pub(super) fn finds(ask: &Ask, item: &Item) -> bool {
    let hidden = [FolderRole::Spam, FolderRole::Trash].map(Place::Role);
    (names_a_place(ask) || !hidden.contains(&item.place)) && holds(ask, item)
}

fn names_a_place(ask: &Ask) -> bool {
    match ask {
        Ask::Anywhere | Ask::In(_) => true,
        Ask::Not(one) => names_a_place(one),
        Ask::And(all) | Ask::Or(all) => all.iter().any(names_a_place),
        Ask::Words(..)
        | Ask::Label(_)
        | Ask::Read(_)
        | Ask::Starred
        | Ask::Attachment
        | Ask::Before(_)
        | Ask::After(_)
        | Ask::Larger(_)
        | Ask::Smaller(_) => false,
    }
}

fn holds(ask: &Ask, item: &Item) -> bool {
    match ask {
        Ask::Words(scope, words, prefix) => has_words(*scope, words, *prefix, item),
        Ask::Anywhere => true,
        Ask::In(place) => item.place == *place,
        Ask::Label(label) => item.labels.contains(label),
        Ask::Read(read) => item.read == *read,
        Ask::Starred => item.starred,
        Ask::Attachment => false,
        Ask::Before(day) => item.day < *day,
        Ask::After(day) => item.day >= *day,
        Ask::Larger(size) => item.size > *size,
        Ask::Smaller(size) => item.size < *size,
        Ask::Not(one) => !holds(one, item),
        Ask::And(all) => all.iter().all(|one| holds(one, item)),
        Ask::Or(all) => all.iter().any(|one| holds(one, item)),
    }
}

fn has_words(scope: Scope, asked: &[Written], prefix: Option<usize>, item: &Item) -> bool {
    let mut texts: Vec<Vec<&str>> = Vec::new();
    let plain = |words: &[Written]| words.iter().map(|(word, _)| WORDS[*word]).collect();
    if matches!(scope, Scope::Everywhere | Scope::Subject) {
        texts.push(plain(&item.subject));
    }
    if scope == Scope::Everywhere {
        texts.extend([plain(&item.text), plain(&item.html)]);
    }
    for person in people(scope, item) {
        texts.extend(NAMES[person].iter().map(|name| name.to_vec()));
    }
    let mut wanted: Vec<&str> = asked.iter().map(|(word, _)| WORDS[*word]).collect();
    let last = wanted.pop().unwrap_or_default();
    let last = prefix.map_or(last, |length| &last[..length]);
    let is_last = |word: &str| match prefix {
        Some(_) => word.starts_with(last),
        None => word == last,
    };
    let is_here = |found: &[&str]| match found.split_last() {
        Some((end, before)) => before == wanted && is_last(end),
        None => false,
    };
    let mut texts = texts.iter();
    texts.any(|text| text.windows(asked.len()).any(is_here))
}

fn people(scope: Scope, item: &Item) -> Vec<usize> {
    let from = match item.origin {
        Origin::From(person) => person,
        Origin::Sent | Origin::Draft => 0,
    };
    let mut to = item.to.clone();
    if let Origin::From(_) = item.origin {
        to.push(0);
    }
    match scope {
        Scope::Everywhere => [vec![from], to, item.cc.clone(), item.bcc.clone()].concat(),
        Scope::Subject => Vec::new(),
        Scope::From => vec![from],
        Scope::To => [to, item.bcc.clone()].concat(),
        Scope::Cc => item.cc.clone(),
    }
}

/// `ask` as somebody may write it. `first` is the first day.
pub(super) fn written(ask: &Ask, first: OffsetDateTime) -> String {
    let join = |all: &[Ask], between: &str| {
        let all: Vec<String> = all.iter().map(|one| written(one, first)).collect();
        format!("({})", all.join(between))
    };
    let date = |day: i64| (first + Duration::days(day)).date();
    match ask {
        Ask::Words(scope, words, prefix) => {
            format!("{}{}", operator(*scope), phrase(words, *prefix))
        }
        Ask::Anywhere => "in:anywhere".into(),
        Ask::In(Place::Role(role)) => format!("in:{}", role.name()),
        Ask::In(Place::Own) => format!("in:\"{FOLDED_OWN}\""),
        Ask::Label(label) => format!("label:\"{}\"", FOLDED_LABELS[*label]),
        Ask::Read(true) => "is:read".into(),
        Ask::Read(false) => "is:unread".into(),
        Ask::Starred => "is:starred".into(),
        Ask::Attachment => "has:attachment".into(),
        Ask::Before(day) => format!("before:{}", date(*day)),
        Ask::After(day) => format!("after:{}", date(*day)),
        Ask::Larger(size) => format!("larger:{size}"),
        Ask::Smaller(size) => format!("smaller:{size}"),
        Ask::Not(one) => format!("-{}", written(one, first)),
        Ask::And(all) => join(all, " "),
        Ask::Or(all) => join(all, " OR "),
    }
}

fn operator(scope: Scope) -> &'static str {
    match scope {
        Scope::Everywhere => "",
        Scope::Subject => "subject:",
        Scope::From => "FROM:",
        Scope::To => "to:",
        Scope::Cc => "Cc:",
    }
}

fn phrase(words: &[Written], prefix: Option<usize>) -> String {
    let plain: Vec<&str> = words.iter().map(|&(word, how)| one(word, how)).collect();
    match prefix {
        Some(length) => {
            let (&(last, _), before) = words.split_last().unwrap();
            let before = before
                .iter()
                .map(|&(word, how)| format!("{}.", one(word, how)));
            format!("{}{}*", before.collect::<String>(), &WORDS[last][..length])
        }
        None if plain.len() == 1 => plain.concat(),
        None => format!("\"{}\"", plain.join(" ")),
    }
}
