//! What text is shown on: how wide it is, whether it has colours, and when and where that is.

use std::{env, io::IsTerminal, os::fd::AsFd};

use terminal_size::{Width, terminal_size_of};
use turbomessage_service_kit::clock::Timestamp;

use super::Colour;

/// A look for a piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// As it is.
    Plain,
    /// For what is new.
    Bold,
    /// For what matters less.
    Dim,
    /// For failures.
    Red,
    /// For warnings and stars.
    Yellow,
}

impl Style {
    /// The parameter of the terminal's "select graphic rendition" sequence (ECMA-48).
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Red => "31",
            Self::Yellow => "33",
        }
    }
}

/// What text is shown on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    /// Columns; none where lines may have any length, such as in a file.
    pub(crate) width: Option<usize>,
    /// Whether it is a terminal.
    pub(crate) is_terminal: bool,
    /// The time at which it is shown.
    pub(crate) now: Timestamp,
    /// Whether text may have colours.
    pub(crate) has_colour: bool,
}

impl Screen {
    /// What `stream` leads to.
    pub(crate) fn of(stream: &(impl AsFd + IsTerminal), colour: Colour, now: Timestamp) -> Self {
        let is_terminal = stream.is_terminal();
        let columns = || env::var("COLUMNS").ok()?.parse().ok();
        let measured = || terminal_size_of(stream).map(|(Width(width), _)| usize::from(width));
        Self {
            width: is_terminal.then(|| measured().or_else(columns).unwrap_or(80)),
            is_terminal,
            now,
            has_colour: has_colour(colour, is_terminal, |name| env::var(name).ok()),
        }
    }

    /// `text` in the look of `style`, where there are colours.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        if self.has_colour && style != Style::Plain && !text.is_empty() {
            format!("\x1b[{}m{text}\x1b[0m", style.code())
        } else {
            text.to_owned()
        }
    }

    /// A file, long ago.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self {
            width: None,
            is_terminal: false,
            now: Timestamp::from_micros(0),
            has_colour: false,
        }
    }
}

/// Follows no-color.org: `NO_COLOR` counts if it is not empty, and an option counts more.
fn has_colour(
    wanted: Colour,
    is_terminal: bool,
    variable: impl Fn(&str) -> Option<String>,
) -> bool {
    match wanted {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => {
            let no_color = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
            let dumb = variable("TERM").is_some_and(|value| value == "dumb");
            is_terminal && !no_color && !dumb
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_terminals_and_for_those_who_want_it() {
        let set = |name: &'static str, value: &'static str| {
            move |asked: &str| (asked == name).then(|| value.to_owned())
        };
        assert!(has_colour(Colour::Auto, true, |_| None));
        assert!(!has_colour(Colour::Auto, false, |_| None));
        assert!(!has_colour(Colour::Auto, true, set("NO_COLOR", "1")));
        assert!(has_colour(Colour::Auto, true, set("NO_COLOR", "")));
        assert!(!has_colour(Colour::Auto, true, set("TERM", "dumb")));
        assert!(has_colour(Colour::Always, false, set("NO_COLOR", "1")));
        assert!(!has_colour(Colour::Never, true, |_| None));
    }

    #[test]
    fn without_colour_text_stays_as_it_is() {
        assert_eq!(Screen::plain().paint(Style::Red, "x"), "x");
        let coloured = Screen {
            has_colour: true,
            ..Screen::plain()
        };
        assert_eq!(coloured.paint(Style::Red, "x"), "\x1b[31mx\x1b[0m");
        assert_eq!(coloured.paint(Style::Plain, "x"), "x");
    }
}
