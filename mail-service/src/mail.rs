//! The use cases: what a caller can do with their mailbox.

use std::collections::HashMap;

use moka::sync::Cache;
use turbomessage_service_kit::{
    clock::SharedClock,
    problem::{Problem, Reason},
};
use uuid::Uuid;

use crate::{
    commit::{
        Answer, Delete, Failure, Job, MailboxDefaults, Modify, Place, Recipient, Refusal, Send,
        Writer, create_mailboxes,
    },
    directory::Directory,
    domain::{
        Body, Copy, Cursor, Draft, Filter, Folder, FolderRole, Mailbox, MailboxState, PageSize,
        RequestId,
    },
    store::{SharedStore, StoreError},
};

/// Standard folders of mailboxes remembered; they never change.
const REMEMBERED: u64 = 100_000;

/// Everybody's mailboxes.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    store: SharedStore,
    writer: Writer,
    directory: Directory,
    clock: SharedClock,
    defaults: MailboxDefaults,
    standard_folders: Cache<(Uuid, FolderRole), Uuid>,
}

impl Mail {
    /// Mailboxes in `store`, written by `writer`.
    #[must_use]
    pub(crate) fn new(
        store: SharedStore,
        writer: Writer,
        directory: Directory,
        clock: SharedClock,
        defaults: MailboxDefaults,
    ) -> Self {
        let standard_folders = Cache::new(REMEMBERED);
        Self {
            store,
            writer,
            directory,
            clock,
            defaults,
            standard_folders,
        }
    }

    /// Sends `draft`, and answers with the sender's copy when it is durable.
    ///
    /// # Errors
    /// See `MailService.SendMessage`.
    pub(crate) async fn send(
        &self,
        sender_id: Uuid,
        request: Option<RequestId>,
        draft: Draft,
    ) -> Result<Copy, Problem> {
        match self.try_send(sender_id, request, draft).await {
            Err(problem) if problem.reason() != Reason::RequestIdReused => {
                // Whatever stands in the way now did not when the same request was answered.
                match request {
                    Some(request) => self.replay(sender_id, request, problem).await,
                    None => Err(problem),
                }
            }
            result => result,
        }
    }

    async fn try_send(
        &self,
        sender_id: Uuid,
        request: Option<RequestId>,
        draft: Draft,
    ) -> Result<Copy, Problem> {
        let accounts = self.directory.resolve(draft.recipients.all()).await?;
        let unknown: Vec<&String> = draft
            .recipients
            .all()
            .filter(|name| !accounts.contains_key(*name))
            .collect();
        if !unknown.is_empty() {
            return Err(
                Problem::new(Reason::RecipientNotFound).with_culprits("recipients", &unknown)
            );
        }
        let recipients = |names: &[String]| -> Vec<Recipient> {
            names
                .iter()
                .filter_map(|name| Some((name, *accounts.get(name)?)))
                .map(|(name, account_id)| Recipient {
                    account_id,
                    username: name.clone(),
                })
                .collect()
        };
        let send = Send {
            sender_id,
            request,
            to: recipients(&draft.recipients.to),
            cc: recipients(&draft.recipients.cc),
            bcc: recipients(&draft.recipients.bcc),
            draft,
        };
        let names: HashMap<Uuid, String> = send
            .recipients()
            .map(|r| (r.account_id, r.username.clone()))
            .collect();
        match self.writer.submit(Job::Send(Box::new(send))).await {
            Ok(Answer::Sent(copy)) => Ok(*copy),
            Ok(_) => Err(Problem::internal(anyhow::anyhow!(
                "a send was answered as something else"
            ))),
            Err(Failure::Refused(refusal)) => Err(self.explain(refusal, names).await),
            Err(Failure::Problem(problem)) => Err(problem),
        }
    }

    async fn replay(
        &self,
        sender_id: Uuid,
        request: RequestId,
        problem: Problem,
    ) -> Result<Copy, Problem> {
        match self.store.kept_answer((sender_id, request.id)).await {
            Ok(Some(kept)) if kept.fingerprint == request.fingerprint => Ok(kept.answer),
            Ok(Some(_)) => Err(Problem::new(Reason::RequestIdReused)),
            Ok(None) | Err(_) => Err(problem),
        }
    }

    /// One copy, with its text if `full`.
    ///
    /// # Errors
    /// `MESSAGE_NOT_FOUND`.
    pub(crate) async fn get(
        &self,
        owner: Uuid,
        message_id: Uuid,
        full: bool,
    ) -> Result<(Copy, Option<Body>), Problem> {
        let not_found =
            || Problem::new(Reason::MessageNotFound).with("message_id", message_id.to_string());
        let copy = self
            .store
            .copies(owner, &[message_id])
            .await?
            .pop()
            .ok_or_else(not_found)?;
        let body = if full {
            let body = self.store.bodies(owner, &[message_id]).await?.pop();
            Some(body.ok_or_else(not_found)?.1)
        } else {
            None
        };
        Ok((copy, body))
    }

    /// Several copies in the order of `ids`.
    ///
    /// # Errors
    /// `MESSAGE_NOT_FOUND`, naming the missing.
    pub(crate) async fn copies(&self, owner: Uuid, ids: &[Uuid]) -> Result<Vec<Copy>, Problem> {
        let found = self.store.copies(owner, ids).await?;
        let mut found: HashMap<Uuid, Copy> = found.into_iter().map(|c| (c.message_id, c)).collect();
        let missing: Vec<Uuid> = ids
            .iter()
            .copied()
            .filter(|id| !found.contains_key(id))
            .collect();
        if !missing.is_empty() {
            return Err(
                Problem::new(Reason::MessageNotFound).with_culprits("message_ids", &missing)
            );
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// The texts of several copies, by id.
    ///
    /// # Errors
    /// The store does not answer.
    pub(crate) async fn bodies(
        &self,
        owner: Uuid,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Body>, Problem> {
        Ok(self.store.bodies(owner, ids).await?.into_iter().collect())
    }

    /// The copies of a list after `cursor`, newest first; one more than `size` where more follow.
    ///
    /// # Errors
    /// The store does not answer.
    pub(crate) async fn list(
        &self,
        filter: &Filter,
        cursor: Cursor,
        size: PageSize,
    ) -> Result<Vec<Copy>, Problem> {
        Ok(self.store.list(filter, cursor, size).await?)
    }

    /// The id of the folder at `place`.
    ///
    /// # Errors
    /// `FOLDER_NOT_FOUND`.
    pub(crate) async fn folder(&self, owner: Uuid, place: Place) -> Result<Uuid, Problem> {
        match place {
            Place::Role(role) => {
                if let Some(id) = self.standard_folders.get(&(owner, role)) {
                    return Ok(id);
                }
                let folders = self.folders(owner).await?;
                let folder = folders.iter().find(|f| f.role == Some(role));
                folder
                    .map(|f| f.folder_id)
                    .ok_or_else(|| Problem::new(Reason::FolderNotFound))
            }
            Place::Folder(id) => {
                let there = self.folders(owner).await?.iter().any(|f| f.folder_id == id);
                let not_found =
                    || Problem::new(Reason::FolderNotFound).with("folder_id", id.to_string());
                there.then_some(id).ok_or_else(not_found)
            }
        }
    }

    /// All folders: the standard ones by role, then the owner's by name.
    ///
    /// # Errors
    /// The store does not answer.
    pub(crate) async fn folders(&self, owner: Uuid) -> Result<Vec<Folder>, Problem> {
        let mut folders = self.store.folders(owner).await?;
        if folders.is_empty() {
            self.open(owner).await?;
            folders = self.store.folders(owner).await?;
        }
        for folder in &folders {
            if let Some(role) = folder.role {
                self.standard_folders
                    .insert((owner, role), folder.folder_id);
            }
        }
        Ok(folders)
    }

    /// The mailbox as a whole.
    ///
    /// # Errors
    /// The store does not answer.
    pub(crate) async fn mailbox(&self, owner: Uuid) -> Result<Mailbox, Problem> {
        match self.store.mailbox(owner).await? {
            Some(mailbox) if mailbox.state == MailboxState::Active => Ok(mailbox),
            Some(_) => Err(Problem::new(Reason::SessionInvalid)),
            None => self.open(owner).await,
        }
    }

    /// Changes messages, all of them or none.
    ///
    /// # Errors
    /// See `MailService.ModifyMessages`.
    pub(crate) async fn modify(&self, modify: Modify) -> Result<Vec<Copy>, Problem> {
        match self.writer.submit(Job::Modify(modify)).await {
            Ok(Answer::Modified(copies)) => Ok(copies),
            Ok(_) => Err(Problem::internal(anyhow::anyhow!(
                "a change was answered as something else"
            ))),
            Err(Failure::Refused(refusal)) => Err(self.explain(refusal, HashMap::new()).await),
            Err(Failure::Problem(problem)) => Err(problem),
        }
    }

    /// Deletes messages for good, all of them or none.
    ///
    /// # Errors
    /// See `MailService.DeleteMessages`.
    pub(crate) async fn delete(&self, delete: Delete) -> Result<(), Problem> {
        match self.writer.submit(Job::Delete(delete)).await {
            Ok(_) => Ok(()),
            Err(Failure::Refused(refusal)) => Err(self.explain(refusal, HashMap::new()).await),
            Err(Failure::Problem(problem)) => Err(problem),
        }
    }

    /// A mailbox is made when it is first looked at or written to.
    async fn open(&self, owner: Uuid) -> Result<Mailbox, Problem> {
        create_mailboxes(&*self.store, &*self.clock, &self.defaults, &[owner]).await?;
        let mailbox = self.store.mailbox(owner).await?;
        let missing = || StoreError::Refused(anyhow::anyhow!("a new mailbox is not there"));
        let mailbox = mailbox.ok_or_else(missing)?;
        if mailbox.state == MailboxState::Erased {
            return Err(Problem::new(Reason::SessionInvalid));
        }
        Ok(mailbox)
    }

    /// A refusal in the caller's terms. `names` are those the caller used.
    async fn explain(&self, refusal: Refusal, mut names: HashMap<Uuid, String>) -> Problem {
        match refusal {
            Refusal::OwnerGone => Problem::new(Reason::SessionInvalid),
            Refusal::RequestIdReused => Problem::new(Reason::RequestIdReused),
            Refusal::ParentNotFound(id) => {
                Problem::new(Reason::MessageNotFound).with("in_reply_to", id.to_string())
            }
            Refusal::RecipientsGone(ids) => {
                let names = culprits(&ids, &names);
                Problem::new(Reason::RecipientNotFound).with_culprits("recipients", &names)
            }
            Refusal::MailboxesFull(ids) => {
                // The sender's own name is not among those the caller wrote.
                let unknown = ids.iter().copied().filter(|id| !names.contains_key(id));
                if let Ok(accounts) = self.directory.accounts(unknown).await {
                    names.extend(
                        accounts
                            .values()
                            .map(|a| (a.account_id, a.username.clone())),
                    );
                }
                let names = culprits(&ids, &names);
                Problem::new(Reason::MailboxFull).with_culprits("recipients", &names)
            }
            Refusal::MessagesNotFound(ids) => {
                Problem::new(Reason::MessageNotFound).with_culprits("message_ids", &ids)
            }
            Refusal::FolderNotFound(id) => {
                Problem::new(Reason::FolderNotFound).with("move_to_folder_id", id.to_string())
            }
            Refusal::FolderProtected(id) => {
                Problem::new(Reason::FolderProtected).with("folder_id", id.to_string())
            }
            Refusal::EtagMismatch => Problem::new(Reason::EtagMismatch),
        }
    }
}

fn culprits(ids: &[Uuid], names: &HashMap<Uuid, String>) -> Vec<String> {
    ids.iter()
        .map(|id| names.get(id).cloned().unwrap_or_default())
        .collect()
}
