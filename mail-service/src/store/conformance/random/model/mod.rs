//! What the mailboxes must be, in the simplest terms: everybody has a heap of copies.
//!
//! `sending` says what must come of messages that are written, sent, delivered and taken back,
//! `changing` of those that are marked, moved and deleted, and of folders.

mod changing;
mod sending;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    time::Duration,
};

use turbomessage_service_kit::clock::Timestamp;
use uuid::Uuid;

use super::super::letter::Letter;
use crate::{
    commit::Refusal,
    domain::{Copy, FolderRole, Kind},
};

/// Room in a mailbox: little, so that some of them fill.
pub(super) const QUOTA_MESSAGES: i64 = 60;
pub(super) const QUOTA_BYTES: i64 = 16_000;

/// Where a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Spot {
    Role(FolderRole),
    /// A folder of the owner's own.
    Own(Uuid),
}

/// One copy as it must be. What only the store knows is learned from it once and must stay.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of a copy, and one of the model's"
)]
pub(super) struct Held {
    /// Which of the letters written.
    pub(super) letter: usize,
    pub(super) kind: Kind,
    pub(super) spot: Spot,
    pub(super) read: bool,
    pub(super) starred: bool,
    pub(super) answered: bool,
    pub(super) forwarded: bool,
    pub(super) labels: BTreeSet<String>,
    pub(super) thread_id: Uuid,
    pub(super) in_reply_to: Option<Uuid>,
    pub(super) forward_of: Option<Uuid>,
    pub(super) deliver_time: Option<Timestamp>,
    pub(super) trash_time: Option<Timestamp>,
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
    /// Folders of the owner's own, with their names.
    pub(super) own: BTreeMap<Uuid, String>,
    /// Whether the number of its last change must have grown.
    pub(super) changed: bool,
    /// Learned.
    pub(super) last_change: i64,
    /// Learned.
    pub(super) folders: HashMap<FolderRole, Uuid>,
}

/// A letter that was written: what one content says.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) letter: Letter,
    pub(super) internet_id: String,
    pub(super) content_id: Uuid,
    /// Whether its content has been seen to be gone.
    pub(super) swept: bool,
}

/// Everybody, those who were erased too.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) owners: BTreeMap<Uuid, Owner>,
    pub(super) written: Vec<Written>,
    answers: HashMap<(Uuid, Uuid), (Letter, Copy)>,
    pub(super) now: Timestamp,
    pub(super) step: usize,
}

impl Owner {
    pub(super) fn find(&self, id: Uuid) -> Option<&Held> {
        self.copies.iter().find(|held| held.message_id == id)
    }

    fn find_mut(&mut self, id: Uuid) -> Option<&mut Held> {
        self.copies.iter_mut().find(|held| held.message_id == id)
    }

    /// The id of the folder there, as far as it has been learned.
    pub(super) fn folder(&self, spot: Spot) -> Uuid {
        match spot {
            Spot::Role(role) => self.folders.get(&role).copied().unwrap_or_default(),
            Spot::Own(id) => id,
        }
    }

    /// The folder with this id, if there is one.
    pub(super) fn spot(&self, id: Uuid) -> Option<Spot> {
        if self.own.contains_key(&id) {
            return Some(Spot::Own(id));
        }
        let found = self.folders.iter().find(|(_, folder)| **folder == id);
        found.map(|(role, _)| Spot::Role(*role))
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
    /// Nobody yet.
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            owners: BTreeMap::new(),
            written: Vec::new(),
            answers: HashMap::new(),
            now,
            step: 0,
        }
    }

    fn owner(&mut self, id: Uuid) -> &mut Owner {
        self.owners.entry(id).or_default()
    }

    pub(super) fn find(&self, owner: Uuid, id: Uuid) -> Option<&Held> {
        self.owners.get(&owner)?.find(id)
    }

    pub(super) fn is_erased(&self, id: Uuid) -> bool {
        self.owners.get(&id).is_some_and(|owner| owner.erased)
    }

    fn active(&self, id: Uuid) -> Result<(), Refusal> {
        if self.is_erased(id) {
            return Err(Refusal::OwnerGone);
        }
        Ok(())
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
    }

    fn size(&self, held: &Held) -> i64 {
        self.written[held.letter].letter.size()
    }

    fn usage(&self, id: Uuid) -> (i64, i64) {
        let copies = self.owners.get(&id).map_or(&[][..], |o| &o.copies);
        let bytes = copies.iter().map(|held| self.size(held));
        (i64::try_from(copies.len()).unwrap(), bytes.sum())
    }

    /// Whether so much more fits; what does not grow always does.
    fn fits(&self, id: Uuid, (messages, bytes): (i64, i64)) -> bool {
        let used = self.usage(id);
        (messages <= 0 && bytes <= 0)
            || (used.0 + messages <= QUOTA_MESSAGES && used.1 + bytes <= QUOTA_BYTES)
    }

    /// Whether everybody has room for all of these letters.
    pub(super) fn has_room(&self, letters: &[Letter]) -> bool {
        let mut all: BTreeMap<Uuid, (i64, i64)> = BTreeMap::new();
        for letter in letters {
            for (owner, copies) in wanted(letter) {
                let entry = all.entry(owner).or_default();
                entry.0 += copies;
                entry.1 += copies * letter.size();
            }
        }
        all.into_iter().all(|(owner, more)| self.fits(owner, more))
    }

    pub(super) fn erase(&mut self, id: Uuid) {
        let owner = self.owner(id);
        owner.changed |= !owner.erased;
        owner.erased = true;
        owner.copies.clear();
        owner.own.clear();
        self.answers.retain(|(of, _), _| *of != id);
    }

    /// The letters that somebody still holds.
    pub(super) fn held(&self) -> BTreeSet<usize> {
        let all = self.owners.values().flat_map(|owner| &owner.copies);
        all.map(|held| held.letter).collect()
    }
}
