//! The mailbox on the whole screen: what `tm` alone shows on a terminal.
//!
//! [`State`](state::State) is all that it knows. Whatever happens, a key, an answer of the server, a
//! change in the mailbox, is an [`Event`](event::Event); [`update`](update::update) changes the state
//! and names the [`Effect`](event::Effect)s that follow, [`view`](view::view) draws it. These are
//! pure, so that tests need neither a terminal nor a server. The [`shell`] around them has the
//! terminal, the connection and the editor, and does what effects say.

mod change;
mod event;
#[cfg(test)]
mod fixtures;
mod key;
mod layout;
mod line;
mod list;
mod picker;
mod reader;
mod server;
mod shell;
mod state;
mod terminal;
#[cfg(test)]
mod tests;
mod update;
mod view;
mod wrap;
mod writing;

use std::{
    env,
    io::{self, IsTerminal},
};

use crate::{context::Context, failure::Failure};

/// Whether there is a terminal to show it on, and a keyboard.
pub(crate) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Shows the mailbox until the user leaves it.
pub(crate) async fn run(context: &Context) -> Result<(), Failure> {
    if env::var_os("TERM").is_some_and(|term| term == "dumb") {
        return Err(Failure::usage(
            "this terminal (TERM=dumb) cannot show the mailbox on the whole screen",
        )
        .hint("`tm inbox` lists it line by line, `tm --help` shows every command"));
    }
    let connection = context.connect_signed_in().await?;
    shell::run(context, connection).await
}
