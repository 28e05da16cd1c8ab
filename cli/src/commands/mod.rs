//! One file a command: its options, what it asks the server, what it says.

pub(crate) mod completions;
pub(crate) mod delete;
pub(crate) mod delete_account;
mod delivery;
mod doctor;
pub(crate) mod draft;
pub(crate) mod folder;
mod folders;
pub(crate) mod label;
pub(crate) mod list;
pub(crate) mod login;
mod logout;
mod mailbox;
pub(crate) mod mark;
mod message_ids;
mod pages;
pub(crate) mod passwd;
pub(crate) mod read;
pub(crate) mod register;
pub(crate) mod reply;
mod retry;
pub(crate) mod search;
pub(crate) mod send;
pub(crate) mod sessions;
pub(crate) mod thread;
pub(crate) mod undo;
pub(crate) mod watch;
mod whoami;

use std::io::{self, BufRead, IsTerminal, Write};

use turbomessage_proto::mail_v1::FolderRole;

use crate::{args::ClientCommand, context::Context, failure::Failure};

/// Does what `command` says.
pub(crate) async fn run(command: ClientCommand, context: &Context) -> Result<(), Failure> {
    match command {
        ClientCommand::Register(args) => register::run(args, context).await,
        ClientCommand::Login(args) => login::run(args, context).await,
        ClientCommand::Logout => logout::run(context).await,
        ClientCommand::Whoami => whoami::run(context).await,
        ClientCommand::Sessions(args) => sessions::run(args, context).await,
        ClientCommand::Passwd(args) => passwd::run(&args, context).await,
        ClientCommand::DeleteAccount(args) => delete_account::run(args, context).await,
        ClientCommand::Send(args) => send::run(args, context).await,
        ClientCommand::Reply(args) => reply::reply(args, context).await,
        ClientCommand::Forward(args) => reply::forward(args, context).await,
        ClientCommand::Undo(args) => undo::run(&args, context).await,
        ClientCommand::Draft(args) => draft::run(args, context).await,
        ClientCommand::Inbox(args) => list::standard(FolderRole::Inbox, &args, context).await,
        ClientCommand::Sent(args) => list::standard(FolderRole::Sent, &args, context).await,
        ClientCommand::List(args) => list::run(&args, context).await,
        ClientCommand::Thread(args) => thread::run(&args, context).await,
        ClientCommand::Search(args) => search::run(&args, context).await,
        ClientCommand::Watch(args) => watch::run(args, context).await,
        ClientCommand::Read(args) => read::run(&args, context).await,
        ClientCommand::Mark(args) => mark::mark(&args, context).await,
        ClientCommand::Star(args) => mark::star(&args, context).await,
        ClientCommand::Unstar(args) => mark::unstar(&args, context).await,
        ClientCommand::Move(args) => mark::move_to(&args, context).await,
        ClientCommand::Delete(args) => delete::run(&args, context).await,
        ClientCommand::Label(args) => label::run(&args, context).await,
        ClientCommand::Labels => label::list(context).await,
        ClientCommand::Folder(args) => folder::run(args, context).await,
        ClientCommand::Folders => folders::run(context).await,
        ClientCommand::Mailbox => mailbox::run(context).await,
        ClientCommand::Doctor => Box::pin(doctor::run(context)).await,
        ClientCommand::Completions(args) => completions::run(&args),
    }
}

/// Asks on the terminal whether to do something that cannot be taken back. Where there is nobody
/// to ask, `--yes` has to have said so.
fn confirm(question: &str) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "{question} There is no terminal to ask on: give --yes"
        )));
    }
    let mut terminal = io::stderr().lock();
    write!(terminal, "{question} [y/N] ")?;
    terminal.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(Failure::other("Nothing was done."))
    }
}
