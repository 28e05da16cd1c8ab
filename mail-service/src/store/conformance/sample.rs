//! Rows with something in every column.

use std::sync::Arc;

use turbomessage_service_kit::clock::Timestamp;
use uuid::Uuid;

use super::office::NOW;
use crate::{
    domain::{
        Body, Copy, Fingerprint, Folder, FolderRole, Kind, Mailbox, MailboxState, Participant,
        Participants,
    },
    store::{Changes, Content, Kept, KeptAnswer, SharedStore},
};

/// Texts that have broken other systems.
pub(super) const TEXTS: &[&str] = &[
    "",
    " ",
    "null",
    "1e5",
    "0x10",
    "true",
    "plain",
    "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{200d}\u{1f466} \u{1f3f4}\u{200d}\u{2620}\u{fe0f} 🇪🇸",
    "\u{202e}abc\u{202c} שלום مرحبا \u{200f}",
    "e\u{301} a\u{30a} n\u{303} q\u{307}\u{323} é å ñ",
    "'; DROP TABLE copies; --",
    "\"double\" 'single' `back` $1 $$ ? :a @b",
    r"back\slash \u0041 \n \x00 \\",
    r#"{"a":[null,true,{"b":"\u0000"}]}"#,
    "[\"x\"]",
    "%_*?[a-z]",
    "\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}\t\n\u{b}\u{c}\r\u{e}\u{f}",
    "\u{10}\u{11}\u{12}\u{13}\u{14}\u{15}\u{16}\u{17}\u{18}\u{19}\u{1a}\u{1b}\u{1c}\u{1d}\u{1e}\u{1f}\u{7f}\u{80}\u{85}",
    "\r\n.\r\nQUIT\r\n",
    "\u{feff}bom \u{2028} \u{2029} \u{fffd} \u{fffe} \u{ffff} \u{e000} \u{10ffff}",
    "  leading and trailing  \n",
    "</script><!-- ]]> &amp; &#0;",
];

pub(super) fn mailbox(owner_id: Uuid) -> Mailbox {
    Mailbox {
        owner_id,
        state: MailboxState::Active,
        epoch: Uuid::new_v4(),
        last_change: 7,
        oldest_change: 5,
        last_receive_time: 11,
        message_count: 13,
        used_bytes: 1 << 40,
        quota_messages: 17,
        quota_bytes: i64::MAX,
        indexed_time: Timestamp::from_micros(9),
    }
}

pub(super) fn folder(owner_id: Uuid, role: Option<FolderRole>, name: &str, change: i64) -> Folder {
    Folder {
        owner_id,
        folder_id: Uuid::new_v4(),
        role,
        name: name.into(),
        total_count: 19,
        unread_count: 23,
        change,
        create_change: change,
    }
}

pub(super) fn participants() -> Participants {
    Participants {
        from: Participant::Account(Uuid::new_v4()),
        to: vec![Participant::System, Participant::Account(Uuid::new_v4())],
        cc: vec![Participant::External {
            name: "Ñandú \u{1f426}".into(),
            address: "n@example.org".into(),
        }],
        bcc: vec![Participant::Account(Uuid::nil())],
    }
}

pub(super) fn content(sender_id: Uuid, body: Body) -> Content {
    Content {
        content_id: Uuid::new_v4(),
        sender_id,
        send_time: NOW,
        subject: "subject".into(),
        body,
        participants: participants(),
        internet_message_id: format!("<{}@sample.example>", Uuid::new_v4()),
        in_reply_to: "<parent@sample.example>".into(),
        size_bytes: 29,
        deliveries: Vec::new(),
    }
}

/// A copy of `content` with every flag unlike its neighbour's.
pub(super) fn copy(content: &mut Content, owner_id: Uuid, folder_id: Uuid, change: i64) -> Copy {
    let message_id = Uuid::new_v4();
    content.deliveries.push((owner_id, message_id));
    Copy {
        owner_id,
        message_id,
        content_id: content.content_id,
        thread_id: Uuid::new_v4(),
        folder_id,
        kind: Kind::Received,
        change,
        create_change: change - 1,
        receive_time: Timestamp::from_micros(NOW.as_micros() + change),
        send_time: Timestamp::from_micros(-5),
        read: true,
        starred: false,
        answered: true,
        forwarded: false,
        subject: content.subject.clone(),
        snippet: "snippet".into(),
        participants: content.participants.clone(),
        in_reply_to: Some(Uuid::new_v4()),
        internet_message_id: content.internet_message_id.clone(),
        size_bytes: content.size_bytes,
        labels: vec!["a \u{1f4cc}".into(), "b".into()],
        forward_of: Some(Uuid::new_v4()),
        deliver_time: Some(Timestamp::from_micros(31)),
        trash_time: Some(Timestamp::from_micros(37)),
    }
}

pub(super) fn kept_answer(answer: Copy) -> KeptAnswer {
    let mut fingerprint = [7; 32];
    fingerprint[0] = 0;
    KeptAnswer {
        request: (answer.owner_id, Uuid::new_v4()),
        fingerprint: Fingerprint(fingerprint),
        answer: Kept::Message(Box::new(answer)),
    }
}

/// Makes a mailbox with an inbox, and answers with the inbox.
pub(super) async fn open(store: &SharedStore, owner: Uuid) -> Folder {
    let inbox = folder(owner, Some(FolderRole::Inbox), "Inbox", 1);
    let mut transaction = store.begin().await.unwrap();
    transaction
        .create_mailboxes(&[mailbox(owner)], std::slice::from_ref(&inbox))
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    inbox
}

pub(super) async fn write(store: &SharedStore, changes: &Changes) {
    let mut transaction = store.begin().await.unwrap();
    transaction.write(&Arc::new(changes.clone())).await.unwrap();
    transaction.commit().await.unwrap();
}
