//! What queries mean, and what is said of those that cannot be read.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// The canonical form, with parentheses that show how it was understood.
fn read(text: &str) -> String {
    parse(text).unwrap().to_string()
}

fn error(text: &str) -> (&'static str, usize, Option<&'static str>) {
    let error = parse(text).unwrap_err();
    (error.kind.name(), error.position, error.kind.operator())
}

#[test]
fn an_empty_query_asks_for_everything() {
    for empty in ["", " ", "\t\u{3000}\n"] {
        assert_eq!(parse(empty).unwrap().root, Node::All);
    }
}

#[test]
fn or_binds_tighter_than_neighbourhood() {
    let leaf = Node::Leaf;
    for (text, root) in [
        ("a b", Node::And(vec![leaf(0), leaf(1)])),
        (
            "a OR b c",
            Node::And(vec![Node::Or(vec![leaf(0), leaf(1)]), leaf(2)]),
        ),
        (
            "a (b c) OR -d",
            Node::And(vec![
                leaf(0),
                Node::Or(vec![
                    Node::And(vec![leaf(1), leaf(2)]),
                    Node::Not(Box::new(leaf(3))),
                ]),
            ]),
        ),
        ("((a))", leaf(0)),
        ("--a", Node::Not(Box::new(Node::Not(Box::new(leaf(0)))))),
        (
            "-(a OR b)",
            Node::Not(Box::new(Node::Or(vec![leaf(0), leaf(1)]))),
        ),
    ] {
        assert_eq!(parse(text).unwrap().root, root, "{text}");
    }
}

#[test]
fn every_query_has_one_form() {
    for (text, form) in [
        ("  Hola   MUNDO ", "hola mundo"),
        ("\"Hola,  mundo\"", "\"hola mundo\""),
        (
            "foo-bar user@Example.com 10:30",
            "\"foo bar\" \"user example com\" \"10 30\"",
        ),
        (
            "inf* foo-ba* \"x*\" y** *z a*b",
            "inf* foo.ba* x y z \"a b\"",
        ),
        ("or Or OR oR and", "or or OR or and"),
        (
            "FROM:ana To:\"Ana Pérez\" cC:an* subject:foo-b*",
            "from:ana to:\"ana perez\" cc:an* subject:foo.b*",
        ),
        (
            "http://x foo:bar re:\"a b\"",
            "\"http x\" \"foo bar\" re \"a b\"",
        ),
        ("a\"b c\"d(e)f", "a \"b c\" d e f"),
        (
            "in:INBOX in:Anywhere in:\"Mi Carpeta\" in:ＳＰＡＭ",
            "in:inbox in:anywhere in:\"mi carpeta\" in:spam",
        ),
        (
            "label:Ñandú label:\"C++ \"",
            "label:\"nandu\" label:\"c++\"",
        ),
        (
            "is:Read -is:UNREAD is:starred has:attachment",
            "is:read -is:unread is:starred has:attachment",
        ),
        (
            "before:2024-02-29 after:0001-01-01",
            "before:2024-02-29 after:0001-01-01",
        ),
        (
            "larger:10 smaller:2K larger:3m",
            "larger:10 smaller:2048 larger:3145728",
        ),
        ("label:\u{301} in:\" ´\"", "label:\"\u{301}\" in:\"´\""),
        ("日本 👍", "\"日 本\" 👍"),
        ("a (b OR c) (d (e f))", "a b OR c (d (e f))"),
        ("Robert'); DROP TABLE x;--", "robert"),
    ] {
        if text.starts_with("Robert") {
            assert_eq!(error(text).0, "unexpected_parenthesis");
        } else {
            assert_eq!(read(text), form, "{text}");
        }
    }
}

#[test]
fn spam_and_trash_are_left_out_unless_a_place_is_named() {
    assert!(!parse("a label:in").unwrap().mentions_in);
    assert!(parse("a OR -(b in:trash)").unwrap().mentions_in);
}

#[test]
fn an_error_says_where_and_why() {
    let long = "é".repeat(2049);
    for (text, kind, position, operator) in [
        (long.as_str(), "too_long", 2049, None),
        ("é \"b", "unclosed_quote", 3, None),
        ("from:\"b", "unclosed_quote", 6, None),
        ("a (b (c)", "unclosed_parenthesis", 3, None),
        ("é)", "unexpected_parenthesis", 2, None),
        (")", "unexpected_parenthesis", 1, None),
        ("OR a", "missing_operand", 1, Some("OR")),
        ("a OR", "missing_operand", 3, Some("OR")),
        ("a OR OR b", "missing_operand", 3, Some("OR")),
        ("(a OR ) b", "missing_operand", 4, Some("OR")),
        ("a OR )", "missing_operand", 3, Some("OR")),
        ("a - b", "missing_operand", 3, Some("-")),
        ("-", "missing_operand", 1, Some("-")),
        ("(-)", "missing_operand", 2, Some("-")),
        ("-OR b", "missing_operand", 1, Some("-")),
        ("From: ana", "missing_value", 6, Some("from")),
        ("to:(a)", "missing_value", 4, Some("to")),
        ("in:\" \"", "missing_value", 4, Some("in")),
        ("x is:red", "unknown_value", 6, Some("is")),
        ("has:\"y\"", "unknown_value", 5, Some("has")),
        ("before:2023-02-29", "unknown_value", 8, Some("before")),
        ("after:2023-2-3", "unknown_value", 7, Some("after")),
        ("after:+023-02-03", "unknown_value", 7, Some("after")),
        ("larger:K", "unknown_value", 8, Some("larger")),
        ("smaller:-1", "unknown_value", 9, Some("smaller")),
        ("larger:9999999999999M", "unknown_value", 8, Some("larger")),
        ("a & b", "nothing_to_search", 3, None),
        ("a \"\"", "nothing_to_search", 3, None),
        ("from:!", "nothing_to_search", 6, None),
        ("a ( )", "nothing_to_search", 3, None),
        ("*", "nothing_to_search", 1, None),
    ] {
        assert_eq!(error(text), (kind, position, operator), "{text}");
    }
}

#[test]
fn the_limits_are_reached_and_not_passed() {
    let nested = |depth| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(16)).is_ok());
    assert_eq!(error(&nested(17)), ("too_deep", 17, None));
    assert!(parse(&format!("{}a", "-".repeat(16))).is_ok());
    assert_eq!(
        error(&format!("{}a", "-".repeat(17))),
        ("too_deep", 17, None)
    );
    assert_eq!(error(&format!("{}a", "-(".repeat(9))).0, "too_deep");
    assert!(parse(&"(-a) ".repeat(17)).is_ok());

    assert!(parse(&"a ".repeat(64)).is_ok());
    assert_eq!(error(&"a ".repeat(65)), ("too_many_terms", 129, None));
    assert!(parse(&format!("is:read {}", "a.".repeat(63))).is_ok());
    assert_eq!(
        error(&format!("is:read {}", "a.".repeat(64))),
        ("too_many_terms", 9, None)
    );
    assert_eq!(error(&"is:read ".repeat(65)).0, "too_many_terms");
    assert!(parse(&format!("\"a{}\"", " ".repeat(4093))).is_ok());
}

#[test]
fn hostile_queries_are_answered_in_no_time() {
    for part in [
        "(",
        ")",
        "-",
        "\"",
        "*",
        "OR ",
        "a OR ",
        "-(",
        "a:",
        "from:",
        "\0",
        "\u{202e}a ",
        "'",
        "a\"",
    ] {
        let start = Instant::now();
        let text = part.repeat(4096 / part.len());
        assert!(parse(&text).is_err(), "{part}");
        assert!(parse(&part.repeat(1 << 20)).is_err(), "{part}");
        assert!(start.elapsed() < Duration::from_secs(60), "{part}");
    }
}

fn anything() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        5 => "[a-c]{1,3}",
        1 => "\\PC{0,3}",
        1 => Just("\"".to_owned()),
        4 => "[()*:. \t-]",
        2 => Just(" OR ".to_owned()),
        2 => "(from|TO|subject|label|in|is|before|larger):",
        1 => "in:(spam|x)|is:read|has:attachment|after:20[0-9]{2}-0[1-9]-1[0-9]|smaller:[0-9]{1,3}[kM]?",
        1 => "\"[a-c é'*]{0,6}\"",
        1 => "[\u{ff02}\u{fdfa}ßİ日🇪\u{0}\u{200f}\u{301}]",
    ];
    prop::collection::vec(part, 0..20).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn the_form_of_a_query_reads_as_the_same_query(text in anything()) {
        match parse(&text) {
            Ok(query) => prop_assert_eq!(&parse(&query.to_string()).unwrap(), &query),
            Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.position)),
        }
    }

    #[test]
    fn any_text_is_answered(text in "(?s).*") {
        let _ = parse(&text);
    }
}
