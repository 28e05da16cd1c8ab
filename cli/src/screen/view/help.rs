//! The keys, over everything else.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::{Clear, Widget},
};

use super::{draw_lines, theme::Look};
use crate::{output::text::pad, screen::state::State};

/// From this many columns on there are two columns of keys.
const WIDE: u16 = 76;

/// A key and what it does; a title where there is no key.
type Entry = (&'static str, &'static str);

const MOVING: [Entry; 18] = [
    ("", "Moving"),
    ("j k", "down, up"),
    ("Space PgUp", "a page down, up"),
    ("gg G", "to the first, the last"),
    ("Enter o", "open"),
    ("u Esc", "back"),
    ("n N", "next, previous message"),
    ("g i s d", "Inbox, Sent, Drafts"),
    ("g a o", "Archive, Outbox"),
    ("g p t", "Spam, Trash"),
    ("g *", "what is starred"),
    ("g l", "a label"),
    ("g f", "a folder by name"),
    ("/", "search: is:unread lunch"),
    ("", ""),
    ("", "Signs"),
    ("N * r", "new, starred, answered"),
    ("[work]", "a label"),
];

const ACTING: [Entry; 18] = [
    ("", "Writing"),
    ("c", "compose, in $EDITOR"),
    ("r a", "reply, reply to all"),
    ("f", "forward"),
    ("", "A send waits 10 s: z takes it back."),
    ("", ""),
    ("", "Acting"),
    ("e", "archive"),
    ("v", "move to a folder"),
    ("#", "to Trash; there: delete"),
    ("s", "star, or take it off"),
    ("l", "label, or take it off"),
    ("i U", "mark as read, as unread"),
    ("z", "undo, again and again"),
    ("", ""),
    ("Ctrl-L", "draw and load anew"),
    ("?", "this help"),
    ("q Ctrl-C", "quit"),
];

pub(super) fn draw(top: usize, state: &State, area: Rect, buffer: &mut Buffer) {
    Clear.render(area.intersection(buffer.area), buffer);
    draw_lines(lines(state).into_iter().skip(top), area, buffer);
}

/// The last row that the help can begin with on a screen of this size.
pub(crate) fn last_top((columns, rows): (u16, u16)) -> usize {
    let all = if columns >= WIDE {
        MOVING.len()
    } else {
        MOVING.len() + ACTING.len() + 1
    };
    (all + 2).saturating_sub(usize::from(rows.saturating_sub(1)))
}

fn lines(state: &State) -> Vec<Line<'static>> {
    let title = Line::from(pad(" Keys", usize::from(state.size.0)));
    let mut lines = vec![title.style(state.theme.style(Look::Title)), Line::default()];
    if state.size.0 >= WIDE {
        let half = usize::from(state.size.0) / 2;
        for (left, right) in MOVING.iter().zip(&ACTING) {
            let mut line = entry(*left, half, state);
            line.extend(entry(*right, 0, state));
            lines.push(Line::from(line));
        }
    } else {
        let all = MOVING.iter().chain([&("", "")]).chain(&ACTING);
        lines.extend(all.map(|one| Line::from(entry(*one, 0, state))));
    }
    lines
}

fn entry((keys, what): Entry, columns: usize, state: &State) -> Vec<Span<'static>> {
    if keys.is_empty() {
        let title = pad(&format!("  {what}"), columns);
        return vec![Span::styled(title, state.theme.style(Look::Bold))];
    }
    vec![
        Span::raw(format!("  {}", pad(keys, 12))),
        Span::raw(pad(what, columns.saturating_sub(14))),
    ]
}
