//! `tm read`.

use clap::Args;
use serde_json::json;
use turbomessage_proto::mail_v1::{
    FolderRole, GetMessageRequest, Message, MessageView, ModifyMessagesRequest,
};

use super::message_ids;
use crate::{
    connection::Connection,
    context::Context,
    failure::Failure,
    output::{json, mail},
    short_id::ShortId,
};

/// Options of `tm read`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm read                        the newest message of the Inbox
  tm read 3fa2c1d0
  tm read 3fa2c1d0 --raw > notes.txt")]
pub(crate) struct ReadArgs {
    /// The message: its id, or the beginning of what a list shows of it [default: the newest of
    /// the Inbox].
    id: Option<ShortId>,
    /// Write the body's text byte for byte, and nothing else, whatever --output says.
    #[arg(long)]
    raw: bool,
    /// Do not mark the message as read.
    #[arg(long, visible_alias = "peek")]
    keep_unread: bool,
}

/// Shows a message, and marks it as read once it has been shown.
pub(crate) async fn run(args: &ReadArgs, context: &Context) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    let message_id = match &args.id {
        Some(id) => message_ids::find_one(id, &connection).await?,
        None => message_ids::newest(FolderRole::Inbox, "Inbox", &connection).await?,
    };
    let message = whole(&message_id, &connection).await?;

    if args.raw {
        let text = message.body.as_ref().map_or("", |body| &body.text);
        context.printer.raw(text.as_bytes())?;
    } else {
        let json = json!({"message": json::message(&message)});
        let print = context
            .printer
            .print(&json, |screen| mail::message(&message, screen));
        print?;
    }
    if !message.read && !args.keep_unread {
        mark_read(vec![message_id], &connection).await?;
    }
    Ok(())
}

/// The message with this whole id, with its body.
pub(crate) async fn whole(message_id: &str, connection: &Connection) -> Result<Message, Failure> {
    let request = GetMessageRequest {
        message_id: message_id.to_owned(),
        view: MessageView::Full.into(),
    };
    let answer = connection.mail().get_message(request).await?.into_inner();
    Ok(answer.message.unwrap_or_default())
}

/// Marks at most 1000 messages as read.
pub(crate) async fn mark_read(
    message_ids: Vec<String>,
    connection: &Connection,
) -> Result<(), Failure> {
    let request = ModifyMessagesRequest {
        message_ids,
        set_read: Some(true),
        ..ModifyMessagesRequest::default()
    };
    connection.mail().modify_messages(request).await?;
    Ok(())
}
