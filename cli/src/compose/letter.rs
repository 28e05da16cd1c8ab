//! A message as people write it in an editor: To, Cc, Bcc and Subject, a blank line, the text.

use std::{fmt, path::Path, str::FromStr};

use super::{editor::Written, text};
use crate::failure::Failure;

/// A message that is being written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Letter {
    /// Usernames of those it goes to.
    pub(crate) to: Vec<String>,
    /// Usernames of those who get it for information.
    pub(crate) cc: Vec<String>,
    /// Usernames of those who get it unseen by others.
    pub(crate) bcc: Vec<String>,
    /// One line.
    pub(crate) subject: String,
    /// The text, byte for byte.
    pub(crate) text: String,
}

impl Letter {
    /// Whether both say the same, but for white space at the end: editors add some.
    pub(crate) fn says_the_same_as(&self, other: &Self) -> bool {
        let without_end = |letter: &Self| Self {
            text: letter.text.trim_end().to_owned(),
            ..letter.clone()
        };
        without_end(self) == without_end(other)
    }
}

impl fmt::Display for Letter {
    /// The letter as it is put before somebody to edit; parsing reads it again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let people = [("To", &self.to), ("Cc", &self.cc), ("Bcc", &self.bcc)];
        for (title, names) in people {
            writeln!(f, "{}", format!("{title}: {}", names.join(", ")).trim_end())?;
        }
        let subject = format!("Subject: {}", self.subject);
        writeln!(f, "{}\n", subject.trim_end())?;
        f.write_str(&self.text)
    }
}

impl FromStr for Letter {
    type Err = String;

    /// Reads a letter, or says what in its headers cannot be read.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut letter = Self::default();
        let mut rest = text;
        while let Some((line, after)) = next_line(rest) {
            rest = after;
            if line.trim().is_empty() {
                break;
            }
            letter.read_header(line)?;
        }
        rest.clone_into(&mut letter.text);
        Ok(letter)
    }
}

impl Letter {
    fn read_header(&mut self, line: &str) -> Result<(), String> {
        let (title, value) = line
            .split_once(':')
            .ok_or_else(|| format!("`{line}` is no header: a blank line goes before the text"))?;
        match title.trim().to_ascii_lowercase().as_str() {
            "to" => self.to.extend(usernames(value)),
            "cc" => self.cc.extend(usernames(value)),
            "bcc" => self.bcc.extend(usernames(value)),
            "subject" => value.trim().clone_into(&mut self.subject),
            _ => {
                return Err(format!(
                    "`{title}` is none of the headers To, Cc, Bcc and Subject: a blank line goes before the text"
                ));
            }
        }
        Ok(())
    }
}

fn next_line(text: &str) -> Option<(&str, &str)> {
    (!text.is_empty()).then(|| text.split_once('\n').unwrap_or((text, "")))
}

/// The usernames in a header: by themselves, or in `Ana Díaz <ana>`.
fn usernames(value: &str) -> Vec<String> {
    let one = |item: &str| {
        let in_brackets = item.rsplit_once('<').and_then(|(_, end)| {
            let (name, _) = end.split_once('>')?;
            Some(vec![name.trim().to_owned()])
        });
        in_brackets.unwrap_or_else(|| item.split_whitespace().map(str::to_owned).collect())
    };
    value.split([',', ';']).flat_map(one).collect()
}

/// A letter that somebody has edited.
#[derive(Debug)]
pub(crate) struct Edited {
    /// What it says now.
    pub(crate) letter: Letter,
    /// Where it was written, if it is kept nowhere else.
    written: Option<Written>,
}

impl Edited {
    /// A letter that nobody needs to edit.
    pub(crate) fn as_is(letter: Letter) -> Self {
        Self {
            letter,
            written: None,
        }
    }

    /// The letter in the file at `path`, or `begin` after somebody edited it.
    pub(crate) fn ask(begin: &Letter, path: Option<&Path>) -> Result<Self, Failure> {
        let (text, written) = if let Some(path) = path {
            (text::file(path)?, None)
        } else {
            let written = Written::ask(&begin.to_string())?;
            (written.text().to_owned(), Some(written))
        };
        match text.parse() {
            Ok(letter) => Ok(Self { letter, written }),
            Err(reason) => {
                let kept = written.and_then(Written::keep);
                Err(Failure::usage(reason).also(kept.as_deref().map(how_to_go_on)))
            }
        }
    }

    /// Keeps what was written in the editor, and says how to go on with it.
    pub(crate) fn keep(self) -> Option<String> {
        self.written?.keep().as_deref().map(how_to_go_on)
    }
}

fn how_to_go_on(path: &Path) -> String {
    format!("what you wrote is kept: --letter {}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Letter {
        Letter {
            to: vec!["ben".into(), "carla".into()],
            cc: vec![],
            bcc: vec!["dani".into()],
            subject: "Lunch: today?".into(),
            text: "\nTo: nobody\r\n\n  end".into(),
        }
    }

    #[test]
    fn what_is_put_before_somebody_is_read_again() {
        let text = letter().to_string();
        assert!(
            text.starts_with("To: ben, carla\nCc:\nBcc: dani\nSubject: Lunch: today?\n\n"),
            "{text}"
        );
        assert_eq!(text.parse(), Ok(letter()));
        assert_eq!(
            Letter::default().to_string().parse(),
            Ok(Letter::default()),
            "an empty one"
        );
    }

    #[test]
    fn headers_are_read_as_people_write_them() {
        let read: Letter = "to:ben;Ana Díaz <ana>,\r\nTO: carla dani\r\nsubject:\r\n\r\ntext"
            .parse()
            .unwrap();
        assert_eq!(read.to, ["ben", "ana", "carla", "dani"]);
        assert_eq!((read.subject.as_str(), read.text.as_str()), ("", "text"));
        let bare: Letter = "To: ben".parse().unwrap();
        assert_eq!((bare.to.len(), bare.text.as_str()), (1, ""));
    }

    #[test]
    fn a_text_without_headers_is_refused_not_lost_in_them() {
        for (text, named) in [
            ("Hello Ben!\n", "`Hello Ben!`"),
            ("Form: ana\n\n", "`Form`"),
        ] {
            let reason = text.parse::<Letter>().unwrap_err();
            assert!(reason.starts_with(named), "{reason}");
        }
    }

    #[test]
    fn white_space_that_an_editor_adds_is_no_change() {
        let saved = Letter {
            text: letter().text + "\n",
            ..letter()
        };
        assert!(saved.says_the_same_as(&letter()));
        let changed = Letter {
            text: " ".to_owned() + &letter().text,
            ..letter()
        };
        assert!(!changed.says_the_same_as(&letter()));
    }

    #[test]
    fn a_letter_may_come_from_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("letter");
        std::fs::write(&path, letter().to_string()).unwrap();
        let edited = Edited::ask(&Letter::default(), Some(&path)).unwrap();
        assert_eq!(edited.letter, letter());
        assert_eq!(edited.keep(), None, "it is kept already");
    }
}
