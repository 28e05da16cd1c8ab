//! `turbomessage.mail.v1.MailService`: requests in, domain types through, messages out.

mod page;
mod parse;
mod show;
mod watching;

use futures::stream::BoxStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use turbomessage_proto::mail_v1::{self as proto, mail_service_server::MailService};
use turbomessage_service_kit::{
    fields::{Fields, parse_id},
    problem::Problem,
};
use uuid::Uuid;

use self::page::{all_there, last_id, next_page};
use crate::{
    commit::Delete,
    directory::Directory,
    domain::{Cursor, Filter, List, MAX_CHANGED, MAX_READ, State, Walk},
    mail::{Mail, parse_query},
    tickets::Tickets,
    wakeups::Hub,
};

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct MailGrpc {
    mail: Mail,
    directory: Directory,
    tickets: Tickets,
    hub: Hub,
    shutdown: CancellationToken,
}

impl MailGrpc {
    /// Serves `mail` to those whose `tickets` are good.
    #[must_use]
    pub(crate) fn new(
        mail: Mail,
        directory: Directory,
        tickets: Tickets,
        hub: Hub,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            mail,
            directory,
            tickets,
            hub,
            shutdown,
        }
    }

    async fn owner<T>(&self, request: &Request<T>) -> Result<Uuid, Status> {
        Ok(self.tickets.caller(request.metadata()).await?.account_id)
    }

    /// One message of an answer, without its text.
    async fn basic(&self, copy: crate::domain::Copy) -> Result<Option<proto::Message>, Problem> {
        show::one(&self.directory, copy, None).await.map(Some)
    }
}

/// An id that must be there, and nothing else to check.
fn only_id(field: &str, value: &str) -> Result<Uuid, Problem> {
    let mut fields = Fields::new();
    let id = fields.id(field, value).unwrap_or_default();
    fields.finish()?;
    Ok(id)
}

#[tonic::async_trait]
impl MailService for MailGrpc {
    async fn send_message(
        &self,
        request: Request<proto::SendMessageRequest>,
    ) -> Result<Response<proto::SendMessageResponse>, Status> {
        let owner = self.owner(&request).await?;
        let (request_id, draft) = parse::send(request.into_inner(), self.mail.now())?;
        let copy = self.mail.send(owner, request_id, draft).await?;
        let message = self.basic(copy).await?;
        Ok(Response::new(proto::SendMessageResponse { message }))
    }

    async fn cancel_send(
        &self,
        request: Request<proto::CancelSendRequest>,
    ) -> Result<Response<proto::CancelSendResponse>, Status> {
        let owner = self.owner(&request).await?;
        let id = only_id("message_id", &request.into_inner().message_id)?;
        let copy = self.mail.cancel(owner, id).await?;
        let message = self.basic(copy).await?;
        Ok(Response::new(proto::CancelSendResponse { message }))
    }

    async fn get_message(
        &self,
        request: Request<proto::GetMessageRequest>,
    ) -> Result<Response<proto::GetMessageResponse>, Status> {
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
        Ok(Response::new(proto::GetMessageResponse {
            message: Some(message),
        }))
    }

    async fn batch_get_messages(
        &self,
        request: Request<proto::BatchGetMessagesRequest>,
    ) -> Result<Response<proto::BatchGetMessagesResponse>, Status> {
        let owner = self.owner(&request).await?;
        let request = request.into_inner();
        let mut fields = Fields::new();
        let ids = fields.ids("message_ids", &request.message_ids, MAX_READ);
        let full = parse::view(&mut fields, request.view);
        fields.finish()?;
        let copies = self.mail.copies(owner, &ids).await?;
        let asked: Vec<Uuid> = copies.iter().map(|copy| copy.message_id).collect();
        let (mailbox, room) = ((&self.mail, owner), show::ANSWER_BYTES);
        let messages = show::page(mailbox, &self.directory, copies, full, room).await?;
        all_there(&asked, &messages)?;
        Ok(Response::new(proto::BatchGetMessagesResponse { messages }))
    }

    async fn list_messages(
        &self,
        request: Request<proto::ListMessagesRequest>,
    ) -> Result<Response<proto::ListMessagesResponse>, Status> {
        let owner_id = self.owner(&request).await?;
        let request = request.into_inner();
        let (place, size, label) = parse::list(&request)?;
        let folder_id = self.mail.folder(owner_id, place).await?;
        let filter = Filter {
            owner_id,
            folder_id,
            unread_only: request.unread_only,
            starred_only: request.starred_only,
            label,
        };
        let list = filter.list();
        let cursor = Cursor::decode(&request.page_token, &list)?.unwrap_or(Cursor::NEWEST);
        let page = self.mail.list(&filter, cursor, size).await?;
        let places: Vec<Cursor> = page.entries.iter().map(Cursor::after).collect();
        let messages = show::several(&self.directory, page.entries).await?;
        let next = next_page(&places, last_id(&messages), page.more);
        let next_page_token = next.map(|next| next.encode(&list)).unwrap_or_default();
        Ok(Response::new(proto::ListMessagesResponse {
            messages,
            next_page_token,
        }))
    }

    async fn search_messages(
        &self,
        request: Request<proto::SearchMessagesRequest>,
    ) -> Result<Response<proto::SearchMessagesResponse>, Status> {
        let owner_id = self.owner(&request).await?;
        let request = request.into_inner();
        let size = parse::page_size(request.page_size)?;
        let query = parse_query(&request.query)?;
        let list = List::Search {
            owner_id,
            query: &request.query,
        };
        let cursor = Cursor::decode(&request.page_token, &list)?.unwrap_or(Cursor::NEWEST);
        let found = self.mail.search(owner_id, &query, cursor, size).await?;
        let ids: Vec<Uuid> = found.copies.iter().map(|copy| copy.message_id).collect();
        let bodies = self.mail.openings(owner_id, &ids).await?;
        let answer = show::found(&self.directory, found, &query, bodies).await?;
        let next_page_token = answer
            .next
            .map(|next| next.encode(&list))
            .unwrap_or_default();
        Ok(Response::new(proto::SearchMessagesResponse {
            messages: answer.messages,
            next_page_token,
            highlights: answer.highlights,
        }))
    }

    async fn modify_messages(
        &self,
        request: Request<proto::ModifyMessagesRequest>,
    ) -> Result<Response<proto::ModifyMessagesResponse>, Status> {
        let owner = self.owner(&request).await?;
        let modify = parse::modify(owner, request.into_inner())?;
        let copies = self.mail.modify(modify).await?;
        let messages = show::several(&self.directory, copies).await?;
        Ok(Response::new(proto::ModifyMessagesResponse { messages }))
    }

    async fn list_labels(
        &self,
        request: Request<proto::ListLabelsRequest>,
    ) -> Result<Response<proto::ListLabelsResponse>, Status> {
        let owner = self.owner(&request).await?;
        let labels = self.mail.labels(owner).await?;
        let labels = labels.into_iter().map(show::label).collect();
        Ok(Response::new(proto::ListLabelsResponse { labels }))
    }

    async fn delete_messages(
        &self,
        request: Request<proto::DeleteMessagesRequest>,
    ) -> Result<Response<proto::DeleteMessagesResponse>, Status> {
        let owner_id = self.owner(&request).await?;
        let mut fields = Fields::new();
        let ids = &request.get_ref().message_ids;
        let message_ids = fields.ids("message_ids", ids, MAX_CHANGED);
        fields.finish()?;
        let delete = Delete {
            owner_id,
            message_ids,
            trashed_before: None,
        };
        self.mail.delete(delete).await?;
        Ok(Response::new(proto::DeleteMessagesResponse {}))
    }

    async fn list_threads(
        &self,
        request: Request<proto::ListThreadsRequest>,
    ) -> Result<Response<proto::ListThreadsResponse>, Status> {
        let owner_id = self.owner(&request).await?;
        let request = request.into_inner();
        let (place, size) = parse::list_threads(&request)?;
        let folder_id = self.mail.folder(owner_id, place).await?;
        let list = List::Threads {
            owner_id,
            folder_id,
        };
        let walk = Walk::decode(&request.page_token, &list)?;
        let found = self.mail.threads(owner_id, folder_id, walk, size);
        let (page, threads, began) = found.await?;
        let threads = show::threads(&self.directory, threads).await?;
        let shown = threads.last();
        let shown = shown.and_then(|thread| parse_id(&thread.thread_id).ok());
        let next = next_page(&page.entries, shown, page.more);
        let next = next.map(|place| Walk { began, place }.encode(&list));
        let next_page_token = next.unwrap_or_default();
        Ok(Response::new(proto::ListThreadsResponse {
            threads,
            next_page_token,
        }))
    }

    async fn get_thread(
        &self,
        request: Request<proto::GetThreadRequest>,
    ) -> Result<Response<proto::GetThreadResponse>, Status> {
        let owner_id = self.owner(&request).await?;
        let request = request.into_inner();
        let (thread_id, size, full) = parse::thread(&request)?;
        let list = List::Thread {
            owner_id,
            thread_id,
            full,
        };
        let cursor = Cursor::decode(&request.page_token, &list)?.unwrap_or(Cursor::OLDEST);
        let thread = self.mail.thread(owner_id, thread_id).await?;
        let page = self.mail.thread_messages(owner_id, thread_id, cursor, size);
        let page = page.await?;
        let places: Vec<Cursor> = page.entries.iter().map(Cursor::after).collect();
        let thread = show::threads(&self.directory, vec![thread]).await?.pop();
        let room = show::room_beside(thread.as_ref());
        let mailbox = (&self.mail, owner_id);
        let messages = show::page(mailbox, &self.directory, page.entries, full, room).await?;
        let next = next_page(&places, last_id(&messages), page.more);
        let next_page_token = next.map(|next| next.encode(&list)).unwrap_or_default();
        Ok(Response::new(proto::GetThreadResponse {
            thread,
            messages,
            next_page_token,
        }))
    }

    async fn create_folder(
        &self,
        request: Request<proto::CreateFolderRequest>,
    ) -> Result<Response<proto::CreateFolderResponse>, Status> {
        let owner = self.owner(&request).await?;
        let (request_id, name) = parse::create_folder(request.get_ref())?;
        let folder = self.mail.create_folder(owner, request_id, name).await?;
        Ok(Response::new(proto::CreateFolderResponse {
            folder: Some(show::folder(folder)),
        }))
    }

    async fn list_folders(
        &self,
        request: Request<proto::ListFoldersRequest>,
    ) -> Result<Response<proto::ListFoldersResponse>, Status> {
        let owner = self.owner(&request).await?;
        let folders = self.mail.folders(owner).await?;
        let folders = folders.into_iter().map(show::folder).collect();
        Ok(Response::new(proto::ListFoldersResponse { folders }))
    }

    async fn update_folder(
        &self,
        request: Request<proto::UpdateFolderRequest>,
    ) -> Result<Response<proto::UpdateFolderResponse>, Status> {
        let owner = self.owner(&request).await?;
        let (request_id, folder_id, name) = parse::update_folder(request.get_ref())?;
        let renamed = self.mail.rename_folder(owner, request_id, folder_id, name);
        Ok(Response::new(proto::UpdateFolderResponse {
            folder: Some(show::folder(renamed.await?)),
        }))
    }

    async fn delete_folder(
        &self,
        request: Request<proto::DeleteFolderRequest>,
    ) -> Result<Response<proto::DeleteFolderResponse>, Status> {
        let owner = self.owner(&request).await?;
        let folder_id = only_id("folder_id", &request.get_ref().folder_id)?;
        self.mail.delete_folder(owner, folder_id).await?;
        Ok(Response::new(proto::DeleteFolderResponse {}))
    }

    async fn create_draft(
        &self,
        request: Request<proto::CreateDraftRequest>,
    ) -> Result<Response<proto::CreateDraftResponse>, Status> {
        let owner = self.owner(&request).await?;
        let (request_id, draft) = parse::create_draft(request.into_inner(), self.mail.now())?;
        let copy = self.mail.save(owner, request_id, draft, None).await?;
        let message = self.basic(copy).await?;
        Ok(Response::new(proto::CreateDraftResponse { message }))
    }

    async fn update_draft(
        &self,
        request: Request<proto::UpdateDraftRequest>,
    ) -> Result<Response<proto::UpdateDraftResponse>, Status> {
        let owner = self.owner(&request).await?;
        let (request_id, draft, replaced) =
            parse::update_draft(request.into_inner(), self.mail.now())?;
        let saved = self.mail.save(owner, request_id, draft, Some(replaced));
        let message = self.basic(saved.await?).await?;
        Ok(Response::new(proto::UpdateDraftResponse { message }))
    }

    async fn send_draft(
        &self,
        request: Request<proto::SendDraftRequest>,
    ) -> Result<Response<proto::SendDraftResponse>, Status> {
        let owner = self.owner(&request).await?;
        let request = request.into_inner();
        let mut fields = Fields::new();
        let request_id = fields.optional_id("request_id", &request.request_id);
        let id = fields.id("message_id", &request.message_id);
        fields.finish()?;
        let sent = self
            .mail
            .send_draft(owner, request_id, id.unwrap_or_default());
        let message = self.basic(sent.await?).await?;
        Ok(Response::new(proto::SendDraftResponse { message }))
    }

    async fn list_changes(
        &self,
        request: Request<proto::ListChangesRequest>,
    ) -> Result<Response<proto::ListChangesResponse>, Status> {
        let owner = self.owner(&request).await?;
        let request = request.into_inner();
        let size = parse::page_size(request.page_size)?;
        let since = State::decode(&request.since_state)?;
        let history = self.mail.history(owner, since, size.get()).await?;
        let (changes, last) = show::changes(&self.directory, &history.page.entries).await?;
        let cut = changes.len() < history.page.entries.len();
        let state = match last {
            Some(last) if cut => last,
            _ => history.state,
        };
        Ok(Response::new(proto::ListChangesResponse {
            changes,
            state: state.encode(),
            has_more: cut || history.page.more,
        }))
    }

    type WatchMailboxStream = BoxStream<'static, Result<proto::WatchMailboxResponse, Status>>;

    async fn watch_mailbox(
        &self,
        request: Request<proto::WatchMailboxRequest>,
    ) -> Result<Response<Self::WatchMailboxStream>, Status> {
        let owner = self.owner(&request).await?;
        let events = self.watch(owner, &request.get_ref().since_state).await?;
        Ok(Response::new(events))
    }

    async fn get_mailbox(
        &self,
        request: Request<proto::GetMailboxRequest>,
    ) -> Result<Response<proto::GetMailboxResponse>, Status> {
        let owner = self.owner(&request).await?;
        let mailbox = show::mailbox(&self.mail.mailbox(owner).await?);
        Ok(Response::new(proto::GetMailboxResponse {
            mailbox: Some(mailbox),
        }))
    }
}
