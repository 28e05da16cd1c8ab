//! The desk a batch is worked on at: the rows it may touch, in memory, with the mailbox's rules
//! applied to one job after the other. Each job first checks everything, then changes: one that is
//! refused leaves no trace.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use turbomessage_service_kit::clock::{Timestamp, new_id};
use uuid::Uuid;

use super::job::{Answer, Delete, Job, Modify, Place, Refusal, Send};
use crate::{
    domain::{Copy, Folder, FolderRole, Kind, Mailbox, MailboxState, Participant, Participants},
    store::{Changes, Content, KeptAnswer, Key, Tombstone},
};

/// What was loaded for a batch, and what the batch has made of it.
#[derive(Debug, Default)]
pub(super) struct Desk {
    now: i64,
    mail_domain: String,
    mailboxes: HashMap<Uuid, Mailbox>,
    pub(super) folders: HashMap<Uuid, Vec<Folder>>,
    pub(super) copies: HashMap<Key, Copy>,
    pub(super) answers: HashMap<Key, KeptAnswer>,
    /// Messages deleted before.
    pub(super) deleted: HashSet<Key>,
    /// The copies that recipients have of messages that are answered, by `Message-ID`.
    pub(super) parents: HashMap<(Uuid, String), Copy>,
    changed_mailboxes: BTreeSet<Uuid>,
    changed_folders: BTreeSet<Key>,
    changed_copies: BTreeSet<Key>,
    changes: Changes,
}

impl Desk {
    /// A desk with the locked mailboxes on it.
    pub(super) fn new(now: Timestamp, mail_domain: &str, mailboxes: Vec<Mailbox>) -> Self {
        Self {
            now: now.as_micros(),
            mail_domain: mail_domain.to_owned(),
            mailboxes: mailboxes.into_iter().map(|m| (m.owner_id, m)).collect(),
            ..Self::default()
        }
    }

    /// Carries out one job.
    pub(super) fn work(&mut self, job: &Job) -> Result<Answer, Refusal> {
        match job {
            Job::Send(send) => self.send(send),
            Job::Modify(modify) => self.modify(modify),
            Job::Delete(delete) => self.delete(delete),
        }
    }

    /// Everything to write, after the last job.
    pub(super) fn finish(mut self) -> Changes {
        for (owner, folder_id) in std::mem::take(&mut self.changed_folders) {
            let change = self.next_change(owner);
            let folders = self.folders.get_mut(&owner);
            let folder = folders.and_then(|all| all.iter_mut().find(|f| f.folder_id == folder_id));
            if let Some(folder) = folder {
                folder.change = change;
                self.changes.folders.push(folder.clone());
            }
        }
        let mut changes = self.changes;
        changes.time = self.now;
        changes.mailboxes = self
            .changed_mailboxes
            .iter()
            .filter_map(|id| self.mailboxes.get(id).cloned())
            .collect();
        changes.changed_copies = self
            .changed_copies
            .iter()
            .filter_map(|key| self.copies.get(key).cloned())
            .collect();
        changes
    }

    fn send(&mut self, send: &Send) -> Result<Answer, Refusal> {
        self.active(send.sender_id)?;
        if let Some(request) = send.request
            && let Some(kept) = self.answers.get(&(send.sender_id, request.id))
        {
            return if kept.fingerprint == request.fingerprint {
                Ok(Answer::Sent(Box::new(kept.answer.clone())))
            } else {
                Err(Refusal::RequestIdReused)
            };
        }
        let parent = self.parent(send)?;
        self.check_recipients(send)?;

        let content = self.content(send, parent.as_ref());
        let thread_id = parent
            .as_ref()
            .map_or_else(|| new_id(self.time()), |p| p.thread_id);
        let mut deliveries = Vec::new();
        for recipient in send.recipients() {
            let copy = self.received_copy(&content, recipient.account_id, thread_id);
            deliveries.push((copy.owner_id, copy.message_id));
            self.add(copy);
        }
        let mut own = self.copy_of(&content, send.sender_id, Kind::Sent);
        own.thread_id = thread_id;
        own.in_reply_to = send.draft.in_reply_to;
        own.participants = content.participants.clone();
        own.read = true;
        let own = self.add(own);
        deliveries.push((own.owner_id, own.message_id));
        self.changes.contents.push(Content {
            deliveries,
            ..content
        });

        if let Some(parent) = parent {
            self.change((parent.owner_id, parent.message_id), |copy| {
                copy.answered = true;
            });
        }
        if let Some(request) = send.request {
            let kept = KeptAnswer {
                request: (send.sender_id, request.id),
                fingerprint: request.fingerprint,
                answer: own.clone(),
            };
            self.answers.insert(kept.request, kept.clone());
            self.changes.answers.push(kept);
        }
        Ok(Answer::Sent(Box::new(own)))
    }

    fn active(&self, owner: Uuid) -> Result<(), Refusal> {
        match self.mailboxes.get(&owner) {
            Some(mailbox) if mailbox.state == MailboxState::Active => Ok(()),
            _ => Err(Refusal::OwnerGone),
        }
    }

    fn parent(&self, send: &Send) -> Result<Option<Copy>, Refusal> {
        let Some(id) = send.draft.in_reply_to else {
            return Ok(None);
        };
        let copy = self
            .copies
            .get(&(send.sender_id, id))
            .ok_or(Refusal::ParentNotFound(id))?;
        Ok(Some(copy.clone()))
    }

    /// Everybody must be there and have room, the sender too.
    fn check_recipients(&self, send: &Send) -> Result<(), Refusal> {
        let mut wanted: BTreeMap<Uuid, i64> = BTreeMap::from([(send.sender_id, 1)]);
        for recipient in send.recipients() {
            *wanted.entry(recipient.account_id).or_default() += 1;
        }
        let owners = || wanted.keys().copied();
        let gone: Vec<Uuid> = owners()
            .filter(|&owner| self.active(owner).is_err())
            .collect();
        if !gone.is_empty() {
            return Err(Refusal::RecipientsGone(gone));
        }
        let bytes = send.draft.size_bytes();
        let full: Vec<Uuid> = wanted
            .iter()
            .filter(|(owner, messages)| {
                let mailbox = self.mailboxes.get(owner);
                !mailbox.is_some_and(|m| m.has_room(**messages, bytes.saturating_mul(**messages)))
            })
            .map(|(owner, _)| *owner)
            .collect();
        if full.is_empty() {
            Ok(())
        } else {
            Err(Refusal::MailboxesFull(full))
        }
    }

    fn content(&self, send: &Send, parent: Option<&Copy>) -> Content {
        let accounts = |list: &[super::Recipient]| -> Vec<Participant> {
            list.iter()
                .map(|r| Participant::Account(r.account_id))
                .collect()
        };
        Content {
            content_id: new_id(self.time()),
            sender_id: send.sender_id,
            send_time: self.time(),
            subject: send.draft.subject.clone(),
            body: send.draft.body.clone(),
            participants: Participants {
                from: Participant::Account(send.sender_id),
                to: accounts(&send.to),
                cc: accounts(&send.cc),
                bcc: accounts(&send.bcc),
            },
            // Its own random name: it is shown to everybody, so it says nothing of our ids.
            internet_message_id: format!("<{}@{}>", Uuid::new_v4(), self.mail_domain),
            in_reply_to: parent.map_or_else(String::new, |p| p.internet_message_id.clone()),
            size_bytes: send.draft.size_bytes(),
            deliveries: Vec::new(),
        }
    }

    /// A recipient's copy: it joins the conversation in which they have what is answered.
    fn received_copy(&self, content: &Content, owner: Uuid, thread_id: Uuid) -> Copy {
        let mut copy = self.copy_of(content, owner, Kind::Received);
        let answered = self.parents.get(&(owner, content.in_reply_to.clone()));
        copy.thread_id = answered.map_or(thread_id, |parent| parent.thread_id);
        copy.in_reply_to = answered.map(|parent| parent.message_id);
        copy.participants = content.participants.without_bcc();
        copy
    }

    fn copy_of(&self, content: &Content, owner: Uuid, kind: Kind) -> Copy {
        let role = if kind == Kind::Sent {
            FolderRole::Sent
        } else {
            FolderRole::Inbox
        };
        Copy {
            owner_id: owner,
            message_id: new_id(self.time()),
            content_id: content.content_id,
            thread_id: Uuid::nil(),
            folder_id: self.standard_folder(owner, role),
            kind,
            change: 0,
            create_change: 0,
            receive_time: content.send_time,
            send_time: content.send_time,
            read: false,
            starred: false,
            answered: false,
            forwarded: false,
            subject: content.subject.clone(),
            snippet: crate::domain::snippet(&content.body),
            participants: content.participants.without_bcc(),
            in_reply_to: None,
            internet_message_id: content.internet_message_id.clone(),
            size_bytes: content.size_bytes,
        }
    }

    /// Puts a new copy into its mailbox: its place in time, its change number, all counts.
    fn add(&mut self, mut copy: Copy) -> Copy {
        let owner = copy.owner_id;
        copy.change = self.next_change(owner);
        copy.create_change = copy.change;
        if let Some(mailbox) = self.mailboxes.get_mut(&owner) {
            mailbox.last_receive_time = self.now.max(mailbox.last_receive_time + 1);
            copy.receive_time = Timestamp::from_micros(mailbox.last_receive_time);
            mailbox.message_count += 1;
            mailbox.used_bytes += copy.size_bytes;
        }
        self.count(owner, copy.folder_id, 1, i64::from(!copy.read));
        self.changes.new_copies.push(copy.clone());
        copy
    }

    fn modify(&mut self, modify: &Modify) -> Result<Answer, Refusal> {
        let owner = modify.owner_id;
        self.active(owner)?;
        self.check_all_there(owner, &modify.message_ids, |_| false)?;
        let keys: Vec<Key> = modify.message_ids.iter().map(|&id| (owner, id)).collect();
        let matches = |copy: &Copy| modify.etag.as_ref().is_none_or(|etag| *etag == copy.etag());
        if !keys
            .iter()
            .filter_map(|key| self.copies.get(key))
            .all(matches)
        {
            return Err(Refusal::EtagMismatch);
        }
        let target = modify
            .place
            .map(|place| self.target(owner, place, &keys))
            .transpose()?;

        for &key in &keys {
            self.change(key, |copy| {
                copy.read = modify.read.unwrap_or(copy.read);
                copy.starred = modify.starred.unwrap_or(copy.starred);
                copy.folder_id = target.unwrap_or(copy.folder_id);
            });
        }
        Ok(Answer::Modified(
            keys.iter()
                .filter_map(|key| self.copies.get(key).cloned())
                .collect(),
        ))
    }

    /// The folder to move `keys` to, if all of them may go there.
    fn target(&self, owner: Uuid, place: Place, keys: &[Key]) -> Result<Uuid, Refusal> {
        let folder_id = match place {
            Place::Folder(id) => id,
            Place::Role(role) => self.standard_folder(owner, role),
        };
        let folder = self
            .folder(owner, folder_id)
            .ok_or(Refusal::FolderNotFound(folder_id))?;
        let role = folder.role;
        if role.is_some_and(FolderRole::is_protected) {
            return Err(Refusal::FolderProtected(folder_id));
        }
        for copy in keys.iter().filter_map(|key| self.copies.get(key)) {
            let from = self.folder(owner, copy.folder_id).and_then(|f| f.role);
            if from.is_some_and(FolderRole::is_protected) {
                return Err(Refusal::FolderProtected(copy.folder_id));
            }
            if role == Some(FolderRole::Sent) && copy.kind != Kind::Sent {
                return Err(Refusal::FolderProtected(folder_id));
            }
        }
        Ok(folder_id)
    }

    fn delete(&mut self, delete: &Delete) -> Result<Answer, Refusal> {
        let owner = delete.owner_id;
        self.active(owner)?;
        self.check_all_there(owner, &delete.message_ids, |key| self.deleted.contains(key))?;
        for &id in &delete.message_ids {
            let key = (owner, id);
            let Some(copy) = self.copies.remove(&key) else {
                continue;
            };
            let change = self.next_change(owner);
            if let Some(mailbox) = self.mailboxes.get_mut(&owner) {
                mailbox.message_count -= 1;
                mailbox.used_bytes -= copy.size_bytes;
            }
            self.count(owner, copy.folder_id, -1, -i64::from(!copy.read));
            self.changed_copies.remove(&key);
            self.deleted.insert(key);
            let content_id = copy.content_id;
            self.changes.deleted_copies.push(Tombstone {
                key,
                change,
                content_id,
            });
        }
        Ok(Answer::Deleted)
    }

    fn check_all_there(
        &self,
        owner: Uuid,
        ids: &[Uuid],
        excused: impl Fn(&Key) -> bool,
    ) -> Result<(), Refusal> {
        let missing: Vec<Uuid> = ids
            .iter()
            .copied()
            .filter(|&id| !self.copies.contains_key(&(owner, id)) && !excused(&(owner, id)))
            .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(Refusal::MessagesNotFound(missing))
        }
    }

    /// Changes a copy, if `edit` makes it another one: its change number and the counts of its
    /// folders follow.
    fn change(&mut self, key: Key, edit: impl FnOnce(&mut Copy)) {
        let Some(before) = self.copies.get(&key).cloned() else {
            return;
        };
        let mut copy = before.clone();
        edit(&mut copy);
        if copy == before {
            return;
        }
        copy.change = self.next_change(key.0);
        let unread = |copy: &Copy| i64::from(!copy.read);
        if copy.folder_id != before.folder_id || copy.read != before.read {
            self.count(key.0, before.folder_id, -1, -unread(&before));
            self.count(key.0, copy.folder_id, 1, unread(&copy));
        }
        self.copies.insert(key, copy);
        self.changed_copies.insert(key);
    }

    fn count(&mut self, owner: Uuid, folder_id: Uuid, total: i64, unread: i64) {
        let folders = self.folders.get_mut(&owner);
        let folder = folders.and_then(|all| all.iter_mut().find(|f| f.folder_id == folder_id));
        if let Some(folder) = folder {
            folder.total_count += total;
            folder.unread_count += unread;
            self.changed_folders.insert((owner, folder_id));
        }
    }

    fn next_change(&mut self, owner: Uuid) -> i64 {
        self.changed_mailboxes.insert(owner);
        self.mailboxes.get_mut(&owner).map_or(0, |mailbox| {
            mailbox.last_change += 1;
            mailbox.last_change
        })
    }

    fn folder(&self, owner: Uuid, folder_id: Uuid) -> Option<&Folder> {
        self.folders
            .get(&owner)?
            .iter()
            .find(|f| f.folder_id == folder_id)
    }

    /// Every mailbox has one of each.
    fn standard_folder(&self, owner: Uuid, role: FolderRole) -> Uuid {
        let folders = self.folders.get(&owner);
        let folder = folders.and_then(|all| all.iter().find(|f| f.role == Some(role)));
        folder.map_or(Uuid::nil(), |f| f.folder_id)
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_micros(self.now)
    }
}
