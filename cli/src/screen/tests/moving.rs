//! Going about: in the list, in a message, from list to list.

use turbomessage_proto::mail_v1::Label;

use crate::{
    failure::Failure,
    screen::{
        event::{Effect, Event, Purpose},
        fixtures::{happen, letter, opened, page, press, shown, type_in, whole},
        key::Key,
        list::Source,
        state::{Mode, State},
    },
};

fn listed(effects: &[Effect]) -> &Source {
    match effects {
        [Effect::List { source, .. }] => source,
        other => panic!("one list is to be asked for: {other:?}"),
    }
}

fn folder(id: &str) -> Source {
    Source::Folder(id.to_owned())
}

fn search(query: &str) -> Source {
    Source::Search(query.to_owned())
}

fn selected(state: &State) -> &str {
    &state.list.current().unwrap().message_id
}

#[test]
fn it_begins_with_the_state_then_the_inbox_and_the_stream() {
    let mut state = State::new((80, 24), false);
    assert!(matches!(State::start()[..], [Effect::Begin(pause)] if pause.is_zero()));
    let begun = crate::screen::event::Begun {
        state: "s1".into(),
        account: turbomessage_proto::auth_v1::Account::default(),
        folders: crate::screen::fixtures::folders(),
    };
    let effects = happen(&mut state, Event::Begun(Ok(begun)));
    let [Effect::List { source, .. }, Effect::Watch(since, _)] = &effects[..] else {
        panic!("a list and a stream: {effects:?}");
    };
    assert_eq!((source, since.as_str()), (&folder("inbox"), "s1"));
}

#[test]
fn letters_and_arrows_move_the_selection() {
    let mut state = opened();
    for (key, expected) in [
        (Key::Char('j'), "m2"),
        (Key::Down, "m1"),
        (Key::Down, "m1"),
        (Key::Char('k'), "m2"),
        (Key::Home, "m3"),
        (Key::Char('G'), "m1"),
        (Key::PageUp, "m3"),
        (Key::Char('n'), "m2"),
        (Key::Char('N'), "m3"),
    ] {
        assert!(press(&mut state, key).is_empty());
        assert_eq!(selected(&state), expected, "{key:?}");
    }
    press(&mut state, Key::End);
    type_in(&mut state, "gg");
    assert_eq!(selected(&state), "m3");
}

#[test]
fn opening_a_message_fetches_it_and_marks_it_read() {
    let mut state = opened();
    let mut unread = letter("m3");
    unread.read = false;
    state.list.messages[0] = unread.clone();
    let effects = press(&mut state, Key::Enter);
    assert!(matches!(&effects[..], [Effect::Fetch(id, Purpose::Read)] if id == "m3"));
    assert!(shown(&state).contains("Loading…"));

    unread.body = whole("m3", "Come at one.").body;
    let effects = happen(
        &mut state,
        Event::Fetched(Purpose::Read, Ok(Box::new(unread))),
    );
    let [Effect::Modify(request)] = &effects[..] else {
        panic!("it is to be marked: {effects:?}");
    };
    assert_eq!(request.set_read, Some(true));
    assert!(shown(&state).contains("Come at one."));
    press(&mut state, Key::Char('u'));
    assert!(state.reader.is_none() && state.list.messages[0].read);
}

#[test]
fn an_answer_for_a_message_that_was_left_is_not_shown() {
    let mut state = opened();
    press(&mut state, Key::Enter);
    press(&mut state, Key::Char('n'));
    let late = Box::new(whole("m3", "late"));
    happen(&mut state, Event::Fetched(Purpose::Read, Ok(late)));
    assert!(!shown(&state).contains("late"));
    assert_eq!(selected(&state), "m2");
}

#[test]
fn g_and_a_letter_go_to_a_list() {
    for (letter, source) in [
        ('i', folder("inbox")),
        ('s', folder("sent")),
        ('d', folder("drafts")),
        ('o', folder("outbox")),
        ('a', folder("archive")),
        ('p', folder("spam")),
        ('t', folder("trash")),
        ('*', search("is:starred")),
    ] {
        let mut state = opened();
        press(&mut state, Key::Char('g'));
        assert!(shown(&state).contains("i Inbox"), "a hint");
        let effects = press(&mut state, Key::Char(letter));
        assert_eq!(listed(&effects), &source);
    }
}

#[test]
fn a_folder_can_be_gone_to_by_a_part_of_its_name() {
    let mut state = opened();
    type_in(&mut state, "gfwo");
    assert!(shown(&state).contains("> Work"), "{}", shown(&state));
    let effects = press(&mut state, Key::Enter);
    assert_eq!(listed(&effects), &folder("work"));
}

#[test]
fn a_label_can_be_gone_to_and_is_quoted_where_it_must_be() {
    for (name, query) in [("work", "label:work"), ("to do", "label:\"to do\"")] {
        let mut state = opened();
        assert!(matches!(type_in(&mut state, "gl")[..], [Effect::Labels]));
        let label = Label {
            name: name.into(),
            ..Label::default()
        };
        happen(&mut state, Event::Labels(Ok(vec![label])));
        let effects = press(&mut state, Key::Enter);
        assert_eq!(listed(&effects), &search(query));
    }
}

#[test]
fn a_search_shows_what_it_found_and_escape_goes_back() {
    let mut state = opened();
    type_in(&mut state, "/from:ben q?");
    assert!(
        shown(&state).ends_with("/from:ben q?\n"),
        "letters are letters there"
    );
    let effects = press(&mut state, Key::Enter);
    assert_eq!(listed(&effects), &search("from:ben q?"));
    let [Effect::List { ticket, .. }] = effects[..] else {
        panic!("a list");
    };
    happen(&mut state, Event::Listed(ticket, Ok(page(&["m1"], ""))));
    assert!(
        shown(&state).starts_with(" Search: from:ben q?  one message"),
        "{}",
        shown(&state)
    );
    let effects = press(&mut state, Key::Esc);
    assert_eq!(listed(&effects), &folder("inbox"));
}

#[test]
fn a_query_with_a_mistake_comes_back_with_a_caret_under_it() {
    let mut state = opened();
    type_in(&mut state, "/日 from:");
    let effects = press(&mut state, Key::Enter);
    let [Effect::List { ticket, .. }] = effects[..] else {
        panic!("a list");
    };
    let mut failure = Failure::other("A name is missing here.");
    failure.reason = "QUERY_INVALID".into();
    failure.metadata.insert("position".into(), "8".into());
    happen(&mut state, Event::Listed(ticket, Err(failure)));
    let screen = shown(&state);
    let rows: Vec<&str> = screen.lines().collect();
    assert_eq!(
        rows[21..],
        ["A name is missing here.", "/日 from:", "         ^"]
    );
    // It is there to be corrected, and the list is still there.
    press(&mut state, Key::Char('x'));
    assert!(shown(&state).ends_with("/日 from:x\n"));
    assert_eq!(selected(&state), "m3");
}

#[test]
fn the_next_page_is_asked_for_at_the_end_of_the_list() {
    let mut state = opened();
    let ids: Vec<String> = (10..70).rev().map(|n| format!("m{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let effects = press(&mut state, Key::Ctrl('l'));
    let [Effect::Redraw, Effect::List { ticket, .. }] = effects[..] else {
        panic!("all anew: {effects:?}");
    };
    assert!(happen(&mut state, Event::Listed(ticket, Ok(page(&ids, "2")))).is_empty());
    assert!(
        press(&mut state, Key::PageDown).is_empty(),
        "the end is far"
    );
    let effects = press(&mut state, Key::PageDown);
    let [
        Effect::List {
            ticket, page_token, ..
        },
    ] = &effects[..]
    else {
        panic!("the next page: {effects:?}");
    };
    assert_eq!(page_token, "2");
    let more = page(&["m2", "m1"], "");
    happen(&mut state, Event::Listed(*ticket, Ok(more)));
    assert_eq!(state.list.messages.len(), 62);
}

#[test]
fn pasted_text_is_never_taken_for_commands() {
    let mut state = opened();
    assert!(happen(&mut state, Event::Paste("#eq".into())).is_empty());
    assert_eq!(state.list.messages.len(), 3);
    press(&mut state, Key::Char('/'));
    happen(&mut state, Event::Paste("a\nb\n".into()));
    assert!(shown(&state).ends_with("/a b\n"));
}

#[test]
fn q_and_control_c_leave() {
    for key in [Key::Char('q'), Key::Ctrl('c')] {
        assert!(matches!(
            press(&mut opened(), key)[..],
            [Effect::Quit(None)]
        ));
    }
    let mut state = opened();
    press(&mut state, Key::Char('/'));
    assert!(
        press(&mut state, Key::Char('q')).is_empty(),
        "a letter of a query"
    );
    assert!(matches!(state.mode, Mode::Search(..)));
    assert!(matches!(
        press(&mut state, Key::Ctrl('c'))[..],
        [Effect::Quit(None)]
    ));
}
