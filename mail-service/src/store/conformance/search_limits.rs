//! Searching for what is hostile, huge, or somebody else's.

use std::time::{Duration, Instant};

use turbomessage_service_kit::problem::Reason;
use uuid::Uuid;

use super::{
    letter::{Letter, letter},
    office::people,
    search::Library,
};
use crate::{
    commit::Job,
    domain::{Body, Cursor, PageSize},
    mail::parse_query,
    store::SharedStore,
};

/// Far more than any of these needs, on a busy machine too.
const LONG: Duration = Duration::from_secs(60);

/// Queries that have broken other systems.
const HOSTILE: &[&str] = &[
    "'; DROP TABLE copies; --",
    "' OR '1'='1",
    "\" OR \"\"=\"",
    "\"\"\"",
    "a NEAR/2 b",
    "{subject body} : a",
    "^a + b",
    "a AND NOT b",
    "a & b | !c <-> d:*",
    "a:*B",
    "(a+)+$",
    "[a-z]{1,99999}",
    "%_%",
    "*",
    "***a***",
    "* OR *",
    "a\0b",
    "\0",
    "\u{202e}b a\u{202c} \u{200f}שלום",
    "\u{feff}\u{200b}\u{200d}",
    "e\u{301}\u{301}\u{301}\u{301}",
    "\u{fdfa}*",
    "- - -",
    "--------",
    "OR OR",
    "((((",
    "))))",
    "-",
    "from:",
    "from:from:from:a",
    "in:in:in",
    "label:\"\u{0}\"",
    "is:read OR",
    "before:9999-12-31 after:0000-01-01",
    "after:9999-12-31",
    "larger:9223372036854775807",
    "smaller:0",
    "larger:9223372036854775807K",
    "$1 ?1 :a @a",
    "\\",
    "\u{10ffff}",
];

pub(super) async fn a_hostile_query_is_answered_or_refused(store: SharedStore) {
    let library = Library::new(store);
    let [ana, ben] = people();
    for n in 0..70 {
        let text = format!("a b number{n}");
        library
            .office
            .send(&letter(ana, &[ben]).with_text(text))
            .await;
    }
    library.index(ben).await;
    let newest = letter(ana, &[ben]).with_text("a b c");
    library.office.send(&newest).await;
    let long = "a".repeat(4097);
    let many = "a ".repeat(65);
    let deep = format!("{}a{}", "(".repeat(17), ")".repeat(17));
    let most_words: Vec<String> = (0..64).map(|n| format!("a{n}")).collect();
    let most_words = most_words.join(" ");
    let most_prefixes = "a* ".repeat(64);
    let most_alternatives = format!("-(a{})", " OR -b".repeat(63));
    let deepest = format!("{}a{}", "-(".repeat(8), ")".repeat(8));
    let begun = Instant::now();
    let made = [
        &long,
        &many,
        &deep,
        &most_words,
        &most_prefixes,
        &most_alternatives,
        &deepest,
    ];
    let made = made.into_iter().map(String::as_str);
    for query in HOSTILE.iter().copied().chain(made) {
        match library.pages(ben, query, 50).await {
            Ok(found) => assert!(found.len() <= 71),
            Err(problem) => assert_eq!(problem.reason(), Reason::QueryInvalid, "{query}"),
        }
    }
    for refused in [&long, &many, &deep] {
        let problem = library.pages(ben, refused, 50).await.unwrap_err();
        assert_eq!(problem.reason(), Reason::QueryInvalid);
    }
    for (query, count) in [
        (most_prefixes.as_str(), 71),
        (deepest.as_str(), 71),
        (most_words.as_str(), 0),
        ("\"a b number7\"", 1),
        ("\"b c\"", 1),
    ] {
        let found = library.pages(ben, query, 50).await.unwrap();
        assert_eq!(found.len(), count, "{query}");
    }
    assert!(begun.elapsed() < LONG);
}

/// A text of a mebibyte at most, no word twice.
fn distinct(letter: char) -> (String, usize) {
    let count = (1 << 20) / 8;
    let words = (0..count).map(|n| format!("{letter}{n:06} "));
    (words.collect(), count)
}

/// Sends `text` and `html`, and waits until nothing but its size keeps it from being found.
async fn send(library: &Library, letter: &Letter, html: String) {
    let Job::Send(mut send) = letter.job() else {
        panic!("a letter is sent");
    };
    let text = letter.text.clone();
    send.draft.body = Body { text, html };
    library.office.submit(Job::Send(send)).await.unwrap();
}

pub(super) async fn every_word_of_the_longest_message_is_found(store: SharedStore) {
    let library = Library::new(store);
    let [ana, ben] = people();
    let ((text, count), (html, _)) = (distinct('t'), distinct('h'));
    let message = letter(ana, &[ben]).with_text(text);
    send(&library, &message, html).await;
    let begun = Instant::now();
    for indexed in [false, true] {
        if indexed {
            library.index(ben).await;
            assert_eq!(library.segments(ben).await, 1, "it is worth a segment");
        }
        for letter in ['t', 'h'] {
            for place in [0, 1, 20_000, 50_000, count / 2, count - 2] {
                let (here, next) = (place, place + 1);
                for query in [
                    format!("{letter}{here:06}"),
                    format!("\"{letter}{here:06} {letter}{next:06}\""),
                    format!("{letter}{next:06} {letter}{here:06}"),
                ] {
                    let found = library.pages(ben, &query, 5).await.unwrap();
                    assert_eq!(found.len(), 1, "{query}, indexed: {indexed}");
                }
                let query = format!("\"{letter}{next:06} {letter}{here:06}\"");
                let found = library.pages(ben, &query, 5).await.unwrap();
                assert_eq!(found, [], "{query}, indexed: {indexed}");
            }
        }
        let last = count - 1;
        let across = format!("\"t{last:06} h000000\"");
        let found = library.pages(ben, &across, 5).await.unwrap();
        assert_eq!(found, [], "text and HTML are two texts");
        let found = library.pages(ben, "t00* h131071", 5).await.unwrap();
        assert_eq!(found.len(), 1);
    }
    assert!(begun.elapsed() < LONG * 5);
}

pub(super) async fn nobody_finds_what_is_somebody_elses(store: SharedStore) {
    let library = Library::new(store);
    let [ana, ben, cleo] = people();
    for n in 0..70 {
        let text = format!("shared words {n}");
        for to in [ben, cleo] {
            let letter = letter(ana, &[to]).with_subject(to.to_string());
            library.office.send(&letter.with_text(&text)).await;
        }
    }
    for indexed in [false, true] {
        if indexed {
            library.index(ben).await;
        }
        for owner in [ben, cleo] {
            for query in ["\"shared words\"", "word*", "", "-nothing", "in:anywhere"] {
                let found = library.subjects(owner, query).await;
                assert_eq!(found, vec![owner.to_string(); 70], "{query}");
            }
        }
        let nobody = library.subjects(Uuid::new_v4(), "shared").await;
        assert_eq!(nobody, [""; 0]);
    }
}

pub(super) async fn pages_bear_any_time(store: SharedStore) {
    let library = Library::new(store);
    let [ana, ben] = people();
    for n in 0..70 {
        let text = format!("word {n}");
        library
            .office
            .send(&letter(ana, &[ben]).with_text(text))
            .await;
    }
    for indexed in [false, true] {
        if indexed {
            library.index(ben).await;
        }
        let all = library.pages(ben, "word", 500).await.unwrap();
        let times: Vec<i64> = all.iter().map(|c| c.receive_time.as_micros()).collect();
        for edge in [
            i64::MIN,
            i64::MIN + 1,
            -1,
            0,
            1,
            times[69],
            times[0],
            i64::MAX - 1,
            i64::MAX,
        ] {
            for time in [edge.saturating_sub(1), edge, edge.saturating_add(1)] {
                for query in ["word", "-nothing", "in:inbox", "after:2027-01-15 word"] {
                    let query = parse_query(query).unwrap();
                    let cursor = Cursor {
                        time: turbomessage_service_kit::clock::Timestamp::from_micros(time),
                        id: Uuid::nil(),
                    };
                    let size = PageSize::parse(500).unwrap();
                    let found = library
                        .mail
                        .search(ben, &query, cursor, size)
                        .await
                        .unwrap();
                    let found = found.copies.iter().map(|c| c.receive_time.as_micros());
                    let expected = times.iter().copied().filter(|t| *t < time);
                    assert!(found.eq(expected), "{query} after {time}");
                }
            }
        }
    }
}
