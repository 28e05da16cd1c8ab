//! What an index promises, whatever was built, merged and read.

use std::time::Instant;

use proptest::{collection::vec, prelude::*};
use uuid::Uuid;

use super::{block::BLOCK_BYTES, *};
use crate::search::{
    document::{Document, Role},
    matcher::matching,
    query::{Leaf, Query, Scope, parse},
};

/// A mail that owns its text.
#[derive(Debug, Clone, Default)]
struct Mail {
    time: i64,
    subject: String,
    text: String,
    html: String,
    people: Vec<(Uuid, Role)>,
}

impl Mail {
    fn document(&self) -> Document<'_> {
        Document {
            time: self.time,
            subject: &self.subject,
            text: &self.text,
            html: &self.html,
            people: &self.people,
        }
    }
}

fn text(time: i64, text: &str) -> Mail {
    Mail {
        time,
        text: text.to_owned(),
        ..Mail::default()
    }
}

fn segment(mails: &[Mail]) -> Vec<Block> {
    let documents: Vec<_> = mails.iter().map(Mail::document).collect();
    build(&documents)
}

fn merge(segments: Vec<Vec<Block>>, alive: impl Fn(i64) -> bool) -> Vec<Block> {
    let mut inputs: Vec<_> = segments.into_iter().map(Vec::into_iter).collect();
    let mut merger = Merger::new(inputs.len());
    let mut blocks = Vec::new();
    while let Some(input) = merger.hungry() {
        blocks.extend(merger.feed(input, inputs[input].next(), &alive).unwrap());
    }
    blocks.extend(merger.finish());
    blocks
}

/// What a database answers: the blocks that may hold keys of `range`, at most `limit`.
fn read(stored: &[Block], range: &KeyRange, limit: usize) -> Vec<Block> {
    let begins_before = |block: &&Block| block.first_key <= range.start;
    let start = stored
        .iter()
        .filter(begins_before)
        .count()
        .saturating_sub(1);
    let within = |block: &&Block| block.first_key < range.end;
    stored[start..]
        .iter()
        .take_while(within)
        .take(limit)
        .cloned()
        .collect()
}

fn find_in(stored: &[Block], leaf: &Leaf, people: &[Uuid], window: Window) -> Vec<i64> {
    let ranges = ranges(leaf, people, window);
    let blocks = ranges
        .iter()
        .flat_map(|range| read(stored, range, usize::MAX));
    hits(&Blocks::new(blocks.collect()), leaf, people, window).unwrap()
}

fn leaf(query: &str) -> Leaf {
    parse(query).unwrap().leaves.swap_remove(0)
}

fn find(stored: &[Block], query: &str) -> Vec<i64> {
    find_in(stored, &leaf(query), &[], Window::ALL)
}

#[test]
fn words_phrases_and_prefixes_are_found_newest_first() {
    let stored = segment(&[
        text(1, "The quick brown fox"),
        text(3, "quick, quick! brown bear"),
        text(2, "brown quick"),
    ]);
    assert_eq!(find(&stored, "QUICK"), [3, 2, 1]);
    assert_eq!(find(&stored, "\"quick brown\""), [3, 1]);
    assert_eq!(find(&stored, "\"quick quick brown bear\""), [3]);
    assert_eq!(find(&stored, "b*"), [3, 2, 1]);
    assert_eq!(find(&stored, "brown-b*"), [3]);
    assert_eq!(find(&stored, "brow"), [0; 0]);
    assert_eq!(find(&stored, "subject:quick"), [0; 0]);
    assert_eq!(find(&segment(&[]), "quick"), [0; 0]);
}

#[test]
fn a_phrase_stays_within_a_text() {
    let stored = segment(&[Mail {
        subject: "one two".to_owned(),
        text: "three four".to_owned(),
        html: "<b>five</b> six".to_owned(),
        ..Mail::default()
    }]);
    for (query, found) in [
        ("\"one two\"", 1),
        ("subject:\"one two\"", 1),
        ("\"five six\"", 1),
        ("\"two three\"", 0),
        ("\"four five\"", 0),
        ("\"four six\"", 0),
    ] {
        assert_eq!(find(&stored, query).len(), found, "{query}");
    }
}

#[test]
fn people_are_found_by_id_and_role() {
    let [ana, bob] = [Uuid::from_u128(0xff), Uuid::from_u128(u128::MAX)];
    let stored = segment(&[
        Mail {
            time: 1,
            people: vec![(ana, Role::From), (bob, Role::To)],
            ..Mail::default()
        },
        Mail {
            time: 2,
            people: vec![(bob, Role::From), (ana, Role::Bcc)],
            ..Mail::default()
        },
        Mail {
            time: 3,
            people: vec![(bob, Role::From), (ana, Role::Cc)],
            ..Mail::default()
        },
    ]);
    for (query, people, times) in [
        ("ana", &[ana][..], &[3, 2, 1][..]),
        ("from:x*", &[ana], &[1]),
        ("to:ana", &[ana], &[2]),
        ("cc:\"a b\"", &[ana, bob], &[3]),
        ("from:a", &[ana, bob], &[3, 2, 1]),
        ("subject:ana", &[ana, bob], &[]),
        ("from:ana", &[], &[]),
    ] {
        let found = find_in(&stored, &leaf(query), people, Window::ALL);
        assert_eq!(found, times, "{query}");
    }
}

#[test]
fn phrases_far_into_a_long_text_are_found() {
    let long = format!(
        "{} quick brown {}",
        "filler ".repeat(400_000),
        "quick ".repeat(300_000)
    );
    let stored = segment(&[text(1, &long), text(2, "quick fox")]);
    assert_eq!(find(&stored, "\"filler quick brown quick\""), [1]);
    assert_eq!(find(&stored, "\"brown filler\""), [0; 0]);
    let merged = merge(vec![stored, segment(&[text(3, &long)])], |_| true);
    assert_eq!(find(&merged, "\"filler quick brown quick\""), [3, 1]);
    assert_eq!(find(&merged, "quick"), [3, 2, 1]);
    assert_eq!(merge(vec![merged.clone()], |_| true), merged);
}

#[test]
fn blocks_are_small_and_their_keys_rise() {
    let wide: String = ('\u{10400}'..='\u{1044f}').take(64).collect();
    let mut mails: Vec<_> = (0..500)
        .map(|n| text(n, &format!("common w{n}{wide}")))
        .collect();
    mails.push(text(500, &"again ".repeat(100_000)));
    let stored = segment(&mails);
    assert!(stored.len() > 30);
    assert!(stored.is_sorted_by(|a, b| a.first_key < b.first_key));
    for block in &stored {
        assert!(block.first_key.len() + block.data.len() <= BLOCK_BYTES);
    }
    let filled: usize = stored
        .iter()
        .map(|b| b.first_key.len() + b.data.len())
        .sum();
    assert!(
        filled > stored.len() * BLOCK_BYTES * 8 / 10,
        "{filled} in {}",
        stored.len()
    );
}

#[test]
fn a_merge_drops_the_dead_and_doubles() {
    let first = [text(1, "a b"), text(4, "a c")];
    let second = [text(2, "a"), text(3, "a b"), text(4, "a c")];
    let merged = merge(vec![segment(&first), segment(&second)], |time| time != 3);
    assert_eq!(
        merged,
        segment(&[text(1, "a b"), text(2, "a"), text(4, "a c")])
    );
    assert_eq!(merge(vec![merged, Vec::new()], |_| false), []);
}

#[test]
fn damage_is_an_error_at_worst() {
    let stored = segment(&[
        text(1, "one two three"),
        text(2, &"two ".repeat(300)),
        text(-3, "three"),
    ]);
    let queries = [
        leaf("two"),
        leaf("t*"),
        leaf("\"one two three\""),
        leaf("from:a"),
    ];
    let person = [Uuid::nil()];
    let ask = |blocks: Vec<Block>| {
        let mut merger = Merger::new(1);
        let fed = merger.feed(0, blocks.first().cloned(), |_| true).is_ok();
        let blocks = Blocks::new(blocks);
        let answered = queries
            .iter()
            .map(|leaf| hits(&blocks, leaf, &person, Window::ALL).is_ok());
        answered.fold(fed, |all, one| all & one)
    };
    assert!(ask(stored.clone()));
    let block = &stored[0];
    for at in 0..block.data.len() {
        for byte in [0, 1, 0x7f, 0x80, 0xff, block.data[at] ^ 1] {
            let mut damaged = block.clone();
            damaged.data[at] = byte;
            ask(vec![damaged]);
        }
        let cut = Block {
            data: block.data[..at].to_vec(),
            ..block.clone()
        };
        ask(vec![cut]);
    }
    for (first_key, data) in [
        (vec![], vec![]),
        (vec![], vec![2]),
        (vec![b'w'], vec![1, 0xff]),
    ] {
        assert!(!ask(vec![Block { first_key, data }]));
    }
}

#[test]
fn a_large_mail_is_indexed_in_no_time() {
    let words: Vec<_> = (0..150_000).map(|n| format!("{n:06}")).collect();
    let start = Instant::now();
    let stored = segment(&[text(1, &words.join(" ")), text(2, &"a ".repeat(1 << 19))]);
    assert_eq!(find(&stored, "149999"), [1]);
    assert_eq!(find(&stored, "\"a a a a a a a a\""), [2]);
    assert!(start.elapsed().as_secs() < 60);
}

fn some_text() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "a", "ab", "abc", "b", "É", "e", "ést", "日", "straße", "-", "👍",
    ];
    vec(prop::sample::select(WORDS), 0..12).prop_map(|words| words.join(" "))
}

fn some_people() -> impl Strategy<Value = Vec<(Uuid, Role)>> {
    let role = prop::sample::select(&[Role::From, Role::To, Role::Cc, Role::Bcc][..]);
    vec(((0..3u128).prop_map(Uuid::from_u128), role), 0..3)
}

fn some_mail() -> impl Strategy<Value = Mail> {
    let html = some_text().prop_map(|text| text.replace(' ', "<p>"));
    (some_text(), some_text(), html, some_people()).prop_map(|(subject, text, html, people)| Mail {
        time: 0,
        subject,
        text,
        html,
        people,
    })
}

fn some_leaf() -> impl Strategy<Value = Leaf> {
    const WORDS: &[&str] = &[
        "a", "ab", "abc", "b", "e", "est", "日", "s", "strasse", "👍", "x",
    ];
    let phrase = vec(prop::sample::select(WORDS), 1..4);
    let scope = prop::sample::select(&["", "subject:", "from:", "to:", "cc:"][..]);
    (scope, phrase, prop::sample::select(&["", "*"][..]))
        .prop_map(|(scope, words, star)| leaf(&format!("{scope}{}{star}", words.join("."))))
}

/// What the query asks for, said as simply as possible.
fn model(mail: &Mail, leaf: &Leaf, people: &[Uuid]) -> bool {
    let plain = |text: &str| {
        text.to_lowercase()
            .replace(['é', 'É'], "e")
            .replace('ß', "ss")
    };
    let words = &leaf.phrase.words;
    let same = |found: &[String]| {
        found
            .iter()
            .zip(words)
            .enumerate()
            .all(|(n, (found, word))| {
                let prefix = leaf.phrase.prefix && n + 1 == words.len();
                found == word || prefix && found.starts_with(word.as_str())
            })
    };
    let has = |text: &str| {
        let separated = text.replace("<p>", " ").replace('-', "");
        let text: Vec<_> = separated.split_whitespace().map(plain).collect();
        text.windows(words.len()).any(same)
    };
    let Mail {
        subject,
        text,
        html,
        ..
    } = mail;
    let texts = match leaf.scope {
        Scope::Everywhere => vec![subject, text, html],
        Scope::Subject => vec![subject],
        Scope::From | Scope::To | Scope::Cc => vec![],
    };
    let named = |(person, role): &(Uuid, Role)| {
        people.contains(person)
            && match leaf.scope {
                Scope::Everywhere => true,
                Scope::Subject => false,
                Scope::From => *role == Role::From,
                Scope::To => matches!(role, Role::To | Role::Bcc),
                Scope::Cc => *role == Role::Cc,
            }
    };
    texts.into_iter().any(|text| has(text)) || mail.people.iter().any(named)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn index_matcher_and_model_agree(
        mut mails in vec((some_mail(), 0..4usize, any::<bool>()), 0..30),
        leaf in some_leaf(),
        people in vec((0..3u128).prop_map(Uuid::from_u128), 0..3),
        bounds in (-100i64..400, -100i64..400),
    ) {
        for (n, (mail, _, _)) in (0..).zip(&mut mails) {
            mail.time = n * 10;
        }
        let part = |wanted: usize| -> Vec<Mail> {
            mails.iter().filter(|(_, part, _)| *part == wanted).map(|(mail, _, _)| mail.clone()).collect()
        };
        let dead: Vec<i64> = mails.iter().filter(|(_, _, dead)| *dead).map(|(mail, _, _)| mail.time).collect();
        let first = merge(vec![segment(&part(0)), segment(&part(1))], |_| true);
        let stored = merge(vec![first, segment(&part(2)), segment(&part(3))], |time| !dead.contains(&time));
        let window = Window { newest: bounds.0.max(bounds.1), oldest: bounds.0.min(bounds.1) };

        let mut expected = Vec::new();
        for (mail, _, dead) in mails.iter().rev() {
            let found = model(mail, &leaf, &people);
            prop_assert_eq!(&matching(&mail.document(), &[(&leaf, &people)]), &[found]);
            if found && !dead && window.contains(mail.time) {
                expected.push(mail.time);
            }
        }
        prop_assert_eq!(find_in(&stored, &leaf, &people, window), expected);
    }

    #[test]
    fn several_leaves_are_matched_as_each_alone(mail in some_mail(), leaves in vec(some_leaf(), 0..5)) {
        let pairs: Vec<(&Leaf, &[Uuid])> = leaves.iter().map(|leaf| (leaf, &[][..])).collect();
        let alone: Vec<_> = pairs.iter().map(|pair| matching(&mail.document(), &[*pair])[0]).collect();
        prop_assert_eq!(matching(&mail.document(), &pairs), alone);
    }
}

#[test]
fn a_query_has_its_leaves_in_order() {
    let Query { leaves, .. } = parse("a -from:b (c OR \"d e\")").unwrap();
    let shown: Vec<_> = leaves.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["a", "from:b", "c", "\"d e\""]);
}
