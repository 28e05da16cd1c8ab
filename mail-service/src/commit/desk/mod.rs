//! The desk a batch is worked on at: the rows it may touch, in memory, with the mailbox's rules
//! applied to one job after the other. Each job first checks everything, then changes: one that is
//! refused leaves no trace.

mod change;
mod send;

use std::collections::{BTreeSet, HashMap, HashSet};

use turbomessage_service_kit::clock::Timestamp;
use uuid::Uuid;

use super::job::{Answer, Job, Refusal};
use crate::{
    domain::{Copy, Folder, FolderRole, Mailbox, MailboxState},
    store::{Changes, KeptAnswer, Key},
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
    changed_mailboxes: BTreeSet<Uuid>,
    changed_folders: BTreeSet<Key>,
    changed_copies: BTreeSet<Key>,
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

    /// Carries out one job.
    pub(in crate::commit) fn work(&mut self, job: &Job) -> Result<Answer, Refusal> {
        match job {
            Job::Send(send) => self.send(send),
            Job::Modify(modify) => self.modify(modify),
            Job::Delete(delete) => self.delete(delete),
        }
    }

    /// Everything to write, after the last job.
    pub(in crate::commit) fn finish(mut self) -> Changes {
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

    fn active(&self, owner: Uuid) -> Result<(), Refusal> {
        match self.mailboxes.get(&owner) {
            Some(mailbox) if mailbox.state == MailboxState::Active => Ok(()),
            _ => Err(Refusal::OwnerGone),
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
