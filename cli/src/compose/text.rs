//! Where the text of a message comes from.

use std::{
    fs,
    io::{self, IsTerminal, Read},
    path::Path,
};

use super::editor::Written;
use crate::failure::Failure;

/// The text of a message to be.
#[derive(Debug)]
pub(crate) struct Text {
    text: String,
    /// Where it was written, if it is kept nowhere else.
    written: Option<Written>,
}

impl Text {
    fn of(text: String) -> Self {
        Self {
            text,
            written: None,
        }
    }

    /// A text from the editor. Nothing written means that nothing is to be sent.
    pub(crate) fn from_editor() -> Result<Self, Failure> {
        let written = Written::ask("")?;
        let text = written.text().to_owned();
        if text.trim().is_empty() {
            return Err(Failure::other("Nothing was written, so nothing was sent."));
        }
        Ok(Self {
            text,
            written: Some(written),
        })
    }

    /// The text itself.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Keeps a text that was written in the editor, and says how to go on with it.
    pub(crate) fn keep(self) -> Option<String> {
        let path = self.written?.keep()?;
        Some(format!("your text is kept: --file {}", path.display()))
    }
}

/// The text from the first of: the argument `body` (`-` is standard input), `file_path`, standard
/// input unless that is a terminal. With HTML there may be none. `None` if it is yet to be written.
pub(crate) fn given(
    body: Option<&str>,
    file_path: Option<&Path>,
    has_html: bool,
) -> Result<Option<Text>, Failure> {
    match (body, file_path) {
        (Some(_), Some(_)) => Err(Failure::usage("give a body or --file, not both")),
        (Some("-"), None) => standard_input().map(Some),
        (Some(body), None) => Ok(Some(Text::of(body.to_owned()))),
        (None, Some(path)) => Ok(Some(Text::of(file(path)?))),
        (None, None) if has_html => Ok(Some(Text::of(String::new()))),
        (None, None) if !io::stdin().is_terminal() => standard_input().map(Some),
        (None, None) => Ok(None),
    }
}

fn standard_input() -> Result<Text, Failure> {
    let mut bytes = Vec::new();
    io::stdin()
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
    utf8(bytes, "standard input").map(Text::of)
}

/// The text of the file at `path`, byte for byte.
pub(crate) fn file(path: &Path) -> Result<String, Failure> {
    let name = path.display();
    let bytes =
        fs::read(path).map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
    utf8(bytes, &name.to_string())
}

/// Text is UTF-8: anything else would arrive as something else.
pub(super) fn utf8(bytes: Vec<u8>, source: &str) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|error| {
        let position = error.utf8_error().valid_up_to();
        Failure::usage(format!(
            "{source} is no UTF-8 text (byte {position}): convert it first, such as with `iconv -t UTF-8`"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: Option<&str>, path: Option<&Path>, has_html: bool) -> String {
        let text = given(body, path, has_html).unwrap().unwrap();
        text.as_str().to_owned()
    }

    #[test]
    fn a_file_is_sent_byte_for_byte() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("text");
        let content = "\u{feff}one\r\ntwo\t\u{202e}\n\n";
        fs::write(&path, content).unwrap();
        assert_eq!(text(None, Some(&path), false), content);
    }

    #[test]
    fn what_is_no_utf_8_is_refused() {
        let failure = utf8(vec![b'a', 0xff], "x.bin").unwrap_err();
        assert_eq!(failure.exit_code(), 2);
        assert!(failure.message.contains("x.bin is no UTF-8 text (byte 1)"));
    }

    #[test]
    fn there_is_one_text() {
        assert!(given(Some("a"), Some(Path::new("b")), false).is_err());
        assert_eq!(text(Some("a"), None, false), "a");
        assert_eq!(text(None, None, true), "");
    }

    #[test]
    fn only_what_was_written_in_the_editor_needs_keeping() {
        assert_eq!(Text::of("x".into()).keep(), None);
        let text = Text {
            text: "x".into(),
            written: Some(Written::for_tests("x")),
        };
        let hint = text.keep().unwrap();
        let (_, path) = hint.split_once("--file ").unwrap();
        fs::remove_file(path).unwrap();
    }
}
