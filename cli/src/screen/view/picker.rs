//! A choice of several, above the bottom line in which it is typed.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::{Clear, Widget},
};

use super::{draw_lines, theme::Look};
use crate::{
    output::text::{cut, pad, width},
    screen::{layout::Areas, picker::Picker, state::State},
};

/// The most choices shown at once.
const MOST: usize = 12;
/// Columns.
const WIDTH: u16 = 44;

pub(super) fn draw(picker: &Picker, state: &State, areas: Areas, buffer: &mut Buffer) {
    let items = picker.fitting();
    let room = usize::from(areas.bottom.y.saturating_sub(areas.title.height + 1)).min(MOST);
    let top = picker.selected.saturating_sub(room.saturating_sub(1));
    let shown = items.len().saturating_sub(top).min(room).max(1);
    let rows = u16::try_from(shown + 1)
        .unwrap_or(u16::MAX)
        .min(areas.bottom.y);
    let columns = WIDTH.min(areas.bottom.width);
    let area = Rect::new(0, areas.bottom.y - rows, columns, rows);
    Clear.render(area, buffer);
    let edge = Line::from("─".repeat(usize::from(columns))).style(state.theme.style(Look::Dim));
    let choices = items
        .iter()
        .enumerate()
        .skip(top)
        .take(shown)
        .map(|(n, item)| {
            let mark = if n == picker.selected { "> " } else { "  " };
            let note = width(&item.note);
            let room = usize::from(columns).saturating_sub(4 + note);
            let text = format!("{mark}{} {} ", pad(&cut(&item.name, room), room), item.note);
            let look = if n == picker.selected {
                Look::Selected
            } else {
                Look::Plain
            };
            Line::from(Span::styled(text, state.theme.style(look)))
        });
    draw_lines([edge].into_iter().chain(choices), area, buffer);
    if items.is_empty() {
        let line = Line::from("  None.").style(state.theme.style(Look::Dim));
        let under = Rect {
            y: area.y + 1,
            height: area.height.saturating_sub(1),
            ..area
        };
        draw_lines([line], under, buffer);
    }
}
