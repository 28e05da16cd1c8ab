//! `tm mark`, `tm star`, `tm unstar` and `tm move`.

use clap::{Args, ValueEnum};
use serde_json::json;
use turbomessage_proto::mail_v1::{Message, ModifyMessagesRequest};

use super::{folders, message_ids};
use crate::{
    connection::Connection,
    context::Context,
    failure::Failure,
    output::{json, one_line, people::count},
    short_id::ShortId,
};

/// Which messages.
#[derive(Debug, Args)]
pub(crate) struct IdArgs {
    /// The messages: their ids, or the beginnings of what a list shows of them.
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<ShortId>,
}

/// Options of `tm mark`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm mark read 3fa2c1d0 81c0aa17
  tm mark unread 3fa2c1d0")]
pub(crate) struct MarkArgs {
    /// What to mark them as.
    #[arg(value_enum)]
    state: ReadState,
    #[command(flatten)]
    messages: IdArgs,
}

/// Whether a message counts as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReadState {
    /// Read.
    Read,
    /// Not read.
    Unread,
}

/// Options of `tm star`.
#[derive(Debug, Args)]
pub(crate) struct StarArgs {
    #[command(flatten)]
    messages: IdArgs,
    /// Take the star off instead.
    #[arg(long)]
    off: bool,
}

/// Options of `tm move`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm move 3fa2c1d0 archive
  tm move 3fa2c1d0 81c0aa17 inbox")]
pub(crate) struct MoveArgs {
    #[command(flatten)]
    messages: IdArgs,
    /// Where to: inbox, sent, archive, spam, trash, or a folder's name or id.
    #[arg(required = true)]
    folder: String,
}

/// Marks messages as read or unread.
pub(crate) async fn mark(args: &MarkArgs, context: &Context) -> Result<(), Failure> {
    let read = args.state == ReadState::Read;
    let change = ModifyMessagesRequest {
        set_read: Some(read),
        ..ModifyMessagesRequest::default()
    };
    let done = if read { "as read" } else { "as unread" };
    let connection = context.connect_signed_in().await?;
    let messages = modify(&args.messages.ids, change, &connection).await?;
    say(&messages, "Marked", done, context)
}

/// Stars messages, or takes their stars off.
pub(crate) async fn star(args: &StarArgs, context: &Context) -> Result<(), Failure> {
    set_starred(&args.messages, !args.off, context).await
}

/// Takes the stars off messages.
pub(crate) async fn unstar(args: &IdArgs, context: &Context) -> Result<(), Failure> {
    set_starred(args, false, context).await
}

async fn set_starred(args: &IdArgs, starred: bool, context: &Context) -> Result<(), Failure> {
    let change = ModifyMessagesRequest {
        set_starred: Some(starred),
        ..ModifyMessagesRequest::default()
    };
    let done = if starred {
        "Starred"
    } else {
        "Took the star off"
    };
    let connection = context.connect_signed_in().await?;
    let messages = modify(&args.ids, change, &connection).await?;
    say(&messages, done, "", context)
}

/// Moves messages to a folder.
pub(crate) async fn move_to(args: &MoveArgs, context: &Context) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    let folder = folders::find(&args.folder, &connection).await?;
    let (move_to_folder_id, move_to_folder_role) = folder.fields();
    let change = ModifyMessagesRequest {
        move_to_folder_id,
        move_to_folder_role,
        ..ModifyMessagesRequest::default()
    };
    let messages = modify(&args.messages.ids, change, &connection).await?;
    let place = format!("to {}", one_line(&args.folder));
    say(&messages, "Moved", &place, context)
}

/// Makes `change` on the messages that `ids` mean: on all of them or on none.
pub(crate) async fn modify(
    ids: &[ShortId],
    mut change: ModifyMessagesRequest,
    connection: &Connection,
) -> Result<Vec<Message>, Failure> {
    change.message_ids = message_ids::find(ids, connection).await?;
    let answer = connection.mail().modify_messages(change).await?;
    Ok(answer.into_inner().messages)
}

/// Says what was done to how many messages.
pub(crate) fn say(
    messages: &[Message],
    done: &str,
    how: &str,
    context: &Context,
) -> Result<(), Failure> {
    let json = json!({"messages": json::messages(messages)});
    context.printer.print(&json, |_| {
        let line = format!("{done} {} {how}", count(messages.len(), "message"));
        format!("{}.\n", line.trim_end())
    })
}
