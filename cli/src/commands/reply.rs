//! `tm reply` and `tm forward`.

use std::path::{Path, PathBuf};

use clap::Args;
use turbomessage_proto::{
    auth_v1::GetAccountRequest,
    mail_v1::{Message, SendMessageRequest},
};

use super::{
    delivery::{self, DeliveryArgs},
    message_ids, read,
};
use crate::{
    compose::{
        answer,
        letter::{Edited, Letter},
        quote, text,
    },
    connection::Connection,
    context::Context,
    failure::Failure,
    short_id::ShortId,
};

/// Options of `tm reply`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm reply 3fa2c1d0                    write it in $EDITOR, above what it answers
  tm reply 3fa2c1d0 'Yes, at one!'
  tm reply 3fa2c1d0 --all --in 10m < answer.txt")]
pub(crate) struct ReplyArgs {
    /// The message to answer: its id, or the beginning of what a list shows of it.
    id: ShortId,
    /// The text, above what it answers: `-` reads it from standard input. Without it, it comes
    /// from standard input or from your editor.
    #[arg(conflicts_with = "letter")]
    body: Option<String>,
    /// Answer everybody in the message, not its sender alone.
    #[arg(short, long)]
    all: bool,
    /// Do not quote what it answers.
    #[arg(long)]
    no_quote: bool,
    #[command(flatten)]
    letter: LetterArgs,
    #[command(flatten)]
    delivery: DeliveryArgs,
}

/// Options of `tm forward`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm forward 3fa2c1d0 ben carla
  tm forward 3fa2c1d0 ben -- 'See below: is that right?'
  tm forward 3fa2c1d0 ben --edit       write above it in $EDITOR")]
pub(crate) struct ForwardArgs {
    /// The message to pass on: its id, or the beginning of what a list shows of it.
    id: ShortId,
    /// Usernames of those it goes to.
    #[arg(required = true)]
    to: Vec<String>,
    /// Words of your own, above what is passed on: `-` reads them from standard input.
    #[arg(last = true, conflicts_with_all = ["letter", "edit"])]
    body: Option<String>,
    /// Write above it in your editor.
    #[arg(short, long)]
    edit: bool,
    #[command(flatten)]
    letter: LetterArgs,
    #[command(flatten)]
    delivery: DeliveryArgs,
}

/// A letter that was written before.
#[derive(Debug, Args)]
pub(crate) struct LetterArgs {
    /// Take headers (To, Cc, Bcc, Subject), a blank line and the text from a file instead of the
    /// editor.
    #[arg(long = "letter", id = "letter", value_name = "PATH")]
    pub(super) path: Option<PathBuf>,
}

/// Answers a message.
pub(crate) async fn reply(args: ReplyArgs, context: &Context) -> Result<(), Failure> {
    args.delivery.when.deliver_time(context.clock.now())?;
    let connection = context.connect_signed_in().await?;
    let original = original(&args.id, &connection).await?;
    let account = connection.auth().get_account(GetAccountRequest {}).await?;
    let account = account.into_inner().account.unwrap_or_default();
    let recipients = answer::recipients(&original, args.all, &account.account_id)?;
    for name in &recipients.left_out {
        let warning = format!("{name} cannot be written to and is left out");
        context.printer.warn(&warning);
    }
    let begin = Letter {
        to: recipients.to,
        cc: recipients.cc,
        subject: answer::reply_subject(&original.subject),
        ..Letter::default()
    };
    let words = words(args.body.as_deref(), args.letter.path.as_deref())?;
    let quote = if args.no_quote {
        String::new()
    } else {
        quote::quoted(&original)
    };
    let edited = written(begin, words.as_deref(), &quote, args.letter.path.as_deref())?;
    let request = SendMessageRequest {
        in_reply_to: original.message_id,
        ..edited.letter.clone().into()
    };
    finish(request, edited, &args.delivery, &connection, context).await
}

/// Passes a message on.
pub(crate) async fn forward(args: ForwardArgs, context: &Context) -> Result<(), Failure> {
    check_usernames(&args.to)?;
    args.delivery.when.deliver_time(context.clock.now())?;
    let connection = context.connect_signed_in().await?;
    let original = original(&args.id, &connection).await?;
    let begin = Letter {
        to: args.to,
        subject: answer::forward_subject(&original.subject),
        ..Letter::default()
    };
    let path = args.letter.path.as_deref();
    let words = match args.body.as_deref() {
        Some(body) => words(Some(body), path)?,
        None => (!args.edit && path.is_none()).then(String::new),
    };
    let edited = written(begin, words.as_deref(), &quote::forwarded(&original), path)?;
    let request = SendMessageRequest {
        forward_of: original.message_id,
        ..edited.letter.clone().into()
    };
    finish(request, edited, &args.delivery, &connection, context).await
}

async fn original(id: &ShortId, connection: &Connection) -> Result<Message, Failure> {
    let id = message_ids::find_one(id, connection).await?;
    read::whole(&id, connection).await
}

/// A text among the usernames would be tried as a username, and go to whoever has it.
fn check_usernames(to: &[String]) -> Result<(), Failure> {
    match to.iter().find(|name| name.contains(char::is_whitespace)) {
        Some(name) => Err(Failure::usage(format!("`{name}` is no username"))
            .hint("words of your own come after `--`")),
        None => Ok(()),
    }
}

/// The words that were given; `None` if they are yet to be written, or are in a letter.
fn words(body: Option<&str>, letter: Option<&Path>) -> Result<Option<String>, Failure> {
    if letter.is_some() {
        return Ok(None);
    }
    match text::given(body, None, false)? {
        Some(text) if text.as_str().trim().is_empty() => {
            Err(Failure::usage("there is no text to send"))
        }
        text => Ok(text.map(|text| text.as_str().to_owned())),
    }
}

/// `begin` with `words` above `below`: as it is, or where there are no words yet, after somebody
/// wrote them.
fn written(
    begin: Letter,
    words: Option<&str>,
    below: &str,
    path: Option<&Path>,
) -> Result<Edited, Failure> {
    if let Some(words) = words {
        let text = quote::above(words, below);
        return Ok(Edited::as_is(Letter { text, ..begin }));
    }
    let begin = Letter {
        text: format!("\n\n{below}"),
        ..begin
    };
    let edited = Edited::ask(&begin, path)?;
    if edited.letter.says_the_same_as(&begin) || edited.letter.text.trim().is_empty() {
        return Err(Failure::other("Nothing was written, so nothing was sent."));
    }
    Ok(edited)
}

async fn finish(
    request: SendMessageRequest,
    edited: Edited,
    args: &DeliveryArgs,
    connection: &Connection,
    context: &Context,
) -> Result<(), Failure> {
    match delivery::deliver(request, args, connection, context).await {
        Ok(message) => delivery::said(&message, context),
        Err(failure) => Err(failure.also(edited.keep())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin() -> Letter {
        Letter {
            to: vec!["ana".into()],
            subject: "Re: Lunch?".into(),
            ..Letter::default()
        }
    }

    #[test]
    fn words_that_were_given_go_above_what_they_answer() {
        let edited = written(begin(), Some("Yes!"), "> At one?\n", None).unwrap();
        let expected = Letter {
            text: "Yes!\n\n> At one?\n".into(),
            ..begin()
        };
        assert_eq!(edited.letter, expected);
    }

    #[test]
    fn an_answer_in_which_nothing_was_written_is_not_sent() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("letter");
        for (text, sent) in [
            ("\n\n> At one?\n", false),
            ("\n\n> At one?", false),
            (" \n", false),
            ("Yes!\n\n> At one?\n", true),
        ] {
            let letter = Letter {
                text: text.into(),
                ..begin()
            };
            std::fs::write(&path, letter.to_string()).unwrap();
            let result = written(begin(), None, "> At one?\n", Some(&path));
            assert_eq!(result.is_ok(), sent, "{text:?}");
        }
        assert!(words(Some(" "), None).is_err());
    }

    #[test]
    fn text_among_usernames_is_told_where_to_go() {
        let failure = check_usernames(&["ben".into(), "For you".into()]).unwrap_err();
        assert_eq!(failure.exit_code(), 2);
        assert!(check_usernames(&["ben".into()]).is_ok());
    }
}
