//! Drafts: writing them, and taking back what waits in the Outbox.

use super::{Desk, send::participants};
use crate::{
    commit::job::{Answer, Cancel, Refusal, Save},
    domain::{Copy, FolderRole, Kind, Participant},
    store::Kept,
};

impl Desk {
    pub(super) fn save(&mut self, save: &Save) -> Result<Answer, Refusal> {
        let owner = save.owner_id;
        self.active(owner)?;
        if let Some(answer) = self.replay(owner, save.request) {
            return answer;
        }
        let before = self.draft_to_replace(save)?;
        self.check_new_names(save, before.as_ref())?;
        self.check_new_labels(save, before.as_ref())?;
        let bytes = save.draft.size_bytes();
        let more = match &before {
            None => (1, bytes),
            Some(copy) => (0, bytes - copy.size_bytes),
        };
        if !self.has_room(owner, more) {
            return Err(Refusal::MailboxesFull(vec![owner]));
        }

        let parent = self.named(owner, save.draft.in_reply_to);
        let from = Participant::Account(owner);
        let participants = participants(from, &save.addressees);
        let content = self.content(owner, &save.draft, participants, parent.as_ref());
        let mut copy = self.own_copy(&content, &save.draft, before.as_ref(), parent.as_ref());
        copy.kind = Kind::Draft;
        copy.folder_id = self.standard_folder(owner, FolderRole::Drafts);
        copy.forward_of = save.draft.forward_of;
        copy.deliver_time = save.draft.deliver_time;
        let copy = self.put(copy, before.is_some());
        self.put_content(content, Vec::new(), &copy);
        self.keep(owner, save.request, Kept::Message(Box::new(copy.clone())));
        Ok(Answer::Message(Box::new(copy)))
    }

    fn draft_to_replace(&self, save: &Save) -> Result<Option<Copy>, Refusal> {
        let Some((id, etag)) = &save.replaced else {
            return Ok(None);
        };
        let copy = self.copies.get(&(save.owner_id, *id));
        let copy = copy.ok_or_else(|| Refusal::MessagesNotFound(vec![*id]))?;
        if copy.kind != Kind::Draft {
            return Err(Refusal::NotADraft);
        }
        if copy.etag() != *etag {
            return Err(Refusal::EtagMismatch);
        }
        Ok(Some(copy.clone()))
    }

    /// What a draft names must be there; what it named before may be gone meanwhile.
    fn check_new_names(&self, save: &Save, before: Option<&Copy>) -> Result<(), Refusal> {
        let mut draft = save.draft.clone();
        if let Some(before) = before {
            draft.in_reply_to = draft
                .in_reply_to
                .filter(|id| before.in_reply_to != Some(*id));
            draft.forward_of = draft.forward_of.filter(|id| before.forward_of != Some(*id));
        }
        self.check_named(save.owner_id, &draft)
    }

    /// What the draft had and has no more may be its label's last use.
    fn check_new_labels(&self, save: &Save, before: Option<&Copy>) -> Result<(), Refusal> {
        let (owner, labels) = (save.owner_id, &save.draft.labels);
        let had = before.map_or(&[][..], |copy| &copy.labels);
        let gone = had.iter().filter(|label| !labels.contains(label));
        let freed = gone.filter(|label| self.label_uses(owner, label) == 1);
        self.check_labels(owner, labels, freed.count())
    }

    pub(super) fn cancel(&mut self, cancel: &Cancel) -> Result<Answer, Refusal> {
        let owner = cancel.owner_id;
        self.active(owner)?;
        if let Some((source, _)) = &cancel.failed {
            self.check_source(owner, *source)?;
        }
        let key = (owner, cancel.message_id);
        let copy = self.copies.get(&key);
        let copy = copy.ok_or_else(|| Refusal::MessagesNotFound(vec![cancel.message_id]))?;
        let copy = match copy.kind {
            Kind::Waiting => {
                let mut draft = copy.clone();
                draft.kind = Kind::Draft;
                draft.folder_id = self.standard_folder(owner, FolderRole::Drafts);
                // Sent again as it is, it would wait again, or go at once.
                draft.deliver_time = None;
                self.replace(draft)
            }
            Kind::Draft => copy.clone(),
            Kind::Sent | Kind::Received => return Err(Refusal::AlreadyDelivered),
        };
        if let Some((_, notice)) = &cancel.failed {
            self.notify(owner, &notice.subject, &notice.text);
        }
        Ok(Answer::Message(Box::new(copy)))
    }
}
