//! People who do everything that can be done with mail, at random, and a record of what they were
//! told was done.

use std::{collections::BTreeSet, sync::Mutex};

use rand::{RngExt as _, rngs::StdRng, seq::IndexedRandom as _};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use turbomessage_proto::mail_v1::{
    CancelSendRequest, CreateDraftRequest, CreateFolderRequest, DeleteFolderRequest,
    DeleteMessagesRequest, FolderRole, ListMessagesRequest, Message, ModifyMessagesRequest,
    SendDraftRequest, SendMessageRequest, UpdateDraftRequest, UpdateFolderRequest,
};
use turbomessage_service_kit::clock::{Clock as _, SystemClock};
use turbomessage_tests::User;
use uuid::Uuid;

use super::insist;

/// What is known about a mailbox by those who write to it.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Messages that were seen in it.
    messages: Mutex<Vec<Message>>,
    folders: Mutex<Vec<String>>,
    /// Messages of which it was acknowledged that they are there.
    pub(super) acknowledged: Mutex<BTreeSet<String>>,
    /// Messages that somebody wanted to delete, and those of which it was acknowledged.
    pub(super) doomed: Mutex<BTreeSet<String>>,
    pub(super) deleted: Mutex<BTreeSet<String>>,
}

impl Known {
    fn learn(&self, message: &Message) {
        let mut messages = self.messages.lock().unwrap();
        messages.retain(|known| known.message_id != message.message_id);
        messages.push(message.clone());
        // Old ones are left in peace.
        if messages.len() > 40 {
            messages.remove(0);
        }
    }

    fn forget(&self, folder_id: &str) {
        let mut folders = self.folders.lock().unwrap();
        folders.retain(|known| known != folder_id);
    }

    fn acknowledge(&self, message: Option<Message>) {
        let message = message.unwrap();
        let mut acknowledged = self.acknowledged.lock().unwrap();
        acknowledged.insert(message.message_id.clone());
        self.learn(&message);
    }
}

/// One who writes.
pub(super) struct Writer<'a> {
    pub(super) user: User,
    pub(super) everybody: &'a [User],
    pub(super) known: &'a Known,
    pub(super) rng: StdRng,
}

impl Writer<'_> {
    /// Works until `stop`; counts what was acknowledged.
    pub(super) async fn work(mut self, kept: watch::Sender<usize>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.step().await {
                Ok(()) => kept.send_modify(|count| *count += 1),
                // Somebody else was there first.
                Err(status) => assert!(
                    [
                        Code::NotFound,
                        Code::FailedPrecondition,
                        Code::Aborted,
                        Code::ResourceExhausted
                    ]
                    .contains(&status.code()),
                    "{status:?}"
                ),
            }
        }
    }

    async fn step(&mut self) -> Result<(), Status> {
        match self.rng.random_range(0..100) {
            0..10 => self.look().await,
            10..35 => self.send().await,
            35..45 => self.mark().await,
            45..55 => self.file().await,
            55..62 => self.label().await,
            62..72 => self.delete().await,
            72..79 => self.create_draft().await,
            79..84 => self.update_draft().await,
            84..89 => self.send_draft().await,
            89..92 => self.create_folder().await,
            92..94 => self.rename_folder().await,
            94..96 => self.delete_folder().await,
            _ => self.send_later().await,
        }
    }

    async fn look(&mut self) -> Result<(), Status> {
        let request = ListMessagesRequest {
            folder_role: FolderRole::Inbox.into(),
            page_size: 10,
            ..Default::default()
        };
        let call = async || self.user.mail().list_messages(request.clone()).await;
        let found = insist(call).await?.into_inner();
        for message in &found.messages {
            self.known.learn(message);
        }
        Ok(())
    }

    fn letter(&mut self) -> SendMessageRequest {
        let (many, size) = (
            self.rng.random_range(1..=self.everybody.len()),
            self.rng.random_range(0..400),
        );
        let to = self.everybody.sample(&mut self.rng, many);
        let to: Vec<&User> = to.collect();
        let mut letter =
            turbomessage_tests::client::letter(&to, &format!("letter {size}"), &"x ".repeat(size));
        letter.request_id = Uuid::new_v4().to_string();
        let known = self.known.messages.lock().unwrap();
        if self.rng.random_bool(0.4)
            && let Some(parent) = known.choose(&mut self.rng)
        {
            letter.in_reply_to.clone_from(&parent.message_id);
        }
        if self.rng.random_bool(0.2) {
            letter.labels = vec!["new".into()];
        }
        letter
    }

    async fn send(&mut self) -> Result<(), Status> {
        let letter = self.letter();
        let sent = insist(async || self.user.send_request(letter.clone()).await).await?;
        self.known.acknowledge(Some(sent));
        Ok(())
    }

    async fn send_later(&mut self) -> Result<(), Status> {
        let mut letter = self.letter();
        let hour = std::time::Duration::from_secs(3600);
        letter.deliver_time = Some(SystemClock.now().plus(hour).into());
        let sent = insist(async || self.user.send_request(letter.clone()).await).await?;
        let message_id = sent.message_id.clone();
        self.known.acknowledge(Some(sent));
        let request = CancelSendRequest { message_id };
        insist(async || self.user.mail().cancel_send(request.clone()).await).await?;
        Ok(())
    }

    /// Up to `most` messages of this mailbox.
    fn some(&mut self, most: usize) -> Vec<String> {
        let many = self.rng.random_range(1..=most);
        let known = self.known.messages.lock().unwrap();
        let some = known.sample(&mut self.rng, many);
        some.map(|message| message.message_id.clone()).collect()
    }

    async fn modify(&mut self, request: ModifyMessagesRequest) -> Result<(), Status> {
        let request = ModifyMessagesRequest {
            message_ids: self.some(4),
            ..request
        };
        if request.message_ids.is_empty() {
            return Ok(());
        }
        insist(async || self.user.mail().modify_messages(request.clone()).await).await?;
        Ok(())
    }

    async fn mark(&mut self) -> Result<(), Status> {
        let request = ModifyMessagesRequest {
            set_read: Some(self.rng.random_bool(0.5)),
            set_starred: self.rng.random_bool(0.5).then_some(true),
            ..Default::default()
        };
        self.modify(request).await
    }

    async fn file(&mut self) -> Result<(), Status> {
        let mut request = ModifyMessagesRequest::default();
        let folder = self.folder();
        let roles = [FolderRole::Inbox, FolderRole::Archive, FolderRole::Trash];
        match folder {
            Some(folder) if self.rng.random_bool(0.5) => request.move_to_folder_id = folder,
            _ => request.move_to_folder_role = (*roles.choose(&mut self.rng).unwrap()).into(),
        }
        self.modify(request).await
    }

    async fn label(&mut self) -> Result<(), Status> {
        let label = |n: u32| vec![format!("label {n}")];
        let request = ModifyMessagesRequest {
            add_labels: label(self.rng.random_range(0..3)),
            remove_labels: label(self.rng.random_range(3..6)),
            ..Default::default()
        };
        self.modify(request).await
    }

    async fn delete(&mut self) -> Result<(), Status> {
        let message_ids = self.some(3);
        if message_ids.is_empty() {
            return Ok(());
        }
        let doomed = message_ids.clone();
        self.known.doomed.lock().unwrap().extend(doomed.clone());
        let request = DeleteMessagesRequest { message_ids };
        insist(async || self.user.mail().delete_messages(request.clone()).await).await?;
        self.known.deleted.lock().unwrap().extend(doomed);
        Ok(())
    }

    async fn create_draft(&mut self) -> Result<(), Status> {
        let letter = self.letter();
        let request = CreateDraftRequest {
            request_id: letter.request_id,
            to: letter.to,
            subject: letter.subject,
            body: letter.body,
            in_reply_to: letter.in_reply_to,
            ..Default::default()
        };
        let call = async || self.user.mail().create_draft(request.clone()).await;
        self.known
            .acknowledge(insist(call).await?.into_inner().message);
        Ok(())
    }

    async fn update_draft(&mut self) -> Result<(), Status> {
        let letter = self.letter();
        let Some(draft) = self.one() else {
            return Ok(());
        };
        let request = UpdateDraftRequest {
            request_id: letter.request_id,
            to: letter.to,
            subject: letter.subject,
            body: letter.body,
            message_id: draft.message_id,
            etag: draft.etag,
            ..Default::default()
        };
        let call = async || self.user.mail().update_draft(request.clone()).await;
        self.known
            .acknowledge(insist(call).await?.into_inner().message);
        Ok(())
    }

    async fn send_draft(&mut self) -> Result<(), Status> {
        let Some(draft) = self.one() else {
            return Ok(());
        };
        let request = SendDraftRequest {
            message_id: draft.message_id,
            request_id: Uuid::new_v4().to_string(),
        };
        let call = async || self.user.mail().send_draft(request.clone()).await;
        self.known
            .acknowledge(insist(call).await?.into_inner().message);
        Ok(())
    }

    /// Any message; as a draft it is tried in vain if it is none.
    fn one(&mut self) -> Option<Message> {
        let known = self.known.messages.lock().unwrap();
        known.choose(&mut self.rng).cloned()
    }

    fn folder(&mut self) -> Option<String> {
        let folders = self.known.folders.lock().unwrap();
        folders.choose(&mut self.rng).cloned()
    }

    async fn create_folder(&mut self) -> Result<(), Status> {
        let id = Uuid::new_v4().to_string();
        let request = CreateFolderRequest {
            name: format!("folder {id}"),
            request_id: id,
        };
        let call = async || self.user.mail().create_folder(request.clone()).await;
        let folder = insist(call).await?.into_inner().folder.unwrap();
        self.known.folders.lock().unwrap().push(folder.folder_id);
        Ok(())
    }

    async fn rename_folder(&mut self) -> Result<(), Status> {
        let Some(folder_id) = self.folder() else {
            return Ok(());
        };
        let id = Uuid::new_v4().to_string();
        let request = UpdateFolderRequest {
            folder_id,
            name: format!("renamed {id}"),
            request_id: id,
        };
        insist(async || self.user.mail().update_folder(request.clone()).await).await?;
        Ok(())
    }

    async fn delete_folder(&mut self) -> Result<(), Status> {
        let Some(folder_id) = self.folder() else {
            return Ok(());
        };
        self.known.forget(&folder_id);
        let request = DeleteFolderRequest { folder_id };
        insist(async || self.user.mail().delete_folder(request.clone()).await).await?;
        Ok(())
    }
}
