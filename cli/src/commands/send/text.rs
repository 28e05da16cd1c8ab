//! Where the text of a message comes from.

use std::{
    fs,
    io::{self, IsTerminal, Read},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::editor;
use crate::failure::Failure;

/// The text of a message to be.
#[derive(Debug)]
pub(super) struct Draft {
    text: String,
    /// Where it was written, if it is kept nowhere else.
    written_in: Option<NamedTempFile>,
}

impl Draft {
    fn of(text: String) -> Self {
        Self {
            text,
            written_in: None,
        }
    }

    /// The text itself.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Keeps a text that was written in the editor, and says where.
    pub(super) fn keep(self) -> Option<PathBuf> {
        let (_, path) = self.written_in?.keep().ok()?;
        Some(path)
    }
}

/// The text from the first of: the argument `body`, `file`, standard input, the editor. With HTML
/// there may be none.
pub(super) fn find(
    body: Option<&str>,
    file_path: Option<&Path>,
    has_html: bool,
) -> Result<Draft, Failure> {
    match (body, file_path) {
        (Some(_), Some(_)) => Err(Failure::usage("give a body or --file, not both")),
        (Some("-"), None) => standard_input(),
        (Some(body), None) => Ok(Draft::of(body.to_owned())),
        (None, Some(path)) => file(path).map(Draft::of),
        (None, None) if has_html => Ok(Draft::of(String::new())),
        (None, None) if !io::stdin().is_terminal() => standard_input(),
        (None, None) => {
            let (text, written_in) = editor::write()?;
            Ok(Draft {
                text,
                written_in: Some(written_in),
            })
        }
    }
}

fn standard_input() -> Result<Draft, Failure> {
    let mut bytes = Vec::new();
    io::stdin()
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
    utf8(bytes, "standard input").map(Draft::of)
}

/// The text of the file at `path`, byte for byte.
pub(super) fn file(path: &Path) -> Result<String, Failure> {
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

    #[test]
    fn a_file_is_sent_byte_for_byte() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("text");
        let content = "\u{feff}one\r\ntwo\t\u{202e}\n\n";
        fs::write(&path, content).unwrap();
        assert_eq!(find(None, Some(&path), false).unwrap().text(), content);
    }

    #[test]
    fn what_is_no_utf_8_is_refused() {
        let failure = utf8(vec![b'a', 0xff], "x.bin").unwrap_err();
        assert_eq!(failure.exit_code(), 2);
        assert!(failure.message.contains("x.bin is no UTF-8 text (byte 1)"));
    }

    #[test]
    fn there_is_one_text() {
        assert!(find(Some("a"), Some(Path::new("b")), false).is_err());
        assert_eq!(find(Some("a"), None, false).unwrap().text(), "a");
        assert_eq!(find(None, None, true).unwrap().text(), "");
    }

    #[test]
    fn only_what_was_written_in_the_editor_needs_keeping() {
        assert_eq!(Draft::of("x".into()).keep(), None);
        let draft = Draft {
            text: "x".into(),
            written_in: Some(NamedTempFile::new().unwrap()),
        };
        let path = draft.keep().unwrap();
        assert!(path.exists());
        fs::remove_file(path).unwrap();
    }
}
