//! `tm send`.

mod editor;
mod retry;
mod text;

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use turbomessage_proto::mail_v1::{Body, Message, SendMessageRequest};
use turbomessage_service_kit::clock;
use uuid::Uuid;

use self::text::Draft;
use super::message_ids;
use crate::{
    connection::Connection,
    context::Context,
    failure::{Failure, Kind},
    output::{json, one_line},
    short_id::ShortId,
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
  tm send ben -s 'Re: Lunch?' 'Yes!' --reply-to 3fa2c1d0"
)]
pub(crate) struct SendArgs {
    /// Usernames of those it goes to.
    to: Vec<String>,
    /// Usernames of those who get it for information.
    #[arg(long, value_name = "NAME")]
    cc: Vec<String>,
    /// Usernames of those who get it unseen by others.
    #[arg(long, value_name = "NAME")]
    bcc: Vec<String>,
    /// The subject, and after it the body: `-` reads it from standard input. Without a body it
    /// comes from --file, from standard input, or from your editor.
    #[arg(short, long, num_args = 1..=2, value_names = ["SUBJECT", "BODY"])]
    subject: Vec<String>,
    /// Send the text of a file, byte for byte.
    #[arg(short, long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Send the HTML of a file as well.
    #[arg(long, value_name = "PATH")]
    html: Option<PathBuf>,
    /// The message that this one answers.
    #[arg(long, value_name = "ID")]
    reply_to: Option<ShortId>,
    /// A UUID under which this is sent once, however often it is tried [default: a new one].
    #[arg(long, value_name = "UUID")]
    request_id: Option<Uuid>,
}

/// Sends a message, once.
pub(crate) async fn run(args: SendArgs, context: &Context) -> Result<(), Failure> {
    if args.to.is_empty() && args.cc.is_empty() && args.bcc.is_empty() {
        return Err(Failure::usage("nobody to send to")
            .hint("usernames come before the subject: `tm send ben -s Hello 'How are you?'`"));
    }
    let connection = context.connect_signed_in().await?;
    let in_reply_to = answered(args.reply_to.as_ref(), &connection).await?;
    let draft = text::find(
        args.subject.get(1).map(String::as_str),
        args.file.as_deref(),
        args.html.is_some(),
    )?;
    let html = args.html.as_deref().map(text::file).transpose()?;
    let request_id = args
        .request_id
        .unwrap_or_else(|| clock::new_id(context.clock.now()));
    let request = SendMessageRequest {
        request_id: request_id.to_string(),
        to: args.to,
        cc: args.cc,
        bcc: args.bcc,
        subject: args.subject.into_iter().next().unwrap_or_default(),
        body: Some(Body {
            text: draft.text().to_owned(),
            html: html.unwrap_or_default(),
        }),
        in_reply_to,
        ..SendMessageRequest::default()
    };
    match retry::send(&connection, &request).await {
        Ok(message) => said(&message, context),
        Err(failure) => Err(explained(failure, &request, draft)),
    }
}

async fn answered(id: Option<&ShortId>, connection: &Connection) -> Result<String, Failure> {
    let Some(id) = id else {
        return Ok(String::new());
    };
    let ids = message_ids::find(std::slice::from_ref(id), connection).await?;
    Ok(ids.into_iter().next().unwrap_or_default())
}

fn said(message: &Message, context: &Context) -> Result<(), Failure> {
    let json = json!({"message": json::message(message)});
    context.printer.print(&json, |_| {
        let all = [&message.to, &message.cc, &message.bcc]
            .into_iter()
            .flatten();
        let names: Vec<&str> = all.map(|person| person.username.as_str()).collect();
        format!("Sent to {}.\n", one_line(&names.join(", ")))
    })
}

/// Says how to go on without sending twice, and without losing what was written in the editor.
fn explained(failure: Failure, request: &SendMessageRequest, draft: Draft) -> Failure {
    let mut hints: Vec<String> = failure.hint.clone().into_iter().collect();
    if failure.kind == Kind::Unavailable {
        let id = &request.request_id;
        hints.push(format!(
            "it may have been sent all the same: repeat the command with --request-id {id}, which sends it at most once"
        ));
    }
    if let Some(path) = draft.keep() {
        hints.push(format!("your text is kept: --file {}", path.display()));
    }
    if hints.is_empty() {
        failure
    } else {
        failure.hint(hints.join("; "))
    }
}
