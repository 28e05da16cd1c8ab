//! Doing what a sequence says to a store and to the model.

use std::{collections::HashSet, time::Duration};

use anyhow::{Context, ensure};
use futures::future::join_all;
use uuid::Uuid;

use super::{
    super::{
        letter::Letter,
        office::{NOW, Office, filter},
    },
    compare::{compare, compare_bodies},
    follower::Followers,
    model::{Held, Model, QUOTA_BYTES, QUOTA_MESSAGES, Spot, wanted},
    operation::Operation,
    resolve::any,
};
use crate::{
    commit::{Delete, Modify},
    domain::{Copy, Cursor, Filter, FolderRole},
    store::SharedStore,
};

/// How many people there are at a time.
pub(super) const PEOPLE: usize = 5;

pub(super) struct Run {
    pub(super) office: Office,
    pub(super) model: Model,
    pub(super) people: [Uuid; PEOPLE],
    pub(super) erased: Vec<Uuid>,
    /// What was sent with a request id, or could not be.
    pub(super) requests: Vec<Letter>,
    followers: Followers,
}

/// Carries out `operations` on `store`, in mailboxes of its own.
///
/// # Errors
/// Where the store first differs from the model.
pub async fn run(store: &SharedStore, operations: &[Operation]) -> anyhow::Result<()> {
    let mut run = Run {
        office: Office::with_quota(store.clone(), QUOTA_MESSAGES, QUOTA_BYTES),
        model: Model::new(NOW),
        people: std::array::from_fn(|_| Uuid::new_v4()),
        erased: Vec::new(),
        requests: Vec::new(),
        followers: Followers::default(),
    };
    for operation in operations {
        run.model.step += 1;
        let done = run.step_by(operation).await;
        done.with_context(|| format!("step {}: {operation:?}", run.model.step))?;
    }
    run.compare_all().await.context("at the end")
}

impl Run {
    async fn step_by(&mut self, operation: &Operation) -> anyhow::Result<()> {
        let touched = self.operate(operation).await?;
        self.compare(touched).await
    }

    /// The mailboxes of `owners` must be what the model says.
    pub(super) async fn compare(&mut self, owners: HashSet<Uuid>) -> anyhow::Result<()> {
        for owner in owners {
            compare(&self.office, &mut self.model, owner).await?;
        }
        Ok(())
    }

    /// One operation; answers whose mailboxes it may have touched.
    async fn operate(&mut self, operation: &Operation) -> anyhow::Result<HashSet<Uuid>> {
        match operation {
            Operation::Send(mail, with_request) => {
                let mut letter = self.letter(mail, true);
                letter.request = with_request.then(Uuid::new_v4);
                self.send(letter).await
            }
            Operation::Repeat(which, same) => {
                let Some(mut letter) = any(&self.requests, *which).cloned() else {
                    return Ok(HashSet::new());
                };
                if !same {
                    letter.text.push('!');
                }
                self.send(letter).await
            }
            Operation::SendTogether(mails) => {
                let letters = mails.iter().map(|mail| self.letter(mail, false)).collect();
                self.send_together(letters).await
            }
            Operation::Modify { owner, .. } => {
                let owner = self.person(*owner);
                self.modify(self.modification(owner, operation)).await
            }
            Operation::Delete { owner, messages } => {
                let owner_id = self.person(*owner);
                let message_ids = self.messages(owner_id, messages);
                self.delete(Delete {
                    owner_id,
                    message_ids,
                    trashed_before: None,
                })
                .await
            }
            Operation::List {
                owner,
                role,
                unread,
                starred,
                size,
            } => {
                let only = (*unread, *starred);
                let size = i32::from(*size);
                self.list(self.person(*owner), *role, only, size).await
            }
            Operation::Erase(owner) => Ok(self.erase(self.person(*owner)).await),
            Operation::Sweep => self.sweep().await,
            Operation::Wait(millis) => {
                let time = Duration::from_millis(u64::from(*millis));
                self.office.clock.advance(time);
                self.model.pass(time);
                Ok(HashSet::new())
            }
            Operation::Save { .. }
            | Operation::SendDraft { .. }
            | Operation::Cancel { .. }
            | Operation::Deliver => self.write(operation).await,
            Operation::CreateFolder { .. }
            | Operation::RenameFolder { .. }
            | Operation::DeleteFolder { .. } => self.arrange(operation).await,
            Operation::EmptyTrash { owner, since } => {
                let since = Duration::from_millis((*since).into());
                self.empty_trash(self.person(*owner), since).await
            }
            Operation::Follow { owner, size } => {
                let (owner, size) = (self.person(*owner), (*size).into());
                self.followers.follow(&self.office, owner, size).await?;
                Ok(HashSet::new())
            }
            Operation::Forget { owner, kept } => {
                self.forget(self.person(*owner), (*kept).into()).await
            }
        }
    }

    pub(super) async fn send(&mut self, letter: Letter) -> anyhow::Result<HashSet<Uuid>> {
        if letter.request.is_some() {
            self.requests.push(letter.clone());
        }
        let expected = self.model.judge_send(&letter).map(Option::<&Copy>::cloned);
        let found = self.office.try_send(&letter).await;
        match (expected, found) {
            (Ok(None), Ok(sent)) => self.model.write(&letter, &sent),
            (Ok(Some(first)), Ok(sent)) => ensure!(first == sent, "another answer: {sent:?}"),
            (Err(expected), Err(found)) => {
                ensure!(expected == found, "{found:?} instead of {expected:?}");
            }
            (expected, found) => anyhow::bail!("{found:?} instead of {expected:?}"),
        }
        Ok(wanted(&letter).into_keys().collect())
    }

    /// Their order is nobody's business, as long as nobody's mailbox runs full on the way.
    async fn send_together(&mut self, letters: Vec<Letter>) -> anyhow::Result<HashSet<Uuid>> {
        let mut touched = HashSet::new();
        if !self.model.has_room(&letters) {
            for letter in letters {
                touched.extend(self.send(letter).await?);
            }
            return Ok(touched);
        }
        let results = join_all(letters.iter().map(|l| self.office.try_send(l))).await;
        for (letter, found) in letters.iter().zip(results) {
            touched.extend(wanted(letter).into_keys());
            match (self.model.judge_send(letter).map(|_| ()), found) {
                (Ok(()), Ok(sent)) => self.model.write(letter, &sent),
                (Err(expected), Err(found)) if expected == found => {}
                (expected, found) => anyhow::bail!("{found:?} instead of {expected:?}"),
            }
        }
        Ok(touched)
    }

    async fn modify(&mut self, modify: Modify) -> anyhow::Result<HashSet<Uuid>> {
        let expected = self.model.judge_modify(&modify);
        let found = self.office.modify(modify.clone()).await;
        ensure!(
            found.as_ref().map(|_| ()) == expected.as_ref().copied(),
            "{found:?} instead of {expected:?}"
        );
        if let Ok(copies) = found {
            self.model.modify(&modify);
            let ids: Vec<Uuid> = copies.iter().map(|c| c.message_id).collect();
            ensure!(ids == modify.message_ids, "in the order asked for");
            for copy in copies {
                let stored = self.office.copy(copy.owner_id, copy.message_id).await;
                ensure!(stored.as_ref() == Some(&copy), "{copy:?} is {stored:?}");
            }
        }
        Ok(HashSet::from([modify.owner_id]))
    }

    async fn delete(&mut self, delete: Delete) -> anyhow::Result<HashSet<Uuid>> {
        let expected = self.model.judge_delete(&delete);
        let found = self
            .office
            .delete(delete.owner_id, &delete.message_ids)
            .await;
        ensure!(found == expected, "{found:?} instead of {expected:?}");
        if found.is_ok() {
            self.model.delete(delete.owner_id, &delete.message_ids);
        }
        Ok(HashSet::from([delete.owner_id]))
    }

    async fn list(
        &self,
        owner: Uuid,
        role: FolderRole,
        (unread_only, starred_only): (bool, bool),
        size: i32,
    ) -> anyhow::Result<HashSet<Uuid>> {
        let Some(known) = self.model.owners.get(&owner) else {
            return Ok(HashSet::new());
        };
        let mut expected: Vec<&Held> = known
            .copies
            .iter()
            .filter(|h| {
                h.spot == Spot::Role(role)
                    && !(unread_only && h.read)
                    && (h.starred || !starred_only)
            })
            .collect();
        expected.sort_by_key(|held| std::cmp::Reverse(held.receive_time));
        let expected: Vec<Uuid> = expected.iter().map(|held| held.message_id).collect();
        let filter = Filter {
            unread_only,
            starred_only,
            ..filter(owner, known.folders.get(&role).copied().unwrap_or_default())
        };
        let page = usize::try_from(size)?;
        let (mut seen, mut cursor) = (Vec::new(), Cursor::NEWEST);
        loop {
            let found = self
                .office
                .store
                .list(&filter, cursor, i64::from(size) + 1)
                .await?;
            let left = expected.len() - seen.len();
            ensure!(
                found.len() == left.min(page + 1),
                "{} of {left}",
                found.len()
            );
            seen.extend(found.iter().take(page).map(|copy| copy.message_id));
            ensure!(
                expected.starts_with(&seen),
                "{seen:?} instead of {expected:?}"
            );
            match found.get(page - 1) {
                Some(last) if left > page => cursor = Cursor::after(last),
                _ => return Ok(HashSet::new()),
            }
        }
    }

    async fn erase(&mut self, owner: Uuid) -> HashSet<Uuid> {
        self.office.erase(owner).await;
        self.model.erase(owner);
        for person in &mut self.people {
            if *person == owner {
                *person = Uuid::new_v4();
                self.erased.push(owner);
            }
        }
        HashSet::from([owner])
    }

    /// Contents stay as long as somebody holds a copy, and not longer.
    async fn sweep(&mut self) -> anyhow::Result<HashSet<Uuid>> {
        self.office.sweep().await;
        let held = self.model.held();
        for (number, sent) in self.model.written.iter_mut().enumerate() {
            if !sent.swept && !held.contains(&number) {
                let office = &self.office;
                let gone = || async { !office.has_content(sent.content_id).await };
                office.until(gone).await;
                sent.swept = true;
            }
        }
        compare_bodies(&self.office, &self.model).await?;
        Ok(HashSet::new())
    }

    async fn compare_all(&mut self) -> anyhow::Result<()> {
        let everybody: Vec<Uuid> = self.model.owners.keys().copied().collect();
        for owner in everybody {
            self.office.audit(owner).await;
            compare(&self.office, &mut self.model, owner).await?;
            self.followers.follow(&self.office, owner, 50).await?;
        }
        for letter in self.requests.clone() {
            let touched = self.send(letter).await?;
            self.compare(touched).await?;
        }
        let _ = self.sweep().await?;
        compare_bodies(&self.office, &self.model).await
    }
}
