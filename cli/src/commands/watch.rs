//! `tm watch`.

use std::time::Duration;

use clap::Args;
use tokio::{signal, time::sleep};
use tonic::Status;
use turbomessage_proto::mail_v1::{
    GetMailboxRequest, WatchMailboxRequest, WatchMailboxResponse, watch_mailbox_response::Event,
};

use super::{
    folders,
    retry::{is_worth_another_try, wanted_pause},
};
use crate::{
    connection::Connection,
    context::Context,
    failure::Failure,
    output::{
        changes::{self, FolderNames},
        json,
    },
};

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Options of `tm watch`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm watch                                 a line for all that happens, until Ctrl-C
  tm watch -o json | jq -r '.change.message_created.subject // empty'
  tm watch -o json --since \"$state\"        first what happened since, then what happens

With -o json every line is an object. Its `state` goes into --since to go on after it.")]
pub(crate) struct WatchArgs {
    /// Begin after this state of the mailbox: none that follows is missing [default: now].
    #[arg(long, value_name = "STATE")]
    since: Option<String>,
}

/// Tells of all that happens to the mailbox, until somebody ends it.
pub(crate) async fn run(args: WatchArgs, context: &Context) -> Result<(), Failure> {
    let connection = context.connect_signed_in().await?;
    tokio::select! {
        ended = watch(args, &connection, context) => ended,
        // Somebody has seen enough.
        pressed = signal::ctrl_c() => pressed.map_err(Failure::other),
    }
}

async fn watch(args: WatchArgs, connection: &Connection, context: &Context) -> Result<(), Failure> {
    // Asked for before anything else: what happens from here on is in the stream.
    let state = match args.since {
        Some(state) => state,
        None => state_now(connection).await?,
    };
    let mut folders = FolderNames::of(folders::all(connection).await?);
    let tell = |event: &WatchMailboxResponse| {
        let Some(Event::Change(change)) = &event.event else {
            return context.printer.line(&json::event(event), |_| String::new());
        };
        let line = |screen: &_| changes::line(change, &folders, screen);
        context.printer.line(&json::event(event), line)?;
        folders.follow(change);
        Ok(())
    };
    let note = |text: &str| context.printer.note(text);
    follow(state, connection, FIRST_PAUSE, tell, note).await
}

async fn state_now(connection: &Connection) -> Result<String, Failure> {
    let answer = connection.mail().get_mailbox(GetMailboxRequest {}).await?;
    Ok(answer.into_inner().mailbox.unwrap_or_default().state)
}

/// Gives all that happens after `state` to `tell`, each thing once, in stream after stream. Ends
/// with a failure that another stream would not help against. `note` hears of a server that stays
/// away; that one stream ends and the next begins is nobody's concern.
async fn follow(
    mut state: String,
    connection: &Connection,
    first_pause: Duration,
    mut tell: impl FnMut(&WatchMailboxResponse) -> Result<(), Failure>,
    note: impl Fn(&str),
) -> Result<(), Failure> {
    let mut in_vain = 0;
    loop {
        let since = state.clone();
        let heard = |event: WatchMailboxResponse| {
            if std::mem::take(&mut in_vain) > 1 {
                note("the server answers again");
            }
            tell(&event)?;
            state = event.state;
            Ok(())
        };
        let status = one_stream(since, connection, heard).await?;
        if !is_worth_another_try(&status) {
            return Err(explained(status.into()));
        }
        in_vain += 1;
        if in_vain == 2 {
            note("the server does not answer: trying again until it does");
        }
        sleep(pause(first_pause, in_vain).max(wanted_pause(&status))).await;
    }
}

/// Gives all that happens after the state `since_state` to `heard` until the stream ends, and
/// answers why it did.
async fn one_stream(
    since_state: String,
    connection: &Connection,
    mut heard: impl FnMut(WatchMailboxResponse) -> Result<(), Failure>,
) -> Result<Status, Failure> {
    let request = WatchMailboxRequest { since_state };
    let mut mail = connection.mail_without_deadline();
    let mut stream = match mail.watch_mailbox(request).await {
        Ok(answer) => answer.into_inner(),
        Err(status) => return Ok(status),
    };
    loop {
        match stream.message().await {
            Ok(Some(event)) => heard(event)?,
            Ok(None) => return Ok(Status::unavailable("the stream ended")),
            Err(status) => return Ok(status),
        }
    }
}

/// How long to wait after so many tries in vain: twice as long each time, up to a limit.
fn pause(first: Duration, in_vain: u32) -> Duration {
    let doublings = in_vain.saturating_sub(1).min(16);
    LONGEST_PAUSE.min(first * 2_u32.pow(doublings))
}

fn explained(failure: Failure) -> Failure {
    if failure.reason != "HISTORY_EXPIRED" {
        return failure;
    }
    let oldest = failure.metadata.get("oldest_state");
    let oldest = oldest.map_or("not known", String::as_str);
    let hint = format!(
        "changes that old are no longer kept: read the mailbox anew, then `tm watch`; the oldest state to go on from is {oldest}"
    );
    failure.hint(hint)
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, sync::Arc};

    use tonic::Code;
    use turbomessage_proto::mail_v1::Change;

    use super::*;
    use crate::fake_server::{self, Script};

    /// A stream of changes after which the mailbox is in these states, and how it ends.
    fn stream(states: &[&str], end: Option<Status>) -> Vec<fake_server::Event> {
        let event = |state: &&str| WatchMailboxResponse {
            state: (*state).into(),
            event: Some(Event::Change(Change::default())),
        };
        let events = states.iter().map(event).map(Ok);
        events.chain(end.map(Err)).collect()
    }

    fn away() -> Status {
        fake_server::error(Code::Unavailable, "SHUTTING_DOWN", &[])
    }

    fn over() -> Status {
        fake_server::error(Code::Unauthenticated, "SESSION_INVALID", &[])
    }

    struct Followed {
        told: Vec<String>,
        notes: usize,
        asked: Vec<String>,
        end: Failure,
    }

    /// Follows the streams of `script` from the state `s0`.
    async fn followed(script: Script) -> Followed {
        let script = Arc::new(script);
        let connection = fake_server::serve(&script).await;
        let told = RefCell::new(Vec::new());
        let notes = RefCell::new(0);
        let tell = |event: &WatchMailboxResponse| {
            told.borrow_mut().push(event.state.clone());
            Ok(())
        };
        let note = |_: &str| *notes.borrow_mut() += 1;
        let state = "s0".to_owned();
        let end = follow(state, &connection, Duration::ZERO, tell, note).await;
        let asked = script.watch_mailbox.asked();
        Followed {
            told: told.into_inner(),
            notes: notes.into_inner(),
            asked: asked.into_iter().map(|r| r.since_state).collect(),
            end: end.unwrap_err(),
        }
    }

    #[tokio::test]
    async fn a_broken_stream_is_resumed_with_the_last_state_and_nothing_is_told_twice() {
        let script = Script::default();
        for stream in [
            Ok(stream(&["s1", "s2"], Some(away()))),
            Ok(stream(&["s3"], None)),
            Err(Status::unknown("transport error")),
            Ok(stream(&["s4"], Some(over()))),
        ] {
            script.watch_mailbox.will(stream);
        }
        let followed = followed(script).await;
        assert_eq!(followed.told, ["s1", "s2", "s3", "s4"]);
        assert_eq!(followed.asked, ["s0", "s2", "s3", "s3"]);
        assert_eq!(followed.end.exit_code(), 4);
    }

    #[tokio::test]
    async fn a_server_that_stays_away_is_worth_a_note_and_one_that_comes_back_another() {
        let script = Script::default();
        for _ in 0..5 {
            script.watch_mailbox.will(Err(away()));
        }
        script
            .watch_mailbox
            .will(Ok(stream(&["s1", "s2"], Some(away()))));
        script.watch_mailbox.will(Err(over()));
        let followed = followed(script).await;
        assert_eq!((followed.asked.len(), followed.notes), (7, 2));
    }

    #[tokio::test]
    async fn a_history_that_is_gone_is_explained() {
        let script = Script::default();
        let oldest = [("oldest_state", "s7")];
        let expired = fake_server::error(Code::OutOfRange, "HISTORY_EXPIRED", &oldest);
        script.watch_mailbox.will(Err(expired));
        let followed = followed(script).await;
        assert_eq!(followed.end.exit_code(), 1);
        let hint = followed.end.hint.unwrap();
        assert!(
            hint.contains("read the mailbox anew") && hint.ends_with("s7"),
            "{hint}"
        );
    }

    #[tokio::test]
    async fn a_reader_who_has_read_enough_ends_it() {
        let script = Arc::new(Script::default());
        script.watch_mailbox.will(Ok(stream(&["s1"], None)));
        let connection = fake_server::serve(&script).await;
        let closed = |_: &WatchMailboxResponse| {
            let error = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
            Err(Failure::from(error))
        };
        let state = "s0".to_owned();
        let end = follow(state, &connection, Duration::ZERO, closed, |_| {}).await;
        assert_eq!(end.unwrap_err().exit_code(), 0);
    }

    #[tokio::test]
    async fn a_stream_may_go_on_for_as_long_as_it_likes() {
        let script = Arc::new(Script::default());
        let connection = fake_server::serve(&script).await;
        let heard = |_| Ok(());
        one_stream("s0".into(), &connection, heard).await.unwrap();
        assert_eq!(script.watch_mailbox.had_deadlines(), [false]);
        state_now(&connection).await.unwrap_err();
        assert_eq!(script.get_mailbox.had_deadlines(), [true]);
    }

    #[test]
    fn pauses_grow_to_a_limit() {
        let pauses = [1, 2, 3, 100].map(|in_vain| pause(FIRST_PAUSE, in_vain));
        let millis = pauses.map(|pause| pause.as_millis());
        assert_eq!(millis, [500, 1_000, 2_000, 30_000]);
    }
}
