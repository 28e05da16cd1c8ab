//! Where passwords come from: a prompt, standard input or a file, never an argument, which every
//! process of the machine could see.

use std::{
    fs,
    io::{self, BufRead, IsTerminal},
    path::{Path, PathBuf},
};

use clap::Args;
use turbomessage_service_kit::settings::Secret;

use crate::failure::Failure;

/// How a command gets one password.
#[derive(Debug, Args)]
pub(crate) struct PasswordArgs {
    /// Read the password from standard input: its first line.
    #[arg(long, conflicts_with = "password_file")]
    pub(crate) password_stdin: bool,
    /// Read the password from a file: its first line.
    #[arg(long, value_name = "PATH")]
    pub(crate) password_file: Option<PathBuf>,
}

impl PasswordArgs {
    /// The password of an account that there is.
    pub(crate) fn current(&self) -> Result<Secret, Failure> {
        self.given()
            .unwrap_or_else(|| prompt("Password: ", OPTIONS))
    }

    /// A password for an account to be: asked for twice, since nobody sees what they type.
    pub(crate) fn new_one(&self) -> Result<Secret, Failure> {
        self.given().unwrap_or_else(|| prompt_twice(OPTIONS))
    }

    fn given(&self) -> Option<Result<Secret, Failure>> {
        match &self.password_file {
            Some(path) => Some(first_line_of(path)),
            None if self.password_stdin => Some(next_line(&mut io::stdin().lock())),
            None => None,
        }
    }
}

const OPTIONS: &str = "--password-stdin or --password-file";

/// The first line of the file at `path`.
pub(crate) fn first_line_of(path: &Path) -> Result<Secret, Failure> {
    let cannot_read =
        |error: io::Error| Failure::usage(format!("cannot read {}: {error}", path.display()));
    let file = fs::File::open(path).map_err(cannot_read)?;
    next_line(&mut io::BufReader::new(file))
}

/// The next line of `input`, without its end.
pub(crate) fn next_line(input: &mut impl BufRead) -> Result<Secret, Failure> {
    let mut line = String::new();
    input
        .read_line(&mut line)
        .map_err(|error| Failure::usage(format!("cannot read the password: {error}")))?;
    let password = Secret::new(line.trim_end_matches(['\r', '\n']));
    if password.expose().is_empty() {
        return Err(Failure::usage("the password is empty"));
    }
    Ok(password)
}

/// Asks for a password on the terminal; `options` are what to give where there is none.
pub(crate) fn prompt(question: &str, options: &str) -> Result<Secret, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "there is no terminal to ask for the password on: give {options}"
        )));
    }
    rpassword::prompt_password(question)
        .map(Secret::new)
        .map_err(|error| Failure::usage(format!("cannot ask for the password: {error}")))
}

/// Asks for a new password, twice.
pub(crate) fn prompt_twice(options: &str) -> Result<Secret, Failure> {
    let password = prompt("New password: ", options)?;
    let again = prompt("The same again: ", options)?;
    if password.expose() == again.expose() {
        Ok(password)
    } else {
        Err(Failure::usage("the two passwords differ: try again"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_a_line_without_its_end() {
        let read = |mut text: &[u8]| next_line(&mut text).map(|p| p.expose().to_owned());
        assert_eq!(read(b" a b \r\nmore\n").unwrap(), " a b ");
        assert_eq!(read(b"no end").unwrap(), "no end");
        assert!(read(b"").is_err());
        assert!(read(b"\nsecond\n").is_err());
        assert!(read(b"\xff\xfe\n").is_err());
    }
}
