//! `tm whoami`.

use serde_json::json;
use turbomessage_proto::auth_v1::GetAccountRequest;

use crate::{
    context::Context,
    failure::Failure,
    output::{json, people},
};

/// Shows whose session this is.
pub(crate) async fn run(context: &Context) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    let answer = connection.auth().get_account(GetAccountRequest {}).await?;
    let account = answer.into_inner().account.unwrap_or_default();
    let server = context.global.server.to_string();
    let json = json!({"account": json::account(&account), "server": server});
    context.printer.print(&json, |_| {
        let (name, since) = (people::account_name(&account), people::since(&account));
        format!("{name}\nServer:  {server}\nSince:   {since}\n")
    })
}
