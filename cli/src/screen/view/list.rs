//! The list of messages.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};
use turbomessage_proto::mail_v1::{FolderRole, Message};

use super::{draw_lines, theme::Look};
use crate::{
    output::{
        mail::{name, recipients},
        one_line,
        text::{cut, pad, width},
        time::short,
    },
    screen::{list::Source, state::State},
};

/// From this many columns on, names get more of them.
const ROOMY: u16 = 90;

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    if state.list.messages.is_empty() {
        let line = Line::from(nothing(state)).style(state.theme.style(Look::Dim));
        return draw_lines([line], area, buffer);
    }
    let messages = state.list.messages.iter().enumerate().skip(state.list.top);
    let shown: Vec<(usize, &Message)> = messages.take(usize::from(area.height)).collect();
    let dates: Vec<String> = shown
        .iter()
        .map(|(_, message)| short(message.receive_time.as_ref(), state.now))
        .collect();
    let date_columns = dates.iter().map(|date| width(date)).max().unwrap_or(0);
    let rows = shown
        .into_iter()
        .zip(dates)
        .map(|((index, message), date)| {
            let date = format!("{date:>date_columns$}");
            row(
                message,
                &date,
                index == state.list.selected,
                state,
                area.width,
            )
        });
    draw_lines(rows, area, buffer);
}

fn nothing(state: &State) -> &'static str {
    match &state.list.source {
        _ if state.list.is_loading() => "  Loading…",
        None => "",
        Some(Source::Folder(_)) => "  No messages.",
        Some(Source::Search(_)) => "  Nothing found.",
    }
}

fn row<'a>(
    message: &Message,
    date: &str,
    is_selected: bool,
    state: &State,
    columns: u16,
) -> Line<'a> {
    let style = |look| state.theme.style(look);
    let weight = if message.read {
        Look::Plain
    } else {
        Look::Bold
    };
    let name_columns = if columns >= ROOMY { 24 } else { 16 };
    let who = pad(
        &cut(&correspondent(message, state), name_columns),
        name_columns,
    );
    let mark = |set: bool, mark: &'static str| if set { mark } else { " " };
    let mut spans = vec![
        Span::raw(if is_selected { "> " } else { "  " }),
        Span::styled(mark(!message.read, "N"), style(weight)),
        Span::styled(mark(message.starred, "*"), style(Look::Star)),
        Span::raw(mark(message.answered, "r")),
        Span::styled(format!("  {date}  {who}  "), style(weight)),
    ];
    for label in &message.labels {
        spans.push(Span::styled(
            format!("[{}] ", one_line(label)),
            style(Look::Label),
        ));
    }
    let subject = match message.subject.as_str() {
        "" => "(no subject)",
        subject => subject,
    };
    spans.push(Span::styled(one_line(subject), style(weight)));
    if !message.snippet.is_empty() {
        let snippet = format!(" — {}", one_line(&message.snippet));
        spans.push(Span::styled(snippet, style(Look::Dim)));
    }
    let look = if is_selected {
        Look::Selected
    } else {
        Look::Plain
    };
    Line::from(cut_spans(spans, usize::from(columns))).style(style(look))
}

/// `spans` with an ellipsis where they are more than `columns` wide.
fn cut_spans(spans: Vec<Span<'_>>, columns: usize) -> Vec<Span<'_>> {
    let mut room = columns;
    let mut kept = Vec::new();
    for span in spans {
        let wide = span.width();
        if wide > room {
            let text = cut(&span.content, room);
            kept.push(Span::styled(text, span.style));
            break;
        }
        room -= wide;
        kept.push(span);
    }
    kept
}

/// In folders of one's own mail the others are of interest.
fn correspondent(message: &Message, state: &State) -> String {
    match state.role_of(message) {
        FolderRole::Sent | FolderRole::Drafts | FolderRole::Outbox => {
            format!("To: {}", recipients(message))
        }
        FolderRole::Unspecified
        | FolderRole::Inbox
        | FolderRole::Archive
        | FolderRole::Spam
        | FolderRole::Trash => message.from.as_ref().map(name).unwrap_or_default(),
    }
}
