//! The folders, at the left of a wide screen.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};
use turbomessage_proto::mail_v1::Folder;

use super::{draw_lines, theme::Look};
use crate::{
    output::{
        one_line,
        text::{cut, pad},
    },
    screen::state::State,
};

/// Columns for the number of unread messages.
const COUNT: usize = 6;

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let columns = usize::from(area.width).saturating_sub(2);
    let room = columns.saturating_sub(2 + COUNT);
    let blank = pad("", columns);
    let folders = state.folders.iter().map(|f| row(f, state, room));
    let rows = folders.chain(std::iter::repeat(Line::from(blank)));
    let edge = || Span::styled("│", state.theme.style(Look::Dim));
    let rows = rows.map(|mut row| {
        row.push_span(edge());
        row
    });
    draw_lines(rows, area, buffer);
}

fn row<'a>(folder: &Folder, state: &State, room: usize) -> Line<'a> {
    let is_here = state
        .listed_folder()
        .is_some_and(|here| here.folder_id == folder.folder_id);
    let mark = if is_here { "> " } else { "  " };
    let count = match folder.unread_count {
        0 => String::new(),
        unread => unread.to_string(),
    };
    let look = if folder.unread_count > 0 {
        Look::Bold
    } else {
        Look::Plain
    };
    let name = pad(&cut(&one_line(&folder.name), room), room);
    let text = format!("{mark}{name}{count:>COUNT$}");
    Line::from(Span::styled(text, state.theme.style(look)))
}
