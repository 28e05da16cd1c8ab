//! What the numbers of an operation stand for when its turn comes.

use uuid::Uuid;

use super::{
    super::{
        letter::{Letter, letter},
        office::nothing,
    },
    operation::{Etag, Mail, Operation, Pick, Target},
    run::{PEOPLE, Run},
};
use crate::commit::{Modify, Place};

impl Run {
    pub(super) fn person(&self, pick: Pick) -> Uuid {
        match any(&self.erased, pick / 16) {
            Some(erased) if pick % 16 == 15 => *erased,
            _ => self.people[usize::from(pick / 16) % PEOPLE],
        }
    }

    /// Mostly one of the owner's messages; else one deleted, somebody else's, or none at all.
    fn message(&self, owner: Uuid, pick: Pick) -> Uuid {
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
        let answers = mail.answers.filter(|_| may_answer);
        Letter {
            bcc,
            subject: format!("Nr. {} ñ", self.step),
            text: "\u{1f426}".repeat(usize::from(mail.size) / 4),
            in_reply_to: answers.map(|pick| self.message(from, pick)),
            ..letter(from, &to)
        }
    }

    pub(super) fn modification(&self, owner: Uuid, operation: &Operation) -> Modify {
        let Operation::Modify {
            messages,
            read,
            starred,
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
            place: match target {
                Target::Stay => None,
                Target::Role(role) => Some(Place::Role(*role)),
                Target::Id(role) => folder(*role).map(Place::Folder),
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

/// One of `all`, if there is any.
pub(super) fn any<T>(all: &[T], pick: Pick) -> Option<&T> {
    all.get(usize::from(pick).checked_rem(all.len())?)
}
