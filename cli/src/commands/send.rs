//! `tm send`.

use clap::Args;
use turbomessage_proto::mail_v1::SendMessageRequest;

use super::{
    delivery::{self, DeliveryArgs},
    message_ids,
};
use crate::{
    compose::{content::ContentArgs, letter::Letter, text::Text},
    connection::Connection,
    context::Context,
    failure::Failure,
};

/// Options of `tm send`.
#[derive(Debug, Args)]
#[command(
    override_usage = "tm send [OPTIONS] <TO>... -s <SUBJECT> [BODY]",
    before_help = "\
Examples:
  tm send ben -s 'Lunch?' 'At one, at the corner?'
  tm send ben carla --cc dani -s Notes --file notes.txt
  git log -1 | tm send ben -s 'Last commit'
  tm send ben -s 'A longer one'                       write it in $EDITOR
  tm send ben -s 'Tomorrow' 'Tell them' --at '2026-12-24 09:00'
  tm send ben -s 'Sure?' 'Yes' --in 10m --label work  `tm undo` takes it back"
)]
pub(crate) struct SendArgs {
    #[command(flatten)]
    content: ContentArgs,
    #[command(flatten)]
    delivery: DeliveryArgs,
}

/// Sends a message, once.
pub(crate) async fn run(args: SendArgs, context: &Context) -> Result<(), Failure> {
    let SendArgs { content, delivery } = args;
    if content.to.is_empty() && content.cc.is_empty() && content.bcc.is_empty() {
        return Err(Failure::usage("nobody to send to")
            .hint("usernames come before the subject: `tm send ben -s Hello 'How are you?'`"));
    }
    // Nobody is to write a message first and learn then that its time has passed.
    delivery.when.deliver_time(context.clock.now())?;
    let connection = context.connect_signed_in().await?;
    let text = content.text()?.map_or_else(Text::from_editor, Ok)?;
    let letter = content.letter(text.as_str());
    let request = request(&content, letter, &connection).await;
    let sent = match request {
        Ok(request) => delivery::deliver(request, &delivery, &connection, context).await,
        Err(failure) => Err(failure),
    };
    match sent {
        Ok(message) => delivery::said(&message, context),
        Err(failure) => Err(failure.also(text.keep())),
    }
}

/// What to send: what `letter` says, and the rest of `content`.
pub(super) async fn request(
    content: &ContentArgs,
    letter: Letter,
    connection: &Connection,
) -> Result<SendMessageRequest, Failure> {
    let in_reply_to = match &content.reply_to {
        Some(id) => message_ids::find_one(id, connection).await?,
        None => String::new(),
    };
    content.request(letter, in_reply_to)
}
