//! `tm register`.

use clap::Args;
use serde_json::json;
use turbomessage_proto::auth_v1::RegisterRequest;
use turbomessage_service_kit::settings::Secret;

use super::login::{DeviceArgs, keep};
use crate::{context::Context, failure::Failure, output::json, passwords::PasswordArgs};

/// Options of `tm register`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm register ana
  tm register ana --display-name 'Ana Díaz'
  tm register ana --password-file ~/ana.password")]
pub(crate) struct RegisterArgs {
    /// The name that others will write to: 3 to 32 of a-z, 0-9, '.', '_' and '-'.
    username: String,
    /// The name that others will see [default: the username].
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    password: PasswordArgs,
}

/// Opens an account and keeps its first session's token.
pub(crate) async fn run(args: RegisterArgs, context: &Context) -> Result<(), Failure> {
    let token_file = context.token_file()?;
    let password = args.password.new_one()?;
    let request = RegisterRequest {
        username: args.username,
        password: password.expose().to_owned(),
        display_name: args.display_name.unwrap_or_default(),
        device_name: args.device.name(),
    };
    let answer = context.connect().await?.auth().register(request).await?;
    let answer = answer.into_inner();
    keep(&token_file, &Secret::new(answer.session_token))?;

    let (account, session) = (
        answer.account.unwrap_or_default(),
        answer.session.unwrap_or_default(),
    );
    let json = json!({"account": json::account(&account), "session": json::session(&session)});
    context.printer.print(&json, |_| {
        let name = crate::output::people::account_name(&account);
        format!("Welcome, {name}: your account is open and you are signed in.\n")
    })
}
