//! What commands say: text for people, one JSON document for programs, and failures as either.

pub(crate) mod changes;
pub(crate) mod json;
pub(crate) mod mail;
mod marked;
pub(crate) mod people;
mod screen;
mod table;
pub(crate) mod text;
pub(crate) mod time;

use std::io::{self, Write};

use clap::ValueEnum;
use serde_json::{Value, json};
use turbomessage_service_kit::clock::Timestamp;

use self::text::{cut, cut_start, width};
pub(crate) use self::{
    screen::{Screen, Style},
    text::one_line,
};
use crate::failure::{Failure, Kind, Place};

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text for people.
    Text,
    /// One JSON document.
    Json,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Writes what commands have to say, in the format asked for.
#[derive(Debug)]
pub(crate) struct Printer {
    format: Format,
    screen: Screen,
    errors: Screen,
}

impl Printer {
    /// A printer to standard output, and for failures to standard error.
    pub(crate) fn new(format: Format, colour: Colour, now: Timestamp) -> Self {
        Self {
            format,
            screen: Screen::of(&io::stdout(), colour, now),
            errors: Screen::of(&io::stderr(), colour, now),
        }
    }

    /// Writes `json` for programs, or what `text` makes of the screen for people.
    pub(crate) fn print(
        &self,
        json: &Value,
        text: impl FnOnce(&Screen) -> String,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.raw(format!("{json:#}\n").as_bytes()),
            Format::Text => self.raw(text(&self.screen).as_bytes()),
        }
    }

    /// Writes one line, of which many may come: `json` for programs, or what `text` makes of the
    /// screen for people, if that is anything.
    pub(crate) fn line(
        &self,
        json: &Value,
        text: impl FnOnce(&Screen) -> String,
    ) -> Result<(), Failure> {
        let line = match self.format {
            Format::Json => json.to_string(),
            Format::Text => text(&self.screen),
        };
        if line.is_empty() {
            return Ok(());
        }
        self.raw(format!("{line}\n").as_bytes())
    }

    /// Writes `bytes` as they are.
    #[expect(clippy::unused_self, reason = "a printer is what may write")]
    pub(crate) fn raw(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()?;
        Ok(())
    }

    /// Tells a person at the terminal something that is no result.
    pub(crate) fn warn(&self, text: &str) {
        let label = self.errors.paint(Style::Yellow, "warning:");
        self.error_line(&format!("{label} {text}\n"));
    }

    /// Tells a person at the terminal how things are going.
    pub(crate) fn note(&self, text: &str) {
        let label = self.errors.paint(Style::Dim, "note:");
        self.error_line(&format!("{label} {text}\n"));
    }

    /// Says what went wrong.
    pub(crate) fn fail(&self, failure: &Failure) {
        if failure.kind == Kind::OutputClosed {
            return;
        }
        match self.format {
            Format::Json => self.error_line(&format!("{:#}\n", failure_json(failure))),
            Format::Text => self.error_line(&failure_text(failure, &self.errors)),
        }
    }

    #[expect(clippy::unused_self, reason = "a printer is what may write")]
    fn error_line(&self, text: &str) {
        // Nobody is left to tell if standard error is gone.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// A printer that tests may hand around.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self::new(Format::Json, Colour::Never, Timestamp::from_micros(0))
    }
}

/// What went wrong and what to do about it, all on one line.
pub(crate) fn in_a_line(failure: &Failure) -> String {
    let mut parts = vec![failure.message.clone()];
    for violation in &failure.violations {
        let part = format!("{} {}", violation.field, violation.message);
        if !failure.message.contains(&part) {
            parts.push(part);
        }
    }
    let hint = failure.hint.iter().map(|hint| format!("({hint})"));
    parts.extend(hint);
    one_line(&parts.join(" "))
}

fn failure_text(failure: &Failure, screen: &Screen) -> String {
    let label = screen.paint(Style::Red, "error:");
    let mut lines = vec![format!("{label} {}", one_line(&failure.message))];
    for violation in &failure.violations {
        let line = format!("{} {}", violation.field, violation.message);
        // The server's sentence may name the fields already.
        if !failure.message.contains(&line) {
            lines.push(format!("  {}", one_line(&line)));
        }
    }
    if let Some(place) = &failure.place {
        lines.extend(pointed_at(place, screen));
    }
    if let Some(hint) = &failure.hint {
        let label = screen.paint(Style::Dim, "hint:");
        lines.push(format!("{label} {}", one_line(hint)));
    }
    lines.join("\n") + "\n"
}

/// The text, and below it a mark under the place. Of a long text the part around it.
fn pointed_at(place: &Place, screen: &Screen) -> [String; 2] {
    const INDENT: &str = "  ";
    let split = place.text.char_indices().nth(place.position - 1);
    let (before, after) = place
        .text
        .split_at(split.map_or(place.text.len(), |(at, _)| at));
    let (mut before, mut after) = (one_line(before), one_line(after));
    if let Some(line) = screen.width {
        let room = line.saturating_sub(INDENT.len() + 1);
        before = cut_start(&before, room / 2);
        after = cut(&after, room - width(&before));
    }
    let column = " ".repeat(width(&before));
    [
        format!("{INDENT}{before}{after}"),
        format!("{INDENT}{column}^"),
    ]
}

fn failure_json(failure: &Failure) -> Value {
    let violations: Vec<Value> = failure
        .violations
        .iter()
        .map(|v| json!({"field": v.field, "reason": v.reason, "message": v.message}))
        .collect();
    json!({
        "code": failure.code,
        "reason": failure.reason,
        "message": failure.message,
        "violations": violations,
        "metadata": failure.metadata,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Violation;

    fn failure(message: &str) -> Failure {
        let mut failure = Failure::usage(message).hint("do this");
        failure.violations.push(Violation {
            field: "to[0]".into(),
            reason: "USERNAME".into(),
            message: "must be a username".into(),
        });
        failure
    }

    #[test]
    fn people_read_every_field_once_and_what_to_do() {
        let screen = Screen::plain();
        assert_eq!(
            failure_text(&failure("Correct this."), &screen),
            "error: Correct this.\n  to[0] must be a username\nhint: do this\n"
        );
        assert_eq!(
            failure_text(&failure("Correct this: to[0] must be a username."), &screen),
            "error: Correct this: to[0] must be a username.\nhint: do this\n"
        );
    }

    #[test]
    fn people_see_where_in_their_query_the_fault_is() {
        for (query, position, expected) in [
            ("a (b", 3, "  a (b\n    ^\n"),
            ("日本 (", 4, "  日本 (\n       ^\n"),
            ("a OR", 5, "  a OR\n      ^\n"),
            ("\u{7}\"", 2, "  \\u{7}\"\n       ^\n"),
        ] {
            let mut failure = Failure::other("x");
            failure.reason = "QUERY_INVALID".into();
            let position = position.to_string();
            failure.metadata.insert("position".into(), position);
            let text = failure_text(&failure.in_query(query), &Screen::plain());
            assert_eq!(text, format!("error: x\n{expected}"));
        }
    }

    #[test]
    fn a_long_query_shows_the_part_around_the_fault() {
        let narrow = Screen {
            width: Some(20),
            ..Screen::plain()
        };
        let text = "0123456789abcdefghij(klmnopqrstuvwxyz".to_owned();
        let place = Place { text, position: 21 };
        assert_eq!(
            pointed_at(&place, &narrow),
            ["  …defghij(klmnopq…", "          ^"]
        );
    }

    #[test]
    fn programs_read_code_reason_and_fields() {
        let json = failure_json(&failure("Correct this."));
        assert_eq!(json["code"], "INVALID_ARGUMENT");
        assert_eq!(json["reason"], "USAGE");
        assert_eq!(json["violations"][0]["field"], "to[0]");
        assert!(json["metadata"].is_object());
    }
}
