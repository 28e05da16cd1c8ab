//! `tm draft`.

mod change;
mod find;

use clap::{Args, Subcommand};
use serde_json::json;
use turbomessage_proto::mail_v1::{DeleteMessagesRequest, FolderRole, Message};

use self::change::Changed;
use super::{
    confirm,
    delivery::{self, new_request_id},
    list, read,
    reply::LetterArgs,
    send,
};
use crate::{
    compose::{
        content::ContentArgs,
        letter::{Edited, Letter},
        when::WhenArgs,
    },
    connection::Connection,
    context::Context,
    failure::Failure,
    output::{json, mail, one_line, people::count},
    short_id::{ShortId, shorten},
};

/// Options of `tm draft`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm draft new ben -s 'Lunch?'      write it in $EDITOR
  tm draft list
  tm draft edit 3fa2c1d0
  tm draft send 3fa2c1d0 --in 1h")]
pub(crate) struct DraftArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the drafts, newest first.
    #[command(before_help = "Examples:\n  tm draft list\n  tm draft list --all -o json")]
    List(list::FolderArgs),
    /// Keep a new draft; nothing in it is required yet.
    New(NewArgs),
    /// Edit a draft: To, Cc, Bcc and Subject, a blank line, the text.
    #[command(
        before_help = "Examples:\n  tm draft edit 3fa2c1d0\n  tm draft edit 3fa2c1d0 --letter letter.txt"
    )]
    Edit {
        #[command(flatten)]
        draft: OneArgs,
        #[command(flatten)]
        letter: LetterArgs,
    },
    /// Show a draft.
    #[command(before_help = "Examples:\n  tm draft show 3fa2c1d0")]
    Show(OneArgs),
    /// Send a draft.
    #[command(
        before_help = "Examples:\n  tm draft send 3fa2c1d0\n  tm draft send 3fa2c1d0 --at '2026-12-24 09:00'"
    )]
    Send {
        #[command(flatten)]
        draft: OneArgs,
        #[command(flatten)]
        when: WhenArgs,
        /// Send it at once, whatever the draft says.
        #[arg(long, conflicts_with_all = ["after", "at"])]
        now: bool,
    },
    /// Delete drafts for good.
    #[command(before_help = "Examples:\n  tm draft delete 3fa2c1d0 --yes")]
    Delete {
        /// The drafts: their ids, or the beginnings of what a list shows of them.
        #[arg(required = true, value_name = "ID")]
        ids: Vec<ShortId>,
        /// Do not ask first.
        #[arg(short, long)]
        yes: bool,
    },
}

/// Options of `tm draft new`.
#[derive(Debug, Args)]
#[command(
    override_usage = "tm draft new [OPTIONS] [TO]... [-s <SUBJECT> [BODY]]",
    before_help = "\
Examples:
  tm draft new ben -s 'Lunch?'                write it in $EDITOR
  tm draft new ben -s 'Lunch?' 'At one?'
  tm draft new --letter letter.txt"
)]
struct NewArgs {
    #[command(flatten)]
    content: ContentArgs,
    #[command(flatten)]
    letter: LetterArgs,
}

#[derive(Debug, Args)]
struct OneArgs {
    /// The draft: its id, or the beginning of what a list shows of it.
    id: ShortId,
}

/// Lists, makes, changes, shows, sends or deletes drafts.
pub(crate) async fn run(args: DraftArgs, context: &Context) -> Result<(), Failure> {
    match args.action {
        Action::List(filter) => list::standard(FolderRole::Drafts, &filter, context).await,
        Action::New(args) => new(&args, context).await,
        Action::Edit { draft, letter } => edit(&draft.id, &letter, context).await,
        Action::Show(draft) => show(&draft.id, context).await,
        Action::Send { draft, when, now } => send_it(&draft.id, &when, now, context).await,
        Action::Delete { ids, yes } => delete(&ids, yes, context).await,
    }
}

async fn new(args: &NewArgs, context: &Context) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    let edited = begun(args)?;
    if edited.letter.says_the_same_as(&Letter::default()) {
        return Err(Failure::other("Nothing was written, so nothing was kept."));
    }
    match create(args, edited.letter.clone(), &connection, context).await {
        Ok(draft) => said("Kept as a draft", &draft, context),
        Err(failure) => Err(failure.also(edited.keep())),
    }
}

/// What is to be kept: what was given, else what somebody writes.
fn begun(args: &NewArgs) -> Result<Edited, Failure> {
    let begin = args.content.letter("");
    if let Some(path) = &args.letter.path {
        return if begin == Letter::default() {
            Edited::ask(&begin, Some(path))
        } else {
            Err(Failure::usage(
                "--letter says to whom it goes and what it says: give nothing else of that",
            ))
        };
    }
    match args.content.text()? {
        Some(text) => Ok(Edited::as_is(args.content.letter(text.as_str()))),
        None => Edited::ask(&begin, None),
    }
}

async fn create(
    args: &NewArgs,
    letter: Letter,
    connection: &Connection,
    context: &Context,
) -> Result<Message, Failure> {
    let request = send::request(&args.content, letter, connection).await?;
    change::create(request, new_request_id(context), connection).await
}

async fn edit(id: &ShortId, letter: &LetterArgs, context: &Context) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    let draft = one(id, &connection).await?;
    let (begin, left_out) = change::letter(&draft);
    for name in left_out {
        let warning = format!("{name} cannot be written to any more and is left out");
        context.printer.warn(&warning);
    }
    if draft
        .body
        .as_ref()
        .is_some_and(|body| !body.html.is_empty())
    {
        let warning = "this draft has HTML as well, which stays as it is";
        context.printer.warn(warning);
    }
    let edited = Edited::ask(&begin, letter.path.as_deref())?;
    if edited.letter.says_the_same_as(&begin) {
        return said("Nothing was changed", &draft, context);
    }
    let changed = Changed {
        letter: edited.letter.clone(),
        deliver_time: draft.deliver_time,
    };
    let request_id = new_request_id(context);
    match change::update(&draft, changed, request_id, &connection).await {
        Ok(draft) => said("Kept", &draft, context),
        Err(failure) => Err(failure.also(edited.keep())),
    }
}

async fn show(id: &ShortId, context: &Context) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    let draft = one(id, &connection).await?;
    let json = json!({"message": json::message(&draft)});
    context
        .printer
        .print(&json, |screen| mail::message(&draft, screen))
}

async fn send_it(
    id: &ShortId,
    when: &WhenArgs,
    now: bool,
    context: &Context,
) -> Result<(), Failure> {
    let deliver_time = when.deliver_time(context.clock.now())?;
    let connection = context.connect_signed_in().await?;
    let id = find::one(id, &connection).await?;
    if now || deliver_time.is_some() {
        let draft = read::whole(&id, &connection).await?;
        let (letter, _) = change::letter(&draft);
        let changed = Changed {
            letter,
            deliver_time,
        };
        change::update(&draft, changed, new_request_id(context), &connection).await?;
    }
    let message = change::send(id, new_request_id(context), &connection).await?;
    delivery::said(&message, context)
}

async fn delete(ids: &[ShortId], yes: bool, context: &Context) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    let message_ids = find::all(ids, &connection).await?;
    let what = count(message_ids.len(), "draft");
    if !yes {
        confirm(&format!("Delete {what} for good?"))?;
    }
    let json = json!({"message_ids": message_ids});
    let request = DeleteMessagesRequest { message_ids };
    connection.mail().delete_messages(request).await?;
    context
        .printer
        .print(&json, |_| format!("Deleted {what} for good.\n"))
}

async fn one(id: &ShortId, connection: &Connection) -> Result<Message, Failure> {
    let id = find::one(id, connection).await?;
    read::whole(&id, connection).await
}

fn said(done: &str, draft: &Message, context: &Context) -> Result<(), Failure> {
    let json = json!({"message": json::message(draft)});
    context.printer.print(&json, |_| {
        let id = one_line(&shorten(&[&draft.message_id]).concat());
        format!("{done}: {id}.\n`tm draft edit {id}` changes it, `tm draft send {id}` sends it.\n")
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        new: NewArgs,
    }

    #[test]
    fn a_draft_is_what_was_given_or_the_letter_but_not_a_bit_of_each() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("letter");
        std::fs::write(&path, "To: ben\nSubject: Hi\n\nText").unwrap();
        let letter = ["--letter", path.to_str().unwrap()];
        let begun = |words: &[&str]| {
            let words = ["new"].iter().chain(words);
            begun(&Line::parse_from(words).new)
        };
        let given = begun(&["ben", "-s", "Hi", "Text"]).unwrap();
        assert_eq!(given.letter, begun(&letter).unwrap().letter);
        let both = [&["ben"][..], &letter].concat();
        assert_eq!(begun(&both).unwrap_err().exit_code(), 2);
    }
}
