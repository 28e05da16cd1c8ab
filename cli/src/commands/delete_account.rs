//! `tm delete-account`.

use clap::Args;
use serde_json::json;
use turbomessage_proto::auth_v1::{DeleteAccountRequest, GetAccountRequest};

use super::confirm;
use crate::{context::Context, failure::Failure, output::one_line, passwords::PasswordArgs};

/// Options of `tm delete-account`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm delete-account
  tm delete-account --yes --password-file ~/ana.password")]
pub(crate) struct DeleteAccountArgs {
    /// Do not ask before erasing everything.
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    password: PasswordArgs,
}

/// Erases the account and forgets the token.
pub(crate) async fn run(args: DeleteAccountArgs, context: &Context) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    let answer = connection.auth().get_account(GetAccountRequest {}).await?;
    let account = answer.into_inner().account.unwrap_or_default();
    let username = one_line(&account.username);
    if !args.yes {
        confirm(&format!(
            "Erase the account {username} and its mailbox for good?"
        ))?;
    }
    let password = args.password.current()?;
    let request = DeleteAccountRequest {
        password: password.expose().to_owned(),
    };
    connection.auth().delete_account(request).await?;
    context.token_file()?.remove()?;
    context.printer.print(&json!({}), |_| {
        format!("The account {username} is gone, and its mailbox with it.\n")
    })
}
