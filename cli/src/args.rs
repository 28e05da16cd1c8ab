//! The command line: global options and the list of commands, each of which keeps its own options
//! beside what it does.

use std::{path::PathBuf, process::exit};

use clap::{Arg, ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use turbomessage_service_kit::settings::EXIT_USAGE;

use crate::{
    commands::{
        completions::CompletionsArgs, delete::DeleteArgs, delete_account::DeleteAccountArgs,
        draft::DraftArgs, folder, label::LabelArgs, list::FolderArgs, list::ListArgs,
        login::LoginArgs, mark::MarkArgs, mark::MoveArgs, mark::StarArgs, passwd::PasswdArgs,
        read::ReadArgs, register::RegisterArgs, reply::ForwardArgs, reply::ReplyArgs,
        search::SearchArgs, send::SendArgs, sessions::SessionsArgs, thread::ThreadArgs,
        undo::UndoArgs, watch::WatchArgs,
    },
    dev::DevArgs,
    help,
    output::{Colour, Format},
    screen,
    server_address::ServerAddress,
};

/// Examples come first: they are what most people look for.
const HELP: &str = "\
{about-with-newline}
{before-help}{usage-heading} {usage}

{all-args}{after-help}";

/// Mail between the users of a TurboMessage server.
#[derive(Debug, Parser)]
#[command(
    name = "tm",
    version,
    before_help = "\
Examples:
  tm dev                               run a server on this machine
  tm register ana                      open an account and sign in
  tm send ben -s 'Lunch?' 'At one?'    send a message
  tm inbox                             see what has come
  tm                                   the mailbox on the whole screen
  tm read                              read the newest message
  tm read 3fa2c1d0                     read the one with this id",
    after_help = "\
Exit codes: 0 done, 1 failed, 2 wrong usage, 4 not signed in, 5 not found, 6 server unavailable."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do; without it, the mailbox is shown on the whole screen.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The server, as a URL or as host:port.
    #[arg(
        long,
        global = true,
        env = "TM_SERVER",
        value_name = "URL",
        default_value = "http://127.0.0.1:50051"
    )]
    pub(crate) server: ServerAddress,
    /// Certificates to trust for https:// instead of the system's (PEM).
    #[arg(long, global = true, env = "TM_CA_FILE", value_name = "PATH")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Where the session's token is kept [default: one file a server, in the XDG state directory].
    #[arg(long, global = true, env = "TM_TOKEN_FILE", value_name = "PATH")]
    pub(crate) token_file: Option<PathBuf>,
    /// What comes out: text for people, or one JSON document for programs.
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub(crate) output: Format,
    /// When to use colour.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN"
    )]
    pub(crate) color: Colour,
}

/// Every command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run all of TurboMessage here, on files in one directory.
    Dev(DevArgs),
    #[command(flatten)]
    Client(ClientCommand),
}

/// The commands of the client.
#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// Open an account and sign in.
    Register(RegisterArgs),
    /// Sign in.
    Login(LoginArgs),
    /// Sign out: end this session.
    #[command(before_help = "Examples:\n  tm logout")]
    Logout,
    /// Show who is signed in.
    #[command(before_help = "Examples:\n  tm whoami\n  tm whoami -o json")]
    Whoami,
    /// List and end sessions, on this and other devices.
    Sessions(SessionsArgs),
    /// Change the password, and end every other session.
    Passwd(PasswdArgs),
    /// Erase the account and its mailbox, for good.
    DeleteAccount(DeleteAccountArgs),
    /// Send a message.
    Send(SendArgs),
    /// Answer a message.
    Reply(ReplyArgs),
    /// Pass a message on to others.
    Forward(ForwardArgs),
    /// Take back what is to be sent later: it becomes a draft.
    Undo(UndoArgs),
    /// Write messages to send them another time.
    Draft(DraftArgs),
    /// List the Inbox, newest first.
    #[command(before_help = "Examples:\n  tm inbox\n  tm inbox --unread --limit 10")]
    Inbox(FolderArgs),
    /// List what was sent, newest first.
    #[command(before_help = "Examples:\n  tm sent\n  tm sent --all -o json")]
    Sent(FolderArgs),
    /// List a folder, newest first.
    List(ListArgs),
    /// List conversations, or read a whole one.
    Thread(ThreadArgs),
    /// Find messages by what they say and what they are.
    Search(SearchArgs),
    /// Tell of mail as it comes, until Ctrl-C.
    Watch(WatchArgs),
    /// Read a message, and mark it as read.
    Read(ReadArgs),
    /// Mark messages as read, or as unread.
    Mark(MarkArgs),
    /// Star messages.
    #[command(before_help = "Examples:\n  tm star 3fa2c1d0\n  tm star --off 3fa2c1d0")]
    Star(StarArgs),
    /// Take the star off messages.
    #[command(before_help = "Examples:\n  tm unstar 3fa2c1d0")]
    Unstar(crate::commands::mark::IdArgs),
    /// Move messages to a folder.
    Move(MoveArgs),
    /// Move messages to the Trash, or delete them for good.
    Delete(DeleteArgs),
    /// Put labels on messages or take them off.
    Label(LabelArgs),
    /// List the labels, with how many messages have them.
    #[command(before_help = "Examples:\n  tm labels\n  tm labels -o json")]
    Labels,
    /// Make, rename and delete folders.
    Folder(folder::FolderArgs),
    /// List the folders, with how much is in them.
    #[command(before_help = "Examples:\n  tm folders")]
    Folders,
    /// Show how full the mailbox is.
    #[command(before_help = "Examples:\n  tm mailbox")]
    Mailbox,
    /// Check the way to the server and the server itself.
    #[command(
        before_help = "Examples:\n  tm doctor\n  tm doctor --server https://mail.example -o json"
    )]
    Doctor,
    /// Print a script that completes commands and options in a shell.
    Completions(CompletionsArgs),
}

/// The whole command line, as clap knows it.
pub(crate) fn command() -> clap::Command {
    help::grouped(with_help(Cli::command()))
}

/// One help, the short one, for `-h` and `--help`: what can be said in a line needs no second form.
fn with_help(command: clap::Command) -> clap::Command {
    let help = Arg::new("help").short('h').long("help");
    command
        .help_template(HELP)
        .disable_help_flag(true)
        .arg(help.action(ArgAction::HelpShort).help("Print help"))
        .mut_subcommands(with_help)
}

/// Reads the command line, or ends the program: 0 after `--help` and `--version`, else 2, or 64 if
/// it is `tm dev` that cannot use it.
pub(crate) fn parse() -> Cli {
    let parsed = command()
        .arg_required_else_help(!screen::is_possible())
        .subcommand_required(!screen::is_possible())
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.unwrap_or_else(|error| {
        // Nobody is left to tell if the terminal is gone.
        let _ = error.print();
        let usage = error.exit_code();
        exit(if usage != 0 && is_dev() {
            EXIT_USAGE
        } else {
            usage
        })
    })
}

fn is_dev() -> bool {
    let mut words = std::env::args_os().skip(1);
    words
        .find(|word| !word.to_string_lossy().starts_with('-'))
        .is_some_and(|word| word == "dev")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn every_command_begins_its_help_with_an_example() {
        let mut command = command();
        command.build();
        check(&mut command);
    }

    fn check(command: &mut clap::Command) {
        let help = command.render_help().to_string();
        let name = command.get_bin_name().unwrap_or("tm").to_owned();
        let (before, _) = help.split_once("Usage:").unwrap();
        assert!(before.contains("Examples:"), "{name} has no example");
        assert!(before.contains(&name), "{name}: {before}");
        // `help` is clap's own.
        let commands = command.get_subcommands_mut();
        commands.filter(|s| s.get_name() != "help").for_each(check);
    }
}
