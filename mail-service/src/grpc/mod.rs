//! `turbomessage.mail.v1.MailService`: requests in, domain types through, messages out.

mod parse;
mod show;

use tonic::{Request, Response, Status};
use turbomessage_proto::mail_v1::{
    self as proto, BatchGetMessagesRequest, BatchGetMessagesResponse, DeleteMessagesRequest,
    DeleteMessagesResponse, GetMailboxRequest, GetMailboxResponse, GetMessageRequest,
    GetMessageResponse, ListFoldersRequest, ListFoldersResponse, ListMessagesRequest,
    ListMessagesResponse, ModifyMessagesRequest, ModifyMessagesResponse, SendMessageRequest,
    SendMessageResponse, mail_service_server::MailService,
};
use turbomessage_service_kit::{
    fields::Fields,
    problem::{Problem, Reason},
};
use uuid::Uuid;

use crate::{
    commit::Delete,
    directory::Directory,
    domain::{Cursor, Filter, MAX_CHANGED, MAX_READ},
    mail::Mail,
    tickets::Tickets,
};

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct MailGrpc {
    mail: Mail,
    directory: Directory,
    tickets: Tickets,
}

impl MailGrpc {
    /// Serves `mail` to those whose `tickets` are good.
    #[must_use]
    pub(crate) fn new(mail: Mail, directory: Directory, tickets: Tickets) -> Self {
        Self {
            mail,
            directory,
            tickets,
        }
    }

    async fn owner<T>(&self, request: &Request<T>) -> Result<Uuid, Status> {
        Ok(self.tickets.caller(request.metadata()).await?.account_id)
    }
}

#[tonic::async_trait]
impl MailService for MailGrpc {
    async fn send_message(
        &self,
        request: Request<SendMessageRequest>,
    ) -> Result<Response<SendMessageResponse>, Status> {
        let owner = self.owner(&request).await?;
        let (request_id, draft) = parse::send(request.into_inner())?;
        let copy = self.mail.send(owner, request_id, draft).await?;
        let message = show::one(&self.directory, copy, None).await?;
        Ok(Response::new(SendMessageResponse {
            message: Some(message),
        }))
    }

    async fn get_message(
        &self,
        request: Request<GetMessageRequest>,
    ) -> Result<Response<GetMessageResponse>, Status> {
        let owner = self.owner(&request).await?;
        let request = request.into_inner();
        let mut fields = Fields::new();
        let id = fields
            .id("message_id", &request.message_id)
            .unwrap_or_default();
        let full = parse::view(&mut fields, request.view);
        fields.finish()?;
        let (copy, body) = self.mail.get(owner, id, full).await?;
        let message = show::one(&self.directory, copy, body).await?;
        Ok(Response::new(GetMessageResponse {
            message: Some(message),
        }))
    }

    async fn batch_get_messages(
        &self,
        request: Request<BatchGetMessagesRequest>,
    ) -> Result<Response<BatchGetMessagesResponse>, Status> {
        let owner = self.owner(&request).await?;
        let request = request.into_inner();
        let mut fields = Fields::new();
        let ids = fields.ids("message_ids", &request.message_ids, MAX_READ);
        let full = parse::view(&mut fields, request.view);
        fields.finish()?;
        let mut copies = self.mail.copies(owner, &ids).await?;
        let mut bodies = None;
        if full {
            copies.truncate(show::how_many_fit(&copies));
            let ids: Vec<Uuid> = copies.iter().map(|copy| copy.message_id).collect();
            bodies = Some(self.mail.bodies(owner, &ids).await?);
        }
        let messages = show::several(&self.directory, copies, bodies).await?;
        Ok(Response::new(BatchGetMessagesResponse { messages }))
    }

    async fn list_messages(
        &self,
        request: Request<ListMessagesRequest>,
    ) -> Result<Response<ListMessagesResponse>, Status> {
        let owner_id = self.owner(&request).await?;
        let request = request.into_inner();
        let (place, size) = parse::list(&request)?;
        let folder_id = self.mail.folder(owner_id, place).await?;
        let filter = Filter {
            owner_id,
            folder_id,
            unread_only: request.unread_only,
            starred_only: request.starred_only,
        };
        let cursor = Cursor::decode(&request.page_token, &filter)?;
        let copies = self.mail.list(&filter, cursor, size).await?;
        let page = usize::try_from(size.get()).unwrap_or(usize::MAX);
        let places: Vec<Cursor> = copies.iter().take(page).map(Cursor::after).collect();
        let found = copies.len();
        let copies = copies.into_iter().take(page).collect();
        let messages = show::several(&self.directory, copies, None).await?;
        let last = messages.len().checked_sub(1).and_then(|n| places.get(n));
        let next_page_token = match last {
            Some(last) if messages.len() < found => last.encode(&filter),
            _ => String::new(),
        };
        Ok(Response::new(ListMessagesResponse {
            messages,
            next_page_token,
        }))
    }

    async fn modify_messages(
        &self,
        request: Request<ModifyMessagesRequest>,
    ) -> Result<Response<ModifyMessagesResponse>, Status> {
        let owner = self.owner(&request).await?;
        let modify = parse::modify(owner, request.into_inner())?;
        let copies = self.mail.modify(modify).await?;
        let messages = show::several(&self.directory, copies, None).await?;
        Ok(Response::new(ModifyMessagesResponse { messages }))
    }

    async fn delete_messages(
        &self,
        request: Request<DeleteMessagesRequest>,
    ) -> Result<Response<DeleteMessagesResponse>, Status> {
        let owner_id = self.owner(&request).await?;
        let mut fields = Fields::new();
        let message_ids = fields.ids(
            "message_ids",
            &request.into_inner().message_ids,
            MAX_CHANGED,
        );
        fields.finish()?;
        self.mail
            .delete(Delete {
                owner_id,
                message_ids,
            })
            .await?;
        Ok(Response::new(DeleteMessagesResponse {}))
    }

    async fn list_folders(
        &self,
        request: Request<ListFoldersRequest>,
    ) -> Result<Response<ListFoldersResponse>, Status> {
        let owner = self.owner(&request).await?;
        let folders = self.mail.folders(owner).await?;
        let folders = folders.into_iter().map(show::folder).collect();
        Ok(Response::new(ListFoldersResponse { folders }))
    }

    async fn get_mailbox(
        &self,
        request: Request<GetMailboxRequest>,
    ) -> Result<Response<GetMailboxResponse>, Status> {
        let owner = self.owner(&request).await?;
        let mailbox = show::mailbox(&self.mail.mailbox(owner).await?);
        Ok(Response::new(GetMailboxResponse {
            mailbox: Some(mailbox),
        }))
    }

    async fn cancel_send(
        &self,
        _: Request<proto::CancelSendRequest>,
    ) -> Result<Response<proto::CancelSendResponse>, Status> {
        Err(Problem::new(Reason::MethodUnknown).into())
    }

    async fn search_messages(
        &self,
        _: Request<proto::SearchMessagesRequest>,
    ) -> Result<Response<proto::SearchMessagesResponse>, Status> {
        Err(Problem::new(Reason::MethodUnknown).into())
    }

    async fn list_labels(
        &self,
        _: Request<proto::ListLabelsRequest>,
    ) -> Result<Response<proto::ListLabelsResponse>, Status> {
        Err(Problem::new(Reason::MethodUnknown).into())
    }

    async fn list_threads(
        &self,
        _: Request<proto::ListThreadsRequest>,
    ) -> Result<Response<proto::ListThreadsResponse>, Status> {
        Err(Problem::new(Reason::MethodUnknown).into())
    }

    async fn get_thread(
        &self,
        _: Request<proto::GetThreadRequest>,
    ) -> Result<Response<proto::GetThreadResponse>, Status> {
        Err(Problem::new(Reason::MethodUnknown).into())
    }

    async fn create_folder(
        &self,
        _: Request<proto::CreateFolderRequest>,
    ) -> Result<Response<proto::CreateFolderResponse>, Status> {
        Err(Problem::new(Reason::MethodUnknown).into())
    }

    async fn update_folder(
        &self,
        _: Request<proto::UpdateFolderRequest>,
    ) -> Result<Response<proto::UpdateFolderResponse>, Status> {
        Err(Problem::new(Reason::MethodUnknown).into())
    }

    async fn delete_folder(
        &self,
        _: Request<proto::DeleteFolderRequest>,
    ) -> Result<Response<proto::DeleteFolderResponse>, Status> {
        Err(Problem::new(Reason::MethodUnknown).into())
    }

    async fn create_draft(
        &self,
        _: Request<proto::CreateDraftRequest>,
    ) -> Result<Response<proto::CreateDraftResponse>, Status> {
        Err(Problem::new(Reason::MethodUnknown).into())
    }

    async fn update_draft(
        &self,
        _: Request<proto::UpdateDraftRequest>,
    ) -> Result<Response<proto::UpdateDraftResponse>, Status> {
        Err(Problem::new(Reason::MethodUnknown).into())
    }

    async fn send_draft(
        &self,
        _: Request<proto::SendDraftRequest>,
    ) -> Result<Response<proto::SendDraftResponse>, Status> {
        Err(Problem::new(Reason::MethodUnknown).into())
    }

    async fn list_changes(
        &self,
        _: Request<proto::ListChangesRequest>,
    ) -> Result<Response<proto::ListChangesResponse>, Status> {
        Err(Problem::new(Reason::MethodUnknown).into())
    }

    type WatchMailboxStream = futures::stream::Empty<Result<proto::WatchMailboxResponse, Status>>;

    async fn watch_mailbox(
        &self,
        _: Request<proto::WatchMailboxRequest>,
    ) -> Result<Response<Self::WatchMailboxStream>, Status> {
        Err(Problem::new(Reason::MethodUnknown).into())
    }
}
