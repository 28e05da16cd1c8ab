//! Refusals in the caller's terms.

use std::collections::HashMap;

use turbomessage_service_kit::problem::{Problem, Reason};
use uuid::Uuid;

use super::Mail;
use crate::commit::{Answer, Failure, Job, Place, Refusal};

impl Mail {
    /// Has `job` done. `names` are those that the caller used for accounts.
    ///
    /// # Errors
    /// Why it was not done, for the caller.
    pub(super) async fn submit(
        &self,
        job: Job,
        names: HashMap<Uuid, String>,
    ) -> Result<Answer, Problem> {
        let fields = Fields::of(&job);
        match self.writer.submit(job).await {
            Ok(answer) => Ok(answer),
            Err(Failure::Refused(refusal)) => Err(self.explain(refusal, fields, names).await),
            Err(Failure::Problem(problem)) => Err(problem),
        }
    }

    pub(super) async fn explain(
        &self,
        refusal: Refusal,
        fields: Fields,
        mut names: HashMap<Uuid, String>,
    ) -> Problem {
        let with = |reason, key, id: Uuid| Problem::new(reason).with(key, id.to_string());
        match refusal {
            Refusal::OwnerGone => Problem::new(Reason::SessionInvalid),
            Refusal::RequestIdReused => Problem::new(Reason::RequestIdReused),
            Refusal::ParentNotFound(id) => with(Reason::MessageNotFound, "in_reply_to", id),
            Refusal::OriginalNotFound(id) => with(Reason::MessageNotFound, "forward_of", id),
            Refusal::RecipientsGone(ids) => {
                let names = culprits(&ids, &names);
                Problem::new(Reason::RecipientNotFound).with_culprits("recipients", &names)
            }
            Refusal::MailboxesFull(ids) => {
                // The sender's own name is not among those the caller wrote.
                let unknown = ids.iter().copied().filter(|id| !names.contains_key(id));
                if let Ok(accounts) = self.directory.accounts(unknown).await {
                    let known = accounts.values();
                    names.extend(known.map(|a| (a.account_id, a.username.clone())));
                }
                let names = culprits(&ids, &names);
                Problem::new(Reason::MailboxFull).with_culprits("recipients", &names)
            }
            Refusal::MessagesNotFound(ids) => match (fields.message, ids.as_slice()) {
                (Some(field), &[id]) => with(Reason::MessageNotFound, field, id),
                _ => Problem::new(Reason::MessageNotFound).with_culprits("message_ids", &ids),
            },
            Refusal::FolderNotFound(id) => with(Reason::FolderNotFound, fields.folder(id), id),
            Refusal::FolderProtected(id) => with(Reason::FolderProtected, fields.folder(id), id),
            Refusal::FolderNameTaken => Problem::new(Reason::FolderNameTaken),
            Refusal::TooManyFolders => Problem::new(Reason::LimitReached).with("limit", "folders"),
            Refusal::TooManyLabels => Problem::new(Reason::LimitReached).with("limit", "labels"),
            Refusal::EtagMismatch | Refusal::SourceChanged => Problem::new(Reason::EtagMismatch),
            Refusal::NotADraft => Problem::new(Reason::NotADraft),
            Refusal::AlreadyDelivered => Problem::new(Reason::AlreadyDelivered),
        }
    }
}

/// The fields of a request in which its ids came: what is not found is named under them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// The one with a single message, if there is one.
    message: Option<&'static str>,
    /// The folder to which messages are to be moved.
    target: Option<Uuid>,
}

impl Fields {
    pub(super) fn of(job: &Job) -> Self {
        let of_one = matches!(job, Job::Send(_) | Job::Save(_) | Job::Cancel(_));
        let target = if let Job::Modify(modify) = job
            && let Some(Place::Folder(id)) = modify.place
        {
            Some(id)
        } else {
            None
        };
        Self {
            message: of_one.then_some("message_id"),
            target,
        }
    }

    fn folder(self, id: Uuid) -> &'static str {
        if self.target == Some(id) {
            "move_to_folder_id"
        } else {
            "folder_id"
        }
    }
}

/// What the caller knows accounts by. Those that are gone have no name any more, but an id.
fn culprits(ids: &[Uuid], names: &HashMap<Uuid, String>) -> Vec<String> {
    ids.iter()
        .map(|id| match names.get(id) {
            Some(name) if !name.is_empty() => name.clone(),
            _ => id.to_string(),
        })
        .collect()
}

/// What a job answers that is none of its answers.
pub(super) fn odd(answer: &Answer) -> Problem {
    Problem::internal(anyhow::anyhow!("an answer of another kind: {answer:?}"))
}
