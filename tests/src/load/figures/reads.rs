//! Lists, messages and searches.

use std::sync::Arc;

use super::{Calls, Session, cpu};
use crate::load::{
    drive::{self, Pace, Plan},
    mix::Call,
    report::{Figure, Target},
    systems::System,
    tally::Outcome,
    yardsticks::{dovecot::Dovecot, imap::Command},
};

const CALLERS: [usize; 4] = [4, 16, 64, 128];
const SESSIONS: [usize; 6] = [1, 2, 4, 8, 16, 32];

/// The same question to both.
const CONTESTS: [(Call, Command, &str, &str, Target); 3] = [
    (
        Call::List,
        Command::Headers,
        "the newest page of 50 from `tm dev`",
        "IMAP: flags, sizes, dates and four headers of the newest 50",
        Target::AtLeast(4.0),
    ),
    (
        Call::Get,
        Command::Body,
        "GetMessage from `tm dev`",
        "IMAP: fetch of a whole message",
        Target::AtLeast(1.5),
    ),
    (
        Call::Search,
        Command::Search,
        "SearchMessages from `tm dev`, the first page for a word, rare or common",
        "IMAP: SEARCH TEXT for the same words",
        Target::Told,
    ),
];

pub(super) async fn measure(session: &mut Session) -> anyhow::Result<()> {
    let settings = session.settings.clone();
    let system = System::dev().await?;
    let calls = Calls {
        system: &system,
        people: Arc::new(session.people(&system, settings.messages).await?),
        connections: settings.connections,
    };
    let dovecot = if session.containers {
        let dovecot = Dovecot::start().await?;
        dovecot.fill(settings.accounts, settings.messages).await?;
        Some(dovecot)
    } else {
        None
    };
    session.quiet(&system.processes).await;
    for (call, command, name, against, target) in CONTESTS {
        let rate = async |callers| Ok(calls.run(call, callers, settings.trial()).await?.all.rate);
        let callers = session.best(name, &CALLERS, rate).await?;
        let mut sessions = 1;
        if let Some(dovecot) = &dovecot {
            let trial = settings.trial();
            let rate = async |n| Ok(read(session, dovecot, command, n, trial).await?.all.rate);
            sessions = session.best(against, &SESSIONS, rate).await?;
        }
        let (mut ours, mut theirs, mut last) = (Vec::new(), Vec::new(), Outcome::default());
        let plan = settings.plan(Pace::Closed);
        for _ in 0..settings.rounds {
            last = calls.run(call, callers, plan).await?;
            ours.push(last.all.rate);
            if let Some(dovecot) = &dovecot {
                let read = read(session, dovecot, command, sessions, plan).await?;
                theirs.push(read.all.rate);
            }
        }
        let mut notes = vec![format!(
            "{} mailboxes of {} messages; {callers} callers, p50 {:.2} ms, p99 {:.2} ms, {}",
            settings.accounts,
            settings.messages,
            last.all.p50,
            last.all.p99,
            cpu(&last)
        )];
        notes.extend(
            dovecot
                .as_ref()
                .map(|dovecot| format!("{}, {sessions} sessions", dovecot.about)),
        );
        session.figure(Figure {
            name: name.into(),
            against: if theirs.is_empty() { "" } else { against }.into(),
            unit: "/s",
            ours,
            target: if theirs.is_empty() {
                Target::Told
            } else {
                target
            },
            theirs,
            notes,
        });
    }
    Ok(())
}

async fn read(
    session: &Session,
    dovecot: &Dovecot,
    command: Command,
    sessions: usize,
    plan: Plan,
) -> anyhow::Result<Outcome> {
    let mut readers = Vec::new();
    for n in 0..sessions {
        let mailbox = n % session.settings.accounts;
        readers.push(dovecot.reader(mailbox, command).await?);
    }
    let outcome = drive::run("IMAP", plan, readers, &dovecot.processes).await;
    super::complain("IMAP", &outcome);
    Ok(outcome)
}
