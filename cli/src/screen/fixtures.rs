//! Messages and screens for tests.

use ratatui::{Terminal, backend::TestBackend};
use turbomessage_proto::{
    auth_v1::Account,
    mail_v1::{Body, Folder, FolderRole, Message, Participant, ParticipantKind},
};
use turbomessage_service_kit::clock::Timestamp;

use super::{
    event::{Begun, Effect, Event, Page},
    key::Key,
    state::State,
    update::update,
    view::view,
};

/// Thursday, 5 March 2026, 12:00 UTC.
pub(crate) const NOON: Timestamp = Timestamp::from_micros(1_772_712_000_000_000);

/// A user called so.
pub(crate) fn user(username: &str) -> Participant {
    Participant {
        account_id: format!("id-{username}"),
        username: username.to_owned(),
        display_name: username[..1].to_uppercase() + &username[1..],
        kind: ParticipantKind::User.into(),
        ..Participant::default()
    }
}

/// A message from ben to ana in the Inbox, whose last digit orders it: `m2` is newer than `m1`.
pub(crate) fn letter(id: &str) -> Message {
    let number: i64 = id
        .trim_start_matches(|c: char| !c.is_ascii_digit())
        .parse()
        .unwrap();
    Message {
        message_id: id.to_owned(),
        from: Some(user("ben")),
        to: vec![user("ana")],
        subject: format!("Subject {number}"),
        snippet: format!("Text {number}"),
        folder_id: "inbox".to_owned(),
        send_time: Some(NOON.into()),
        receive_time: Some(prost_types::Timestamp {
            seconds: NOON.as_secs() - 3600 + number * 60,
            nanos: 0,
        }),
        read: true,
        etag: "e1".to_owned(),
        ..Message::default()
    }
}

/// The same message, whole.
pub(crate) fn whole(id: &str, text: &str) -> Message {
    Message {
        body: Some(Body {
            text: text.to_owned(),
            html: String::new(),
        }),
        ..letter(id)
    }
}

/// A page of messages.
pub(crate) fn page(ids: &[&str], next: &str) -> Page {
    Page {
        messages: ids.iter().map(|id| letter(id)).collect(),
        next_page_token: next.to_owned(),
    }
}

/// The ids of messages.
pub(crate) fn ids(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|m| m.message_id.as_str()).collect()
}

/// The standard folders, each with its role in lower case as its id, and one of ana's own.
pub(crate) fn folders() -> Vec<Folder> {
    let standard = [
        ("Inbox", FolderRole::Inbox, 3, 1),
        ("Sent", FolderRole::Sent, 0, 0),
        ("Drafts", FolderRole::Drafts, 1, 0),
        ("Outbox", FolderRole::Outbox, 0, 0),
        ("Archive", FolderRole::Archive, 0, 0),
        ("Spam", FolderRole::Spam, 0, 0),
        ("Trash", FolderRole::Trash, 0, 0),
        ("Work", FolderRole::Unspecified, 2, 0),
    ];
    let folder = |(name, role, total_count, unread_count): (&str, FolderRole, i32, i32)| Folder {
        folder_id: name.to_lowercase(),
        name: name.to_owned(),
        role: role.into(),
        total_count,
        unread_count,
    };
    standard.into_iter().map(folder).collect()
}

/// A screen of 80 by 24 without colour, with `m3`, `m2` and `m1` in the Inbox.
pub(crate) fn opened() -> State {
    let mut state = State::new((80, 24), false);
    let begun = Begun {
        state: "s1".to_owned(),
        account: Account {
            account_id: "id-ana".to_owned(),
            username: "ana".to_owned(),
            ..Account::default()
        },
        folders: folders(),
    };
    happen(&mut state, Event::Begun(Ok(begun)));
    happen(
        &mut state,
        Event::Listed(1, Ok(page(&["m3", "m2", "m1"], ""))),
    );
    state
}

/// Lets something happen at noon.
pub(crate) fn happen(state: &mut State, event: Event) -> Vec<Effect> {
    update(state, NOON, event)
}

/// Presses a key at noon.
pub(crate) fn press(state: &mut State, key: Key) -> Vec<Effect> {
    happen(state, Event::Key(key))
}

/// Types characters one by one at noon; answers with all that they ask for.
pub(crate) fn type_in(state: &mut State, text: &str) -> Vec<Effect> {
    let keys = text.chars().map(Key::Char);
    keys.flat_map(|key| press(state, key)).collect()
}

/// What is on the screen, row by row, without the blanks at the ends.
pub(crate) fn shown(state: &State) -> String {
    let (columns, rows) = state.size;
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| view(state, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let rows = buffer.content().chunks(usize::from(columns.max(1)));
    let text = |row: &[ratatui::buffer::Cell]| {
        let mut text = String::new();
        let mut covered = 0;
        for cell in row {
            if covered > 0 {
                covered -= 1;
                continue;
            }
            covered = crate::output::text::width(cell.symbol()).saturating_sub(1);
            text.push_str(cell.symbol());
        }
        text.trim_end().to_owned() + "\n"
    };
    rows.map(text).collect()
}
