//! What the screen looks like.

use ratatui::{Terminal, backend::TestBackend, style::Color};
use turbomessage_proto::mail_v1::Message;

use crate::screen::{
    event::{Event, Purpose},
    fixtures::{happen, letter, opened, press, shown, type_in, whole},
    key::Key,
    state::State,
    view::view,
};

/// A screen with one message of every kind.
fn varied() -> State {
    let mut state = opened();
    state.list.messages[0] = Message {
        read: false,
        starred: true,
        labels: vec!["work".into()],
        ..letter("m3")
    };
    state.list.messages[1].answered = true;
    state.list.messages[1].subject = "日本語の件名 ".repeat(9);
    state.list.messages[2].subject.clear();
    state.list.messages[2].snippet = "evil \x1b[2J\u{202e}text\x07".into();
    state
}

#[test]
fn a_small_screen_shows_the_list() {
    let screen = shown(&varied());
    let rows: Vec<&str> = screen.lines().collect();
    assert_eq!(rows.len(), 24);
    assert_eq!(
        rows[..4],
        [
            " Inbox  3 messages, 1 unread                                                ana",
            "> N*   11:03  Ben               [work] Subject 3 — Text 3",
            "    r  11:02  Ben               日本語の件名 日本語の件名 日本語の件名 日本語の…",
            "       11:01  Ben               (no subject) — evil \\u{1b}[2J\\u{202e}text\\u{7}",
        ]
    );
    assert_eq!(
        rows[23],
        "Enter open  c compose  r reply  e archive  # trash  g go  / search  ? help"
    );
}

#[test]
fn a_wide_screen_has_the_folders_beside_it() {
    let mut state = varied();
    happen(&mut state, Event::Resize(110, 30));
    let screen = shown(&state);
    let rows: Vec<&str> = screen.lines().collect();
    assert!(
        rows[1].starts_with("> Inbox              1│ > N*   11:03  Ben "),
        "{}",
        rows[1]
    );
    assert!(
        rows[8].starts_with("  Work                │"),
        "{}",
        rows[8]
    );
}

#[test]
fn a_message_has_its_headers_and_its_text() {
    let mut state = opened();
    press(&mut state, Key::Enter);
    let text = "A first line that is long enough to be broken somewhere before the end of a row of eighty.\n\n> quoted\n";
    happen(
        &mut state,
        Event::Fetched(Purpose::Read, Ok(Box::new(whole("m3", text)))),
    );
    let screen = shown(&state);
    let rows: Vec<&str> = screen.lines().collect();
    assert_eq!(
        rows[0].trim_end(),
        " Subject 3  (Inbox)                                                         ana"
    );
    assert_eq!(rows[1..3], ["From:    Ben <ben>", "To:      Ana <ana>"]);
    assert!(
        rows[3].starts_with("Date:    Thu, 5 Mar 2026"),
        "{}",
        rows[3]
    );
    assert_eq!(
        rows[4..10],
        [
            "Subject: Subject 3",
            "",
            "A first line that is long enough to be broken somewhere before the end of a row",
            "of eighty.",
            "",
            "> quoted",
        ]
    );
}

#[test]
fn a_tall_screen_keeps_the_list_above_the_message() {
    let mut state = opened();
    happen(&mut state, Event::Resize(80, 40));
    press(&mut state, Key::Enter);
    happen(
        &mut state,
        Event::Fetched(Purpose::Read, Ok(Box::new(whole("m3", "text")))),
    );
    let screen = shown(&state);
    let rows: Vec<&str> = screen.lines().collect();
    assert!(rows[1].starts_with("> "), "{}", rows[1]);
    assert_eq!(rows[11], "From:    Ben <ben>");
}

#[test]
fn the_help_fits_a_small_screen_and_any_key_closes_it() {
    let mut state = opened();
    press(&mut state, Key::Char('?'));
    let screen = shown(&state);
    for key in [
        "gg G",
        "Ctrl-L",
        "q Ctrl-C",
        "undo, again and again",
        "[work]",
    ] {
        assert!(screen.contains(key), "{key}\n{screen}");
    }
    press(&mut state, Key::Char('e'));
    assert_eq!(state.list.messages.len(), 3, "that key does nothing else");
    assert!(!shown(&state).contains("Ctrl-L"));

    happen(&mut state, Event::Resize(40, 12));
    press(&mut state, Key::Char('?'));
    for _ in 0..9 {
        press(&mut state, Key::PageDown);
    }
    assert!(
        shown(&state).contains("q Ctrl-C"),
        "the end: {}",
        shown(&state)
    );
}

#[test]
fn nothing_is_told_by_colour_alone_and_without_colour_there_is_none() {
    for has_colour in [true, false] {
        let mut state = varied();
        state.theme.has_colour = has_colour;
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        terminal.draw(|frame| view(&state, frame)).unwrap();
        let cells = terminal.backend().buffer().content();
        let is_coloured = cells
            .iter()
            .any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset);
        assert_eq!(is_coloured, has_colour);
        assert!(shown(&state).contains("> N*"), "new, starred, selected");
    }
}

#[test]
fn no_size_of_the_terminal_is_too_small_for_anything_on_it() {
    let keys = ["", "?", "g", "/abc", "v", "gl", "c"];
    for keys in keys {
        for has_reader in [false, true] {
            let mut state = varied();
            if has_reader {
                press(&mut state, Key::Enter);
                let message = whole("m3", "日本語 and a long, long line\n\tand more");
                happen(
                    &mut state,
                    Event::Fetched(Purpose::Read, Ok(Box::new(message))),
                );
            }
            type_in(&mut state, keys);
            state.complain("Something went wrong, and the sentence is longer than a row.");
            state.live.failures = 5;
            for size in [
                (1, 1),
                (2, 2),
                (3, 1),
                (1, 9),
                (10, 3),
                (20, 4),
                (39, 7),
                (99, 5),
                (100, 2),
                (300, 90),
            ] {
                happen(&mut state, Event::Resize(size.0, size.1));
                let screen = shown(&state);
                assert_eq!(screen.lines().count(), usize::from(size.1), "{size:?}");
                press(&mut state, Key::Down);
            }
        }
    }
}

#[test]
fn an_empty_list_says_so() {
    let mut state = opened();
    state.list.messages.clear();
    assert!(shown(&state).contains("No messages."));
    let state = State::new((80, 24), false);
    assert!(shown(&state).contains("TurboMessage"));
}
