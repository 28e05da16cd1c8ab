//! The lines at the bottom: what there is to say, and what can be pressed or typed.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
};

use super::{draw_lines, theme::Look};
use crate::{
    output::{one_line, text::width},
    screen::{
        picker::{Choice, Picker},
        state::{Mode, State, Sure},
        wrap::wrap,
        writing::{Busy, Writing},
    },
};

/// The most rows of a notice.
const MOST_NOTICE: usize = 4;

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    draw_lines(lines(state), area, buffer);
}

/// All lines, at least one.
pub(crate) fn lines(state: &State) -> Vec<Line<'static>> {
    let mut lines = notice(state);
    if state.live.is_offline() {
        lines.push(styled("Offline, trying again.", Look::Error, state));
    }
    if let Mode::Search(line, Some((position, _))) = &state.mode {
        lines.push(Line::from(
            prompt(&state.mode, &line.text()).unwrap_or_default(),
        ));
        let before: String = line
            .text()
            .chars()
            .take(position.saturating_sub(1))
            .collect();
        let blank = " ".repeat(1 + width(&one_line(&before)));
        lines.push(styled(&format!("{blank}^"), Look::Error, state));
        return lines;
    }
    if let Mode::Go = state.mode {
        let folders = "Go to: i Inbox  s Sent  d Drafts  o Outbox  a Archive  p Spam  t Trash";
        lines.push(styled(folders, Look::Bold, state));
    }
    lines.push(last(state));
    lines
}

/// Where the cursor of a text that is typed is.
pub(super) fn cursor(state: &State, area: Rect) -> Option<Position> {
    let (line, row) = match &state.mode {
        Mode::Search(line, None) => (line, 1),
        Mode::Search(line, Some(_)) => (line, 2),
        Mode::Pick(picker) => (&picker.line, 1),
        Mode::Browse | Mode::Go | Mode::Confirm(_) | Mode::Written | Mode::Help(_) => return None,
    };
    let before = width(&prompt(&state.mode, "")?) + line.cursor();
    let x = u16::try_from(before).ok()?;
    let is_inside = x < area.width && row <= area.height;
    is_inside.then(|| Position::new(area.x + x, area.bottom() - row))
}

fn styled(text: &str, look: Look, state: &State) -> Line<'static> {
    Line::from(Span::styled(text.to_owned(), state.theme.style(look)))
}

fn notice(state: &State) -> Vec<Line<'static>> {
    let (text, look) = match (&state.notice, &state.mode, &state.writing) {
        (Some(notice), _, _) if notice.is_error => (notice.text.clone(), Look::Error),
        (Some(notice), _, _) => (notice.text.clone(), Look::Bold),
        (None, Mode::Search(_, Some((_, mistake))), _) => (mistake.clone(), Look::Error),
        (
            None,
            Mode::Written,
            Some(Writing {
                letter: Err(why), ..
            }),
        ) => (why.clone(), Look::Error),
        (None, _, _) => match outgoing(state) {
            Some(text) => (text, Look::Bold),
            None => return Vec::new(),
        },
    };
    let rows = wrap(&one_line(&text), usize::from(state.size.0)).into_iter();
    rows.take(MOST_NOTICE)
        .map(|row| styled(&row, look, state))
        .collect()
}

/// The send that can still be taken back.
fn outgoing(state: &State) -> Option<String> {
    let (names, until) = state.outgoing.as_ref()?;
    let seconds = until.since(state.now).as_millis().div_ceil(1000);
    Some(format!("Goes to {names} in {seconds} s. z takes it back."))
}

fn last(state: &State) -> Line<'static> {
    let text = match &state.mode {
        Mode::Browse => return styled(hints(state), Look::Dim, state),
        Mode::Help(_) => return styled("Any other key closes the help.", Look::Dim, state),
        Mode::Go => "       * starred  l a label  f a folder  g the first message".to_owned(),
        Mode::Search(line, _) => prompt(&state.mode, &line.text()).unwrap_or_default(),
        Mode::Pick(picker) => prompt(&state.mode, &picker.line.text()).unwrap_or_default(),
        Mode::Confirm(Sure::Delete(_)) => "Delete it for good? y deletes it".to_owned(),
        Mode::Confirm(Sure::TakeBack(_)) => {
            "Not send it, and make a draft of it? y does".to_owned()
        }
        Mode::Written => decision(state).to_owned(),
    };
    styled(&text, Look::Bold, state)
}

fn prompt(mode: &Mode, typed: &str) -> Option<String> {
    let before = match mode {
        Mode::Search(..) => "/",
        Mode::Pick(Picker { choice, .. }) => match choice {
            Choice::GoToFolder => "Go to folder: ",
            Choice::GoToLabel => "Go to label: ",
            Choice::Move => "Move to: ",
            Choice::Label => "Label: ",
        },
        Mode::Browse | Mode::Go | Mode::Confirm(_) | Mode::Written | Mode::Help(_) => return None,
    };
    Some(format!("{before}{}", one_line(typed)))
}

fn hints(state: &State) -> &'static str {
    if state.reader.is_some() {
        "u back  n next  r reply  a all  f forward  e archive  # trash  z undo  ? help"
    } else {
        "Enter open  c compose  r reply  e archive  # trash  g go  / search  ? help"
    }
}

fn decision(state: &State) -> &'static str {
    match &state.writing {
        Some(Writing {
            busy: Some(Busy::Sending),
            ..
        }) => "Sending…",
        Some(Writing {
            busy: Some(Busy::Keeping),
            ..
        }) => "Keeping it in Drafts…",
        Some(Writing { letter: Err(_), .. }) => "e edit again  q throw away",
        _ => "y send  d keep as draft  e edit again  q throw away",
    }
}
