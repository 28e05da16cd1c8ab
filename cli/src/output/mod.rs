//! What commands say: text for people, one JSON document for programs, and failures as either.

pub(crate) mod json;
pub(crate) mod mail;
pub(crate) mod people;
mod screen;
mod table;
mod text;
mod time;

use std::io::{self, Write};

use clap::ValueEnum;
use serde_json::{Value, json};
use turbomessage_service_kit::clock::Timestamp;

pub(crate) use self::{
    screen::{Screen, Style},
    text::one_line,
};
use crate::failure::{Failure, Kind};

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
    if let Some(hint) = &failure.hint {
        let label = screen.paint(Style::Dim, "hint:");
        lines.push(format!("{label} {}", one_line(hint)));
    }
    lines.join("\n") + "\n"
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
    fn programs_read_code_reason_and_fields() {
        let json = failure_json(&failure("Correct this."));
        assert_eq!(json["code"], "INVALID_ARGUMENT");
        assert_eq!(json["reason"], "USAGE");
        assert_eq!(json["violations"][0]["field"], "to[0]");
        assert!(json["metadata"].is_object());
    }
}
