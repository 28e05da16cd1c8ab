//! `tm`, the client for people and scripts, and `tm dev`, which runs all of TurboMessage in one
//! process.
//!
//! A command in `commands` asks the server through a [`connection`], and hands what it learned to
//! the printer of [`output`]: a table for people, one JSON document for programs. What goes into a
//! message is put together in [`compose`]. Whatever goes wrong is a [`failure::Failure`], which
//! knows its exit code.

mod args;
mod commands;
mod compose;
mod connection;
mod context;
mod dev;
mod failure;
#[cfg(test)]
mod fake_server;
mod help;
mod output;
mod passwords;
mod places;
mod screen;
mod server_address;
mod short_id;
mod token_file;

use std::process::ExitCode;

use args::{Cli, Command};
use context::Context;
use failure::Failure;

/// Does what the command line asks for and answers with the exit code: 0, 1 for failures without a
/// code of their own, 2 usage, 4 not signed in, 5 not found, 6 unavailable, and 64 for settings
/// that `tm dev` cannot use.
#[must_use]
pub fn run() -> ExitCode {
    let Cli { global, command } = args::parse();
    let client = match command {
        Some(Command::Dev(dev)) => return dev::run(&dev),
        Some(Command::Client(command)) => Some(command),
        None => None,
    };
    let context = Context::new(global);
    let result = block_on(async {
        match client {
            Some(command) => commands::run(command, &context).await,
            None => screen::run(&context).await,
        }
    });
    finish(&context, result)
}

fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::other)?;
    let result = runtime.block_on(work);
    // A name that is still being looked up must not hold the exit up.
    runtime.shutdown_background();
    result
}

fn finish(context: &Context, result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let failure = failure.at(&context.global.server);
            context.printer.fail(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}
