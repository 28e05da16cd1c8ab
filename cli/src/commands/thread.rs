//! `tm thread`.

use clap::Args;
use serde_json::{Value, json};
use tonic::Status;
use turbomessage_proto::mail_v1::{
    GetThreadRequest, ListThreadsRequest, Message, MessageView, Thread,
};

use super::{
    folders, message_ids,
    pages::{self, MAX_PAGE, PageArgs},
    read,
};
use crate::{
    connection::Connection,
    context::Context,
    failure::Failure,
    output::{json, mail},
    short_id::{Search, ShortId},
};

/// The most messages that one call marks.
const MAX_MARKED: usize = 1000;

/// Options of `tm thread`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm thread                       the conversations of the Inbox
  tm thread --folder archive --all
  tm thread 3fa2c1d0              the whole conversation")]
pub(crate) struct ThreadArgs {
    /// A conversation, or any message of it: the id, or the beginning of what a list shows of it.
    #[arg(conflicts_with_all = ["folder", "limit", "page", "all"])]
    id: Option<ShortId>,
    /// Do not mark the messages as read.
    #[arg(long, visible_alias = "peek", requires = "id")]
    keep_unread: bool,
    /// The folder: inbox, sent, drafts, outbox, archive, spam, trash, or a folder's name or id.
    #[arg(long, default_value = "inbox")]
    folder: String,
    #[command(flatten)]
    pages: PageArgs,
}

/// Lists conversations, or shows one and marks it as read.
pub(crate) async fn run(args: &ThreadArgs, context: &Context) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    match &args.id {
        None => list(args, &connection, context).await,
        Some(id) => {
            let (thread, messages) = find(id, &connection).await?;
            show(&thread, &messages, context)?;
            if args.keep_unread {
                return Ok(());
            }
            mark_read(&messages, &connection).await
        }
    }
}

async fn list(
    args: &ThreadArgs,
    connection: &Connection,
    context: &Context,
) -> Result<(), Failure> {
    let (threads, next_page) = fetch(args, connection).await?;
    let json = json!({
        "threads": threads.iter().map(json::thread).collect::<Value>(),
        "next_page_token": next_page,
    });
    context.printer.print(&json, |screen| {
        if threads.is_empty() {
            return "No conversations.\n".into();
        }
        mail::thread_table(&threads, screen) + &pages::rest(&next_page, screen)
    })
}

async fn fetch(
    args: &ThreadArgs,
    connection: &Connection,
) -> Result<(Vec<Thread>, String), Failure> {
    let folder = folders::find(&args.folder, connection).await?;
    let (folder_id, folder_role) = folder.fields();
    let fetch = async |page_size, page_token| {
        let request = ListThreadsRequest {
            folder_id: folder_id.clone(),
            folder_role,
            page_size,
            page_token,
        };
        let page = connection.mail().list_threads(request).await?.into_inner();
        Ok((page.threads, page.next_page_token))
    };
    args.pages.collect(fetch).await
}

fn show(thread: &Thread, messages: &[Message], context: &Context) -> Result<(), Failure> {
    let json = json!({"thread": json::thread(thread), "messages": json::messages(messages)});
    context
        .printer
        .print(&json, |screen| mail::conversation(messages, screen))
}

async fn mark_read(messages: &[Message], connection: &Connection) -> Result<(), Failure> {
    let unread = messages.iter().filter(|message| !message.read);
    let unread: Vec<String> = unread.map(|m| m.message_id.clone()).collect();
    for ids in unread.chunks(MAX_MARKED) {
        read::mark_read(ids.to_vec(), connection).await?;
    }
    Ok(())
}

/// The conversation that `wanted` names, itself or through one of its messages, and all that is in
/// it.
async fn find(
    wanted: &ShortId,
    connection: &Connection,
) -> Result<(Thread, Vec<Message>), Failure> {
    let Some(id) = wanted.whole() else {
        let id = thread_of(wanted, connection).await?;
        return Ok(whole(&id, connection).await?);
    };
    match whole(id, connection).await.map_err(Failure::from) {
        Err(failure) if failure.reason == "THREAD_NOT_FOUND" => {
            let message = read::whole(id, connection).await?;
            Ok(whole(&message.thread_id, connection).await?)
        }
        found => found,
    }
}

async fn thread_of(wanted: &ShortId, connection: &Connection) -> Result<String, Failure> {
    let mut search = Search::new(std::slice::from_ref(wanted));
    let look = |message: &Message| {
        search.look_at_name(&message.message_id, &message.thread_id);
        search.look_at(&message.thread_id);
    };
    message_ids::look_at_all(connection, look).await?;
    let ids = search.finish("conversation", "THREAD_NOT_FOUND")?;
    Ok(ids.into_iter().next().unwrap_or_default())
}

async fn whole(thread_id: &str, connection: &Connection) -> Result<(Thread, Vec<Message>), Status> {
    let mut request = GetThreadRequest {
        thread_id: thread_id.to_owned(),
        view: MessageView::Full.into(),
        page_size: MAX_PAGE,
        page_token: String::new(),
    };
    let mut messages = Vec::new();
    loop {
        let page = connection.mail().get_thread(request.clone()).await?;
        let page = page.into_inner();
        messages.extend(page.messages);
        if page.next_page_token.is_empty() {
            return Ok((page.thread.unwrap_or_default(), messages));
        }
        request.page_token = page.next_page_token;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tonic::Code;
    use turbomessage_proto::mail_v1::{
        FolderRole, GetMessageResponse, GetThreadResponse, ListThreadsResponse,
        ModifyMessagesResponse,
    };

    use super::*;
    use crate::fake_server::{self, Script};

    const A: &str = "0199a8f3-1c2b-7abc-8def-aaaa00000001";
    const B: &str = "0199a8f3-1c2b-7abc-8def-bbbb00000001";
    const T: &str = "0199a8f3-1c2b-7abc-8def-cccc00000001";
    const U: &str = "0199a8f3-1c2b-7abc-8def-cccc00000002";

    fn script() -> Arc<Script> {
        let script = Arc::new(Script {
            folders: vec![("inbox", vec![vec![A, B]])],
            threads: vec![(A, T), (B, U)],
            ..Script::default()
        });
        script.get_thread.will(Ok(GetThreadResponse::default()));
        script
    }

    async fn asked_for(wanted: &str) -> Result<String, Failure> {
        let script = script();
        let connection = fake_server::serve(&script).await;
        find(&wanted.parse().unwrap(), &connection).await?;
        let asked = script.get_thread.asked();
        Ok(asked[0].thread_id.clone())
    }

    #[tokio::test]
    async fn the_beginning_of_a_message_or_of_its_conversation_is_enough() {
        assert_eq!(asked_for("aaaa").await.unwrap(), T);
        assert_eq!(asked_for("cccc00000002").await.unwrap(), U);
        assert_eq!(asked_for("cccc").await.unwrap_err().exit_code(), 2);
        assert_eq!(asked_for("dddd").await.unwrap_err().exit_code(), 5);
        assert_eq!(asked_for(T).await.unwrap(), T);
    }

    #[tokio::test]
    async fn a_whole_id_may_be_that_of_a_message() {
        let script = Arc::new(Script::default());
        let unknown = fake_server::error(Code::NotFound, "THREAD_NOT_FOUND", &[]);
        script.get_thread.will(Err(unknown));
        script.get_thread.will(Ok(GetThreadResponse::default()));
        let message = Message {
            thread_id: T.into(),
            ..Message::default()
        };
        script.get_message.will(Ok(GetMessageResponse {
            message: Some(message),
        }));
        let connection = fake_server::serve(&script).await;
        find(&A.parse().unwrap(), &connection).await.unwrap();
        let asked = script.get_thread.asked();
        let ids: Vec<&str> = asked.iter().map(|r| r.thread_id.as_str()).collect();
        assert_eq!(ids, [A, T]);
    }

    #[tokio::test]
    async fn a_long_conversation_is_read_to_its_end_and_marked_as_read() {
        let script = Arc::new(Script::default());
        for (id, read, next) in [(A, true, "more"), (B, false, "")] {
            script.get_thread.will(Ok(GetThreadResponse {
                thread: Some(Thread::default()),
                messages: vec![Message {
                    message_id: id.into(),
                    read,
                    ..Message::default()
                }],
                next_page_token: next.into(),
            }));
        }
        script
            .modify_messages
            .will(Ok(ModifyMessagesResponse::default()));
        let connection = fake_server::serve(&script).await;
        let (_, messages) = whole(T, &connection).await.unwrap();
        assert_eq!(messages.len(), 2);
        assert_eq!(script.get_thread.asked()[1].page_token, "more");
        mark_read(&messages, &connection).await.unwrap();
        let marked = script.modify_messages.asked();
        assert_eq!((marked.len(), marked[0].set_read), (1, Some(true)));
        assert_eq!(marked[0].message_ids, [B]);
    }

    #[tokio::test]
    async fn conversations_are_those_of_the_folder() {
        let script = Arc::new(Script::default());
        script.list_threads.will(Ok(ListThreadsResponse::default()));
        let connection = fake_server::serve(&script).await;
        let args = ThreadArgs {
            id: None,
            keep_unread: false,
            folder: "Archive".into(),
            pages: pages::first(7),
        };
        fetch(&args, &connection).await.unwrap();
        let asked = script.list_threads.asked();
        assert_eq!(asked[0].folder_role(), FolderRole::Archive);
        assert_eq!(asked[0].page_size, 7);
    }
}
