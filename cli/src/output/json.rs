//! The contract's messages as JSON: every field under its own name, times as RFC 3339, bytes as
//! base64, enum values by their names.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};
use turbomessage_proto::{
    auth_v1::{Account, Session},
    mail_v1::{
        Attachment, Body, Change, Folder, Highlight, HighlightPart, Label, Mailbox, Message,
        Participant, Thread, WatchMailboxResponse, change, watch_mailbox_response,
    },
};

use super::time::rfc3339;

/// A message, with or without its body.
pub(crate) fn message(message: &Message) -> Value {
    json!({
        "message_id": message.message_id,
        "thread_id": message.thread_id,
        "from": message.from.as_ref().map(participant),
        "to": participants(&message.to),
        "cc": participants(&message.cc),
        "bcc": participants(&message.bcc),
        "subject": message.subject,
        "snippet": message.snippet,
        "body": message.body.as_ref().map(body),
        "attachments": message.attachments.iter().map(attachment).collect::<Vec<_>>(),
        "in_reply_to": message.in_reply_to,
        "internet_message_id": message.internet_message_id,
        "send_time": rfc3339(message.send_time.as_ref()),
        "receive_time": rfc3339(message.receive_time.as_ref()),
        "folder_id": message.folder_id,
        "read": message.read,
        "starred": message.starred,
        "answered": message.answered,
        "forwarded": message.forwarded,
        "labels": message.labels,
        "size_bytes": message.size_bytes,
        "etag": message.etag,
        "deliver_time": rfc3339(message.deliver_time.as_ref()),
        "forward_of": message.forward_of,
    })
}

/// Several messages.
pub(crate) fn messages(messages: &[Message]) -> Value {
    messages.iter().map(message).collect()
}

fn body(body: &Body) -> Value {
    json!({"text": body.text, "html": body.html})
}

fn participants(participants: &[Participant]) -> Value {
    participants.iter().map(participant).collect()
}

fn participant(participant: &Participant) -> Value {
    json!({
        "account_id": participant.account_id,
        "username": participant.username,
        "display_name": participant.display_name,
        "address": participant.address,
        "kind": participant.kind().as_str_name(),
    })
}

fn attachment(attachment: &Attachment) -> Value {
    json!({
        "attachment_id": attachment.attachment_id,
        "filename": attachment.filename,
        "media_type": attachment.media_type,
        "size_bytes": attachment.size_bytes,
        "sha256": BASE64.encode(&attachment.sha256),
        "inline": attachment.inline,
        "content_id": attachment.content_id,
    })
}

/// A folder.
pub(crate) fn folder(folder: &Folder) -> Value {
    json!({
        "folder_id": folder.folder_id,
        "name": folder.name,
        "role": folder.role().as_str_name(),
        "total_count": folder.total_count,
        "unread_count": folder.unread_count,
    })
}

/// A mailbox.
pub(crate) fn mailbox(mailbox: &Mailbox) -> Value {
    json!({
        "message_count": mailbox.message_count,
        "used_bytes": mailbox.used_bytes,
        "quota_bytes": mailbox.quota_bytes,
        "quota_messages": mailbox.quota_messages,
        "state": mailbox.state,
    })
}

/// A label.
pub(crate) fn label(label: &Label) -> Value {
    json!({
        "name": label.name,
        "total_count": label.total_count,
        "unread_count": label.unread_count,
    })
}

/// A conversation, without its messages.
pub(crate) fn thread(thread: &Thread) -> Value {
    json!({
        "thread_id": thread.thread_id,
        "subject": thread.subject,
        "participants": participants(&thread.participants),
        "message_count": thread.message_count,
        "unread_count": thread.unread_count,
        "snippet": thread.snippet,
        "last_time": rfc3339(thread.last_time.as_ref()),
    })
}

/// Where a message matches a search.
pub(crate) fn highlight(highlight: &Highlight) -> Value {
    let part = |part: &HighlightPart| json!({"text": part.text, "matched": part.matched});
    let parts = |parts: &[HighlightPart]| parts.iter().map(part).collect::<Vec<_>>();
    json!({"subject": parts(&highlight.subject), "snippet": parts(&highlight.snippet)})
}

/// Something that happened to the mailbox: its state, and the one thing that it was.
pub(crate) fn event(event: &WatchMailboxResponse) -> Value {
    use watch_mailbox_response::Event;
    match &event.event {
        Some(Event::Change(happened)) => {
            json!({"state": event.state, "change": self::change(happened)})
        }
        Some(Event::Heartbeat(_)) => json!({"state": event.state, "heartbeat": {}}),
        None => json!({"state": event.state}),
    }
}

fn change(happened: &Change) -> Value {
    use change::Change as Happened;
    match &happened.change {
        Some(Happened::MessageCreated(new)) => json!({"message_created": message(new)}),
        Some(Happened::MessageUpdated(new)) => json!({"message_updated": message(new)}),
        Some(Happened::MessageDeleted(id)) => json!({"message_deleted": id}),
        Some(Happened::FolderCreated(new)) => json!({"folder_created": folder(new)}),
        Some(Happened::FolderUpdated(new)) => json!({"folder_updated": folder(new)}),
        Some(Happened::FolderDeleted(id)) => json!({"folder_deleted": id}),
        None => json!({}),
    }
}

/// An account.
pub(crate) fn account(account: &Account) -> Value {
    json!({
        "account_id": account.account_id,
        "username": account.username,
        "display_name": account.display_name,
        "create_time": rfc3339(account.create_time.as_ref()),
    })
}

/// A session.
pub(crate) fn session(session: &Session) -> Value {
    json!({
        "session_id": session.session_id,
        "device_name": session.device_name,
        "create_time": rfc3339(session.create_time.as_ref()),
        "last_seen_time": rfc3339(session.last_seen_time.as_ref()),
        "expire_time": rfc3339(session.expire_time.as_ref()),
        "current": session.current,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;
    use prost_types::FileDescriptorSet;
    use turbomessage_proto::{PUBLIC_DESCRIPTORS, mail_v1::Heartbeat};

    use super::*;

    fn fields_in_contract(name: &str) -> BTreeSet<String> {
        let set = FileDescriptorSet::decode(PUBLIC_DESCRIPTORS).unwrap();
        let mut messages = set.file.iter().flat_map(|file| &file.message_type);
        let message = messages.find(|message| message.name() == name).unwrap();
        let fields = message.field.iter();
        fields.map(|field| field.name().to_owned()).collect()
    }

    #[test]
    fn json_has_every_field_of_the_contract_under_its_name() {
        for (name, json) in [
            ("Message", message(&Message::default())),
            ("Body", body(&Body::default())),
            ("Participant", participant(&Participant::default())),
            ("Attachment", attachment(&Attachment::default())),
            ("Folder", folder(&Folder::default())),
            ("Mailbox", mailbox(&Mailbox::default())),
            ("Label", label(&Label::default())),
            ("Thread", thread(&Thread::default())),
            ("Highlight", highlight(&Highlight::default())),
            ("Account", account(&Account::default())),
            ("Session", session(&Session::default())),
        ] {
            let names: BTreeSet<String> = json.as_object().unwrap().keys().cloned().collect();
            assert_eq!(names, fields_in_contract(name), "{name}");
        }
    }

    #[test]
    fn a_change_has_the_name_that_the_contract_gives_it() {
        use change::Change as Happened;
        let mut names = BTreeSet::new();
        for happened in [
            Happened::MessageCreated(Message::default()),
            Happened::MessageUpdated(Message::default()),
            Happened::MessageDeleted("id".into()),
            Happened::FolderCreated(Folder::default()),
            Happened::FolderUpdated(Folder::default()),
            Happened::FolderDeleted("id".into()),
        ] {
            let happened = Change {
                change: Some(happened),
            };
            let event = event(&WatchMailboxResponse {
                state: "s1".into(),
                event: Some(watch_mailbox_response::Event::Change(happened)),
            });
            assert_eq!(event["state"], "s1");
            names.extend(event["change"].as_object().unwrap().keys().cloned());
        }
        assert_eq!(names, fields_in_contract("Change"));
    }

    #[test]
    fn a_sign_of_life_tells_the_state_too() {
        let heartbeat = watch_mailbox_response::Event::Heartbeat(Heartbeat {});
        let event = event(&WatchMailboxResponse {
            state: "s1".into(),
            event: Some(heartbeat),
        });
        assert_eq!(event, json!({"state": "s1", "heartbeat": {}}));
    }
}
