//! The text of HTML, for reading and indexing: a hint, not a rendering.

use html_escape::decode_html_entities_to_string;

/// Elements that do not end a word. All others do.
const INLINE: [&str; 24] = [
    "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "del", "em", "font", "i", "ins", "kbd",
    "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "u",
];

/// Elements whose content is not text.
const UNSEEN: [&str; 2] = ["script", "style"];

/// The text of `html`: without tags, comments, scripts and styles, entities decoded. Takes time in
/// proportion to its length, whatever it is.
#[must_use]
pub fn html_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len() / 2);
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        decode_html_entities_to_string(&rest[..at], &mut text);
        rest = skip_markup(&rest[at..], &mut text);
    }
    decode_html_entities_to_string(rest, &mut text);
    text
}

/// What follows the markup that `rest` begins with. Adds to `text` what stands for it.
fn skip_markup<'a>(rest: &'a str, text: &mut String) -> &'a str {
    if let Some(comment) = rest.strip_prefix("<!--") {
        return after(comment, "-->");
    }
    let name = rest[1..].strip_prefix('/').unwrap_or(&rest[1..]);
    if name.starts_with(['!', '?']) {
        return after(name, ">");
    }
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        text.push('<');
        return &rest[1..];
    }
    let end = name
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(name.len());
    let (name, attributes) = name.split_at(end);
    let is = |one: &&str| name.eq_ignore_ascii_case(one);
    if !INLINE.iter().any(is) {
        text.push('\n');
    }
    let content = skip_attributes(attributes);
    match UNSEEN.iter().find(|one| is(one)) {
        Some(name) if !rest.starts_with("</") => skip_unseen(content, name),
        _ => content,
    }
}

/// What follows the end of the tag; a `>` in a quoted value is not its end.
fn skip_attributes(attributes: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in attributes.char_indices() {
        match (quote, c) {
            (None, '>') => return &attributes[at + 1..],
            (None, '"' | '\'') if before == '=' => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
        if !c.is_whitespace() {
            before = c;
        }
    }
    ""
}

/// What follows from the closing tag of the element `name` on.
fn skip_unseen<'a>(content: &'a str, name: &str) -> &'a str {
    let closes = |at: usize| {
        let found = content.as_bytes().get(at + 2..at + 2 + name.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
    };
    content
        .match_indices("</")
        .find(|(at, _)| closes(*at))
        .map_or("", |(at, _)| &content[at..])
}

fn after<'a>(text: &'a str, end: &str) -> &'a str {
    text.split_once(end).map_or("", |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;

    fn line(html: &str) -> String {
        let text = html_text(html);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn only_what_is_read_stays() {
        for (html, text) in [
            (
                "<p>Hello <b>y</b>ou</p><p>there<br>too",
                "Hello you there too",
            ),
            ("a<!-- <b>no</b> > -->b<!DOCTYPE html>c<?php no ?>d", "abcd"),
            (
                "<STYLE>p{}</style >x<script a='</script>'>1<2</SCRIPT\n>y",
                "x y",
            ),
            ("<a title='1 > 0' href=\"x>y\">go</a>", "go"),
            (
                "1 < 2 &lt;b&gt; caf&eacute; &#241;&nbsp;&amp;c &unknown;",
                "1 < 2 <b> café ñ &c &unknown;",
            ),
            (
                "<p title=it's>one</p> <p '>two</p> <a href= 'x>y'>three</a>",
                "one two three",
            ),
            ("<td>one</td><td>two</td>", "one two"),
            ("<script>never closed", ""),
            ("cut <a href=\"", "cut"),
            ("cut <!-- ", "cut"),
            ("<", "<"),
            ("</", "</"),
            ("", ""),
        ] {
            assert_eq!(line(html), text, "{html}");
        }
    }

    #[test]
    fn hostile_html_is_read_in_no_time() {
        const MEGABYTE: usize = 1 << 20;
        for part in [
            "<",
            "</",
            "<!--",
            "<a ",
            "<a \"",
            "<a ='",
            "<script>",
            "<script></",
            "&",
            "&#",
            "&a;",
            "é<é>",
        ] {
            let start = Instant::now();
            let _ = html_text(&part.repeat(MEGABYTE / part.len()));
            assert!(start.elapsed().as_secs() < 60, "{part}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(html in "[<>/!a&;\"'é -]{0,60}|\\PC*") {
            let _ = html_text(&html);
        }
    }
}
