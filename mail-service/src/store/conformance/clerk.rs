//! More short words for what people do, and what is done for them: drafts, the Outbox, folders,
//! labels, Trash.

use std::time::Duration;

use turbomessage_service_kit::clock::{Clock, Timestamp};
use uuid::Uuid;

use super::{
    letter::Letter,
    office::{Office, nothing, refusal},
};
use crate::{
    commit::{
        Answer, Cancel, CreateFolder, Delete, DeleteFolder, Job, Modify, Notice, Place, Refusal,
        RenameFolder,
    },
    domain::{Change, Copy, Fingerprint, Folder, FolderRole, Kind, Label, RequestId},
    mail::Delivery,
    store::{Key, Queue},
};

/// Drafts, and what is sent later.
impl Office {
    /// So many seconds from now.
    pub(super) fn in_seconds(&self, seconds: u64) -> Timestamp {
        self.clock.now().plus(Duration::from_secs(seconds))
    }

    pub(super) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(super) async fn save(&self, letter: &Letter) -> Copy {
        self.message(letter.save_job(None)).await.unwrap()
    }

    /// Puts `letter` in the place of the draft that the caller has seen.
    pub(super) async fn update(&self, letter: &Letter, seen: &Copy) -> Result<Copy, Refusal> {
        let replaced = Some((seen.message_id, seen.etag()));
        self.message(letter.save_job(replaced)).await
    }

    /// What a copy says, to be sent.
    pub(super) async fn letter_of(&self, copy: &Copy) -> Letter {
        let bodies = self.store.bodies(copy.owner_id, &[copy.message_id]).await;
        let text = bodies.unwrap().pop().map(|(_, body)| body.text);
        Letter::of(copy, text.unwrap_or_default())
    }

    pub(super) async fn send_draft(&self, draft: &Copy) -> Result<Copy, Refusal> {
        self.try_send(&self.letter_of(draft).await).await
    }

    pub(super) async fn cancel(&self, copy: &Copy) -> Result<Copy, Refusal> {
        self.cancel_by_id(copy.owner_id, copy.message_id).await
    }

    pub(super) async fn cancel_by_id(
        &self,
        owner_id: Uuid,
        message_id: Uuid,
    ) -> Result<Copy, Refusal> {
        self.message(Job::Cancel(Box::new(Cancel {
            owner_id,
            message_id,
            failed: None,
        })))
        .await
    }

    /// What is to be delivered for `owner` now.
    pub(super) async fn due(&self, owner: Uuid) -> Vec<Uuid> {
        let time = self.clock.now();
        let due = self.store.due(Queue::Outbox, time, i64::from(i32::MAX));
        let ours = due.await.unwrap().into_iter().filter(|key| key.0 == owner);
        ours.map(|(_, id)| id).collect()
    }

    /// Delivers what waits, or gives it back, with the jobs that the deliverer has done.
    pub(super) async fn deliver(&self, owner: Uuid, id: Uuid) -> Delivery {
        let Some(copy) = self.copy(owner, id).await else {
            return Delivery::Nothing;
        };
        if copy.kind != Kind::Waiting {
            return Delivery::Nothing;
        }
        let letter = self.letter_of(&copy).await;
        match self.try_send(&letter).await {
            Ok(_) => Delivery::Done,
            Err(Refusal::RecipientsGone(_) | Refusal::MailboxesFull(_)) => {
                self.give_back(&letter, id).await
            }
            Err(_) => Delivery::Nothing,
        }
    }

    async fn give_back(&self, letter: &Letter, message_id: Uuid) -> Delivery {
        let notice = Notice {
            subject: "Not delivered".into(),
            text: "Nobody has got it.".into(),
        };
        let cancel = Cancel {
            owner_id: letter.from,
            message_id,
            failed: letter.source.map(|source| (source, notice)),
        };
        match self.message(Job::Cancel(Box::new(cancel))).await {
            Ok(_) => Delivery::Returned,
            Err(_) => Delivery::Nothing,
        }
    }
}

/// Folders, labels, Trash and the history.
impl Office {
    pub(super) async fn folder_job(&self, job: Job) -> Result<Folder, Refusal> {
        match self.submit(job).await {
            Ok(Answer::Folder(folder)) => Ok(folder),
            other => Err(refusal(other)),
        }
    }

    pub(super) async fn create_folder(&self, owner: Uuid, name: &str) -> Result<Folder, Refusal> {
        self.folder_job(creation(owner, name, None)).await
    }

    pub(super) async fn rename_folder(
        &self,
        folder: &Folder,
        name: &str,
    ) -> Result<Folder, Refusal> {
        self.folder_job(renaming(key_of(folder), name, None)).await
    }

    /// One step of a deletion; answers whether it was the last.
    pub(super) async fn delete_folder(
        &self,
        owner: Uuid,
        folder_id: Uuid,
    ) -> Result<bool, Refusal> {
        match self.submit(deletion(owner, folder_id)).await {
            Ok(Answer::Deleted) => Ok(true),
            Ok(Answer::FolderShrunk) => Ok(false),
            other => Err(refusal(other)),
        }
    }

    pub(super) async fn folder_by_id(&self, owner: Uuid, id: Uuid) -> Option<Folder> {
        let folders = self.store.folders(owner).await.unwrap();
        folders.into_iter().find(|folder| folder.folder_id == id)
    }

    pub(super) async fn put_into(&self, folder: &Folder, ids: &[Uuid]) -> Result<(), Refusal> {
        let modify = Modify {
            place: Some(Place::Folder(folder.folder_id)),
            ..nothing(folder.owner_id, ids)
        };
        self.modify(modify).await.map(drop)
    }

    /// Puts on some labels and takes off others.
    pub(super) async fn label(
        &self,
        owner: Uuid,
        ids: &[Uuid],
        (add, remove): (&[&str], &[&str]),
    ) -> Result<Vec<Copy>, Refusal> {
        let names = |names: &[&str]| names.iter().map(|&name| name.into()).collect();
        let modify = Modify {
            add_labels: names(add),
            remove_labels: names(remove),
            ..nothing(owner, ids)
        };
        self.modify(modify).await
    }

    pub(super) async fn labels(&self, owner: Uuid) -> Vec<Label> {
        self.store.labels(owner).await.unwrap()
    }

    /// Deletes those of `ids` that have been in Trash since before `time`.
    pub(super) async fn empty_trash(
        &self,
        owner_id: Uuid,
        message_ids: &[Uuid],
        time: Timestamp,
    ) -> Result<(), Refusal> {
        let delete = Delete {
            owner_id,
            message_ids: message_ids.to_vec(),
            trashed_before: Some(time),
        };
        match self.submit(Job::Delete(delete)).await {
            Ok(Answer::Deleted) => Ok(()),
            other => Err(refusal(other)),
        }
    }

    /// What happened to a mailbox after `number`.
    pub(super) async fn history(&self, owner: Uuid, number: i64) -> Vec<Change> {
        let all = self.store.changes(owner, number, i64::from(i32::MAX));
        all.await.unwrap()
    }

    pub(super) async fn only(&self, owner: Uuid, role: FolderRole) -> Copy {
        let mut all = self.list(owner, role).await;
        assert_eq!(all.len(), 1, "one message: {all:?}");
        all.swap_remove(0)
    }
}

pub(super) fn key_of(folder: &Folder) -> Key {
    (folder.owner_id, folder.folder_id)
}

pub(super) fn creation(owner_id: Uuid, name: &str, request: Option<Uuid>) -> Job {
    let fingerprint = Fingerprint::of(&("create folder", name));
    Job::CreateFolder(CreateFolder {
        owner_id,
        request: request.map(|id| RequestId { id, fingerprint }),
        name: name.into(),
    })
}

pub(super) fn renaming((owner_id, folder_id): Key, name: &str, request: Option<Uuid>) -> Job {
    let fingerprint = Fingerprint::of(&("rename folder", folder_id, name));
    Job::RenameFolder(RenameFolder {
        owner_id,
        request: request.map(|id| RequestId { id, fingerprint }),
        folder_id,
        name: name.into(),
    })
}

pub(super) fn deletion(owner_id: Uuid, folder_id: Uuid) -> Job {
    Job::DeleteFolder(DeleteFolder {
        owner_id,
        folder_id,
    })
}
