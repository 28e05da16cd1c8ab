//! Whether a message is what a query asks for, and which messages may be.

use time::{Date, Time};

use super::{
    index::Window,
    query::{Attribute, Node, Place, Query},
    tokenizer::fold,
};
use crate::domain::FolderRole;

/// What is known of a message besides its words.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// When it came into the mailbox, in microseconds since the Unix epoch.
    pub time: i64,
    /// Its folder's role, if it has one.
    pub role: Option<FolderRole>,
    /// Its folder's name.
    pub folder: &'a str,
    /// Its labels.
    pub labels: &'a [String],
    /// Whether it was read.
    pub read: bool,
    /// Whether it is a favourite.
    pub starred: bool,
    /// Whether it has an attachment.
    pub has_attachment: bool,
    /// Its size in bytes.
    pub size: i64,
}

/// Whether the message that `facts` are about is what `query` asks for; `found` are those of its leaves
/// that were found in the message.
#[must_use]
pub fn matches(query: &Query, found: &[bool], facts: &Facts<'_>) -> bool {
    let hidden = matches!(facts.role, Some(FolderRole::Spam | FolderRole::Trash));
    (query.mentions_in || !hidden) && holds(&query.root, found, facts)
}

fn holds(node: &Node, found: &[bool], facts: &Facts<'_>) -> bool {
    match node {
        Node::All => true,
        Node::Leaf(number) => found[*number],
        Node::Attribute(attribute) => has(attribute, facts),
        Node::Not(node) => !holds(node, found, facts),
        Node::And(nodes) => nodes.iter().all(|node| holds(node, found, facts)),
        Node::Or(nodes) => nodes.iter().any(|node| holds(node, found, facts)),
    }
}

fn has(attribute: &Attribute, facts: &Facts<'_>) -> bool {
    match attribute {
        Attribute::In(Place::Anywhere) => true,
        Attribute::In(Place::Role(role)) => facts.role == Some(*role),
        Attribute::In(Place::Named(name)) => fold(facts.folder) == *name,
        Attribute::Label(name) => facts.labels.iter().any(|label| fold(label) == *name),
        Attribute::Read(read) => facts.read == *read,
        Attribute::Starred => facts.starred,
        Attribute::HasAttachment => facts.has_attachment,
        Attribute::Before(_) | Attribute::After(_) => stretch(attribute).contains(facts.time),
        Attribute::Larger(bytes) => facts.size > *bytes,
        Attribute::Smaller(bytes) => facts.size < *bytes,
    }
}

/// The stretch of time in which everything lies that `query` asks for.
#[must_use]
pub fn span(query: &Query) -> Window {
    span_of(&query.root)
}

fn span_of(node: &Node) -> Window {
    match node {
        Node::All | Node::Leaf(_) | Node::Not(_) => Window::ALL,
        Node::Attribute(attribute) => stretch(attribute),
        Node::And(nodes) => nodes.iter().map(span_of).fold(Window::ALL, Window::and),
        Node::Or(nodes) => nodes
            .iter()
            .map(span_of)
            .reduce(Window::around)
            .unwrap_or(Window::ALL),
    }
}

fn stretch(attribute: &Attribute) -> Window {
    match attribute {
        Attribute::Before(day) => Window {
            newest: midnight(*day) - 1,
            ..Window::ALL
        },
        Attribute::After(day) => Window {
            oldest: midnight(*day),
            ..Window::ALL
        },
        Attribute::In(_)
        | Attribute::Label(_)
        | Attribute::Read(_)
        | Attribute::Starred
        | Attribute::HasAttachment
        | Attribute::Larger(_)
        | Attribute::Smaller(_) => Window::ALL,
    }
}

/// The beginning of `day` (UTC), in microseconds since the Unix epoch.
fn midnight(day: Date) -> i64 {
    day.with_time(Time::MIDNIGHT).assume_utc().unix_timestamp() * 1_000_000
}

/// The messages that `query` may ask for, newest first; `None` if its words do not say: then it may be any.
/// `hits` are the messages where each of its leaves is found, newest first, as far as that is known.
#[must_use]
pub fn candidates<H: AsRef<[i64]>>(query: &Query, hits: &[Option<H>]) -> Option<Vec<i64>> {
    candidates_of(&query.root, hits)
}

fn candidates_of<H: AsRef<[i64]>>(node: &Node, hits: &[Option<H>]) -> Option<Vec<i64>> {
    match node {
        Node::All | Node::Attribute(_) | Node::Not(_) => None,
        Node::Leaf(number) => hits[*number].as_ref().map(|hits| hits.as_ref().to_vec()),
        Node::And(nodes) => nodes
            .iter()
            .filter_map(|node| candidates_of(node, hits))
            .reduce(both),
        Node::Or(nodes) => {
            let all: Option<Vec<_>> = nodes.iter().map(|node| candidates_of(node, hits)).collect();
            Some(either(&all?))
        }
    }
}

/// Whether a time is among `times`, newest first.
#[must_use]
pub fn contains(times: &[i64], time: i64) -> bool {
    times.binary_search_by(|other| time.cmp(other)).is_ok()
}

fn both(a: Vec<i64>, b: Vec<i64>) -> Vec<i64> {
    let (mut few, many) = if a.len() < b.len() { (a, b) } else { (b, a) };
    few.retain(|time| contains(&many, *time));
    few
}

fn either(lists: &[Vec<i64>]) -> Vec<i64> {
    let mut all = lists.concat();
    all.sort_unstable_by(|a, b| b.cmp(a));
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::search::query::parse;

    const DAY: i64 = 86_400_000_000;
    const NEW_YEAR: i64 = 1_704_067_200_000_000;

    fn facts(labels: &[String]) -> Facts<'_> {
        Facts {
            time: NEW_YEAR,
            role: Some(FolderRole::Inbox),
            folder: "Inbox",
            labels,
            read: false,
            starred: true,
            has_attachment: false,
            size: 2048,
        }
    }

    fn is_found(query: &str, facts: &Facts<'_>) -> bool {
        let query = parse(query).unwrap();
        matches(&query, &vec![true; query.leaves.len()], facts)
    }

    #[test]
    fn attributes_are_those_of_the_message() {
        let labels = ["Ñandú".to_owned(), "C++".to_owned()];
        let facts = facts(&labels);
        for (holds, fails) in [
            ("", "is:read"),
            ("is:unread", "-is:unread"),
            ("is:starred", "is:starred is:read"),
            ("is:read OR is:starred", "has:attachment OR is:read"),
            ("in:inbox", "in:archive"),
            ("-in:sent in:anywhere", "in:inbox in:sent"),
            ("label:nandu", "label:c"),
            ("label:c++", "label:\"c++ x\""),
            ("larger:2047", "larger:2K"),
            ("smaller:2049", "smaller:2K"),
            ("after:2024-01-01", "after:2024-01-02"),
            ("before:2024-01-02", "before:2024-01-01"),
            ("x", "-x"),
        ] {
            assert!(is_found(holds, &facts), "{holds}");
            assert!(!is_found(fails, &facts), "{fails}");
        }
        let own = Facts {
            role: None,
            folder: "Año 2024",
            ..facts
        };
        assert!(is_found("in:\"ano 2024\"", &own));
        assert!(!is_found("in:ano", &own));
        let before = Facts {
            time: NEW_YEAR - 1,
            ..facts
        };
        assert!(is_found("before:2024-01-01", &before));
        assert!(!is_found("after:2024-01-01", &before));
    }

    #[test]
    fn spam_and_trash_are_found_only_where_a_place_is_named() {
        for role in [FolderRole::Spam, FolderRole::Trash] {
            let facts = Facts {
                role: Some(role),
                ..facts(&[])
            };
            assert!(!is_found("", &facts));
            assert!(is_found("in:anywhere", &facts));
            assert!(is_found("in:spam OR in:trash", &facts));
            assert!(is_found("-in:inbox", &facts));
        }
    }

    #[test]
    fn days_bound_the_time() {
        let window = |oldest, newest| Window { newest, oldest };
        for (query, expected) in [
            ("a", Window::ALL),
            ("a after:2024-01-01", window(NEW_YEAR, i64::MAX)),
            (
                "after:2024-01-01 before:2024-01-02 before:2025-01-01",
                window(NEW_YEAR, NEW_YEAR + DAY - 1),
            ),
            (
                "(after:2024-01-01 before:2024-01-02) OR (after:2024-01-03 before:2024-01-04)",
                window(NEW_YEAR, NEW_YEAR + 3 * DAY - 1),
            ),
            ("after:2024-01-01 OR a", Window::ALL),
            ("-after:2024-01-01", Window::ALL),
        ] {
            assert_eq!(span(&parse(query).unwrap()), expected, "{query}");
        }
    }

    #[test]
    fn words_bound_the_candidates() {
        let hits = [vec![9, 5, 3], vec![5, 4, 3, 2, 1], vec![7]].map(Some);
        for (query, expected) in [
            ("a", Some(vec![9, 5, 3])),
            ("a b", Some(vec![5, 3])),
            ("a -b is:read", Some(vec![9, 5, 3])),
            ("a b OR c", Some(vec![5, 3])),
            ("a OR b", Some(vec![9, 5, 4, 3, 2, 1])),
            ("a OR is:read", None),
            ("a OR -b", None),
            ("-a", None),
            ("", None),
            ("a (is:read OR b)", Some(vec![9, 5, 3])),
        ] {
            let query = parse(query).unwrap();
            assert_eq!(candidates(&query, &hits), expected, "{query}");
        }
        let hits = [Some(vec![9, 5, 3]), None];
        for (query, expected) in [
            ("a b", Some(vec![9, 5, 3])),
            ("a -b", Some(vec![9, 5, 3])),
            ("a OR b", None),
            ("-a b", None),
        ] {
            let query = parse(query).unwrap();
            assert_eq!(candidates(&query, &hits), expected, "{query}");
        }
    }

    fn some_query() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(
            &[
                "a",
                "b",
                "c",
                "d",
                "is:read",
                "is:starred",
                "after:2024-01-01",
            ][..],
        );
        leaf.prop_map(str::to_owned)
            .prop_recursive(4, 16, 3, |inner| {
                let list = prop::collection::vec(inner.clone(), 1..3);
                prop_oneof![
                    inner.prop_map(|one| format!("-({one})")),
                    list.clone().prop_map(|all| format!("({})", all.join(" "))),
                    list.prop_map(|all| format!("({})", all.join(" OR "))),
                ]
            })
    }

    proptest! {
        #[test]
        fn whatever_matches_is_a_candidate_in_the_span(
            query in some_query(),
            found in prop::collection::vec(any::<bool>(), 32),
            read in any::<bool>(),
            late in any::<bool>(),
        ) {
            let query = parse(&query).unwrap();
            let time = NEW_YEAR - i64::from(!late);
            let facts = Facts { time, read, ..facts(&[]) };
            let hit = |found: &bool| vec![time; usize::from(*found)];
            let hits: Vec<_> = found.iter().map(hit).map(Some).collect();
            if matches(&query, &found, &facts) {
                prop_assert!(span(&query).contains(time));
                prop_assert!(candidates(&query, &hits).is_none_or(|times| contains(&times, time)));
            }
        }
    }
}
