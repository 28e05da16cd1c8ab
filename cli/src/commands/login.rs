//! `tm login`.

use clap::Args;
use serde_json::json;
use turbomessage_proto::auth_v1::LoginRequest;
use turbomessage_service_kit::settings::Secret;

use crate::{
    context::Context,
    failure::Failure,
    output::{json, people},
    passwords::PasswordArgs,
    token_file::TokenFile,
};

/// The most characters a device name may have.
const MAX_DEVICE_NAME: usize = 64;

/// Options of `tm login`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm login ana
  tm login ana --password-stdin < ~/ana.password")]
pub(crate) struct LoginArgs {
    /// The account's username.
    username: String,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    password: PasswordArgs,
}

/// What this device is called in the list of sessions.
#[derive(Debug, Args)]
pub(crate) struct DeviceArgs {
    /// What to call this device in the list of sessions [default: the host's name].
    #[arg(long, value_name = "NAME")]
    device_name: Option<String>,
}

impl DeviceArgs {
    /// The name that was given, or the host's as far as it can be one.
    pub(crate) fn name(self) -> String {
        self.device_name.unwrap_or_else(|| {
            let host = rustix::system::uname();
            let host = host.nodename().to_string_lossy();
            let fitting = host.chars().filter(|c| !c.is_control());
            fitting.take(MAX_DEVICE_NAME).collect()
        })
    }
}

/// Opens a session and keeps its token.
pub(crate) async fn run(args: LoginArgs, context: &Context) -> Result<(), Failure> {
    let token_file = context.token_file()?;
    let password = args.password.current()?;
    let request = LoginRequest {
        username: args.username,
        password: password.expose().to_owned(),
        device_name: args.device.name(),
    };
    let answer = context.connect().await?.auth().login(request).await?;
    let answer = answer.into_inner();
    keep(&token_file, &Secret::new(answer.session_token))?;

    let (account, session) = (
        answer.account.unwrap_or_default(),
        answer.session.unwrap_or_default(),
    );
    let json = json!({"account": json::account(&account), "session": json::session(&session)});
    context.printer.print(&json, |_| {
        format!("Signed in as {}.\n", people::account_name(&account))
    })
}

/// Keeps the token of a new session. A server that asks for more than a password gives none.
pub(crate) fn keep(file: &TokenFile, token: &Secret) -> Result<(), Failure> {
    if token.expose().is_empty() {
        return Err(Failure::other(
            "This server asks for a further step that this version of tm does not know.",
        ));
    }
    file.write(token)
}
