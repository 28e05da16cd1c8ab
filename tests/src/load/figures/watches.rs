//! Streams that watch mailboxes: how soon they tell, and what they cost while they do not.

use std::{collections::BTreeMap, sync::Arc};

use super::{Calls, Session, tell};
use crate::load::{
    drive::Pace,
    mix::Call,
    people::{Person, register},
    report::{Figure, Target},
    systems::System,
    tally::Outcome,
    watching::Crowd,
};

/// Events a second on an idle server.
const EVENTS: f64 = 20.0;
const CALLERS: usize = 128;

pub(super) async fn measure(session: &mut Session) -> anyhow::Result<()> {
    let dev = System::dev().await?;
    idle(session, "`tm dev`", &dev, 5.0).await?;
    drop(dev);
    if session.containers {
        let services = System::services().await?;
        idle(session, "the services on Redis", &services, 20.0).await?;
        crowd(session, &services).await
    } else {
        crowd(session, &System::services_on_files().await?).await
    }
}

async fn idle(
    session: &mut Session,
    name: &str,
    system: &System,
    target: f64,
) -> anyhow::Result<()> {
    let calls = Calls {
        system,
        people: Arc::new(session.people(system, 1).await?),
        connections: 4,
    };
    session.quiet(&system.processes).await;
    let (mut p50s, mut last) = (Vec::new(), Outcome::default());
    for _ in 0..session.settings.rounds {
        let plan = session.settings.plan(Pace::Open(EVENTS));
        last = calls.run(Call::Watch, 8, plan).await?;
        p50s.push(last.all.p50);
    }
    session.figure(Figure {
        name: format!("from a send to a watching client's event, idle server, {name}: p50"),
        against: String::new(),
        unit: "ms",
        ours: p50s,
        theirs: Vec::new(),
        target: Target::Under(target),
        notes: vec![format!(
            "{EVENTS} a second; last round p90 {:.2} ms, p99 {:.2} ms",
            last.all.p90, last.all.p99
        )],
    });
    Ok(())
}

/// Many watches of some people's mailboxes: their memory, and sends among other people with and without them.
async fn crowd(session: &mut Session, system: &System) -> anyhow::Result<()> {
    let number = session.settings.watches;
    let watched = register(&system.target, session.settings.accounts).await?;
    memory(session, system, &watched).await?;
    let calls = Calls {
        system,
        people: Arc::new(session.people(system, 20).await?),
        connections: session.settings.connections,
    };
    let plan = session.settings.plan(Pace::Closed);
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let mut still = number;
    for _ in 0..session.settings.rounds {
        session.quiet(&system.processes).await;
        without.push(calls.run(Call::Send, CALLERS, plan).await?.all.rate);
        let mut crowd = Crowd::open(&system.target, &watched, number).await?;
        session.quiet(&system.processes).await;
        with.push(calls.run(Call::Send, CALLERS, plan).await?.all.rate);
        still = still.min(crowd.open_streams());
    }
    session.figure(Figure {
        name: format!("sends while {number} watches of other mailboxes are open"),
        against: "sends without".into(),
        unit: "sends/s",
        ours: with,
        theirs: without,
        target: Target::AtLeast(0.9),
        notes: vec![format!("{still} were still open at the end of every round")],
    });
    Ok(())
}

/// Before anything else: memory that was used for something else would be there for watches.
async fn memory(session: &mut Session, system: &System, watched: &[Person]) -> anyhow::Result<()> {
    let number = session.settings.watches;
    session.quiet(&system.processes).await;
    let before = system.processes.resident();
    let crowd = Crowd::open(&system.target, watched, number).await?;
    session.quiet(&system.processes).await;
    let after = system.processes.resident();
    tell(&format!("{number} watches are open"));
    drop(crowd);
    for process in ["gateway", "mail-service"] {
        let bytes = |all: &BTreeMap<String, u64>| all.get(process).copied().unwrap_or_default();
        let grown = bytes(&after).saturating_sub(bytes(&before));
        #[expect(clippy::cast_precision_loss, reason = "kibibytes")]
        let each = grown as f64 / 1024.0 / number as f64;
        session.figure(Figure {
            name: format!("memory of each of {number} open watches in {process}"),
            against: String::new(),
            unit: "KiB",
            ours: vec![each],
            theirs: Vec::new(),
            target: Target::Under(20.0),
            notes: vec![format!(
                "growth of the resident set of a process that has done nothing before, 200 on a connection, with all \
                 that connections cost; {}",
                system.storage
            )],
        });
    }
    Ok(())
}
