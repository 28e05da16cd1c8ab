//! The message that is read, or the one that was written.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{draw_lines, theme::Look};
use crate::screen::{
    reader::{Row, TITLE_COLUMNS},
    state::State,
};

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    if let Some(pane) = state.pane() {
        let rows = pane.rows.iter().skip(pane.scroll);
        draw_lines(rows.map(|row| line(row, state)), area, buffer);
    }
}

fn line<'a>(row: &'a Row, state: &State) -> Line<'a> {
    let style = |look| state.theme.style(look);
    if row.title.is_empty() {
        return Line::from(Span::styled(row.text.as_str(), style(row.look)));
    }
    Line::from(vec![
        Span::styled(format!("{:TITLE_COLUMNS$}", row.title), style(Look::Dim)),
        Span::styled(row.text.trim_start(), style(row.look)),
    ])
}
