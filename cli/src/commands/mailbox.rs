//! `tm mailbox`.

use serde_json::json;
use turbomessage_proto::mail_v1::GetMailboxRequest;

use crate::{
    context::Context,
    failure::Failure,
    output::{json, people},
};

/// Shows how full the mailbox is.
pub(crate) async fn run(context: &Context) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    let answer = connection.mail().get_mailbox(GetMailboxRequest {}).await?;
    let mailbox = answer.into_inner().mailbox.unwrap_or_default();
    let json = json!({"mailbox": json::mailbox(&mailbox)});
    context.printer.print(&json, |_| people::mailbox(&mailbox))
}
