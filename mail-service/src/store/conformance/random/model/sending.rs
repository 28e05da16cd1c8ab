//! Writing, sending, delivering and taking back.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Held, Model, Spot, Written};
use crate::{
    commit::{Refusal, Source},
    domain::{Copy, FolderRole, Kind},
    store::conformance::letter::Letter,
};

impl Model {
    /// What was answered to the same request before.
    fn replay(&self, letter: &Letter) -> Option<Result<&Copy, Refusal>> {
        let kept = self.answers.get(&(letter.from, letter.request?))?;
        // A draft is sent by its id, whatever it says.
        let sends = |l: &Letter| l.source.map(|source| source.message_id);
        let is_same = match (sends(&kept.0), sends(letter)) {
            (Some(one), Some(other)) => one == other,
            (None, None) => kept.0 == *letter,
            _ => false,
        };
        Some(if is_same {
            Ok(&kept.1)
        } else {
            Err(Refusal::RequestIdReused)
        })
    }

    fn source(&self, owner: Uuid, source: Source) -> Result<&Held, Refusal> {
        let missing = || Refusal::MessagesNotFound(vec![source.message_id]);
        let held = self.find(owner, source.message_id).ok_or_else(missing)?;
        let kind = if source.waiting {
            Kind::Waiting
        } else {
            Kind::Draft
        };
        if held.kind != kind {
            return Err(Refusal::NotADraft);
        }
        if held.change != source.change {
            return Err(Refusal::SourceChanged);
        }
        Ok(held)
    }

    /// What a letter names must be there, but for what `before` named already.
    fn check_named(&self, letter: &Letter, before: Option<&Held>) -> Result<(), Refusal> {
        let missing = |id: &Uuid| self.find(letter.from, *id).is_none();
        let known = before.and_then(|held| held.in_reply_to);
        if let Some(id) = letter.in_reply_to.filter(missing)
            && known != Some(id)
        {
            return Err(Refusal::ParentNotFound(id));
        }
        let known = before.and_then(|held| held.forward_of);
        if let Some(id) = letter.forward_of.filter(missing)
            && known != Some(id)
        {
            return Err(Refusal::OriginalNotFound(id));
        }
        Ok(())
    }

    pub(in super::super) fn waits(&self, letter: &Letter) -> bool {
        letter.deliver_time.is_some_and(|time| time > self.now)
    }

    /// What must come of a send: nothing new but an earlier answer, something new, or a refusal.
    pub(in super::super) fn judge_send(&self, letter: &Letter) -> Result<Option<&Copy>, Refusal> {
        self.active(letter.from)?;
        if let Some(answer) = self.replay(letter) {
            return answer.map(Some);
        }
        let mut wanted: BTreeMap<Uuid, (i64, i64)> = BTreeMap::new();
        let own = if let Some(source) = letter.source {
            let before = self.size(self.source(letter.from, source)?);
            (0, letter.size() - before)
        } else {
            self.check_named(letter, None)?;
            (1, letter.size())
        };
        wanted.insert(letter.from, own);
        let recipients = || letter.to.iter().chain(&letter.bcc).copied();
        if !self.waits(letter) {
            for id in recipients() {
                let entry = wanted.entry(id).or_default();
                *entry = (entry.0 + 1, entry.1 + letter.size());
            }
        }
        let mut gone: Vec<Uuid> = recipients().filter(|&id| self.is_erased(id)).collect();
        if !gone.is_empty() {
            gone.sort_unstable();
            return Err(Refusal::RecipientsGone(gone));
        }
        let full = wanted
            .into_iter()
            .filter(|(id, more)| !self.fits(*id, *more));
        let full: Vec<Uuid> = full.map(|(id, _)| id).collect();
        if full.is_empty() {
            Ok(None)
        } else {
            Err(Refusal::MailboxesFull(full))
        }
    }

    /// What must come of keeping a draft, in the place of another one if so.
    pub(in super::super) fn judge_save(
        &self,
        letter: &Letter,
        replaced: Option<(Uuid, i64)>,
    ) -> Result<(), Refusal> {
        self.active(letter.from)?;
        let mut before = None;
        if let Some((id, change)) = replaced {
            let missing = || Refusal::MessagesNotFound(vec![id]);
            let held = self.find(letter.from, id).ok_or_else(missing)?;
            if held.kind != Kind::Draft {
                return Err(Refusal::NotADraft);
            }
            if held.change != change {
                return Err(Refusal::EtagMismatch);
            }
            before = Some(held);
        }
        self.check_named(letter, before)?;
        let more = match before {
            Some(held) => (0, letter.size() - self.size(held)),
            None => (1, letter.size()),
        };
        if self.fits(letter.from, more) {
            Ok(())
        } else {
            Err(Refusal::MailboxesFull(vec![letter.from]))
        }
    }

    /// A letter was kept, or sent: `answer` is the owner's copy.
    pub(in super::super) fn write(&mut self, letter: &Letter, answer: &Copy) {
        let number = self.note(letter.clone(), answer);
        let parent = letter.in_reply_to.and_then(|id| self.find(letter.from, id));
        let parent = parent.map(|held| (held.letter, held.thread_id));
        let before = self.find(letter.from, answer.message_id).cloned();
        // What answers nothing any more begins a conversation of its own.
        let before_too = before
            .as_ref()
            .filter(|held| held.in_reply_to == letter.in_reply_to);
        let before_thread = before_too.map(|held| held.thread_id);
        let thread_id = parent.map(|(_, id)| id).or(before_thread);
        let thread_id = thread_id.unwrap_or(answer.thread_id);
        if answer.kind == Kind::Sent {
            self.mark_named(letter);
            self.deliver(
                letter,
                (number, thread_id),
                parent.map(|(letter, _)| letter),
            );
        }
        let (role, is_sent) = match answer.kind {
            Kind::Waiting => (FolderRole::Outbox, false),
            Kind::Draft => (FolderRole::Drafts, false),
            Kind::Sent | Kind::Received => (FolderRole::Sent, true),
        };
        let own = Held {
            read: before.as_ref().is_none_or(|held| held.read),
            starred: before.as_ref().is_some_and(|held| held.starred),
            answered: before.as_ref().is_some_and(|held| held.answered),
            forwarded: before.as_ref().is_some_and(|held| held.forwarded),
            labels: letter.labels.iter().cloned().collect(),
            in_reply_to: letter.in_reply_to,
            forward_of: letter.forward_of.filter(|_| !is_sent),
            deliver_time: letter.deliver_time.filter(|_| !is_sent),
            message_id: answer.message_id,
            ..self.new_held((number, thread_id), answer.kind, role)
        };
        let owner = self.owner(letter.from);
        owner
            .copies
            .retain(|held| held.message_id != answer.message_id);
        owner.copies.push(own);
        owner.changed = true;
        if let Some(request) = letter.request {
            let kept = (letter.clone(), answer.clone());
            self.answers.insert((letter.from, request), kept);
        }
    }

    fn note(&mut self, letter: Letter, copy: &Copy) -> usize {
        self.written.push(Written {
            letter,
            internet_id: copy.internet_message_id.clone(),
            content_id: copy.content_id,
            swept: false,
        });
        self.written.len() - 1
    }

    fn new_held(&self, (letter, thread_id): (usize, Uuid), kind: Kind, role: FolderRole) -> Held {
        Held {
            letter,
            kind,
            spot: Spot::Role(role),
            read: false,
            starred: false,
            answered: false,
            forwarded: false,
            labels: BTreeSet::new(),
            thread_id,
            in_reply_to: None,
            forward_of: None,
            deliver_time: None,
            trash_time: None,
            arrived: self.step,
            changed: true,
            message_id: Uuid::nil(),
            receive_time: None,
            change: 0,
        }
    }

    fn mark_named(&mut self, letter: &Letter) {
        let owner = self.owner(letter.from);
        if let Some(held) = letter.in_reply_to.and_then(|id| owner.find_mut(id)) {
            held.changed |= !held.answered;
            held.answered = true;
        }
        if let Some(held) = letter.forward_of.and_then(|id| owner.find_mut(id)) {
            held.changed |= !held.forwarded;
            held.forwarded = true;
        }
    }

    fn deliver(&mut self, letter: &Letter, what: (usize, Uuid), parent: Option<usize>) {
        for &recipient in letter.to.iter().chain(&letter.bcc) {
            let mut held = self.new_held(what, Kind::Received, FolderRole::Inbox);
            let owner = self.owner(recipient);
            // Who wrote to themselves has two copies: what they sent is what was answered.
            let theirs = owner.copies.iter().filter(|h| Some(h.letter) == parent);
            if let Some(theirs) = theirs.max_by_key(|h| h.kind == Kind::Sent) {
                held.thread_id = theirs.thread_id;
                held.in_reply_to = Some(theirs.message_id);
            }
            owner.copies.push(held);
            owner.changed = true;
        }
    }

    /// What must come of taking back: the message is a draft afterwards, or it was none of what can
    /// be taken back.
    pub(in super::super) fn judge_cancel(&self, owner: Uuid, id: Uuid) -> Result<(), Refusal> {
        self.active(owner)?;
        match self.find(owner, id).map(|held| held.kind) {
            None => Err(Refusal::MessagesNotFound(vec![id])),
            Some(Kind::Waiting | Kind::Draft) => Ok(()),
            Some(Kind::Sent | Kind::Received) => Err(Refusal::AlreadyDelivered),
        }
    }

    pub(in super::super) fn cancel(&mut self, owner: Uuid, id: Uuid) {
        let step = self.step;
        let owner = self.owner(owner);
        let Some(held) = owner.find_mut(id).filter(|h| h.kind == Kind::Waiting) else {
            return;
        };
        held.kind = Kind::Draft;
        held.spot = Spot::Role(FolderRole::Drafts);
        held.deliver_time = None;
        held.receive_time = None;
        held.arrived = step;
        held.changed = true;
        owner.changed = true;
    }

    /// The system wrote to somebody: `copy` is what came.
    pub(in super::super) fn notify(&mut self, letter: Letter, copy: &Copy) {
        let number = self.note(letter, copy);
        let what = (number, copy.thread_id);
        let held = self.new_held(what, Kind::Received, FolderRole::Inbox);
        let owner = self.owner(copy.owner_id);
        owner.copies.push(held);
        owner.changed = true;
    }

    /// Those of `owner`'s messages whose time has come.
    pub(in super::super) fn due(&self, owner: Uuid) -> Vec<Uuid> {
        let copies = self.owners.get(&owner).map_or(&[][..], |o| &o.copies);
        let due = copies.iter().filter(|held| {
            held.kind == Kind::Waiting && held.deliver_time.is_some_and(|time| time <= self.now)
        });
        due.map(|held| held.message_id).collect()
    }
}
