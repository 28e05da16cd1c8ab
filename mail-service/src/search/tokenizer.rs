//! How text becomes words: the same for mail and for queries, whatever database keeps the index.
//!
//! A word is a run of letters, digits and combining marks, folded: decomposed (NFKD), without marks,
//! in lower case. Han and Kana, which are written without spaces, and symbols such as emoji are a
//! word each.

use std::ops::Range;

use unicode_normalization::char::{decompose_compatible, is_combining_mark};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Which rules these are: an index made by others must be made anew.
pub const VERSION: i16 = 1;

/// The characters of a folded word that count: the rest of a longer word is passed over.
const WORD_CHARACTERS: usize = 64;

/// A word of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// The word, folded.
    pub(super) word: &'a str,
    /// How many words stand before it.
    pub(super) position: u32,
    /// Where the first character of the word as written begins, in bytes.
    pub(super) start: usize,
    /// Where its last character ends.
    pub(super) end: usize,
}

/// Hands every word of `text` to `sink`, in order.
pub(super) fn tokens(text: &str, sink: impl FnMut(Token<'_>)) {
    let mut scanner = Scanner {
        sink,
        word: String::new(),
        characters: 0,
        range: 0..0,
        whole: false,
        position: 0,
    };
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        // Most words are of plain letters, and need not be looked at letter by letter.
        let plain = if scanner.word.is_empty() {
            plain_word(&text.as_bytes()[at..])
        } else {
            0
        };
        if plain > 0 {
            scanner.take_plain(&text[at..at + plain], at);
            at += plain;
        } else {
            let end = at + c.len_utf8();
            scanner.read(c, at..end);
            at = end;
        }
    }
    scanner.finish_word();
}

/// The length of the word that `text` begins with, if it is of ASCII letters and digits alone, and all of it counts;
/// otherwise 0.
fn plain_word(text: &[u8]) -> usize {
    let plain = text.iter().take_while(|b| b.is_ascii_alphanumeric());
    let length = plain.take(WORD_CHARACTERS + 1).count();
    let goes_on = text.get(length).is_some_and(|next| !next.is_ascii());
    if goes_on || length > WORD_CHARACTERS {
        0
    } else {
        length
    }
}

/// `text` without regard to case, accents and white space around it, to compare the names of labels
/// and folders. Unlike in words, nothing else is left out; accents that stand alone stay.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        decompose_compatible(c, |part| {
            if !is_combining_mark(part) {
                fold_character(part, |c| folded.push(c));
            }
        });
    }
    let folded = folded.trim();
    let left = if folded.is_empty() {
        text.trim()
    } else {
        folded
    };
    left.to_owned()
}

struct Scanner<F> {
    sink: F,
    word: String,
    characters: usize,
    range: Range<usize>,
    /// Nothing more belongs to the word, but marks that stand over its last character.
    whole: bool,
    position: u32,
}

impl<F: FnMut(Token<'_>)> Scanner<F> {
    fn read(&mut self, c: char, range: Range<usize>) {
        if c.is_ascii() {
            self.read_part(c, &range);
        } else if is_symbol(c) {
            self.finish_word();
            self.push(c, &range);
            self.whole = true;
        } else {
            decompose_compatible(c, |part| self.read_part(part, &range));
        }
    }

    /// Reads a character that cannot be decomposed further.
    fn read_part(&mut self, part: char, range: &Range<usize>) {
        if part.is_ascii_alphanumeric() {
            self.begin_or_go_on();
            self.push(part.to_ascii_lowercase(), range);
        } else if part.is_ascii() {
            self.finish_word();
        } else if is_combining_mark(part) || is_invisible(part) {
            if !self.word.is_empty() {
                self.range.end = range.end;
            }
        } else if is_written_without_spaces(part) {
            self.finish_word();
            self.push(part, range);
            self.whole = true;
        } else if part.is_alphanumeric() {
            self.begin_or_go_on();
            fold_character(part, |c| self.push(c, range));
        } else {
            self.finish_word();
        }
    }

    /// Takes a whole word of ASCII letters and digits, where none has begun.
    fn take_plain(&mut self, word: &str, start: usize) {
        self.word.push_str(word);
        self.word.make_ascii_lowercase();
        self.range = start..start + word.len();
        self.finish_word();
    }

    fn begin_or_go_on(&mut self) {
        if self.whole {
            self.finish_word();
        }
    }

    fn push(&mut self, folded: char, range: &Range<usize>) {
        if self.word.is_empty() {
            self.range.start = range.start;
        }
        self.range.end = range.end;
        if self.characters < WORD_CHARACTERS {
            self.word.push(folded);
            self.characters += 1;
        }
    }

    fn finish_word(&mut self) {
        self.whole = false;
        if self.word.is_empty() {
            return;
        }
        (self.sink)(Token {
            word: &self.word,
            position: self.position,
            start: self.range.start,
            end: self.range.end,
        });
        self.position += 1;
        self.word.clear();
        self.characters = 0;
    }
}

/// Lower case, and letters for those that have no decomposition but are commonly written so.
fn fold_character(c: char, mut push: impl FnMut(char)) {
    for lower in c.to_lowercase() {
        let letters = match lower {
            'ß' => "ss",
            'æ' => "ae",
            'œ' => "oe",
            'ø' => "o",
            'đ' | 'ð' => "d",
            'ł' => "l",
            'þ' => "th",
            'ı' => "i",
            'ς' => "σ",
            lower => {
                push(lower);
                continue;
            }
        };
        letters.chars().for_each(&mut push);
    }
}

fn is_symbol(c: char) -> bool {
    !c.is_alphanumeric() && c.general_category() == GeneralCategory::OtherSymbol
}

/// Soft hyphen and joiners: they stand inside of words without being seen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200c}' | '\u{200d}' | '\u{2060}')
}

/// Whether `c`, which cannot be decomposed, is Han, Hiragana or Katakana.
fn is_written_without_spaces(c: char) -> bool {
    matches!(c,
        '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{3096}' | '\u{309d}'..='\u{309f}'
        | '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{1b000}'..='\u{1b16f}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut words = Vec::new();
        tokens(text, |token| words.push(token.word.to_owned()));
        words
    }

    #[test]
    fn words_are_the_same_without_regard_to_case_and_accents() {
        for (written, folded) in [
            ("información", "informacion"),
            ("INFORMACIO\u{301}N", "informacion"),
            ("İstanbul ISTANBUL ıstanbul", "istanbul istanbul istanbul"),
            ("Straße STRASSE ẞ", "strasse strasse ss"),
            (
                "Æsir œuvre Øre Đà Łódź Þór ðæ",
                "aesir oeuvre ore da lodz thor dae",
            ),
            ("ΟΔΟΣ οδος οδός", "οδοσ οδοσ οδοσ"),
            ("ｆｕｌｌ ﬁn ²", "full fin 2"),
            ("ǅ Ⅷ", "dz viii"),
            ("Ёж й", "еж и"),
        ] {
            assert_eq!(words(written).join(" "), folded, "{written}");
        }
    }

    #[test]
    fn what_is_neither_letter_nor_digit_separates() {
        assert_eq!(
            words("foo-bar user@example.com 10:30 it's a_b\u{0}c\u{200f}d"),
            [
                "foo", "bar", "user", "example", "com", "10", "30", "it", "s", "a", "b", "c", "d"
            ]
        );
        assert_eq!(words("½"), ["1", "2"]);
        assert_eq!(words("infor\u{ad}ma\u{200d}ción"), ["informacion"]);
        assert_eq!(words(" -- \u{301}\u{302} \u{200d}"), [""; 0]);
    }

    #[test]
    fn scripts_without_spaces_and_symbols_are_a_word_each() {
        assert_eq!(
            words("日本語abcカﾅが"),
            ["日", "本", "語", "abc", "カ", "ナ", "か"]
        );
        assert_eq!(words("ok👍🏽👍❤\u{fe0f}"), ["ok", "👍", "👍", "❤"]);
        assert_eq!(words("🇪🇸x™"), ["🇪", "🇸", "x", "™"]);
        assert_eq!(words("한국 क़लम"), [fold("한국"), "कलम".to_owned()]);
    }

    #[test]
    fn a_word_knows_where_it_was_written() {
        let text = "¡Hola, ｍundo\u{301}! か\u{3099}日";
        let mut found = Vec::new();
        tokens(text, |token| {
            found.push((token.position, &text[token.start..token.end]));
        });
        assert_eq!(
            found,
            [
                (0, "Hola"),
                (1, "ｍundo\u{301}"),
                (2, "か\u{3099}"),
                (3, "日")
            ]
        );
    }

    #[test]
    fn a_name_of_accents_alone_is_one() {
        assert_eq!(fold(" Ñandú "), "nandu");
        assert_eq!(fold(" \u{301} "), "\u{301}");
        assert_eq!(fold("´"), "´");
        assert_eq!(fold(" \u{3000}"), "");
    }

    #[test]
    fn a_long_word_is_cut() {
        let long = "é".repeat(1000);
        assert_eq!(words(&long), ["e".repeat(64)]);
        let mut end = 0;
        tokens(&long, |token| end = token.end);
        assert_eq!(end, long.len());
    }

    #[test]
    fn a_megabyte_of_anything_is_read_in_no_time() {
        const MEGABYTE: usize = 1 << 20;
        let distinct: Vec<_> = (0..MEGABYTE / 8).map(|n| format!("{n:07}")).collect();
        for hostile in [
            "x".repeat(MEGABYTE),
            "\u{301}".repeat(MEGABYTE / 2),
            format!("a{}", "\u{301}".repeat(MEGABYTE / 2)),
            "\u{fdfa}".repeat(MEGABYTE / 3),
            distinct.join(" "),
        ] {
            let start = Instant::now();
            words(&hostile);
            assert!(start.elapsed().as_secs() < 60);
        }
    }

    /// Without the short way for plain words.
    fn letter_by_letter(text: &str) -> Vec<(String, u32, usize, usize)> {
        let mut found = Vec::new();
        let mut scanner = Scanner {
            sink: |t: Token<'_>| found.push((t.word.to_owned(), t.position, t.start, t.end)),
            word: String::new(),
            characters: 0,
            range: 0..0,
            whole: false,
            position: 0,
        };
        for (start, c) in text.char_indices() {
            scanner.read(c, start..start + c.len_utf8());
        }
        scanner.finish_word();
        found
    }

    proptest! {
        #[test]
        fn the_short_way_finds_what_the_long_one_does(
            text in "([a-zA-Z0-9]{0,70}|[ .@_\n]{1,2}|[é日👍\u{301}\u{ad}ßﬁ]){0,12}"
        ) {
            let mut found = Vec::new();
            tokens(&text, |t| found.push((t.word.to_owned(), t.position, t.start, t.end)));
            prop_assert_eq!(found, letter_by_letter(&text));
        }

        #[test]
        fn words_stay_as_they_are_when_read_again(text in "\\PC{0,40}") {
            for word in words(&text) {
                prop_assert_eq!(words(&word), [word.clone()]);
            }
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }
    }
}
