//! Showing what was found: the subject and a line of the body, in parts.

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

use super::{
    matcher::occurrences,
    query::{Leaf, Node, Phrase, Query, Scope},
};

/// How much of a text is looked at, in characters.
const LOOKED_AT: usize = 16 * 1024;
/// The longest snippet, in characters.
const SNIPPET: usize = 200;
/// How much of a snippet may stand before what was found, in characters.
const BEFORE: usize = 60;
/// Makes one picture of the characters beside it.
const JOINER: char = '\u{200d}';

/// A piece of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The text.
    pub text: String,
    /// Whether it is what the query asks for.
    pub matched: bool,
}

/// What is shown of a message that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Highlights {
    /// The subject.
    pub subject: Vec<Part>,
    /// At most 200 characters of the body, on one line, around the first match; its beginning, if there
    /// is none.
    pub snippet: Vec<Part>,
}

/// Marks in `subject` and `body` (its text) what `query` asks for. Looks at the first 16,384 characters of
/// each.
#[must_use]
pub fn highlight(query: &Query, subject: &str, body: &str) -> Highlights {
    let mut leaves = Vec::new();
    collect(query, &query.root, true, &mut leaves);
    let phrases = |scopes: &[Scope]| -> Vec<&Phrase> {
        let searched = leaves.iter().filter(|leaf| scopes.contains(&leaf.scope));
        searched.map(|leaf| &leaf.phrase).collect()
    };
    Highlights {
        subject: subject_parts(&phrases(&[Scope::Everywhere, Scope::Subject]), subject),
        snippet: snippet_parts(&phrases(&[Scope::Everywhere]), body),
    }
}

/// Adds the leaves that `query` wants found to `leaves`.
fn collect<'a>(query: &'a Query, node: &Node, wanted: bool, leaves: &mut Vec<&'a Leaf>) {
    match node {
        Node::Leaf(number) if wanted => leaves.push(&query.leaves[*number]),
        Node::All | Node::Leaf(_) | Node::Attribute(_) => {}
        Node::Not(node) => collect(query, node, !wanted, leaves),
        Node::And(nodes) | Node::Or(nodes) => {
            for node in nodes {
                collect(query, node, wanted, leaves);
            }
        }
    }
}

fn subject_parts(phrases: &[&Phrase], subject: &str) -> Vec<Part> {
    let looked_at = &subject[..forward(subject, 0, LOOKED_AT)];
    parts(
        subject,
        0..subject.len(),
        &joined(occurrences(phrases, looked_at)),
    )
}

fn snippet_parts(phrases: &[&Phrase], body: &str) -> Vec<Part> {
    let line = one_line(&body[..forward(body, 0, LOOKED_AT)]);
    let marks = joined(occurrences(phrases, &line));
    let start = marks
        .first()
        .map_or(0, |mark| snippet_start(&line, mark.start));
    let end = whole(&line, forward(&line, start, SNIPPET));
    parts(&line, start..end.max(start), &marks)
}

/// White space and control characters become single spaces.
fn one_line(text: &str) -> String {
    let separates = |c: char| c.is_whitespace() || c.is_control();
    let words = text.split(separates).filter(|word| !word.is_empty());
    words.fold(String::with_capacity(text.len()), |mut line, word| {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        line
    })
}

/// Where a snippet begins so that it shows what stands at `found`: there, or with a word not far before.
fn snippet_start(line: &str, found: usize) -> usize {
    let earliest = line[..found].char_indices().rev().take(BEFORE).last();
    match earliest {
        Some((0, _)) => 0,
        Some((at, _)) => line[at..found]
            .find(' ')
            .map_or(found, |space| at + space + 1),
        None => found,
    }
}

/// The byte `count` characters after `start`.
fn forward(text: &str, start: usize, count: usize) -> usize {
    let rest = &text[start..];
    rest.char_indices()
        .nth(count)
        .map_or(text.len(), |(at, _)| start + at)
}

/// The last byte up to `end` where no character is torn from its accents or what it is joined to.
fn whole(text: &str, end: usize) -> usize {
    let joins = |c| is_combining_mark(c) || c == JOINER;
    let follows = |at: &usize| text[..*at].ends_with(JOINER) || text[*at..].starts_with(joins);
    let starts = text[..end].char_indices().rev().map(|(at, _)| at);
    let mut ends = std::iter::once(end).chain(starts);
    ends.find(|at| !follows(at)).unwrap_or(0)
}

/// `marks` in order, without overlap.
fn joined(mut marks: Vec<Range<usize>>) -> Vec<Range<usize>> {
    marks.sort_unstable_by_key(|mark| mark.start);
    marks.dedup_by(|next, mark| {
        let overlap = next.start < mark.end;
        if overlap {
            mark.end = mark.end.max(next.end);
        }
        overlap
    });
    marks
}

/// The text in `range`, cut at `marks`.
fn parts(text: &str, range: Range<usize>, marks: &[Range<usize>]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut at = range.start;
    let mut push = |to: usize, matched| {
        if to > at {
            let text = text[at..to].to_owned();
            parts.push(Part { text, matched });
            at = to;
        }
    };
    for mark in marks {
        push(mark.start.min(range.end), false);
        push(mark.end.min(range.end), true);
    }
    push(range.end, false);
    parts
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;
    use crate::search::query::parse;

    /// With brackets around what is marked.
    fn shown(parts: &[Part]) -> String {
        let show = |part: &Part| {
            if part.matched {
                format!("[{}]", part.text)
            } else {
                part.text.clone()
            }
        };
        parts.iter().map(show).collect()
    }

    fn marked(query: &str, subject: &str, body: &str) -> (String, String) {
        let highlights = highlight(&parse(query).unwrap(), subject, body);
        (shown(&highlights.subject), shown(&highlights.snippet))
    }

    fn snippet(query: &str, body: &str) -> String {
        marked(query, "", body).1
    }

    #[test]
    fn what_was_asked_for_is_marked() {
        for (query, body, expected) in [
            ("hola", "¡Hola, HÓLA! holas", "¡[Hola], [HÓLA]! holas"),
            ("hol*", "¡Hola, holas!", "¡[Hola], [holas]!"),
            ("\"a b\"", "a c a, b", "a c [a, b]"),
            ("a-b*", "a bc b a", "[a bc] b a"),
            ("a -b (c OR --d)", "a b c d", "[a] b [c] [d]"),
            ("\"a b\" \"b c\" b", "a b c", "[a b c]"),
            ("a is:read from:b subject:c", "a b c", "[a] b c"),
            ("日", "今日は", "今[日]は"),
            ("x", "  a\r\n\tb \u{0} c ", "a b c"),
            ("", "", ""),
            ("e", "e\u{301}\u{302} z", "[e\u{301}\u{302}] z"),
        ] {
            assert_eq!(snippet(query, body), expected, "{query}");
        }
        let both = marked("a subject:b", "a  b", "a  b");
        assert_eq!(both, ("[a]  [b]".to_owned(), "[a] b".to_owned()));
    }

    #[test]
    fn a_snippet_is_around_the_first_match() {
        let body = format!("{} needle {}", "before ".repeat(100), "after ".repeat(100));
        let found = snippet("needle", &body);
        assert!(found.starts_with("before before "), "{found}");
        assert!(found.contains(" [needle] after"), "{found}");
        assert_eq!(found.chars().count(), SNIPPET + 2);
        assert!(snippet("nothing", &body).starts_with("before"));

        let unbroken = format!("{}. needle", "x".repeat(500));
        assert_eq!(snippet("needle", &unbroken), "[needle]");
        let late = format!("{} needle", "x ".repeat(LOOKED_AT));
        assert!(!snippet("needle", &late).contains('['));
    }

    #[test]
    fn no_character_is_cut() {
        let body = "e\u{301}\u{302}".repeat(200);
        assert_eq!(snippet("x", &body).chars().count(), 198);
        let pair = "👩\u{200d}👩";
        for shift in 1..=4 {
            let body = format!("{}{}", "x".repeat(shift), format!(" {pair}").repeat(100));
            let found = snippet("y", &body);
            let last = found.rsplit(' ').next();
            assert!(
                matches!(last, Some(word) if word == pair || word.is_empty()),
                "{found}"
            );
        }
    }

    #[test]
    fn hostile_text_is_shown_in_no_time() {
        let start = Instant::now();
        for part in ["a ", "\u{301}", "x", " ", "\u{fdfa}"] {
            snippet(&"a ".repeat(64), &part.repeat(1 << 20));
            snippet(&"a.".repeat(64), &part.repeat(1 << 20));
        }
        assert!(start.elapsed().as_secs() < 60);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_added(
            query in "[ab日é*. ]{1,8}",
            text in "[ab日é\u{301}\u{200d} \n]{0,300}|\\PC*",
        ) {
            let Ok(query) = parse(&query) else { return Ok(()) };
            let highlights = highlight(&query, &text, &text);
            let plain = |parts: &[Part]| parts.iter().map(|part| part.text.as_str()).collect::<String>();
            prop_assert_eq!(plain(&highlights.subject), text.as_str());
            let snippet = plain(&highlights.snippet);
            prop_assert!(one_line(&text).contains(&snippet));
            prop_assert!(snippet.chars().count() <= SNIPPET);
            for parts in [highlights.subject, highlights.snippet] {
                prop_assert!(parts.iter().all(|part| !part.text.is_empty()));
            }
        }
    }
}
