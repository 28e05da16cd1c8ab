//! The words of random mail, and how they may be written.

/// As they are searched.
pub(super) const WORDS: [&str; 20] = [
    "informacion",
    "informe",
    "info",
    "ano",
    "nandu",
    "reunion",
    "manana",
    "cafe",
    "pinguino",
    "de",
    "la",
    "meeting",
    "report",
    "the",
    "of",
    "invoice",
    "invoices",
    "7",
    "2024",
    "ana",
];

/// The same words as people write them.
const WRITTEN: [[&str; 3]; 20] = [
    ["información", "INFORMACIÓN", "informacio\u{301}n"],
    ["informe", "Informe", "INFORME"],
    ["info", "Info", "ｉｎｆｏ"],
    ["año", "AÑO", "an\u{303}o"],
    ["ñandú", "Ñandú", "ÑANDÚ"],
    ["reunión", "Reunión", "reunion"],
    ["mañana", "Mañana", "MAÑANA"],
    ["café", "CAFÉ", "cafe\u{301}"],
    ["pingüino", "Pingüino", "pinguino"],
    ["de", "De", "DE"],
    ["la", "La", "LA"],
    ["meeting", "Meeting", "MEETING"],
    ["report", "Report", "REPORT"],
    ["the", "The", "THE"],
    ["of", "Of", "ｏｆ"],
    ["invoice", "Invoice", "INVOICE"],
    ["invoices", "Invoices", "INVOICES"],
    ["7", "７", "７"],
    ["2024", "2024", "２０２４"],
    ["Ana", "ana", "ANA"],
];

/// What stands between words.
const BETWEEN: [&str; 6] = [" ", ", ", ". ", "\n\n", "-", " ¿"];

/// A word, by its number, and how it is written.
pub(super) type Written = (usize, u8);

/// `words` as text.
pub(super) fn text(words: &[Written]) -> String {
    let written = words.iter().map(|&(word, how)| {
        let between = BETWEEN[usize::from(how / 3) % BETWEEN.len()];
        format!("{}{between}", one(word, how))
    });
    written.collect()
}

/// `words` as HTML, with things between them that nobody sees.
pub(super) fn html(words: &[Written]) -> String {
    let written = words.iter().map(|&(word, how)| {
        let word = one(word, how);
        let mut letters = word.chars();
        let first: String = letters.by_ref().take(1).collect();
        match how / 3 % 6 {
            0 => format!("<p>{word}</p>"),
            1 => format!("<b title='invoice'>{word}</b> "),
            2 => format!("<!-- cafe -->{word}<br>"),
            3 => format!("{first}<i>{}</i>&nbsp;", letters.as_str()),
            4 => format!("<td>{word}<script>report()</script>"),
            _ => format!("{word} &#62; "),
        }
    });
    written.collect()
}

/// One word.
pub(super) fn one(word: usize, how: u8) -> &'static str {
    WRITTEN[word][usize::from(how) % 3]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::fold;

    #[test]
    fn a_word_is_the_same_however_it_is_written() {
        for (word, forms) in WORDS.iter().zip(WRITTEN) {
            assert!(forms.iter().all(|form| fold(form) == *word), "{word}");
        }
    }
}
