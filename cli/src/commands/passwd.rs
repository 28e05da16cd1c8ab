//! `tm passwd`.

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::json;
use turbomessage_proto::auth_v1::ChangePasswordRequest;
use turbomessage_service_kit::settings::Secret;

use crate::{context::Context, failure::Failure, passwords};

/// Options of `tm passwd`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm passwd
  tm passwd --password-stdin < two-lines.txt
  tm passwd --password-file old.password --new-password-file new.password")]
pub(crate) struct PasswdArgs {
    /// Read both passwords from standard input: the current one, then the new one, a line each.
    #[arg(long, conflicts_with_all = ["password_file", "new_password_file"])]
    password_stdin: bool,
    /// Read the current password from a file: its first line.
    #[arg(long, value_name = "PATH")]
    password_file: Option<PathBuf>,
    /// Read the new password from a file: its first line.
    #[arg(long, value_name = "PATH")]
    new_password_file: Option<PathBuf>,
}

const OPTIONS: &str = "--password-stdin, or --password-file and --new-password-file";

impl PasswdArgs {
    fn passwords(&self) -> Result<(Secret, Secret), Failure> {
        if self.password_stdin {
            let mut input = io::stdin().lock();
            return Ok((
                passwords::next_line(&mut input)?,
                passwords::next_line(&mut input)?,
            ));
        }
        let from_file = |path: &Option<PathBuf>| path.as_deref().map(from);
        let current = from_file(&self.password_file)
            .unwrap_or_else(|| passwords::prompt("Current password: ", OPTIONS))?;
        let new = from_file(&self.new_password_file)
            .unwrap_or_else(|| passwords::prompt_twice(OPTIONS))?;
        Ok((current, new))
    }
}

fn from(path: &Path) -> Result<Secret, Failure> {
    passwords::first_line_of(path)
}

/// Changes the password.
pub(crate) async fn run(args: &PasswdArgs, context: &Context) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    let (current, new) = args.passwords()?;
    let request = ChangePasswordRequest {
        current_password: current.expose().to_owned(),
        new_password: new.expose().to_owned(),
    };
    connection.auth().change_password(request).await?;
    context.printer.print(&json!({}), |_| {
        "The password is changed, and every other session has ended.\n".into()
    })
}
