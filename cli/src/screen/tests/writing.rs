//! Composing, answering, passing on; sending, keeping and taking back.

use std::path::PathBuf;

use turbomessage_proto::mail_v1::Message;
use turbomessage_service_kit::clock::Timestamp;

use crate::{
    failure::Failure,
    screen::{
        event::{Effect, Event, Purpose, Written},
        fixtures::{NOON, folders, happen, letter, opened, press, shown, type_in, user, whole},
        key::Key,
        state::State,
        update::update,
    },
};

const LETTER: &str = "To: ben, carla\nCc:\nSubject: Lunch?\n\nAt one?\n";

fn edited(state: &mut State, text: &str) -> Vec<Effect> {
    let written = Written {
        path: PathBuf::from("/state/unsent/letter.txt"),
        text: text.to_owned(),
        keep_id: "keep".to_owned(),
        send_id: "send".to_owned(),
    };
    happen(state, Event::Edited(Ok(written)))
}

/// A screen on which `text` has been written anew.
fn written(text: &str) -> State {
    let mut state = opened();
    let effects = press(&mut state, Key::Char('c'));
    assert!(matches!(&effects[..], [Effect::Edit { path: None, .. }]));
    edited(&mut state, text);
    state
}

fn offered(effects: &[Effect]) -> &str {
    match effects {
        [Effect::Edit { text, path: None }] => text,
        other => panic!("the editor is to be opened: {other:?}"),
    }
}

/// What the server answers to a send that waits ten seconds.
fn waiting() -> Box<Message> {
    Box::new(Message {
        folder_id: "outbox".into(),
        to: vec![user("ben")],
        send_time: Some(NOON.into()),
        deliver_time: Some(NOON.plus(std::time::Duration::from_secs(10)).into()),
        ..letter("m9")
    })
}

#[test]
fn what_is_written_is_shown_and_y_sends_it_in_ten_seconds() {
    let mut state = written(LETTER);
    let screen = shown(&state);
    assert!(
        screen.contains("To:      ben, carla\nSubject: Lunch?\n\nAt one?\n"),
        "{screen}"
    );
    assert!(screen.ends_with("y send  d keep as draft  e edit again  q throw away\n"));
    let effects = press(&mut state, Key::Char('y'));
    let [Effect::Send(request)] = &effects[..] else {
        panic!("it is to be sent: {effects:?}");
    };
    assert_eq!(
        (&request.to[..], request.subject.as_str()),
        (&["ben".to_owned(), "carla".to_owned()][..], "Lunch?")
    );
    assert_eq!(request.body.as_ref().unwrap().text, "At one?\n");
    assert_eq!(request.request_id, "send");
    assert_eq!(request.deliver_time.unwrap().seconds, NOON.as_secs() + 10);
    assert!(press(&mut state, Key::Char('y')).is_empty(), "once");

    let effects = happen(&mut state, Event::Sent(Ok(waiting())));
    assert!(matches!(&effects[..], [Effect::Forget(path)] if path.ends_with("letter.txt")));
    assert!(shown(&state).contains("Goes to ben in 10 s. z takes it back."));
    let later = NOON.plus(std::time::Duration::from_secs(7));
    update(&mut state, later, Event::Tick);
    assert!(shown(&state).contains("in 3 s."));
    let effects = update(&mut state, later, Event::Key(Key::Char('z')));
    assert!(matches!(&effects[..], [Effect::TakeBack(id)] if id == "m9"));
    happen(&mut state, Event::TakenBack(Ok(())));
    assert!(shown(&state).contains("it is a draft again"));
}

#[test]
fn a_send_whose_time_has_come_is_no_longer_offered_to_be_taken_back() {
    let mut state = written(LETTER);
    press(&mut state, Key::Char('y'));
    happen(&mut state, Event::Sent(Ok(waiting())));
    assert!(state.needs_ticks());
    let after = Timestamp::from_micros(NOON.as_micros() + 10_000_000);
    update(&mut state, after, Event::Tick);
    assert!(!state.needs_ticks() && !shown(&state).contains("takes it back"));
}

#[test]
fn a_send_that_fails_names_the_file_and_can_be_tried_again_as_the_same() {
    let mut state = written(LETTER);
    press(&mut state, Key::Char('y'));
    let failure = Failure::not_found("RECIPIENT_NOT_FOUND", "There is no carla.");
    assert!(
        happen(&mut state, Event::Sent(Err(failure))).is_empty(),
        "the file stays"
    );
    let screen = shown(&state);
    assert!(
        screen.contains("There is no carla. Your text is kept in"),
        "{screen}"
    );
    assert!(screen.contains("/state/unsent/letter.txt"), "{screen}");
    let later = NOON.plus(std::time::Duration::from_secs(60));
    let effects = update(&mut state, later, Event::Key(Key::Char('y')));
    let [Effect::Send(again)] = &effects[..] else {
        panic!("again: {effects:?}");
    };
    assert_eq!(again.request_id, "send");
    assert_eq!(
        again.deliver_time.unwrap().seconds,
        NOON.as_secs() + 10,
        "the same content"
    );
}

#[test]
fn d_keeps_a_draft_and_q_throws_away() {
    let mut state = written(LETTER);
    let effects = press(&mut state, Key::Char('d'));
    let [Effect::CreateDraft(request)] = &effects[..] else {
        panic!("it is to be kept: {effects:?}");
    };
    assert_eq!(
        (request.request_id.as_str(), request.subject.as_str()),
        ("keep", "Lunch?")
    );
    let effects = happen(&mut state, Event::Kept(Ok(Box::new(letter("m9")))));
    assert!(matches!(effects[..], [Effect::Forget(_)]));
    assert!(shown(&state).contains("Kept in Drafts"));

    let effects = press(&mut written(LETTER), Key::Char('q'));
    assert!(matches!(effects[..], [Effect::Forget(_)]));
}

#[test]
fn e_opens_the_same_file_again() {
    let mut state = written(LETTER);
    let effects = press(&mut state, Key::Char('e'));
    assert!(
        matches!(&effects[..], [Effect::Edit { path: Some(path), .. }] if path.ends_with("letter.txt"))
    );
}

#[test]
fn headers_that_cannot_be_read_are_for_the_editor() {
    let mut state = written("Hello Ben!\n\nAt one?\n");
    assert!(shown(&state).contains("`Hello Ben!` is no header"));
    assert!(
        type_in(&mut state, "yd").is_empty(),
        "neither sent nor kept"
    );
    assert!(matches!(
        press(&mut state, Key::Char('e'))[..],
        [Effect::Edit { .. }]
    ));
}

#[test]
fn nothing_written_is_nothing_sent() {
    let mut state = opened();
    let effects = press(&mut state, Key::Char('c'));
    let text = offered(&effects).to_owned();
    assert!(text.starts_with("To:\n"), "{text}");
    let effects = edited(&mut state, &text);
    assert!(matches!(effects[..], [Effect::Forget(_)]));
    assert!(shown(&state).contains("Nothing was written"));
}

#[test]
fn leaving_with_something_written_names_the_file() {
    let mut state = written(LETTER);
    let effects = press(&mut state, Key::Ctrl('c'));
    let [Effect::Quit(Some(failure))] = &effects[..] else {
        panic!("it is to be left: {effects:?}");
    };
    assert!(
        failure
            .hint
            .as_ref()
            .unwrap()
            .contains("/state/unsent/letter.txt")
    );
}

#[test]
fn an_answer_goes_to_the_sender_or_to_all_and_quotes() {
    let mut state = opened();
    state.list.messages[0].cc = vec![user("carla"), user("ana")];
    let fetch = press(&mut state, Key::Char('r'));
    assert!(matches!(&fetch[..], [Effect::Fetch(id, Purpose::Reply)] if id == "m3"));
    let mut original = whole("m3", "Come at one.\n");
    original.cc = vec![user("carla"), user("ana")];
    let reply = |state: &mut State, purpose| {
        let effects = happen(
            state,
            Event::Fetched(purpose, Ok(Box::new(original.clone()))),
        );
        offered(&effects).to_owned()
    };
    let text = reply(&mut state, Purpose::Reply);
    assert!(
        text.starts_with("To: ben\nCc:\nBcc:\nSubject: Re: Subject 3\n\n"),
        "{text}"
    );
    assert!(text.contains("\n> Come at one.\n"), "{text}");
    let text = reply(&mut state, Purpose::ReplyAll);
    assert!(text.starts_with("To: ben\nCc: carla\n"), "{text}");
    edited(&mut state, &text.replace("\n\n", "\n\nYes!"));
    let effects = press(&mut state, Key::Char('y'));
    assert!(matches!(&effects[..], [Effect::Send(request)] if request.in_reply_to == "m3"));
}

#[test]
fn what_is_passed_on_names_the_original() {
    let mut state = opened();
    press(&mut state, Key::Enter);
    happen(
        &mut state,
        Event::Fetched(Purpose::Read, Ok(Box::new(whole("m3", "Come.")))),
    );
    let effects = press(&mut state, Key::Char('f'));
    let text = offered(&effects).to_owned();
    assert!(
        text.contains("Subject: Fwd: Subject 3\n") && text.contains("Come."),
        "{text}"
    );
    edited(&mut state, &text.replacen("To:", "To: carla", 1));
    let effects = press(&mut state, Key::Char('y'));
    assert!(matches!(&effects[..], [Effect::Send(request)] if request.forward_of == "m3"));
}

/// A screen on which a draft has been changed to [`LETTER`].
fn draft() -> State {
    let mut state = opened();
    state.folders = folders();
    state.list.messages[0].folder_id = "drafts".into();
    let effects = press(&mut state, Key::Enter);
    assert!(matches!(&effects[..], [Effect::Fetch(id, Purpose::Draft)] if id == "m3"));
    let draft = Message {
        folder_id: "drafts".into(),
        labels: vec!["work".into()],
        in_reply_to: "m1".into(),
        ..whole("m3", "Begun")
    };
    let effects = happen(
        &mut state,
        Event::Fetched(Purpose::Draft, Ok(Box::new(draft))),
    );
    assert!(offered(&effects).ends_with("\n\nBegun"), "{effects:?}");
    edited(&mut state, LETTER);
    state
}

#[test]
fn a_draft_is_written_on_and_sent_with_what_it_has() {
    let mut state = draft();
    let effects = press(&mut state, Key::Char('y'));
    let [Effect::UpdateDraft(request)] = &effects[..] else {
        panic!("it is to be kept first: {effects:?}");
    };
    assert_eq!(
        (request.message_id.as_str(), request.etag.as_str()),
        ("m3", "e1")
    );
    assert_eq!(
        (&request.labels[..], request.in_reply_to.as_str()),
        (&["work".to_owned()][..], "m1")
    );
    assert_eq!(request.deliver_time.unwrap().seconds, NOON.as_secs() + 10);
    let kept = Message {
        etag: "e2".into(),
        ..letter("m3")
    };
    let effects = happen(&mut state, Event::Kept(Ok(Box::new(kept))));
    assert!(matches!(&effects[..], [Effect::SendDraft(id, once)] if id == "m3" && once == "send"));

    let away = Failure::unreachable("Away.");
    happen(&mut state, Event::Sent(Err(away)));
    let effects = press(&mut state, Key::Char('y'));
    assert!(
        matches!(effects[..], [Effect::SendDraft(..)]),
        "it is kept already: {effects:?}"
    );
}

#[test]
fn a_draft_that_was_changed_elsewhere_is_not_overwritten_and_nothing_is_lost() {
    let mut state = draft();
    press(&mut state, Key::Char('d'));
    let mut conflict = Failure::other("It was changed elsewhere.");
    conflict.reason = "ETAG_MISMATCH".into();
    happen(&mut state, Event::Kept(Err(conflict)));
    let screen = shown(&state);
    assert!(
        screen.contains("d keeps yours as another draft."),
        "{screen}"
    );
    let effects = press(&mut state, Key::Char('d'));
    assert!(matches!(&effects[..], [Effect::CreateDraft(request)] if request.in_reply_to == "m1"));
}

#[test]
fn an_editor_that_fails_loses_nothing() {
    let mut state = opened();
    press(&mut state, Key::Char('c'));
    let failure = Failure::other("vi failed.").hint("the text is kept in /x");
    happen(&mut state, Event::Edited(Err(failure)));
    assert!(shown(&state).contains("vi failed. (the text is kept in /x)"));
    let mut state = written(LETTER);
    press(&mut state, Key::Char('e'));
    happen(&mut state, Event::Edited(Err(Failure::other("vi failed."))));
    assert!(
        shown(&state).contains("y send"),
        "what was written before is still there"
    );
}
