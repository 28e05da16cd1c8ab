//! `tm delete`.

use clap::Args;
use serde_json::json;
use turbomessage_proto::mail_v1::{DeleteMessagesRequest, FolderRole, ModifyMessagesRequest};

use super::{
    confirm,
    mark::{IdArgs, modify, say},
    message_ids,
};
use crate::{context::Context, failure::Failure, output::people::count};

/// Options of `tm delete`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm delete 3fa2c1d0 81c0aa17        move to the Trash
  tm delete --forever 3fa2c1d0       delete for good")]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    messages: IdArgs,
    /// Delete for good instead of moving to the Trash. Copies that others hold stay.
    #[arg(long)]
    forever: bool,
    /// Do not ask before deleting for good.
    #[arg(short, long, requires = "forever")]
    yes: bool,
}

/// Moves messages to the Trash, or deletes them for good.
pub(crate) async fn run(args: &DeleteArgs, context: &Context) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    if !args.forever {
        let to_trash = ModifyMessagesRequest {
            move_to_folder_role: FolderRole::Trash.into(),
            ..ModifyMessagesRequest::default()
        };
        let messages = modify(&args.messages.ids, to_trash, &connection).await?;
        return say(&messages, "Moved", "to the Trash", context);
    }
    let message_ids = message_ids::find(&args.messages.ids, &connection).await?;
    let what = count(message_ids.len(), "message");
    if !args.yes {
        confirm(&format!("Delete {what} for good?"))?;
    }
    let request = DeleteMessagesRequest {
        message_ids: message_ids.clone(),
    };
    connection.mail().delete_messages(request).await?;
    let json = json!({"message_ids": message_ids});
    context
        .printer
        .print(&json, |_| format!("Deleted {what} for good.\n"))
}
