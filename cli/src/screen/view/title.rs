//! The line at the top: what is listed or read, and whose it is.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{draw_lines, theme::Look};
use crate::{
    output::{
        one_line,
        people::count,
        text::{cut, pad, width},
    },
    screen::{
        list::Source,
        state::{Mode, State},
    },
};

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let columns = usize::from(area.width);
    let whose = format!("{} ", one_line(&state.account.username));
    let room = columns.saturating_sub(width(&whose) + 1);
    let text = format!(" {}", what(state));
    let line = if room < 10 {
        pad(&cut(&text, columns), columns)
    } else {
        pad(&cut(&text, room), room) + " " + &whose
    };
    let line = Line::from(Span::raw(line)).style(state.theme.style(Look::Title));
    draw_lines([line], area, buffer);
}

fn what(state: &State) -> String {
    if let (Mode::Written, Some(_)) = (&state.mode, &state.writing) {
        return "What you wrote".to_owned();
    }
    let place = match &state.list.source {
        None => "TurboMessage".to_owned(),
        Some(Source::Folder(_)) => folder(state),
        Some(Source::Search(query)) => search(state, query),
    };
    let place = if state.list.is_loading() {
        format!("{place} …")
    } else {
        place
    };
    match &state.reader {
        None => place,
        Some(reader) => {
            let subject = one_line(&reader.message.subject);
            let subject = match subject.as_str() {
                "" => "(no subject)",
                subject => subject,
            };
            format!("{subject}  ({place})")
        }
    }
}

fn folder(state: &State) -> String {
    let Some(folder) = state.listed_folder() else {
        return "TurboMessage".to_owned();
    };
    let name = one_line(&folder.name);
    if state.reader.is_some() {
        return name;
    }
    let total = usize::try_from(folder.total_count).unwrap_or(0);
    match folder.unread_count {
        0 => format!("{name}  {}", count(total, "message")),
        unread => format!("{name}  {}, {unread} unread", count(total, "message")),
    }
}

fn search(state: &State, query: &str) -> String {
    let name = format!("Search: {}", one_line(query));
    if state.reader.is_some() {
        return name;
    }
    let found = count(state.list.messages.len(), "message");
    let more = if state.list.has_more() {
        " or more"
    } else {
        ""
    };
    format!("{name}  {found}{more}")
}
