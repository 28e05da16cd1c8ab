//! Domain types as messages of the contract.

use std::{collections::HashMap, sync::Arc};

use prost::Message as _;
use turbomessage_proto::mail_v1 as proto;
use turbomessage_service_kit::{problem::Problem, server::MAX_MESSAGE_BYTES};
use uuid::Uuid;

use crate::{
    directory::Directory,
    domain::{Body, Copy, Cursor, Folder, Label, Mailbox, Participant, State},
    mail::{Found, Happened, Mail, ThreadSummary, What},
    search::{self, Query},
    store::Account,
};

/// What an answer may hold, with some room for what is around the messages.
pub(super) const ANSWER_BYTES: usize = MAX_MESSAGE_BYTES - 64 * 1024;

type Names = HashMap<Uuid, Arc<Account>>;

/// One message.
pub(super) async fn one(
    directory: &Directory,
    copy: Copy,
    body: Option<Body>,
) -> Result<proto::Message, Problem> {
    let names = names(directory, std::slice::from_ref(&copy)).await?;
    Ok(message(copy, body, &names))
}

/// Several messages in their order, as many as an answer holds.
pub(super) async fn several(
    directory: &Directory,
    copies: Vec<Copy>,
) -> Result<Vec<proto::Message>, Problem> {
    fitting(directory, copies, None, ANSWER_BYTES).await
}

/// As many of `copies` in their order as fit into `room` bytes, at least one. With `bodies`, a message whose text is not
/// among them has been deleted meanwhile and is left out.
async fn fitting(
    directory: &Directory,
    copies: Vec<Copy>,
    mut bodies: Option<HashMap<Uuid, Body>>,
    room: usize,
) -> Result<Vec<proto::Message>, Problem> {
    let names = names(directory, &copies).await?;
    let mut messages = Vec::with_capacity(copies.len());
    let mut bytes = 0;
    for copy in copies {
        let body = match &mut bodies {
            None => None,
            Some(bodies) => match bodies.remove(&copy.message_id) {
                Some(body) => Some(body),
                None => continue,
            },
        };
        let message = message(copy, body, &names);
        bytes += message.encoded_len() + 8;
        if bytes > room && !messages.is_empty() {
            break;
        }
        messages.push(message);
    }
    Ok(messages)
}

/// As many of `copies` in their order as fit into `room` bytes, at least one, with their texts if `full`.
pub(super) async fn page(
    (mail, owner): (&Mail, Uuid),
    directory: &Directory,
    mut copies: Vec<Copy>,
    full: bool,
    room: usize,
) -> Result<Vec<proto::Message>, Problem> {
    if !full || copies.is_empty() {
        return fitting(directory, copies, None, room).await;
    }
    copies.truncate(how_many_fit(&copies, room));
    let ids: Vec<Uuid> = copies.iter().map(|copy| copy.message_id).collect();
    let bodies = mail.bodies(owner, &ids).await?;
    fitting(directory, copies, Some(bodies), room).await
}

/// What an answer holds beside `thread`.
pub(super) fn room_beside(thread: Option<&proto::Thread>) -> usize {
    ANSWER_BYTES.saturating_sub(thread.map_or(0, prost::Message::encoded_len))
}

/// An answer to a search.
pub(super) struct Answer {
    pub(super) messages: Vec<proto::Message>,
    pub(super) highlights: Vec<proto::Highlight>,
    pub(super) next: Option<Cursor>,
}

/// As much of what was found as an answer holds, with what matches in it; `bodies` are the beginnings
/// of the texts.
pub(super) async fn found(
    directory: &Directory,
    found: Found,
    query: &Query,
    bodies: HashMap<Uuid, Body>,
) -> Result<Answer, Problem> {
    let names = names(directory, &found.copies).await?;
    let (mut messages, mut highlights, mut bytes) = (Vec::new(), Vec::new(), 0);
    let mut next = found.next;
    let mut last = None;
    for copy in found.copies {
        let place = Cursor::after(&copy);
        let highlight = highlight(query, &copy, bodies.get(&copy.message_id));
        let message = message(copy, None, &names);
        bytes += message.encoded_len() + highlight.encoded_len() + 16;
        if bytes > ANSWER_BYTES && !messages.is_empty() {
            next = last;
            break;
        }
        messages.push(message);
        highlights.push(highlight);
        last = Some(place);
    }
    Ok(Answer {
        messages,
        highlights,
        next,
    })
}

fn highlight(query: &Query, copy: &Copy, body: Option<&Body>) -> proto::Highlight {
    let text = match body {
        Some(body) if body.text.is_empty() => search::html_text(&body.html),
        Some(body) => body.text.clone(),
        None => copy.snippet.clone(),
    };
    let parts = |parts: Vec<search::Part>| {
        let parts = parts.into_iter().map(|part| proto::HighlightPart {
            text: part.text,
            matched: part.matched,
        });
        parts.collect()
    };
    let found = search::highlight(query, &copy.subject, &text);
    proto::Highlight {
        subject: parts(found.subject),
        snippet: parts(found.snippet),
    }
}

/// How many of `copies`, from the first, may be read whole into `room` bytes: at least one.
fn how_many_fit(copies: &[Copy], room: usize) -> usize {
    let mut bytes = 0;
    let fit = copies
        .iter()
        .take_while(|copy| {
            bytes += usize::try_from(copy.size_bytes).unwrap_or(usize::MAX);
            bytes <= room
        })
        .count();
    fit.max(1)
}

async fn names(directory: &Directory, copies: &[Copy]) -> Result<Names, Problem> {
    names_of(
        directory,
        copies.iter().flat_map(|copy| copy.participants.all()),
    )
    .await
}

async fn names_of(
    directory: &Directory,
    participants: impl Iterator<Item = &Participant>,
) -> Result<Names, Problem> {
    directory
        .accounts(participants.filter_map(Participant::account_id))
        .await
}

/// Several conversations in their order, as many as an answer holds.
pub(super) async fn threads(
    directory: &Directory,
    threads: Vec<ThreadSummary>,
) -> Result<Vec<proto::Thread>, Problem> {
    let everybody = threads.iter().flat_map(|thread| &thread.participants);
    let names = names_of(directory, everybody).await?;
    let (mut shown, mut bytes) = (Vec::new(), 0);
    for thread in threads {
        let participants = thread.participants.iter();
        let thread = proto::Thread {
            thread_id: text(thread.thread_id),
            subject: thread.subject,
            participants: participants.map(|p| participant(p, &names)).collect(),
            message_count: number(thread.message_count),
            unread_count: number(thread.unread_count),
            snippet: thread.snippet,
            last_time: Some(thread.last_time.into()),
        };
        bytes += thread.encoded_len() + 8;
        if bytes > ANSWER_BYTES && !shown.is_empty() {
            break;
        }
        shown.push(thread);
    }
    Ok(shown)
}

/// As many changes in their order as an answer holds, and the point in history after the last.
pub(super) async fn changes(
    directory: &Directory,
    happened: &[Happened],
) -> Result<(Vec<proto::Change>, Option<State>), Problem> {
    let copies: Vec<Copy> = happened
        .iter()
        .filter_map(|h| h.what.copy().cloned())
        .collect();
    let names = names(directory, &copies).await?;
    let (mut changes, mut bytes, mut last) = (Vec::new(), 0, None);
    for Happened { state, what } in happened {
        let change = change(what, &names);
        bytes += change.encoded_len() + 8;
        if bytes > ANSWER_BYTES && !changes.is_empty() {
            break;
        }
        changes.push(change);
        last = Some(*state);
    }
    Ok((changes, last))
}

fn change(what: &What, names: &Names) -> proto::Change {
    use proto::change::Change::{
        FolderCreated, FolderDeleted, FolderUpdated, MessageCreated, MessageDeleted, MessageUpdated,
    };
    let change = match what {
        What::MessageCreated(copy) => MessageCreated(message(copy.clone(), None, names)),
        What::MessageUpdated(copy) => MessageUpdated(message(copy.clone(), None, names)),
        What::MessageDeleted(id) => MessageDeleted(text(*id)),
        What::FolderCreated(shown) => FolderCreated(folder(shown.clone())),
        What::FolderUpdated(shown) => FolderUpdated(folder(shown.clone())),
        What::FolderDeleted(id) => FolderDeleted(text(*id)),
    };
    proto::Change {
        change: Some(change),
    }
}

pub(super) fn label(label: Label) -> proto::Label {
    proto::Label {
        name: label.name,
        total_count: number(label.total_count),
        unread_count: number(label.unread_count),
    }
}

fn message(copy: Copy, body: Option<Body>, names: &Names) -> proto::Message {
    let etag = copy.etag();
    let all = |list: &[Participant]| list.iter().map(|p| participant(p, names)).collect();
    proto::Message {
        message_id: text(copy.message_id),
        thread_id: text(copy.thread_id),
        from: Some(participant(&copy.participants.from, names)),
        to: all(&copy.participants.to),
        cc: all(&copy.participants.cc),
        bcc: all(&copy.participants.bcc),
        subject: copy.subject,
        snippet: copy.snippet,
        body: body.map(|body| proto::Body {
            text: body.text,
            html: body.html,
        }),
        attachments: Vec::new(),
        in_reply_to: copy.in_reply_to.map(text).unwrap_or_default(),
        internet_message_id: copy.internet_message_id,
        send_time: Some(copy.send_time.into()),
        receive_time: Some(copy.receive_time.into()),
        folder_id: text(copy.folder_id),
        read: copy.read,
        starred: copy.starred,
        answered: copy.answered,
        forwarded: copy.forwarded,
        labels: copy.labels,
        size_bytes: copy.size_bytes,
        etag,
        deliver_time: copy.deliver_time.map(Into::into),
        forward_of: copy.forward_of.map(text).unwrap_or_default(),
    }
}

fn participant(participant: &Participant, names: &Names) -> proto::Participant {
    use proto::ParticipantKind::{Deleted, External, System, User};
    let mut shown = proto::Participant::default();
    match participant {
        Participant::Account(id) => {
            shown.account_id = text(*id);
            match names.get(id) {
                Some(account) if account.deleted => shown.set_kind(Deleted),
                Some(account) => {
                    shown.username.clone_from(&account.username);
                    shown.display_name.clone_from(&account.display_name);
                    shown.set_kind(User);
                }
                None => shown.set_kind(User),
            }
        }
        Participant::External { name, address } => {
            shown.display_name.clone_from(name);
            shown.address.clone_from(address);
            shown.set_kind(External);
        }
        Participant::System => {
            "TurboMessage".clone_into(&mut shown.display_name);
            shown.set_kind(System);
        }
    }
    shown
}

pub(super) fn folder(folder: Folder) -> proto::Folder {
    proto::Folder {
        folder_id: text(folder.folder_id),
        name: folder.name,
        role: folder.role.map_or(0, |role| i32::from(role as i16)),
        total_count: number(folder.total_count),
        unread_count: number(folder.unread_count),
    }
}

pub(super) fn mailbox(mailbox: &Mailbox) -> proto::Mailbox {
    proto::Mailbox {
        message_count: number(mailbox.message_count),
        used_bytes: mailbox.used_bytes,
        quota_bytes: mailbox.quota_bytes,
        quota_messages: number(mailbox.quota_messages),
        state: mailbox.point().encode(),
    }
}

/// An id as it is written, without a formatter: a page has some 250 of them.
fn text(id: Uuid) -> String {
    let mut written = Uuid::encode_buffer();
    id.hyphenated().encode_lower(&mut written).to_owned()
}

/// Counts are bounded by the quota of messages, which is an `i32`.
fn number(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
