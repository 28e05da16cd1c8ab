//! What the numbers of an operation stand for when its turn comes.

use std::time::Duration;

use uuid::Uuid;

use super::{
    super::{
        letter::{Letter, letter},
        office::nothing,
    },
    operation::{Etag, Mail, Operation, Pick, Target},
    run::{PEOPLE, Run},
};
use crate::{
    commit::{Modify, Place},
    domain::{FolderRole, Kind},
};

/// Few, so that they meet.
const LABELS: [&str; 4] = ["a", "A", "ñ", "urgent \u{1f426}"];
const NAMES: [&str; 9] = [
    "Plans", "PLANS", "Pläne", "plÄne", "Other", "x", "inbox", "Anywhere", "Trash 2",
];

impl Run {
    pub(super) fn person(&self, pick: Pick) -> Uuid {
        match any(&self.erased, pick / 16) {
            Some(erased) if pick % 16 == 15 => *erased,
            _ => self.people[usize::from(pick / 16) % PEOPLE],
        }
    }

    /// Mostly one of the owner's messages; else one deleted, somebody else's, or none at all.
    pub(super) fn message(&self, owner: Uuid, pick: Pick) -> Uuid {
        let held = |id: Uuid| self.model.owners.get(&id).map_or(&[][..], |o| &o.copies);
        let number = pick / 16;
        let found = match pick % 16 {
            0..=12 => any(held(owner), number).map(|h| h.message_id),
            13 => {
                let deleted = self.model.owners.get(&owner).map(|o| &o.deleted);
                deleted.and_then(|all| all.iter().min().copied())
            }
            14 => any(held(self.person(number)), number).map(|h| h.message_id),
            _ => None,
        };
        found.unwrap_or_else(|| Uuid::from_u128(u128::from(pick) + 1))
    }

    /// Mostly one that is being written or waits; else any.
    pub(super) fn unsent(&self, owner: Uuid, pick: Pick) -> Uuid {
        let copies = self.model.owners.get(&owner).map_or(&[][..], |o| &o.copies);
        let unsent = copies
            .iter()
            .filter(|h| matches!(h.kind, Kind::Draft | Kind::Waiting));
        let unsent: Vec<Uuid> = unsent.map(|h| h.message_id).collect();
        match any(&unsent, pick / 16) {
            Some(id) if !pick.is_multiple_of(16) => *id,
            _ => self.message(owner, pick / 16),
        }
    }

    /// Mostly one of the owner's own folders; else a standard one, or none at all.
    pub(super) fn folder(&self, owner: Uuid, pick: Pick) -> Uuid {
        let known = self.model.owners.get(&owner);
        let own: Vec<Uuid> = known.map_or_else(Vec::new, |o| o.own.keys().copied().collect());
        let number = pick / 16;
        let found = match pick % 16 {
            0 => any(&FolderRole::ALL, number).and_then(|r| known?.folders.get(r).copied()),
            1 => None,
            _ => any(&own, number).copied(),
        };
        found.unwrap_or_else(|| Uuid::from_u128(u128::from(pick) + 1))
    }

    pub(super) fn messages(&self, owner: Uuid, picks: &[Pick]) -> Vec<Uuid> {
        let mut ids = Vec::new();
        for &pick in picks {
            let id = self.message(owner, pick);
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    pub(super) fn letter(&self, mail: &Mail, may_answer: bool) -> Letter {
        let from = self.person(mail.from);
        let mut to = Vec::new();
        for &pick in &mail.to {
            let person = self.person(pick);
            if !to.contains(&person) {
                to.push(person);
            }
        }
        let bcc = to.split_off(mail.bcc_from.min(to.len()));
        let named = |pick: Option<Pick>| {
            let pick = pick.filter(|_| may_answer);
            pick.map(|pick| self.message(from, pick))
        };
        let later = mail
            .later
            .map(|millis| Duration::from_millis(millis.into()));
        Letter {
            bcc,
            labels: labels(mail.labels),
            deliver_time: later.map(|later| self.model.now.plus(later)),
            forward_of: named(mail.passes_on),
            subject: format!("Nr. {} ñ", self.model.step),
            text: "\u{1f426}".repeat(usize::from(mail.size) / 4),
            in_reply_to: named(mail.answers),
            ..letter(from, &to)
        }
    }

    pub(super) fn modification(&self, owner: Uuid, operation: &Operation) -> Modify {
        let Operation::Modify {
            messages,
            read,
            starred,
            labels: (add, remove),
            target,
            etag,
            ..
        } = operation
        else {
            return nothing(owner, &[]);
        };
        let ids = self.messages(owner, messages);
        let known = self.model.owners.get(&owner);
        let change = match ids[..] {
            [id] => known.and_then(|o| o.find(id)).map_or(0, |held| held.change),
            _ => 0,
        };
        let folder = |role| known.and_then(|o| o.folders.get(&role)).copied();
        Modify {
            read: *read,
            starred: *starred,
            add_labels: labels(*add),
            remove_labels: labels(*remove),
            place: match target {
                Target::Stay => None,
                Target::Role(role) => Some(Place::Role(*role)),
                Target::Id(role) => folder(*role).map(Place::Folder),
                Target::Own(pick) => Some(Place::Folder(self.folder(owner, *pick))),
                Target::Unknown => Some(Place::Folder(Uuid::max())),
            },
            etag: match etag {
                Etag::Current if ids.len() == 1 => Some(format!("{change:x}")),
                Etag::Old if ids.len() == 1 => Some(format!("{:x}", change + 1)),
                Etag::Any | Etag::Current | Etag::Old => None,
            },
            ..nothing(owner, &ids)
        }
    }
}

/// The labels that have their bit in `bits`; sorted, as those of a request are.
fn labels(bits: u8) -> Vec<String> {
    let mut labels: Vec<String> = LABELS
        .iter()
        .enumerate()
        .filter(|(n, _)| bits >> n & 1 == 1)
        .map(|(_, label)| (*label).to_owned())
        .collect();
    labels.sort();
    labels
}

pub(super) fn name(pick: u8) -> &'static str {
    NAMES[usize::from(pick) % NAMES.len()]
}

/// One of `all`, if there is any.
pub(super) fn any<T>(all: &[T], pick: Pick) -> Option<&T> {
    all.get(usize::from(pick).checked_rem(all.len())?)
}
