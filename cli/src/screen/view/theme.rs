//! What things look like, with colour and without.

use ratatui::style::{Color, Modifier, Style};

/// What things look like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Theme {
    /// Whether there may be colour. Nothing is told by colour alone.
    pub(crate) has_colour: bool,
}

/// A look for a piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// As it is.
    Plain,
    /// For what is new.
    Bold,
    /// For what matters less.
    Dim,
    /// For the line at the top.
    Title,
    /// For what keys act on.
    Selected,
    /// For what went wrong.
    Error,
    /// For stars.
    Star,
    /// For labels.
    Label,
}

impl Theme {
    /// The style of a look.
    pub(crate) fn style(self, look: Look) -> Style {
        let plain = Style::new();
        let coloured = |colour| {
            if self.has_colour {
                plain.fg(colour)
            } else {
                plain
            }
        };
        match look {
            Look::Plain => plain,
            Look::Bold => plain.add_modifier(Modifier::BOLD),
            Look::Dim => plain.add_modifier(Modifier::DIM),
            Look::Title if self.has_colour => plain.fg(Color::White).bg(Color::Blue),
            Look::Title | Look::Selected => plain.add_modifier(Modifier::REVERSED),
            Look::Error => coloured(Color::Red).add_modifier(Modifier::BOLD),
            Look::Star => coloured(Color::Yellow),
            Look::Label => coloured(Color::Cyan),
        }
    }
}
