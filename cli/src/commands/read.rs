//! `tm read`.

use clap::Args;
use serde_json::json;
use turbomessage_proto::mail_v1::{GetMessageRequest, MessageView, ModifyMessagesRequest};

use super::message_ids;
use crate::{
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
        Some(id) => {
            let ids = message_ids::find(std::slice::from_ref(id), &connection).await?;
            ids.into_iter().next().unwrap_or_default()
        }
        None => message_ids::newest(&connection).await?,
    };
    let request = GetMessageRequest {
        message_id: message_id.clone(),
        view: MessageView::Full.into(),
    };
    let answer = connection.mail().get_message(request).await?.into_inner();
    let message = answer.message.unwrap_or_default();

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
        let request = ModifyMessagesRequest {
            message_ids: vec![message_id],
            set_read: Some(true),
            ..ModifyMessagesRequest::default()
        };
        connection.mail().modify_messages(request).await?;
    }
    Ok(())
}
