//! Rows as JSON: ids and bytes in hexadecimal, everything else as it is.

use serde_json::{Value, json};
use turbomessage_service_kit::clock::Timestamp;
use uuid::Uuid;

use crate::{
    domain::{Change, Copy, Folder, Label, Mailbox, ThreadPart},
    store::{Content, KeptAnswer, Key, Labelled, rows},
};

pub(super) fn hex_of(id: Uuid) -> String {
    id.simple().to_string()
}

/// A set as JSON: one element a row.
pub(super) fn set<T>(rows: &[T], row: impl FnMut(&T) -> Value) -> String {
    Value::Array(rows.iter().map(row).collect()).to_string()
}

pub(super) fn ids(ids: &[Uuid]) -> String {
    set(ids, |id| json!(hex_of(*id)))
}

pub(super) fn keys(keys: &[Key]) -> String {
    set(keys, |(owner, id)| json!([hex_of(*owner), hex_of(*id)]))
}

pub(super) fn mailbox_row(m: &Mailbox) -> Value {
    json!([
        hex_of(m.owner_id),
        m.state as i16,
        hex_of(m.epoch),
        m.last_change,
        m.oldest_change,
        m.last_receive_time,
        m.message_count,
        m.used_bytes,
        m.quota_messages,
        m.quota_bytes,
        m.indexed_time.as_micros()
    ])
}

pub(super) fn mailbox_counts(m: &Mailbox) -> Value {
    json!([
        hex_of(m.owner_id),
        m.state as i16,
        m.last_change,
        m.last_receive_time,
        m.message_count,
        m.used_bytes
    ])
}

pub(super) fn folder_row(f: &Folder) -> Value {
    json!([
        hex_of(f.owner_id),
        hex_of(f.folder_id),
        f.role.map_or(0, |role| role as i16),
        f.name,
        f.total_count,
        f.unread_count,
        f.change,
        f.create_change
    ])
}

pub(super) fn changed_folder(f: &Folder) -> Value {
    json!([
        hex_of(f.owner_id),
        hex_of(f.folder_id),
        f.name,
        f.total_count,
        f.unread_count,
        f.change
    ])
}

pub(super) fn content_row(c: &Content) -> Value {
    json!([
        hex_of(c.content_id),
        hex_of(c.sender_id),
        c.send_time.as_micros(),
        c.subject,
        c.body.text,
        c.body.html,
        hex::encode(rows::pack(&c.participants)),
        c.internet_message_id,
        c.in_reply_to,
        c.size_bytes,
        hex::encode(rows::pack_deliveries(&c.deliveries))
    ])
}

pub(super) fn copy_row(c: &Copy) -> Value {
    json!([
        hex_of(c.owner_id),
        hex_of(c.message_id),
        hex_of(c.content_id),
        hex_of(c.thread_id),
        hex_of(c.folder_id),
        c.kind as i16,
        c.change,
        c.create_change,
        c.receive_time.as_micros(),
        c.send_time.as_micros(),
        i16::from(c.read),
        i16::from(c.starred),
        i16::from(c.answered),
        i16::from(c.forwarded),
        c.subject,
        c.snippet,
        hex::encode(rows::pack(&c.participants)),
        c.in_reply_to.map(hex_of),
        c.internet_message_id,
        c.size_bytes,
        hex::encode(rows::pack(&c.labels)),
        c.forward_of.map(hex_of),
        c.deliver_time.map(Timestamp::as_micros),
        c.trash_time.map(Timestamp::as_micros)
    ])
}

pub(super) fn changed_row(c: &Copy) -> Value {
    json!([
        hex_of(c.owner_id),
        hex_of(c.message_id),
        hex_of(c.folder_id),
        c.change,
        i16::from(c.read),
        i16::from(c.starred),
        i16::from(c.answered),
        i16::from(c.forwarded),
        hex::encode(rows::pack(&c.labels)),
        c.trash_time.map(Timestamp::as_micros)
    ])
}

pub(super) fn label_row(l: &Label) -> Value {
    json!([hex_of(l.owner_id), l.name, l.total_count, l.unread_count])
}

pub(super) fn labelled_row(l: &Labelled) -> Value {
    json!([
        hex_of(l.owner_id),
        l.name,
        hex_of(l.folder_id),
        l.receive_time.as_micros(),
        hex_of(l.message_id)
    ])
}

pub(super) fn thread_row(t: &ThreadPart) -> Value {
    json!([
        hex_of(t.owner_id),
        hex_of(t.thread_id),
        hex_of(t.folder_id),
        t.message_count,
        t.unread_count,
        t.last_time.as_micros()
    ])
}

pub(super) fn change_row(c: &Change) -> Value {
    json!([
        hex_of(c.owner_id),
        c.number,
        c.event as i16,
        hex_of(c.object_id)
    ])
}

pub(super) fn answer_row(a: &KeptAnswer) -> Value {
    json!([
        hex_of(a.request.0),
        hex_of(a.request.1),
        hex::encode(a.fingerprint.0),
        hex::encode(rows::pack(&a.answer))
    ])
}
