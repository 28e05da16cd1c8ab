//! Rows as JSON: ids and bytes in hexadecimal, everything else as it is.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    domain::{Copy, Folder, Mailbox},
    store::{Content, KeptAnswer, Key, Tombstone, rows},
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
        m.last_receive_time,
        m.message_count,
        m.used_bytes,
        m.quota_messages,
        m.quota_bytes
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

pub(super) fn folder_counts(f: &Folder) -> Value {
    json!([
        hex_of(f.owner_id),
        hex_of(f.folder_id),
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
        c.size_bytes
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
        i16::from(c.forwarded)
    ])
}

pub(super) fn tombstone_row(t: &Tombstone) -> Value {
    json!([hex_of(t.key.0), hex_of(t.key.1), t.change])
}

pub(super) fn answer_row(a: &KeptAnswer) -> Value {
    json!([
        hex_of(a.request.0),
        hex_of(a.request.1),
        hex::encode(a.fingerprint.0),
        hex::encode(rows::pack(&a.answer))
    ])
}
