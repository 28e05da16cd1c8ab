//! A mail server for tests: it answers from lists it was given and remembers what it was asked.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};
use turbomessage_proto::mail_v1::{
    self as pb, Folder, Message,
    mail_service_server::{MailService, MailServiceServer},
};
use turbomessage_service_kit::settings::Secret;

use crate::connection::Connection;

/// What a test wants answered, and what was asked.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// Failures of the next sends; the rest succeed.
    pub(crate) send_failures: Mutex<VecDeque<Status>>,
    /// Folders: id, and pages of message ids.
    pub(crate) folders: Vec<(&'static str, Vec<Vec<&'static str>>)>,
    /// Every send that came, with its metadata.
    pub(crate) sends: Mutex<Vec<Request<pb::SendMessageRequest>>>,
    /// Every page that was asked for.
    pub(crate) lists: Mutex<Vec<pb::ListMessagesRequest>>,
}

/// Serves `script` and answers with a connection to it.
pub(crate) async fn serve(script: &Arc<Script>) -> Connection {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let service = MailServiceServer::new(Fake(Arc::clone(script)));
    let server = Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    let token = Secret::new("tm_token");
    Connection::open(&address.parse().unwrap(), None, Some(&token))
        .await
        .unwrap()
}

struct Fake(Arc<Script>);

fn message(id: &str) -> Message {
    Message {
        message_id: id.to_owned(),
        ..Message::default()
    }
}

fn none<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("not in the script"))
}

#[tonic::async_trait]
impl MailService for Fake {
    async fn send_message(
        &self,
        request: Request<pb::SendMessageRequest>,
    ) -> Result<Response<pb::SendMessageResponse>, Status> {
        self.0.sends.lock().unwrap().push(request);
        match self.0.send_failures.lock().unwrap().pop_front() {
            Some(status) => Err(status),
            None => Ok(Response::new(pb::SendMessageResponse {
                message: Some(message("sent")),
            })),
        }
    }

    async fn list_messages(
        &self,
        request: Request<pb::ListMessagesRequest>,
    ) -> Result<Response<pb::ListMessagesResponse>, Status> {
        let request = request.into_inner();
        self.0.lists.lock().unwrap().push(request.clone());
        let mut folders = self.0.folders.iter();
        let (_, pages) = folders.find(|(id, _)| *id == request.folder_id).unwrap();
        let page: usize = request.page_token.parse().unwrap_or(0);
        let is_last = page + 1 >= pages.len();
        Ok(Response::new(pb::ListMessagesResponse {
            messages: pages[page].iter().map(|id| message(id)).collect(),
            next_page_token: if is_last {
                String::new()
            } else {
                (page + 1).to_string()
            },
        }))
    }

    async fn list_folders(
        &self,
        _: Request<pb::ListFoldersRequest>,
    ) -> Result<Response<pb::ListFoldersResponse>, Status> {
        let folder = |(id, pages): &(&str, Vec<Vec<&str>>)| Folder {
            folder_id: (*id).to_owned(),
            name: id.to_uppercase(),
            total_count: i32::try_from(pages.concat().len()).unwrap(),
            ..Folder::default()
        };
        Ok(Response::new(pb::ListFoldersResponse {
            folders: self.0.folders.iter().map(folder).collect(),
        }))
    }

    async fn get_message(
        &self,
        _: Request<pb::GetMessageRequest>,
    ) -> Result<Response<pb::GetMessageResponse>, Status> {
        none()
    }

    async fn batch_get_messages(
        &self,
        _: Request<pb::BatchGetMessagesRequest>,
    ) -> Result<Response<pb::BatchGetMessagesResponse>, Status> {
        none()
    }

    async fn modify_messages(
        &self,
        _: Request<pb::ModifyMessagesRequest>,
    ) -> Result<Response<pb::ModifyMessagesResponse>, Status> {
        none()
    }

    async fn delete_messages(
        &self,
        _: Request<pb::DeleteMessagesRequest>,
    ) -> Result<Response<pb::DeleteMessagesResponse>, Status> {
        none()
    }

    async fn get_mailbox(
        &self,
        _: Request<pb::GetMailboxRequest>,
    ) -> Result<Response<pb::GetMailboxResponse>, Status> {
        none()
    }

    async fn cancel_send(
        &self,
        _: Request<pb::CancelSendRequest>,
    ) -> Result<Response<pb::CancelSendResponse>, Status> {
        none()
    }

    async fn search_messages(
        &self,
        _: Request<pb::SearchMessagesRequest>,
    ) -> Result<Response<pb::SearchMessagesResponse>, Status> {
        none()
    }

    async fn list_labels(
        &self,
        _: Request<pb::ListLabelsRequest>,
    ) -> Result<Response<pb::ListLabelsResponse>, Status> {
        none()
    }

    async fn list_threads(
        &self,
        _: Request<pb::ListThreadsRequest>,
    ) -> Result<Response<pb::ListThreadsResponse>, Status> {
        none()
    }

    async fn get_thread(
        &self,
        _: Request<pb::GetThreadRequest>,
    ) -> Result<Response<pb::GetThreadResponse>, Status> {
        none()
    }

    async fn create_folder(
        &self,
        _: Request<pb::CreateFolderRequest>,
    ) -> Result<Response<pb::CreateFolderResponse>, Status> {
        none()
    }

    async fn update_folder(
        &self,
        _: Request<pb::UpdateFolderRequest>,
    ) -> Result<Response<pb::UpdateFolderResponse>, Status> {
        none()
    }

    async fn delete_folder(
        &self,
        _: Request<pb::DeleteFolderRequest>,
    ) -> Result<Response<pb::DeleteFolderResponse>, Status> {
        none()
    }

    async fn create_draft(
        &self,
        _: Request<pb::CreateDraftRequest>,
    ) -> Result<Response<pb::CreateDraftResponse>, Status> {
        none()
    }

    async fn update_draft(
        &self,
        _: Request<pb::UpdateDraftRequest>,
    ) -> Result<Response<pb::UpdateDraftResponse>, Status> {
        none()
    }

    async fn send_draft(
        &self,
        _: Request<pb::SendDraftRequest>,
    ) -> Result<Response<pb::SendDraftResponse>, Status> {
        none()
    }

    async fn list_changes(
        &self,
        _: Request<pb::ListChangesRequest>,
    ) -> Result<Response<pb::ListChangesResponse>, Status> {
        none()
    }

    type WatchMailboxStream = tokio_stream::Empty<Result<pb::WatchMailboxResponse, Status>>;

    async fn watch_mailbox(
        &self,
        _: Request<pb::WatchMailboxRequest>,
    ) -> Result<Response<Self::WatchMailboxStream>, Status> {
        none()
    }
}
