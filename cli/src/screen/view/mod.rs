//! What the screen shows of the state. Every text of others is made safe on its way here: nothing
//! in it can steer the terminal.

pub(super) mod bottom;
mod folders;
pub(super) mod help;
mod list;
mod picker;
mod reader;
pub(super) mod theme;
mod title;

use ratatui::{Frame, buffer::Buffer, layout::Rect, text::Line};

use super::state::{Mode, State};

/// Draws `state`.
pub(crate) fn view(state: &State, frame: &mut Frame<'_>) {
    let areas = state.areas();
    let buffer = frame.buffer_mut();
    title::draw(state, areas.title, buffer);
    folders::draw(state, areas.folders, buffer);
    list::draw(state, areas.list, buffer);
    reader::draw(state, areas.reader, buffer);
    bottom::draw(state, areas.bottom, buffer);
    match &state.mode {
        Mode::Help(top) => help::draw(
            *top,
            state,
            areas
                .title
                .union(areas.reader.union(areas.list))
                .union(areas.folders),
            buffer,
        ),
        Mode::Pick(picker) => picker::draw(picker, state, areas, buffer),
        Mode::Browse | Mode::Go | Mode::Search(..) | Mode::Confirm(_) | Mode::Written => {}
    }
    if let Some(cursor) = bottom::cursor(state, areas.bottom) {
        frame.set_cursor_position(cursor);
    }
}

/// Draws `lines` from the top of `area` on, as far as there is room.
fn draw_lines<'a>(lines: impl IntoIterator<Item = Line<'a>>, area: Rect, buffer: &mut Buffer) {
    for (row, line) in area.intersection(buffer.area).rows().zip(lines) {
        buffer.set_style(row, line.style);
        buffer.set_line(row.x, row.y, &line, row.width);
    }
}
