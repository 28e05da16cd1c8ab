//! Following the mailbox.

use turbomessage_proto::mail_v1::{
    Change, Folder, Message, WatchMailboxResponse, change::Change as Happened,
    watch_mailbox_response::Event as News,
};

use crate::{
    failure::Failure,
    screen::{
        event::{Effect, Event, Purpose},
        fixtures::{happen, ids, letter, opened, press, shown, whole},
        key::Key,
        state::State,
    },
};

fn news(state: &mut State, at: &str, happened: Happened) {
    let event = News::Change(Change {
        change: Some(happened),
    });
    let response = WatchMailboxResponse {
        state: at.to_owned(),
        event: Some(event),
    };
    happen(state, Event::Watched(Box::new(response)));
}

fn ended(state: &mut State) -> Vec<Effect> {
    happen(state, Event::WatchEnded(Failure::unreachable("Gone.")))
}

#[test]
fn what_happens_is_shown_and_the_selection_stays() {
    let mut state = opened();
    press(&mut state, Key::Down);
    news(&mut state, "s2", Happened::MessageCreated(letter("m4")));
    let starred = Message {
        starred: true,
        ..letter("m1")
    };
    news(&mut state, "s3", Happened::MessageUpdated(starred));
    news(&mut state, "s4", Happened::MessageDeleted("m3".into()));
    assert_eq!(ids(&state.list.messages), ["m4", "m2", "m1"]);
    assert_eq!(state.list.current().unwrap().message_id, "m2");
    assert!(state.list.messages[2].starred);
    assert_eq!(state.live.state, "s4");
}

#[test]
fn a_message_that_is_read_keeps_its_text_and_its_place() {
    let mut state = opened();
    press(&mut state, Key::Enter);
    let text = "line\n".repeat(60);
    happen(
        &mut state,
        Event::Fetched(Purpose::Read, Ok(Box::new(whole("m3", &text)))),
    );
    press(&mut state, Key::PageDown);
    let before = shown(&state);
    news(&mut state, "s2", Happened::MessageUpdated(letter("m3")));
    news(&mut state, "s3", Happened::MessageCreated(letter("m4")));
    assert_eq!(shown(&state), before);
}

#[test]
fn counts_follow_and_folders_come_and_go() {
    let mut state = opened();
    let folder = |id: &str, name: &str, role: i32, unread_count| Folder {
        folder_id: id.into(),
        name: name.into(),
        role,
        total_count: 9,
        unread_count,
    };
    news(
        &mut state,
        "s2",
        Happened::FolderUpdated(folder("inbox", "Inbox", 1, 7)),
    );
    assert!(shown(&state).starts_with(" Inbox  9 messages, 7 unread"));
    news(
        &mut state,
        "s3",
        Happened::FolderCreated(folder("alpha", "Alpha", 0, 0)),
    );
    let names: Vec<&str> = state.folders.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names[0], "Inbox");
    assert_eq!(names[7..], ["Alpha", "Work"]);
    news(&mut state, "s4", Happened::FolderDeleted("work".into()));
    assert_eq!(state.folders.len(), 8);
}

#[test]
fn a_stream_that_ends_goes_on_with_the_last_state_and_growing_pauses() {
    let mut state = opened();
    news(&mut state, "s2", Happened::MessageDeleted("m1".into()));
    let mut pauses = Vec::new();
    for failure in 1..=12 {
        let effects = ended(&mut state);
        let [Effect::Watch(since, pause)] = &effects[..] else {
            panic!("it is to be taken up again: {effects:?}");
        };
        assert_eq!(since, "s2");
        assert_eq!(
            shown(&state).contains("Offline, trying again."),
            failure > 1
        );
        pauses.push(pause.as_millis());
    }
    assert_eq!(pauses[..4], [0, 250, 500, 1000]);
    assert_eq!(pauses[11], 30_000, "and no longer");
    let heartbeat = WatchMailboxResponse {
        state: "s2".into(),
        event: Some(News::Heartbeat(turbomessage_proto::mail_v1::Heartbeat {})),
    };
    happen(&mut state, Event::Watched(Box::new(heartbeat)));
    assert!(!shown(&state).contains("Offline"), "it is back");
    assert!(matches!(ended(&mut state)[..], [Effect::Watch(_, pause)] if pause.is_zero()));
}

#[test]
fn a_history_that_is_too_old_is_loaded_anew() {
    let mut state = opened();
    let mut failure = Failure::other("Too old.");
    failure.reason = "HISTORY_EXPIRED".into();
    let effects = happen(&mut state, Event::WatchEnded(failure));
    assert!(matches!(effects[..], [Effect::Begin(_)]), "{effects:?}");
}

#[test]
fn a_session_that_is_over_ends_the_screen_with_its_exit_code() {
    let over = || Failure::not_signed_in("The session has ended.");
    for event in [
        Event::WatchEnded(over()),
        Event::Changed(Err(over())),
        Event::Fetched(Purpose::Read, Err(over())),
        Event::Begun(Err(over())),
        Event::Sent(Err(over())),
    ] {
        let effects = happen(&mut opened(), event);
        let Some(Effect::Quit(Some(failure))) = effects.last() else {
            panic!("it is to be left: {effects:?}");
        };
        assert_eq!(failure.exit_code(), 4);
        assert!(failure.hint.as_ref().unwrap().contains("tm login"));
    }
}
