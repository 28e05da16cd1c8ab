//! A client that knows a mailbox only by its history.

use std::collections::HashMap;

use anyhow::ensure;
use uuid::Uuid;

use super::super::office::Office;
use crate::domain::{Copy, Event, Folder, Mailbox, MailboxState, State};

/// What a client has of a mailbox.
#[derive(Debug)]
pub(super) struct Replica {
    /// The point in history up to which it has followed.
    state: State,
    copies: HashMap<Uuid, Copy>,
    folders: HashMap<Uuid, Folder>,
}

/// Everybody's clients.
#[derive(Debug, Default)]
pub(super) struct Followers(HashMap<Uuid, Replica>);

impl Followers {
    /// Brings the client of `owner` up to now, in pages of `size`, and compares what it has with the
    /// mailbox. A new one, and one whose state has expired, begins with what is there.
    pub(super) async fn follow(
        &mut self,
        office: &Office,
        owner: Uuid,
        size: i64,
    ) -> anyhow::Result<()> {
        let mailbox = office.store.mailbox(owner).await?;
        let Some(mailbox) = mailbox.filter(|m| m.state == MailboxState::Active) else {
            self.0.remove(&owner);
            return Ok(());
        };
        self.0
            .retain(|id, replica| *id != owner || mailbox.check_history(replica.state).is_ok());
        if let Some(replica) = self.0.get_mut(&owner) {
            replica.go_on(office, &mailbox, size).await?;
            return replica.compare(office, &mailbox).await;
        }
        let replica = Replica::begin(office, &mailbox).await?;
        self.0.insert(owner, replica);
        Ok(())
    }
}

impl Replica {
    async fn begin(office: &Office, mailbox: &Mailbox) -> anyhow::Result<Self> {
        let folders = office.store.folders(mailbox.owner_id).await?;
        let copies = office.audit(mailbox.owner_id).await;
        Ok(Self {
            state: mailbox.point(),
            copies: copies.into_iter().map(|c| (c.message_id, c)).collect(),
            folders: folders.into_iter().map(|f| (f.folder_id, f)).collect(),
        })
    }

    async fn go_on(&mut self, office: &Office, mailbox: &Mailbox, size: i64) -> anyhow::Result<()> {
        let owner = mailbox.owner_id;
        loop {
            let page = office.store.changes(owner, self.state.change, size).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            for change in &page {
                ensure!(
                    change.number == self.state.change + 1,
                    "a gap at {change:?}"
                );
                self.state.change = change.number;
                self.apply(office, owner, (change.event, change.object_id))
                    .await?;
            }
            ensure!(last.number == self.state.change);
        }
    }

    /// What has changed is read as it is now; what is gone meanwhile will be told of later.
    async fn apply(
        &mut self,
        office: &Office,
        owner: Uuid,
        (event, id): (Event, Uuid),
    ) -> anyhow::Result<()> {
        match event {
            Event::MessageCreated | Event::MessageUpdated => {
                let known = self.copies.contains_key(&id);
                if let Some(copy) = office.copy(owner, id).await {
                    ensure!(known == (event == Event::MessageUpdated), "{copy:?}");
                    self.copies.insert(id, copy);
                }
            }
            Event::MessageDeleted => {
                self.copies.remove(&id);
            }
            Event::FolderCreated | Event::FolderUpdated => {
                let known = self.folders.contains_key(&id);
                if let Some(folder) = office.folder_by_id(owner, id).await {
                    ensure!(known == (event == Event::FolderUpdated), "{folder:?}");
                    self.folders.insert(id, folder);
                }
            }
            Event::FolderDeleted => {
                self.folders.remove(&id);
            }
        }
        Ok(())
    }

    async fn compare(&self, office: &Office, mailbox: &Mailbox) -> anyhow::Result<()> {
        let now = Self::begin(office, mailbox).await?;
        ensure!(self.state == now.state, "{:?}", self.state);
        ensure!(
            self.copies == now.copies,
            "the history tells of {:?} instead of {:?}",
            self.copies,
            now.copies
        );
        ensure!(
            self.folders == now.folders,
            "the history tells of {:?} instead of {:?}",
            self.folders,
            now.folders
        );
        Ok(())
    }
}
