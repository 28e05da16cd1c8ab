//! `tm undo`.

use clap::Args;
use serde_json::json;
use turbomessage_proto::mail_v1::{CancelSendRequest, FolderRole, Message};

use super::message_ids;
use crate::{
    connection::Connection,
    context::Context,
    failure::Failure,
    output::{json, one_line},
    short_id::{ShortId, shorten},
};

/// Options of `tm undo`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm undo                 take back what was sent last and has not gone yet
  tm undo 3fa2c1d0")]
pub(crate) struct UndoArgs {
    /// The message: its id, or the beginning of what a list shows of it [default: the newest of
    /// the Outbox].
    id: Option<ShortId>,
}

/// Takes back a message that waits for its time.
pub(crate) async fn run(args: &UndoArgs, context: &Context) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    let draft = cancel(args.id.as_ref(), &connection).await?;
    let json = json!({"message": json::message(&draft)});
    context.printer.print(&json, |_| {
        let id = one_line(&shorten(&[&draft.message_id]).concat());
        format!("Taken back: it is a draft again.\n`tm draft edit {id}` changes it, `tm draft send {id}` sends it.\n")
    })
}

async fn cancel(id: Option<&ShortId>, connection: &Connection) -> Result<Message, Failure> {
    let message_id = match id {
        Some(id) => message_ids::find_one(id, connection).await?,
        None => message_ids::newest(FolderRole::Outbox, "Outbox", connection).await?,
    };
    let request = CancelSendRequest { message_id };
    let answer = connection.mail().cancel_send(request).await?.into_inner();
    Ok(answer.message.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tonic::Code;
    use turbomessage_proto::mail_v1::CancelSendResponse;

    use super::*;
    use crate::fake_server::{self, Script};

    async fn cancelled(outbox: Vec<&'static str>) -> (Result<Message, Failure>, Vec<String>) {
        let script = Arc::new(Script {
            folders: vec![("outbox", vec![outbox])],
            ..Script::default()
        });
        script.cancel_send.will(Ok(CancelSendResponse::default()));
        let connection = fake_server::serve(&script).await;
        let result = cancel(None, &connection).await;
        let asked = script.cancel_send.asked();
        (result, asked.into_iter().map(|r| r.message_id).collect())
    }

    #[tokio::test]
    async fn the_newest_that_waits_is_taken_back() {
        let (result, asked) = cancelled(vec!["newer", "older"]).await;
        assert!(result.is_ok());
        assert_eq!(asked, ["newer"]);
    }

    #[tokio::test]
    async fn nothing_that_waits_is_not_found() {
        let (result, asked) = cancelled(vec![]).await;
        assert_eq!(result.unwrap_err().exit_code(), 5);
        assert!(asked.is_empty());
    }

    #[tokio::test]
    async fn what_has_gone_stays_gone() {
        let script = Arc::new(Script::default());
        let gone = fake_server::error(Code::FailedPrecondition, "ALREADY_DELIVERED", &[]);
        script.cancel_send.will(Err(gone));
        let connection = fake_server::serve(&script).await;
        let id = "0199a8f3-1c2b-7abc-8def-3fa2c1d00001".parse().unwrap();
        let failure = cancel(Some(&id), &connection).await.unwrap_err();
        assert_eq!(
            (failure.exit_code(), failure.reason.as_str()),
            (1, "ALREADY_DELIVERED")
        );
    }
}
