//! The terminal: taken over for the whole screen, and given back on every way out.

use std::{
    io::{self, Stdout},
    panic,
};

use crossterm::{
    cursor::Show,
    event::{DisableBracketedPaste, EnableBracketedPaste},
    execute, style,
    terminal::{
        Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
        enable_raw_mode,
    },
};
use ratatui::backend::CrosstermBackend;

use super::{state::State, view::view};

/// A terminal that shows the whole screen. It is given back when this is dropped.
pub(super) struct Terminal(ratatui::Terminal<CrosstermBackend<Stdout>>);

impl Terminal {
    /// Takes the terminal over.
    pub(super) fn enter(has_colour: bool) -> io::Result<Self> {
        // The option counts more than NO_COLOR, which crossterm would follow by itself.
        style::force_color_output(has_colour);
        give_back_on_panic();
        let terminal = Self(blank()?);
        take()?;
        Ok(terminal)
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.0.size()?;
        Ok((size.width, size.height))
    }

    /// Shows `state`.
    pub(super) fn draw(&mut self, state: &State) -> io::Result<()> {
        self.0.draw(|frame| view(state, frame))?;
        Ok(())
    }

    /// Forgets what is shown, so that all of it is drawn anew. (ratatui's own way asks the terminal
    /// where the cursor is, and the answer would come as keys.)
    pub(super) fn clear(&mut self) -> io::Result<()> {
        execute!(io::stdout(), Clear(ClearType::All))?;
        self.0 = blank()?;
        Ok(())
    }

    /// Takes the terminal over again, after [`give_back`].
    pub(super) fn take_again(&mut self) -> io::Result<()> {
        take()?;
        self.clear()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

fn blank() -> io::Result<ratatui::Terminal<CrosstermBackend<Stdout>>> {
    ratatui::Terminal::new(CrosstermBackend::new(io::stdout()))
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste)
}

/// Gives the terminal back as it was; there is nothing to be done if it is gone.
pub(super) fn give_back() {
    let _ = execute!(
        io::stdout(),
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    );
    let _ = disable_raw_mode();
}

/// The message of a panic must be read on a terminal that works.
fn give_back_on_panic() {
    let others = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        give_back();
        others(info);
    }));
}
