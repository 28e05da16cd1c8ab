//! `tm inbox`, `tm sent` and `tm list`.

use clap::Args;
use serde_json::json;
use turbomessage_proto::mail_v1::{FolderRole, ListMessagesRequest, Message};

use super::{
    folders::{self, Place},
    message_ids::MAX_PAGE,
};
use crate::{
    connection::Connection,
    context::Context,
    failure::Failure,
    output::{
        Style, json,
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
    /// How many messages at the most.
    #[arg(short = 'n', long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Go on where an earlier list stopped: its page token.
    #[arg(long, value_name = "TOKEN")]
    page: Option<String>,
    /// All messages, however many.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

/// Options of `tm list`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm list trash
  tm list archive --starred --all
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
        if !next_page.is_empty() {
            let more = format!("There are more: add --all, or --page {next_page}");
            text.push_str(&screen.paint(Style::Dim, &more));
            text.push('\n');
        }
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
    let mut request = ListMessagesRequest {
        folder_id,
        folder_role,
        unread_only: args.unread,
        starred_only: args.starred,
        page_token: args.page.clone().unwrap_or_default(),
        ..ListMessagesRequest::default()
    };
    let limit = if args.all { u32::MAX } else { args.limit };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut messages = Vec::new();
    loop {
        let missing = i32::try_from(limit - messages.len()).unwrap_or(MAX_PAGE);
        request.page_size = missing.min(MAX_PAGE);
        let page = connection.mail().list_messages(request.clone()).await?;
        let page = page.into_inner();
        messages.extend(page.messages);
        if page.next_page_token.is_empty() || messages.len() >= limit {
            return Ok((messages, page.next_page_token));
        }
        request.page_token = page.next_page_token;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fake_server::{self, Script};

    async fn listed(limit: u32, all: bool) -> (usize, String, Vec<i32>) {
        let script = Arc::new(Script {
            folders: vec![("work", vec![vec!["a", "b"], vec!["c", "d"], vec!["e"]])],
            ..Script::default()
        });
        let connection = fake_server::serve(&script).await;
        let args = FolderArgs {
            unread: false,
            starred: false,
            limit,
            page: None,
            all,
        };
        let folder = folders::find("Work", &connection).await.unwrap();
        let (messages, next) = fetch(&folder, &args, &connection).await.unwrap();
        let lists = script.lists.lock().unwrap();
        let sizes = lists.iter().map(|request| request.page_size).collect();
        (messages.len(), next, sizes)
    }

    #[tokio::test]
    async fn a_list_ends_at_its_limit_and_says_how_to_go_on() {
        assert_eq!(listed(2, false).await, (2, "1".into(), vec![2]));
        assert_eq!(listed(4, false).await, (4, "2".into(), vec![4, 2]));
    }

    #[tokio::test]
    async fn a_list_of_all_has_every_page() {
        let every_page = (5, String::new(), vec![500, 500, 500]);
        assert_eq!(listed(50, true).await, every_page);
    }
}
