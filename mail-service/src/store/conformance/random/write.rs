//! Drafts, and what is sent later.

use std::collections::HashSet;

use anyhow::ensure;
use uuid::Uuid;

use super::{
    operation::{Mail, Operation, Pick},
    run::Run,
};
use crate::{
    commit::Refusal,
    domain::Copy,
    mail::Delivery,
    store::conformance::letter::{Letter, letter},
};

impl Run {
    pub(super) async fn write(&mut self, operation: &Operation) -> anyhow::Result<HashSet<Uuid>> {
        if let Operation::Save {
            mail,
            replaces,
            old,
        } = operation
        {
            return self.save(mail, *replaces, *old).await;
        }
        if let Operation::SendDraft {
            owner,
            message,
            request,
        } = operation
        {
            let owner = self.person(*owner);
            let id = self.unsent(owner, *message);
            return self.send_draft(owner, id, *request).await;
        }
        if let Operation::Cancel { owner, message } = operation {
            let owner = self.person(*owner);
            let id = self.unsent(owner, *message);
            return self.cancel(owner, id).await;
        }
        self.deliver().await
    }

    async fn save(
        &mut self,
        mail: &Mail,
        replaces: Option<Pick>,
        old: bool,
    ) -> anyhow::Result<HashSet<Uuid>> {
        let letter = self.letter(mail, true);
        let draft = replaces.map(|pick| {
            let id = self.unsent(letter.from, pick);
            let change = self.model.find(letter.from, id).map_or(0, |h| h.change);
            (id, change - i64::from(old))
        });
        let expected = self.model.judge_save(&letter, draft);
        let etag = |(id, change)| (id, format!("{change:x}"));
        let found = self.office.message(letter.save_job(draft.map(etag)));
        let found = found.await;
        ensure!(
            found.as_ref().map(drop) == expected.as_ref().map(drop),
            "{found:?} instead of {expected:?}"
        );
        if let Ok(draft) = &found {
            self.model.write(&letter, draft);
        }
        Ok(HashSet::from([letter.from]))
    }

    /// Sends what there is, as it is. What is no draft is tried too.
    async fn send_draft(
        &mut self,
        owner: Uuid,
        id: Uuid,
        with_request: bool,
    ) -> anyhow::Result<HashSet<Uuid>> {
        let Some(copy) = self.office.copy(owner, id).await else {
            return Ok(HashSet::new());
        };
        let mut letter = self.office.letter_of(&copy).await;
        letter.source = letter.source.map(|source| crate::commit::Source {
            waiting: false,
            ..source
        });
        letter.request = with_request.then(Uuid::new_v4);
        self.send(letter).await
    }

    async fn cancel(&mut self, owner: Uuid, id: Uuid) -> anyhow::Result<HashSet<Uuid>> {
        let expected = self.model.judge_cancel(owner, id);
        let found = self.office.cancel_by_id(owner, id).await;
        ensure!(
            found.as_ref().map(drop) == expected.as_ref().map(drop),
            "{found:?} instead of {expected:?}"
        );
        if found.is_ok() {
            self.model.cancel(owner, id);
        }
        Ok(HashSet::from([owner]))
    }

    /// What the deliverer does.
    async fn deliver(&mut self) -> anyhow::Result<HashSet<Uuid>> {
        for owner in self.people {
            let due = self.office.due(owner).await;
            let mut expected = self.model.due(owner);
            expected.sort_unstable();
            let mut found = due.clone();
            found.sort_unstable();
            ensure!(found == expected, "due: {found:?} instead of {expected:?}");
            for id in due {
                let touched = self.deliver_one(owner, id).await?;
                // One may answer another, which has another number then.
                self.compare(touched).await?;
            }
        }
        Ok(HashSet::new())
    }

    async fn deliver_one(&mut self, owner: Uuid, id: Uuid) -> anyhow::Result<HashSet<Uuid>> {
        let Some(copy) = self.office.copy(owner, id).await else {
            anyhow::bail!("what is due is not there");
        };
        let letter = self.office.letter_of(&copy).await;
        let expected = self.model.judge_send(&letter).map(drop);
        let found = self.office.deliver(owner, id).await;
        match (&expected, found) {
            (Ok(()), Delivery::Done) => {
                let sent = self.office.copy(owner, id).await;
                let sent = sent.ok_or_else(|| anyhow::anyhow!("it has lost its id"))?;
                self.model.write(&letter, &sent);
            }
            (Err(Refusal::RecipientsGone(_) | Refusal::MailboxesFull(_)), Delivery::Returned) => {
                self.model.cancel(owner, id);
                let notice = self.office.newest(owner).await;
                self.model.notify(what_it_says(&notice), &notice);
            }
            _ => anyhow::bail!("{found:?}, but {expected:?}"),
        }
        let recipients = letter.to.iter().chain(&letter.bcc).copied();
        Ok(recipients.chain([owner]).collect())
    }
}

/// A notice of the system's, as if it were a letter.
fn what_it_says(notice: &Copy) -> Letter {
    letter(Uuid::nil(), &[notice.owner_id])
        .with_subject(&*notice.subject)
        .with_text(&*notice.snippet)
}
