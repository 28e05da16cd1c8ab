//! What the mailboxes must be, in the simplest terms: everybody has a heap of copies.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use turbomessage_service_kit::clock::Timestamp;
use uuid::Uuid;

use super::super::letter::Letter;
use crate::{
    commit::{Delete, Modify, Place, Refusal},
    domain::{Copy, FolderRole, Kind},
};

/// Room in a mailbox: little, so that some of them fill.
pub(super) const QUOTA_MESSAGES: i64 = 60;
pub(super) const QUOTA_BYTES: i64 = 16_000;

/// One copy as it must be. What only the store knows is learned from it once and must stay.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of a copy, and one of the model's"
)]
pub(super) struct Held {
    /// Which of the letters sent.
    pub(super) letter: usize,
    pub(super) kind: Kind,
    pub(super) role: FolderRole,
    pub(super) read: bool,
    pub(super) starred: bool,
    pub(super) answered: bool,
    pub(super) thread_id: Uuid,
    pub(super) in_reply_to: Option<Uuid>,
    /// The step it came in.
    pub(super) arrived: usize,
    /// Whether it must have a new change number.
    pub(super) changed: bool,
    /// Learned: nil until then.
    pub(super) message_id: Uuid,
    /// Learned.
    pub(super) receive_time: Option<Timestamp>,
    /// Learned.
    pub(super) change: i64,
}

/// One mailbox as it must be.
#[derive(Debug, Default)]
pub(super) struct Owner {
    pub(super) erased: bool,
    pub(super) copies: Vec<Held>,
    pub(super) deleted: HashSet<Uuid>,
    /// Whether the number of its last change must have grown.
    pub(super) changed: bool,
    /// Learned.
    pub(super) last_change: i64,
    /// Learned.
    pub(super) folders: HashMap<FolderRole, Uuid>,
}

/// A letter that was sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) letter: Letter,
    pub(super) internet_id: String,
    pub(super) content_id: Uuid,
    /// Whether its content has been seen to be gone.
    pub(super) swept: bool,
}

/// Everybody, those who were erased too.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) owners: BTreeMap<Uuid, Owner>,
    pub(super) sent: Vec<Sent>,
    answers: HashMap<(Uuid, Uuid), (Letter, Copy)>,
}

impl Owner {
    pub(super) fn find(&self, id: Uuid) -> Option<&Held> {
        self.copies.iter().find(|held| held.message_id == id)
    }

    fn folder(&self, role: FolderRole) -> Uuid {
        self.folders.get(&role).copied().unwrap_or_default()
    }
}

/// Everybody who gets a copy, the sender as such among them, with how many.
pub(super) fn wanted(letter: &Letter) -> BTreeMap<Uuid, i64> {
    let mut wanted = BTreeMap::from([(letter.from, 1)]);
    for &owner in letter.to.iter().chain(&letter.bcc) {
        *wanted.entry(owner).or_default() += 1;
    }
    wanted
}

impl Model {
    fn owner(&mut self, id: Uuid) -> &mut Owner {
        self.owners.entry(id).or_default()
    }

    pub(super) fn is_erased(&self, id: Uuid) -> bool {
        self.owners.get(&id).is_some_and(|owner| owner.erased)
    }

    fn usage(&self, id: Uuid) -> (i64, i64) {
        let copies = self.owners.get(&id).map_or(&[][..], |o| &o.copies);
        let bytes = copies
            .iter()
            .map(|held| self.sent[held.letter].letter.size());
        (i64::try_from(copies.len()).unwrap(), bytes.sum())
    }

    /// Whether everybody has room for all of these letters.
    pub(super) fn has_room(&self, letters: &[Letter]) -> bool {
        let mut all: BTreeMap<Uuid, (i64, i64)> = BTreeMap::new();
        for letter in letters {
            for (owner, copies) in wanted(letter) {
                let entry = all.entry(owner).or_insert_with(|| self.usage(owner));
                entry.0 += copies;
                entry.1 += copies * letter.size();
            }
        }
        all.values()
            .all(|(m, b)| *m <= QUOTA_MESSAGES && *b <= QUOTA_BYTES)
    }

    /// What must come of a send: nothing new but an earlier answer, something new, or a refusal.
    pub(super) fn judge_send(&self, letter: &Letter) -> Result<Option<&Copy>, Refusal> {
        if self.is_erased(letter.from) {
            return Err(Refusal::OwnerGone);
        }
        let kept = letter
            .request
            .map(|id| self.answers.get(&(letter.from, id)));
        if let Some((first, answer)) = kept.flatten() {
            return if first == letter {
                Ok(Some(answer))
            } else {
                Err(Refusal::RequestIdReused)
            };
        }
        let sender = self.owners.get(&letter.from);
        if let Some(parent) = letter.in_reply_to
            && sender.and_then(|owner| owner.find(parent)).is_none()
        {
            return Err(Refusal::ParentNotFound(parent));
        }
        let wanted = wanted(letter);
        let gone: Vec<Uuid> = wanted
            .keys()
            .copied()
            .filter(|&id| self.is_erased(id))
            .collect();
        if !gone.is_empty() {
            return Err(Refusal::RecipientsGone(gone));
        }
        let full: Vec<Uuid> = wanted
            .into_iter()
            .filter(|&(id, copies)| {
                let (messages, bytes) = self.usage(id);
                messages + copies > QUOTA_MESSAGES || bytes + copies * letter.size() > QUOTA_BYTES
            })
            .map(|(id, _)| id)
            .collect();
        if full.is_empty() {
            Ok(None)
        } else {
            Err(Refusal::MailboxesFull(full))
        }
    }

    /// A letter was sent: `answer` is the sender's copy.
    pub(super) fn deliver(&mut self, letter: &Letter, answer: &Copy, step: usize) {
        let number = self.sent.len();
        self.sent.push(Sent {
            letter: letter.clone(),
            internet_id: answer.internet_message_id.clone(),
            content_id: answer.content_id,
            swept: false,
        });
        let parent = letter.in_reply_to.and_then(|id| {
            let held = self.owner(letter.from).copies.iter_mut();
            let held = { held }.find(|held| held.message_id == id)?;
            held.changed |= !held.answered;
            held.answered = true;
            Some((held.letter, held.thread_id))
        });
        let thread_id = parent.map_or(answer.thread_id, |(_, thread_id)| thread_id);
        let new = |kind, role| Held {
            letter: number,
            kind,
            role,
            read: kind == Kind::Sent,
            starred: false,
            answered: false,
            thread_id,
            in_reply_to: None,
            arrived: step,
            changed: true,
            message_id: Uuid::nil(),
            receive_time: None,
            change: 0,
        };
        for &recipient in letter.to.iter().chain(&letter.bcc) {
            let owner = self.owner(recipient);
            let mut held = new(Kind::Received, FolderRole::Inbox);
            // Who wrote to themselves has two copies: what they sent is what was answered.
            let theirs = owner
                .copies
                .iter()
                .filter(|h| Some(h.letter) == parent.map(|p| p.0));
            if let Some(theirs) = theirs.max_by_key(|h| h.kind == Kind::Sent) {
                held.thread_id = theirs.thread_id;
                held.in_reply_to = Some(theirs.message_id);
            }
            owner.copies.push(held);
            owner.changed = true;
        }
        let own = Held {
            message_id: answer.message_id,
            in_reply_to: letter.in_reply_to,
            ..new(Kind::Sent, FolderRole::Sent)
        };
        let owner = self.owner(letter.from);
        owner.copies.push(own);
        owner.changed = true;
        if let Some(request) = letter.request {
            let kept = (letter.clone(), answer.clone());
            self.answers.insert((letter.from, request), kept);
        }
    }

    /// What must come of a modification.
    pub(super) fn judge_modify(&self, modify: &Modify) -> Result<(), Refusal> {
        if self.is_erased(modify.owner_id) {
            return Err(Refusal::OwnerGone);
        }
        let nobody = Owner::default();
        let owner = self.owners.get(&modify.owner_id).unwrap_or(&nobody);
        let ids = modify.message_ids.iter().copied();
        let missing: Vec<Uuid> = ids.clone().filter(|&id| owner.find(id).is_none()).collect();
        if !missing.is_empty() {
            return Err(Refusal::MessagesNotFound(missing));
        }
        let held = || ids.clone().filter_map(|id| owner.find(id));
        if let Some(etag) = &modify.etag
            && held().any(|held| *etag != format!("{:x}", held.change))
        {
            return Err(Refusal::EtagMismatch);
        }
        match target(owner, modify) {
            Some(Err(unknown)) => Err(Refusal::FolderNotFound(unknown)),
            Some(Ok(role @ (FolderRole::Drafts | FolderRole::Outbox))) => {
                Err(Refusal::FolderProtected(owner.folder(role)))
            }
            Some(Ok(FolderRole::Sent)) if held().any(|held| held.kind == Kind::Received) => {
                Err(Refusal::FolderProtected(owner.folder(FolderRole::Sent)))
            }
            Some(Ok(_)) | None => Ok(()),
        }
    }

    pub(super) fn modify(&mut self, modify: &Modify) {
        let owner = self.owner(modify.owner_id);
        let role = target(owner, modify).and_then(Result::ok);
        for held in &mut owner.copies {
            if !modify.message_ids.contains(&held.message_id) {
                continue;
            }
            let before = (held.read, held.starred, held.role);
            held.read = modify.read.unwrap_or(held.read);
            held.starred = modify.starred.unwrap_or(held.starred);
            held.role = role.unwrap_or(held.role);
            held.changed |= before != (held.read, held.starred, held.role);
        }
    }

    /// What must come of a deletion.
    pub(super) fn judge_delete(&self, delete: &Delete) -> Result<(), Refusal> {
        if self.is_erased(delete.owner_id) {
            return Err(Refusal::OwnerGone);
        }
        let nobody = Owner::default();
        let owner = self.owners.get(&delete.owner_id).unwrap_or(&nobody);
        let there = |id: Uuid| owner.find(id).is_some() || owner.deleted.contains(&id);
        let ids = delete.message_ids.iter().copied();
        let missing: Vec<Uuid> = ids.filter(|&id| !there(id)).collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(Refusal::MessagesNotFound(missing))
        }
    }

    pub(super) fn delete(&mut self, delete: &Delete) {
        let owner = self.owner(delete.owner_id);
        let before = owner.copies.len();
        let gone = |held: &Held| delete.message_ids.contains(&held.message_id);
        owner.copies.retain(|held| !gone(held));
        owner.changed |= owner.copies.len() < before;
        owner.deleted.extend(&delete.message_ids);
    }

    pub(super) fn erase(&mut self, id: Uuid) {
        let owner = self.owner(id);
        owner.changed |= !owner.copies.is_empty();
        owner.erased = true;
        owner.copies.clear();
        self.answers.retain(|(of, _), _| *of != id);
    }

    /// The letters that somebody still holds.
    pub(super) fn held(&self) -> BTreeSet<usize> {
        let all = self.owners.values().flat_map(|owner| &owner.copies);
        all.map(|held| held.letter).collect()
    }
}

/// Where a modification moves to, if anywhere; the id, if no such folder is there.
fn target(owner: &Owner, modify: &Modify) -> Option<Result<FolderRole, Uuid>> {
    match modify.place? {
        Place::Role(role) => Some(Ok(role)),
        Place::Folder(id) => {
            let found = owner.folders.iter().find(|(_, folder)| **folder == id);
            Some(found.map(|(role, _)| *role).ok_or(id))
        }
    }
}
