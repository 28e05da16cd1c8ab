//! Changing messages, and undoing it.

use turbomessage_proto::mail_v1::{Label, Message, ModifyMessagesRequest};

use crate::{
    failure::Failure,
    screen::{
        event::{Effect, Event, Purpose},
        fixtures::{happen, ids, letter, opened, press, shown, type_in, whole},
        key::Key,
        state::State,
    },
};

fn modified(effects: &[Effect]) -> &ModifyMessagesRequest {
    match effects {
        [Effect::Modify(request)] => request,
        other => panic!("one change is to be made: {other:?}"),
    }
}

fn moved_to(folder: &str, id: &str) -> ModifyMessagesRequest {
    ModifyMessagesRequest {
        message_ids: vec![id.to_owned()],
        move_to_folder_id: folder.to_owned(),
        ..ModifyMessagesRequest::default()
    }
}

fn in_folder(state: &mut State, folder: &str) {
    state.list.messages[0] = Message {
        folder_id: folder.to_owned(),
        ..letter("m3")
    };
}

#[test]
fn archive_and_trash_move_at_once_and_z_brings_back_the_last_first() {
    let mut state = opened();
    assert_eq!(
        modified(&press(&mut state, Key::Char('e'))),
        &moved_to("archive", "m3")
    );
    assert!(shown(&state).contains("Moved to Archive. z undoes it."));
    assert_eq!(
        modified(&press(&mut state, Key::Char('#'))),
        &moved_to("trash", "m2")
    );
    assert_eq!(ids(&state.list.messages), ["m1"]);
    assert_eq!(
        modified(&press(&mut state, Key::Char('z'))),
        &moved_to("inbox", "m2")
    );
    assert_eq!(
        modified(&press(&mut state, Key::Char('z'))),
        &moved_to("inbox", "m3")
    );
    assert_eq!(ids(&state.list.messages), ["m3", "m2", "m1"]);
    assert!(press(&mut state, Key::Char('z')).is_empty());
    assert!(shown(&state).contains("nothing to undo"));
}

#[test]
fn a_message_that_is_read_is_archived_and_the_list_comes_back() {
    let mut state = opened();
    press(&mut state, Key::Enter);
    happen(
        &mut state,
        Event::Fetched(Purpose::Read, Ok(Box::new(whole("m3", "text")))),
    );
    assert_eq!(
        modified(&press(&mut state, Key::Char('e'))),
        &moved_to("archive", "m3")
    );
    assert!(state.reader.is_none());
    assert_eq!(state.list.current().unwrap().message_id, "m2");
}

#[test]
fn stars_go_on_and_off_and_back() {
    let mut state = opened();
    assert_eq!(
        modified(&press(&mut state, Key::Char('s'))).set_starred,
        Some(true)
    );
    assert!(shown(&state).contains(">  *"), "{}", shown(&state));
    assert_eq!(
        modified(&press(&mut state, Key::Char('s'))).set_starred,
        Some(false)
    );
    assert_eq!(
        modified(&press(&mut state, Key::Char('z'))).set_starred,
        Some(true)
    );
}

#[test]
fn marking_as_unread_leaves_the_message_or_it_would_be_read_again() {
    let mut state = opened();
    press(&mut state, Key::Enter);
    assert_eq!(
        modified(&press(&mut state, Key::Char('U'))).set_read,
        Some(false)
    );
    assert!(state.reader.is_none());
    assert_eq!(
        modified(&press(&mut state, Key::Char('i'))).set_read,
        Some(true)
    );
}

#[test]
fn a_change_that_fails_says_why_and_shows_what_is() {
    let mut state = opened();
    press(&mut state, Key::Char('e'));
    let failure = Failure::unreachable("The server is away.").hint("try again in 2 s");
    let effects = happen(&mut state, Event::Changed(Err(failure)));
    assert!(matches!(effects[..], [Effect::List { .. }]), "{effects:?}");
    assert!(shown(&state).contains("The server is away. (try again in 2 s)"));
    assert!(
        press(&mut state, Key::Char('z')).is_empty(),
        "it was not done"
    );
}

#[test]
fn what_cannot_be_undone_is_asked_about() {
    for folder in ["trash", "drafts"] {
        let mut state = opened();
        in_folder(&mut state, folder);
        assert!(press(&mut state, Key::Char('#')).is_empty());
        assert!(shown(&state).contains("Delete it for good? y deletes it"));
        assert!(
            press(&mut state, Key::Char('n')).is_empty(),
            "anything but y is no"
        );
        assert_eq!(state.list.messages.len(), 3);
        press(&mut state, Key::Char('#'));
        let effects = press(&mut state, Key::Char('y'));
        assert!(matches!(&effects[..], [Effect::Delete(id)] if id == "m3"));
        assert_eq!(ids(&state.list.messages), ["m2", "m1"]);
    }
}

#[test]
fn a_send_that_waits_is_taken_back_not_deleted() {
    let mut state = opened();
    in_folder(&mut state, "outbox");
    assert!(type_in(&mut state, "e").is_empty());
    assert!(shown(&state).contains("# takes it back"));
    let effects = type_in(&mut state, "#y");
    assert!(matches!(&effects[..], [Effect::TakeBack(id)] if id == "m3"));
}

#[test]
fn a_message_is_moved_to_a_folder_that_takes_it() {
    let mut state = opened();
    press(&mut state, Key::Char('v'));
    let screen = shown(&state);
    for (name, takes) in [
        ("Work", true),
        ("Archive", true),
        ("Drafts", false),
        ("Sent", false),
        ("Outbox", false),
    ] {
        assert_eq!(
            screen.contains(&format!(" {name}")),
            takes,
            "{name}\n{screen}"
        );
    }
    type_in(&mut state, "work");
    assert_eq!(
        modified(&press(&mut state, Key::Enter)),
        &moved_to("work", "m3")
    );
}

#[test]
fn labels_go_on_and_off() {
    let mut state = opened();
    state.list.messages[0].labels = vec!["work".into()];
    let labels = || {
        let label = |name: &str| Label {
            name: name.into(),
            ..Label::default()
        };
        Event::Labels(Ok(vec![label("home"), label("work")]))
    };
    press(&mut state, Key::Char('l'));
    happen(&mut state, labels());
    assert!(
        shown(&state).contains("on, takes it off"),
        "{}",
        shown(&state)
    );
    assert_eq!(
        modified(&press(&mut state, Key::Enter)).add_labels,
        ["home"]
    );
    press(&mut state, Key::Char('l'));
    happen(&mut state, labels());
    type_in(&mut state, "work");
    assert_eq!(
        modified(&press(&mut state, Key::Enter)).remove_labels,
        ["work"]
    );
    press(&mut state, Key::Char('l'));
    type_in(&mut state, "to do");
    assert_eq!(
        modified(&press(&mut state, Key::Enter)).add_labels,
        ["to do"]
    );
    assert_eq!(state.list.messages[0].labels, ["home", "to do"]);
}

#[test]
fn nothing_happens_where_there_is_no_message() {
    let mut state = opened();
    state.list.messages.clear();
    for key in "eszviU#larf\u{8}".chars() {
        assert!(press(&mut state, Key::Char(key)).is_empty(), "{key:?}");
        press(&mut state, Key::Esc);
    }
    assert!(press(&mut state, Key::Enter).is_empty());
}
