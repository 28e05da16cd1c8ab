//! What effects ask of the server.

use std::time::Duration;

use tokio::{sync::mpsc::UnboundedSender, time::sleep};
use tonic::Status;
use turbomessage_proto::{
    auth_v1::GetAccountRequest,
    mail_v1::{
        CancelSendRequest, DeleteMessagesRequest, GetMailboxRequest, GetMessageRequest,
        ListFoldersRequest, ListLabelsRequest, ListMessagesRequest, Message, MessageView,
        SearchMessagesRequest, SendDraftRequest, WatchMailboxRequest,
    },
};

use super::{
    event::{Begun, Effect, Event, Page},
    list::Source,
};
use crate::{connection::Connection, failure::Failure};

/// How many messages are asked for at once.
const PAGE_SIZE: i32 = 100;

/// Does what `effect` asks of the server, and tells `events` what came of it. Effects that are not
/// for the server do nothing.
pub(super) async fn perform(
    effect: Effect,
    connection: Connection,
    events: UnboundedSender<Event>,
) {
    let event = match effect {
        Effect::Begin(pause) => Event::Begun(begin(pause, &connection).await),
        Effect::List {
            ticket,
            source,
            page_token,
        } => Event::Listed(ticket, list(source, page_token, &connection).await),
        Effect::Fetch(id, purpose) => Event::Fetched(purpose, fetch(id, &connection).await),
        Effect::Labels => {
            let answer = connection.mail().list_labels(ListLabelsRequest {}).await;
            Event::Labels(answer.map(|a| a.into_inner().labels).map_err(Into::into))
        }
        Effect::Modify(request) => {
            Event::Changed(done(connection.mail().modify_messages(*request).await))
        }
        Effect::Delete(id) => {
            let message_ids = vec![id];
            let request = DeleteMessagesRequest { message_ids };
            Event::Changed(done(connection.mail().delete_messages(request).await))
        }
        Effect::TakeBack(message_id) => {
            let request = CancelSendRequest { message_id };
            Event::TakenBack(done(connection.mail().cancel_send(request).await))
        }
        Effect::Watch(since, pause) => watch(since, pause, &connection, &events).await,
        Effect::Send(request) => {
            let answer = connection.mail().send_message(*request).await;
            Event::Sent(message(answer, |answer| answer.message))
        }
        Effect::CreateDraft(request) => {
            let answer = connection.mail().create_draft(*request).await;
            Event::Kept(message(answer, |answer| answer.message))
        }
        Effect::UpdateDraft(request) => {
            let answer = connection.mail().update_draft(*request).await;
            Event::Kept(message(answer, |answer| answer.message))
        }
        Effect::SendDraft(message_id, request_id) => {
            let request = SendDraftRequest {
                message_id,
                request_id,
            };
            let answer = connection.mail().send_draft(request).await;
            Event::Sent(message(answer, |answer| answer.message))
        }
        Effect::Edit { .. } | Effect::Forget(_) | Effect::Redraw | Effect::Quit(_) => return,
    };
    // Nobody listens once the screen is closed.
    let _ = events.send(event);
}

fn done<T>(answer: Result<T, Status>) -> Result<(), Failure> {
    answer.map(|_| ()).map_err(Into::into)
}

fn message<T>(
    answer: Result<tonic::Response<T>, Status>,
    message: impl FnOnce(T) -> Option<Message>,
) -> Result<Box<Message>, Failure> {
    let answer = answer?.into_inner();
    Ok(Box::new(message(answer).unwrap_or_default()))
}

/// The state first: whatever happens while the rest is read, the stream will tell.
async fn begin(pause: Duration, connection: &Connection) -> Result<Begun, Failure> {
    sleep(pause).await;
    let mut mail = connection.mail();
    let mailbox = mail.get_mailbox(GetMailboxRequest {}).await?.into_inner();
    let folders = mail.list_folders(ListFoldersRequest {}).await?.into_inner();
    let account = connection.auth().get_account(GetAccountRequest {}).await?;
    Ok(Begun {
        state: mailbox.mailbox.unwrap_or_default().state,
        account: account.into_inner().account.unwrap_or_default(),
        folders: folders.folders,
    })
}

async fn list(
    source: Source,
    page_token: String,
    connection: &Connection,
) -> Result<Page, Failure> {
    let mut mail = connection.mail();
    let page = match source {
        Source::Folder(folder_id) => {
            let request = ListMessagesRequest {
                folder_id,
                page_size: PAGE_SIZE,
                page_token,
                ..ListMessagesRequest::default()
            };
            let page = mail.list_messages(request).await?.into_inner();
            (page.messages, page.next_page_token)
        }
        Source::Search(query) => {
            let request = SearchMessagesRequest {
                query,
                page_size: PAGE_SIZE,
                page_token,
            };
            let page = mail.search_messages(request).await?.into_inner();
            (page.messages, page.next_page_token)
        }
    };
    let (messages, next_page_token) = page;
    Ok(Page {
        messages,
        next_page_token,
    })
}

async fn fetch(message_id: String, connection: &Connection) -> Result<Box<Message>, Failure> {
    let request = GetMessageRequest {
        message_id,
        view: MessageView::Full.into(),
    };
    let answer = connection.mail().get_message(request).await;
    message(answer, |answer| answer.message)
}

/// Tells what comes on the live stream; answers with why it ended.
async fn watch(
    since_state: String,
    pause: Duration,
    connection: &Connection,
    events: &UnboundedSender<Event>,
) -> Event {
    sleep(pause).await;
    let request = WatchMailboxRequest { since_state };
    let mut mail = connection.mail_without_deadline();
    let mut stream = match mail.watch_mailbox(request).await {
        Ok(answer) => answer.into_inner(),
        Err(status) => return Event::WatchEnded(status.into()),
    };
    loop {
        match stream.message().await {
            Ok(Some(news)) => {
                let _ = events.send(Event::Watched(Box::new(news)));
            }
            Ok(None) => {
                let failure = Failure::unreachable("The server ended the stream.");
                return Event::WatchEnded(failure);
            }
            Err(status) => return Event::WatchEnded(status.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::mpsc::unbounded_channel;
    use tonic::Code;
    use turbomessage_proto::mail_v1::{SearchMessagesResponse, WatchMailboxResponse};

    use super::*;
    use crate::{
        fake_server::{self, Script, error},
        screen::fixtures::{ids, letter},
    };

    async fn performed(effect: Effect, script: &Arc<Script>) -> Vec<Event> {
        let connection = fake_server::serve(script).await;
        let (sender, mut events) = unbounded_channel();
        perform(effect, connection, sender).await;
        let mut all = Vec::new();
        while let Some(event) = events.recv().await {
            all.push(event);
        }
        all
    }

    #[tokio::test]
    async fn the_stream_goes_on_from_the_state_given_and_says_why_it_ended() {
        let script = Arc::new(Script::default());
        let news = |state: &str| WatchMailboxResponse {
            state: state.into(),
            event: None,
        };
        script.watch_mailbox.will(Ok(vec![
            Ok(news("s2")),
            Ok(news("s3")),
            Err(error(Code::Unavailable, "SHUTTING_DOWN", &[])),
        ]));
        let events = performed(Effect::Watch("s1".into(), Duration::ZERO), &script).await;
        assert_eq!(script.watch_mailbox.asked()[0].since_state, "s1");
        let [
            Event::Watched(one),
            Event::Watched(two),
            Event::WatchEnded(failure),
        ] = &events[..]
        else {
            panic!("two pieces of news and an end: {events:?}");
        };
        assert_eq!((one.state.as_str(), two.state.as_str()), ("s2", "s3"));
        assert_eq!(failure.reason, "SHUTTING_DOWN");
    }

    #[tokio::test]
    async fn a_page_of_a_search_comes_with_its_ticket() {
        let script = Arc::new(Script::default());
        script.search_messages.will(Ok(SearchMessagesResponse {
            messages: vec![letter("m1")],
            next_page_token: "next".into(),
            highlights: Vec::new(),
        }));
        let effect = Effect::List {
            ticket: 7,
            source: Source::Search("from:ben".into()),
            page_token: "here".into(),
        };
        let events = performed(effect, &script).await;
        let [Event::Listed(7, Ok(page))] = &events[..] else {
            panic!("one page: {events:?}");
        };
        assert_eq!(
            (ids(&page.messages), page.next_page_token.as_str()),
            (vec!["m1"], "next")
        );
        let asked = &script.search_messages.asked()[0];
        assert_eq!(
            (asked.query.as_str(), asked.page_token.as_str()),
            ("from:ben", "here")
        );
    }
}
