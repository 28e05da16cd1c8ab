//! `tm inbox`, `tm sent` and `tm list`.

use clap::Args;
use serde_json::json;
use turbomessage_proto::mail_v1::{FolderRole, ListMessagesRequest, Message};

use super::{
    folders::{self, Place},
    pages::{self, PageArgs},
};
use crate::{
    connection::Connection,
    context::Context,
    failure::Failure,
    output::{
        json,
        mail::{self, Correspondent},
    },
};

/// Options of `tm inbox` and `tm sent`.
#[derive(Debug, Args)]
pub(crate) struct FolderArgs {
    /// Only messages that are not read.
    #[arg(long)]
    unread: bool,
    /// Only starred messages.
    #[arg(long)]
    starred: bool,
    /// Only messages with this label.
    #[arg(short, long)]
    label: Option<String>,
    #[command(flatten)]
    pages: PageArgs,
}

/// Options of `tm list`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm list trash
  tm list archive --starred --all
  tm list archive --label work
  tm list -o json --limit 500")]
pub(crate) struct ListArgs {
    /// The folder: inbox, sent, drafts, outbox, archive, spam, trash, or a folder's name or id.
    #[arg(default_value = "inbox")]
    folder: String,
    #[command(flatten)]
    filter: FolderArgs,
}

/// Lists a standard folder.
pub(crate) async fn standard(
    role: FolderRole,
    args: &FolderArgs,
    context: &Context,
) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    show(&Place::Role(role), args, &connection, context).await
}

/// Lists the folder that was named.
pub(crate) async fn run(args: &ListArgs, context: &Context) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    let folder = folders::find(&args.folder, &connection).await?;
    show(&folder, &args.filter, &connection, context).await
}

async fn show(
    folder: &Place,
    args: &FolderArgs,
    connection: &Connection,
    context: &Context,
) -> Result<(), Failure> {
    let (messages, next_page) = fetch(folder, args, connection).await?;
    let json = json!({
        "messages": json::messages(&messages),
        "next_page_token": next_page,
    });
    context.printer.print(&json, |screen| {
        if messages.is_empty() {
            return "No messages.\n".into();
        }
        let mut text = mail::message_table(&messages, correspondent(folder), screen);
        text.push_str(&pages::rest(&next_page, screen));
        text
    })
}

/// In folders of one's own mail the others are of interest.
fn correspondent(folder: &Place) -> Correspondent {
    let own = [FolderRole::Sent, FolderRole::Drafts, FolderRole::Outbox];
    match folder {
        Place::Role(role) if own.contains(role) => Correspondent::Recipients,
        Place::Role(_) | Place::Id(_) => Correspondent::Sender,
    }
}

async fn fetch(
    folder: &Place,
    args: &FolderArgs,
    connection: &Connection,
) -> Result<(Vec<Message>, String), Failure> {
    let (folder_id, folder_role) = folder.fields();
    let request = ListMessagesRequest {
        folder_id,
        folder_role,
        unread_only: args.unread,
        starred_only: args.starred,
        label: args.label.clone().unwrap_or_default(),
        ..ListMessagesRequest::default()
    };
    let fetch = async |page_size, page_token| {
        let request = ListMessagesRequest {
            page_size,
            page_token,
            ..request.clone()
        };
        let page = connection.mail().list_messages(request).await?.into_inner();
        Ok((page.messages, page.next_page_token))
    };
    args.pages.collect(fetch).await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fake_server::{self, Script};

    #[tokio::test]
    async fn a_folder_is_listed_as_it_was_asked_for() {
        let script = Arc::new(Script {
            folders: vec![("work", vec![vec!["a", "b"], vec!["c"]])],
            ..Script::default()
        });
        let connection = fake_server::serve(&script).await;
        let args = FolderArgs {
            unread: true,
            starred: false,
            label: Some("Urgent".into()),
            pages: pages::first(3),
        };
        let folder = folders::find("Work", &connection).await.unwrap();
        let (messages, next) = fetch(&folder, &args, &connection).await.unwrap();
        assert_eq!((messages.len(), next.as_str()), (3, ""));

        let first = ListMessagesRequest {
            folder_id: "work".into(),
            unread_only: true,
            label: "Urgent".into(),
            page_size: 3,
            ..ListMessagesRequest::default()
        };
        let second = ListMessagesRequest {
            page_size: 1,
            page_token: "1".into(),
            ..first.clone()
        };
        assert_eq!(*script.lists.lock().unwrap(), [first, second]);
    }
}
