//! A mail server for tests: it answers from lists it was given and remembers what it was asked.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
};

use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status, transport::Server};
use tonic_types::{ErrorDetails, StatusExt};
use turbomessage_proto::mail_v1::{
    self as pb, Folder, Message,
    mail_service_server::{MailService, MailServiceServer},
};
use turbomessage_service_kit::settings::Secret;

use crate::connection::Connection;

/// What comes next in a stream.
pub(crate) type Event = Result<pb::WatchMailboxResponse, Status>;

/// What a test wants answered, and what was asked.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// Failures of the next sends; the rest succeed.
    pub(crate) send_failures: Mutex<VecDeque<Status>>,
    /// Folders: id, which is the role's name of a standard one, and pages of message ids.
    pub(crate) folders: Vec<(&'static str, Vec<Vec<&'static str>>)>,
    /// What conversations messages belong to: ids of messages, and of their threads.
    pub(crate) threads: Vec<(&'static str, &'static str)>,
    /// Every send that came, with its metadata.
    pub(crate) sends: Mutex<Vec<Request<pb::SendMessageRequest>>>,
    /// Every page that was asked for.
    pub(crate) lists: Mutex<Vec<pb::ListMessagesRequest>>,
    pub(crate) get_message: Method<pb::GetMessageRequest, pb::GetMessageResponse>,
    pub(crate) batch_get_messages:
        Method<pb::BatchGetMessagesRequest, pb::BatchGetMessagesResponse>,
    pub(crate) modify_messages: Method<pb::ModifyMessagesRequest, pb::ModifyMessagesResponse>,
    pub(crate) delete_messages: Method<pb::DeleteMessagesRequest, pb::DeleteMessagesResponse>,
    pub(crate) get_mailbox: Method<pb::GetMailboxRequest, pb::GetMailboxResponse>,
    pub(crate) cancel_send: Method<pb::CancelSendRequest, pb::CancelSendResponse>,
    pub(crate) search_messages: Method<pb::SearchMessagesRequest, pb::SearchMessagesResponse>,
    pub(crate) list_labels: Method<pb::ListLabelsRequest, pb::ListLabelsResponse>,
    pub(crate) list_threads: Method<pb::ListThreadsRequest, pb::ListThreadsResponse>,
    pub(crate) get_thread: Method<pb::GetThreadRequest, pb::GetThreadResponse>,
    pub(crate) create_folder: Method<pb::CreateFolderRequest, pb::CreateFolderResponse>,
    pub(crate) update_folder: Method<pb::UpdateFolderRequest, pb::UpdateFolderResponse>,
    pub(crate) delete_folder: Method<pb::DeleteFolderRequest, pb::DeleteFolderResponse>,
    pub(crate) create_draft: Method<pb::CreateDraftRequest, pb::CreateDraftResponse>,
    pub(crate) update_draft: Method<pb::UpdateDraftRequest, pb::UpdateDraftResponse>,
    pub(crate) send_draft: Method<pb::SendDraftRequest, pb::SendDraftResponse>,
    pub(crate) list_changes: Method<pb::ListChangesRequest, pb::ListChangesResponse>,
    /// Streams: what each of them brings before it ends.
    pub(crate) watch_mailbox: Method<pb::WatchMailboxRequest, Vec<Event>>,
}

/// One method: what it answers, call after call, and what it was asked.
#[derive(Debug)]
pub(crate) struct Method<Q, A> {
    answers: Mutex<VecDeque<Result<A, Status>>>,
    asked: Mutex<Vec<Q>>,
    had_deadline: Mutex<Vec<bool>>,
}

impl<Q, A> Default for Method<Q, A> {
    fn default() -> Self {
        Self {
            answers: Mutex::default(),
            asked: Mutex::default(),
            had_deadline: Mutex::default(),
        }
    }
}

impl<Q: Clone, A> Method<Q, A> {
    /// Answers one more call with `answer`.
    pub(crate) fn will(&self, answer: Result<A, Status>) {
        self.answers.lock().unwrap().push_back(answer);
    }

    /// Every request that came.
    pub(crate) fn asked(&self) -> Vec<Q> {
        self.asked.lock().unwrap().clone()
    }

    /// Whether each request said how long it may take.
    pub(crate) fn had_deadlines(&self) -> Vec<bool> {
        self.had_deadline.lock().unwrap().clone()
    }

    fn answer(&self, request: Request<Q>) -> Result<Response<A>, Status> {
        let had_deadline = request.metadata().contains_key("grpc-timeout");
        self.had_deadline.lock().unwrap().push(had_deadline);
        self.asked.lock().unwrap().push(request.into_inner());
        let answer = self.answers.lock().unwrap().pop_front();
        let answer = answer.unwrap_or_else(|| Err(Status::unimplemented("not in the script")));
        answer.map(Response::new)
    }
}

/// An error as the server words them, with its reason and metadata.
pub(crate) fn error(code: Code, reason: &str, metadata: &[(&str, &str)]) -> Status {
    let metadata = metadata
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let metadata: HashMap<String, String> = metadata.collect();
    let details = ErrorDetails::with_error_info(reason, "turbomessage", metadata);
    Status::with_error_details(code, "A sentence.", details)
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

impl Fake {
    fn message(&self, id: &str) -> Message {
        let mut threads = self.0.threads.iter();
        let thread = threads.find(|(message_id, _)| *message_id == id);
        Message {
            message_id: id.to_owned(),
            thread_id: thread.map(|(_, id)| (*id).to_owned()).unwrap_or_default(),
            ..Message::default()
        }
    }
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
                message: Some(self.message("sent")),
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
        let role = request.folder_role().as_str_name().to_lowercase();
        let asked = |id: &str| id == request.folder_id || role == format!("folder_role_{id}");
        let (_, pages) = folders.find(|(id, _)| asked(id)).unwrap();
        let page: usize = request.page_token.parse().unwrap_or(0);
        let is_last = page + 1 >= pages.len();
        Ok(Response::new(pb::ListMessagesResponse {
            messages: pages[page].iter().map(|id| self.message(id)).collect(),
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
        request: Request<pb::GetMessageRequest>,
    ) -> Result<Response<pb::GetMessageResponse>, Status> {
        self.0.get_message.answer(request)
    }

    async fn batch_get_messages(
        &self,
        request: Request<pb::BatchGetMessagesRequest>,
    ) -> Result<Response<pb::BatchGetMessagesResponse>, Status> {
        self.0.batch_get_messages.answer(request)
    }

    async fn modify_messages(
        &self,
        request: Request<pb::ModifyMessagesRequest>,
    ) -> Result<Response<pb::ModifyMessagesResponse>, Status> {
        self.0.modify_messages.answer(request)
    }

    async fn delete_messages(
        &self,
        request: Request<pb::DeleteMessagesRequest>,
    ) -> Result<Response<pb::DeleteMessagesResponse>, Status> {
        self.0.delete_messages.answer(request)
    }

    async fn get_mailbox(
        &self,
        request: Request<pb::GetMailboxRequest>,
    ) -> Result<Response<pb::GetMailboxResponse>, Status> {
        self.0.get_mailbox.answer(request)
    }

    async fn cancel_send(
        &self,
        request: Request<pb::CancelSendRequest>,
    ) -> Result<Response<pb::CancelSendResponse>, Status> {
        self.0.cancel_send.answer(request)
    }

    async fn search_messages(
        &self,
        request: Request<pb::SearchMessagesRequest>,
    ) -> Result<Response<pb::SearchMessagesResponse>, Status> {
        self.0.search_messages.answer(request)
    }

    async fn list_labels(
        &self,
        request: Request<pb::ListLabelsRequest>,
    ) -> Result<Response<pb::ListLabelsResponse>, Status> {
        self.0.list_labels.answer(request)
    }

    async fn list_threads(
        &self,
        request: Request<pb::ListThreadsRequest>,
    ) -> Result<Response<pb::ListThreadsResponse>, Status> {
        self.0.list_threads.answer(request)
    }

    async fn get_thread(
        &self,
        request: Request<pb::GetThreadRequest>,
    ) -> Result<Response<pb::GetThreadResponse>, Status> {
        self.0.get_thread.answer(request)
    }

    async fn create_folder(
        &self,
        request: Request<pb::CreateFolderRequest>,
    ) -> Result<Response<pb::CreateFolderResponse>, Status> {
        self.0.create_folder.answer(request)
    }

    async fn update_folder(
        &self,
        request: Request<pb::UpdateFolderRequest>,
    ) -> Result<Response<pb::UpdateFolderResponse>, Status> {
        self.0.update_folder.answer(request)
    }

    async fn delete_folder(
        &self,
        request: Request<pb::DeleteFolderRequest>,
    ) -> Result<Response<pb::DeleteFolderResponse>, Status> {
        self.0.delete_folder.answer(request)
    }

    async fn create_draft(
        &self,
        request: Request<pb::CreateDraftRequest>,
    ) -> Result<Response<pb::CreateDraftResponse>, Status> {
        self.0.create_draft.answer(request)
    }

    async fn update_draft(
        &self,
        request: Request<pb::UpdateDraftRequest>,
    ) -> Result<Response<pb::UpdateDraftResponse>, Status> {
        self.0.update_draft.answer(request)
    }

    async fn send_draft(
        &self,
        request: Request<pb::SendDraftRequest>,
    ) -> Result<Response<pb::SendDraftResponse>, Status> {
        self.0.send_draft.answer(request)
    }

    async fn list_changes(
        &self,
        request: Request<pb::ListChangesRequest>,
    ) -> Result<Response<pb::ListChangesResponse>, Status> {
        self.0.list_changes.answer(request)
    }

    type WatchMailboxStream = tokio_stream::Iter<std::vec::IntoIter<Event>>;

    async fn watch_mailbox(
        &self,
        request: Request<pb::WatchMailboxRequest>,
    ) -> Result<Response<Self::WatchMailboxStream>, Status> {
        let answer = self.0.watch_mailbox.answer(request)?;
        Ok(answer.map(tokio_stream::iter))
    }
}
