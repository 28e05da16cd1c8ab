//! Refusals in the caller's terms.

use std::collections::HashMap;

use turbomessage_service_kit::problem::{Problem, Reason};
use uuid::Uuid;

use super::Mail;
use crate::commit::{Answer, Failure, Job, Refusal};

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
        match self.writer.submit(job).await {
            Ok(answer) => Ok(answer),
            Err(Failure::Refused(refusal)) => Err(self.explain(refusal, names).await),
            Err(Failure::Problem(problem)) => Err(problem),
        }
    }

    pub(super) async fn explain(
        &self,
        refusal: Refusal,
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
            Refusal::MessagesNotFound(ids) => {
                Problem::new(Reason::MessageNotFound).with_culprits("message_ids", &ids)
            }
            Refusal::FolderNotFound(id) => with(Reason::FolderNotFound, "folder_id", id),
            Refusal::FolderProtected(id) => with(Reason::FolderProtected, "folder_id", id),
            Refusal::FolderNameTaken => Problem::new(Reason::FolderNameTaken),
            Refusal::TooManyFolders => Problem::new(Reason::LimitReached).with("limit", "folders"),
            Refusal::TooManyLabels => Problem::new(Reason::LimitReached).with("limit", "labels"),
            Refusal::EtagMismatch | Refusal::SourceChanged => Problem::new(Reason::EtagMismatch),
            Refusal::NotADraft => Problem::new(Reason::NotADraft),
            Refusal::AlreadyDelivered => Problem::new(Reason::AlreadyDelivered),
        }
    }
}

fn culprits(ids: &[Uuid], names: &HashMap<Uuid, String>) -> Vec<String> {
    ids.iter()
        .map(|id| names.get(id).cloned().unwrap_or_default())
        .collect()
}

/// What a job answers that is none of its answers.
pub(super) fn odd(answer: &Answer) -> Problem {
    Problem::internal(anyhow::anyhow!("an answer of another kind: {answer:?}"))
}
