//! The desk a batch is worked on at: the rows it may touch, in memory, with the mailbox's rules
//! applied to one job after the other. Each job first checks everything, then changes: one that is
//! refused leaves no trace.
//!
//! `ledger` changes copies together with everything that is counted and listed about them; the
//! other files are the rules, by what is asked for.

mod change;
mod draft;
mod folder;
mod ledger;
mod send;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use turbomessage_service_kit::clock::Timestamp;
use uuid::Uuid;

use self::ledger::Conversation;
use super::job::{Answer, Job, Refusal};
use crate::{
    domain::{
        Change, Copy, Event, Folder, FolderRole, Label, Mailbox, MailboxState, RequestId,
        ThreadPart,
    },
    store::{Changes, Kept, KeptAnswer, Key, Labelled},
};

/// What was loaded for a batch, and what the batch has made of it.
#[derive(Debug, Default)]
pub(in crate::commit) struct Desk {
    now: i64,
    mail_domain: String,
    mailboxes: HashMap<Uuid, Mailbox>,
    pub(in crate::commit) folders: HashMap<Uuid, Vec<Folder>>,
    pub(in crate::commit) copies: HashMap<Key, Copy>,
    pub(in crate::commit) answers: HashMap<Key, KeptAnswer>,
    /// Messages deleted before.
    pub(in crate::commit) deleted: HashSet<Key>,
    /// The copies that recipients have of messages that are answered, by `Message-ID`.
    pub(in crate::commit) parents: HashMap<(Uuid, String), Copy>,
    labels: HashMap<Uuid, BTreeMap<String, Label>>,
    conversations: HashMap<Key, Conversation>,
    changed_mailboxes: BTreeSet<Uuid>,
    new_folders: BTreeSet<Key>,
    changed_folders: BTreeSet<Key>,
    changed_copies: BTreeSet<Key>,
    replaced_copies: BTreeSet<Key>,
    changed_labels: BTreeSet<(Uuid, String)>,
    /// 1: to be noted. -1: to be removed. 0: as it was.
    labelled: BTreeMap<Labelled, i8>,
    changed_conversations: BTreeSet<Key>,
    shortened_conversations: BTreeSet<Key>,
    changes: Changes,
}

impl Desk {
    /// A desk with the locked mailboxes on it.
    pub(in crate::commit) fn new(
        now: Timestamp,
        mail_domain: &str,
        mailboxes: Vec<Mailbox>,
    ) -> Self {
        Self {
            now: now.as_micros(),
            mail_domain: mail_domain.to_owned(),
            mailboxes: mailboxes.into_iter().map(|m| (m.owner_id, m)).collect(),
            ..Self::default()
        }
    }

    /// Puts labels on the desk.
    pub(in crate::commit) fn load_labels(&mut self, labels: Vec<Label>) {
        for label in labels {
            let of_owner = self.labels.entry(label.owner_id).or_default();
            of_owner.insert(label.name.clone(), label);
        }
    }

    /// Puts conversations on the desk.
    pub(in crate::commit) fn load_threads(&mut self, parts: Vec<ThreadPart>) {
        for part in parts {
            let key = (part.owner_id, part.thread_id);
            self.conversations.entry(key).or_default().load(&part);
        }
    }

    /// Carries out one job.
    pub(in crate::commit) fn work(&mut self, job: &Job) -> Result<Answer, Refusal> {
        match job {
            Job::Send(send) => self.send(send),
            Job::Save(save) => self.save(save),
            Job::Cancel(cancel) => self.cancel(cancel),
            Job::Modify(modify) => self.modify(modify),
            Job::Delete(delete) => self.delete(delete),
            Job::CreateFolder(create) => self.create_folder(create),
            Job::RenameFolder(rename) => self.rename_folder(rename),
            Job::DeleteFolder(delete) => self.delete_folder(delete),
        }
    }

    /// Everything to write, after the last job.
    pub(in crate::commit) fn finish(mut self) -> Changes {
        self.finish_folders();
        self.finish_labels();
        self.finish_conversations();
        let copies = |keys: &BTreeSet<Key>| -> Vec<Copy> {
            keys.iter()
                .filter_map(|key| self.copies.get(key).cloned())
                .collect()
        };
        let replaced = copies(&self.replaced_copies);
        let edited = copies(&(&self.changed_copies - &self.replaced_copies));
        let mut changes = self.changes;
        changes.time = self.now;
        // What comes into the same pages is written together.
        changes
            .new_copies
            .sort_unstable_by_key(|c| (c.owner_id, c.receive_time));
        changes
            .history
            .sort_unstable_by_key(|c| (c.owner_id, c.number));
        changes
            .answers
            .sort_unstable_by_key(|answer| answer.request);
        changes.replaced_copies = replaced;
        changes.changed_copies = edited;
        changes.mailboxes = self
            .changed_mailboxes
            .iter()
            .filter_map(|id| self.mailboxes.get(id).cloned())
            .collect();
        changes
    }

    fn finish_folders(&mut self) {
        for key in std::mem::take(&mut self.changed_folders) {
            if self.new_folders.contains(&key) || self.folder(key.0, key.1).is_none() {
                continue;
            }
            let change = self.next_change(key.0, Event::FolderUpdated, key.1);
            if let Some(folder) = self.folder_mut(key.0, key.1) {
                folder.change = change;
                let folder = folder.clone();
                self.changes.folders.push(folder);
            }
        }
        for key in std::mem::take(&mut self.new_folders) {
            let folder = self.folder(key.0, key.1).cloned();
            self.changes.new_folders.extend(folder);
        }
    }

    fn active(&self, owner: Uuid) -> Result<(), Refusal> {
        match self.mailboxes.get(&owner) {
            Some(mailbox) if mailbox.state == MailboxState::Active => Ok(()),
            _ => Err(Refusal::OwnerGone),
        }
    }

    /// What was answered to `request` before, if anything was.
    fn replay(&self, owner: Uuid, request: Option<RequestId>) -> Option<Result<Answer, Refusal>> {
        let request = request?;
        let kept = self.answers.get(&(owner, request.id))?;
        if kept.fingerprint != request.fingerprint {
            return Some(Err(Refusal::RequestIdReused));
        }
        Some(Ok(match &kept.answer {
            Kept::Message(copy) => Answer::Message(copy.clone()),
            Kept::Folder(folder) => Answer::Folder(folder.clone()),
        }))
    }

    /// Keeps what is answered to `request`.
    fn keep(&mut self, owner: Uuid, request: Option<RequestId>, answer: Kept) {
        let Some(request) = request else { return };
        let kept = KeptAnswer {
            request: (owner, request.id),
            fingerprint: request.fingerprint,
            answer,
        };
        self.answers.insert(kept.request, kept.clone());
        self.changes.answers.push(kept);
    }

    /// Takes the next number of a mailbox's history.
    fn next_change(&mut self, owner: Uuid, event: Event, object_id: Uuid) -> i64 {
        self.changed_mailboxes.insert(owner);
        let Some(mailbox) = self.mailboxes.get_mut(&owner) else {
            return 0;
        };
        mailbox.last_change += 1;
        self.changes.history.push(Change {
            owner_id: owner,
            number: mailbox.last_change,
            event,
            object_id,
        });
        mailbox.last_change
    }

    fn folder(&self, owner: Uuid, folder_id: Uuid) -> Option<&Folder> {
        let mut folders = self.folders.get(&owner)?.iter();
        folders.find(|f| f.folder_id == folder_id)
    }

    fn folder_mut(&mut self, owner: Uuid, folder_id: Uuid) -> Option<&mut Folder> {
        let mut folders = self.folders.get_mut(&owner)?.iter_mut();
        folders.find(|f| f.folder_id == folder_id)
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
