//! Folders, Trash, and forgetting.

use std::{collections::HashSet, time::Duration};

use anyhow::ensure;
use uuid::Uuid;

use super::{operation::Operation, resolve::name, run::Run};
use crate::{
    commit::Refusal,
    store::{
        Queue, Retention,
        conformance::{
            clerk::{creation, renaming},
            office::NOW,
        },
    },
};

impl Run {
    pub(super) async fn arrange(&mut self, operation: &Operation) -> anyhow::Result<HashSet<Uuid>> {
        if let Operation::CreateFolder { owner, name: pick } = operation {
            let owner = self.person(*owner);
            self.create_folder(owner, name(*pick)).await?;
            return Ok(HashSet::from([owner]));
        }
        if let Operation::RenameFolder {
            owner,
            folder,
            name: pick,
        } = operation
        {
            let owner = self.person(*owner);
            let id = self.folder(owner, *folder);
            self.rename_folder((owner, id), name(*pick)).await?;
            return Ok(HashSet::from([owner]));
        }
        if let Operation::DeleteFolder { owner, folder } = operation {
            let owner = self.person(*owner);
            let id = self.folder(owner, *folder);
            self.delete_folder(owner, id).await?;
            return Ok(HashSet::from([owner]));
        }
        Ok(HashSet::new())
    }

    async fn create_folder(&mut self, owner: Uuid, name: &str) -> anyhow::Result<()> {
        let expected = self.model.judge_creation(owner, name);
        let found = self.office.folder_job(creation(owner, name, None)).await;
        check(&found, &expected)?;
        if let Ok(folder) = found {
            self.model.name_folder(owner, folder.folder_id, name);
        }
        Ok(())
    }

    async fn rename_folder(&mut self, key: (Uuid, Uuid), name: &str) -> anyhow::Result<()> {
        let expected = self.model.judge_renaming(key, name);
        let found = self.office.folder_job(renaming(key, name, None)).await;
        check(&found, &expected)?;
        if found.is_ok() {
            self.model.name_folder(key.0, key.1, name);
        }
        Ok(())
    }

    async fn delete_folder(&mut self, owner: Uuid, id: Uuid) -> anyhow::Result<()> {
        let expected = self.model.judge_folder_deletion(owner, id);
        let found = self.office.delete_folder(owner, id).await;
        check(&found, &expected)?;
        if found.is_ok() {
            self.model.delete_folder(owner, id);
        }
        Ok(())
    }

    /// What the sweeper does.
    pub(super) async fn empty_trash(
        &mut self,
        owner: Uuid,
        since: Duration,
    ) -> anyhow::Result<HashSet<Uuid>> {
        let time = self.model.now.minus(since);
        let mut expected = self.model.trashed(owner, time);
        let limit = i64::from(i32::MAX);
        let due = self.office.store.due(Queue::Trash, time, limit).await?;
        let due = due.into_iter().filter(|key| key.0 == owner);
        let mut due: Vec<Uuid> = due.map(|(_, id)| id).collect();
        due.sort_unstable();
        expected.sort_unstable();
        ensure!(due == expected, "in Trash: {due:?} instead of {expected:?}");
        // Others with them, which are to be passed over.
        let known = self.model.owners.get(&owner);
        let others = known.into_iter().flat_map(|o| &o.copies);
        let asked: Vec<Uuid> = others.map(|held| held.message_id).collect();
        if !asked.is_empty() {
            let done = self.office.empty_trash(owner, &asked, time).await;
            ensure!(done == Ok(()), "{done:?}");
            self.model.delete(owner, &due);
        }
        Ok(HashSet::from([owner]))
    }

    pub(super) async fn forget(
        &mut self,
        owner: Uuid,
        changes: i64,
    ) -> anyhow::Result<HashSet<Uuid>> {
        let kept = Retention {
            since: NOW,
            changes,
        };
        let mut transaction = self.office.store.begin().await?;
        for mailbox in transaction.lock_mailboxes(&[owner]).await? {
            transaction
                .forget_history(&mailbox, kept, i64::from(i32::MAX))
                .await?;
        }
        transaction.commit().await?;
        // What was deleted is not known any longer than the history tells of it.
        let told = self.office.history(owner, 0).await;
        let told: HashSet<Uuid> = told.iter().map(|change| change.object_id).collect();
        if let Some(known) = self.model.owners.get_mut(&owner) {
            known.deleted.retain(|id| told.contains(id));
        }
        Ok(HashSet::from([owner]))
    }
}

fn check<T: std::fmt::Debug>(
    found: &Result<T, Refusal>,
    expected: &Result<(), Refusal>,
) -> anyhow::Result<()> {
    ensure!(
        found.as_ref().map(drop) == expected.as_ref().map(drop),
        "{found:?} instead of {expected:?}"
    );
    Ok(())
}
