//! Changing messages and folders.

use std::collections::HashMap;

use turbomessage_service_kit::problem::{Problem, Reason};
use uuid::Uuid;

use super::{Mail, refusals::odd};
use crate::{
    commit::{Answer, CreateFolder, Delete, DeleteFolder, Job, Modify, RenameFolder},
    domain::{Copy, Fingerprint, Folder, RequestId},
    store::Kept,
};

impl Mail {
    /// Changes messages, all of them or none.
    ///
    /// # Errors
    /// See `MailService.ModifyMessages`.
    pub(crate) async fn modify(&self, modify: Modify) -> Result<Vec<Copy>, Problem> {
        let answer = self.submit(Job::Modify(modify), HashMap::new()).await?;
        let Answer::Modified(copies) = answer else {
            return Err(odd(&answer));
        };
        Ok(copies)
    }

    /// Deletes messages for good, all of them or none.
    ///
    /// # Errors
    /// See `MailService.DeleteMessages`.
    pub(crate) async fn delete(&self, delete: Delete) -> Result<(), Problem> {
        self.submit(Job::Delete(delete), HashMap::new()).await?;
        Ok(())
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// See `MailService.CreateFolder`.
    pub(crate) async fn create_folder(
        &self,
        owner_id: Uuid,
        request_id: Option<Uuid>,
        name: String,
    ) -> Result<Folder, Problem> {
        let fingerprint = Fingerprint::of(&("create folder", &name));
        let request = request_id.map(|id| RequestId { id, fingerprint });
        let job = Job::CreateFolder(CreateFolder {
            owner_id,
            request,
            name,
        });
        self.folder_job(owner_id, request, job).await
    }

    /// Renames a folder.
    ///
    /// # Errors
    /// See `MailService.UpdateFolder`.
    pub(crate) async fn rename_folder(
        &self,
        owner_id: Uuid,
        request_id: Option<Uuid>,
        folder_id: Uuid,
        name: String,
    ) -> Result<Folder, Problem> {
        let fingerprint = Fingerprint::of(&("rename folder", folder_id, &name));
        let request = request_id.map(|id| RequestId { id, fingerprint });
        let job = Job::RenameFolder(RenameFolder {
            owner_id,
            request,
            folder_id,
            name,
        });
        self.folder_job(owner_id, request, job).await
    }

    async fn folder_job(
        &self,
        owner: Uuid,
        request: Option<RequestId>,
        job: Job,
    ) -> Result<Folder, Problem> {
        let failed = match self.submit(job, HashMap::new()).await {
            Ok(Answer::Folder(folder)) => return Ok(folder),
            Ok(answer) => odd(&answer),
            Err(problem) => problem,
        };
        match self.replay(owner, request, failed).await? {
            Kept::Folder(folder) => Ok(folder),
            Kept::Message(_) => Err(Problem::new(Reason::RequestIdReused)),
        }
    }

    /// Deletes a folder, its messages going to Trash. In steps, so that nobody else's writes wait
    /// long: what was moved stays moved if it is cut short, and doing it again goes on.
    ///
    /// # Errors
    /// See `MailService.DeleteFolder`.
    pub(crate) async fn delete_folder(
        &self,
        owner_id: Uuid,
        folder_id: Uuid,
    ) -> Result<(), Problem> {
        let delete = DeleteFolder {
            owner_id,
            folder_id,
        };
        loop {
            let done = self.submit(Job::DeleteFolder(delete), HashMap::new());
            if done.await? != Answer::FolderShrunk {
                return Ok(());
            }
        }
    }
}
