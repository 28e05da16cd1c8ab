//! Sends while the indexer works, against sends without it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use sqlx::Connection as _;

use super::{Calls, Session, tell};
use crate::load::{
    drive::{self, Pace, Plan},
    mix::{Call, Mix, callers},
    processes::Processes,
    report::{Figure, Target},
    systems::System,
    tally::Outcome,
};

const CALLERS: usize = 128;
/// Searches a second meanwhile.
const SEARCHES: f64 = 5.0;
/// How long the index may take to catch up at the end.
const PATIENCE: Duration = Duration::from_secs(900);

/// Messages that are not in the index yet.
const LAG: &str = "SELECT COUNT(*) FROM mailboxes JOIN copies ON copies.owner_id = mailboxes.owner_id AND \
                   receive_time > indexed_time";
/// Leaves nothing to index: a send does not touch this column.
const SWITCH_OFF: &str = "UPDATE mailboxes SET indexed_time = 9000000000000000000";

pub(super) async fn measure(session: &mut Session) -> anyhow::Result<()> {
    let (with, without) = (System::dev().await?, System::dev().await?);
    compare(session, "`tm dev`", &with, &without).await?;
    drop((with, without));
    if session.containers {
        let (with, without) = (System::services().await?, System::services().await?);
        compare(session, "the services on PostgreSQL", &with, &without).await?;
    }
    Ok(())
}

async fn compare(
    session: &mut Session,
    name: &str,
    with: &System,
    without: &System,
) -> anyhow::Result<()> {
    let calls = |people, system| Calls {
        system,
        people: Arc::new(people),
        connections: session.settings.connections,
    };
    let indexed = calls(session.people(with, 100).await?, with);
    let unindexed = calls(session.people(without, 1).await?, without);
    statement(without, SWITCH_OFF).await?;
    let plan = Plan {
        pace: Pace::Closed,
        warm_up: Duration::from_secs(session.settings.warm_up),
        duration: Duration::from_secs(session.settings.sustained),
    };
    session.quiet(&without.processes).await;
    let off = unindexed.run(Call::Send, CALLERS, plan).await?;
    session.quiet(&with.processes).await;
    let (on, searches, lags) = sustained(&indexed, plan).await?;
    let drained = drain(with).await?;
    session.figure(Figure {
        name: format!("sends while the indexer works, {name}, for {} s", plan.duration.as_secs()),
        against: "sends with indexing off".into(),
        unit: "sends/s",
        ours: vec![on.all.rate],
        theirs: vec![off.all.rate],
        target: Target::AtLeast(0.7),
        notes: vec![
            "off: the column that says what is indexed was set to the end of time behind mail-service's back".into(),
            format!(
                "messages not indexed, every tenth of the time: {lags:?}; at the end {}",
                drained.map_or("STILL not drained".into(), |time| format!("drained in {:.0} s", time.as_secs_f64())),
            ),
            format!(
                "{SEARCHES} searches a second meanwhile: p50 {:.1} ms, p99 {:.1} ms, {} failed",
                searches.all.p50,
                searches.all.p99,
                searches.failed()
            ),
        ],
    });
    Ok(())
}

/// Sends, searches, and how many messages wait to be indexed.
async fn sustained(calls: &Calls<'_>, plan: Plan) -> anyhow::Result<(Outcome, Outcome, Vec<i64>)> {
    let system = calls.system;
    let mix = Mix::only(Call::Search);
    let readers = callers(&system.target, &calls.people, &mix, 32, 1).await?;
    let none = Processes::default();
    let open = Plan {
        pace: Pace::Open(SEARCHES),
        ..plan
    };
    let searches = drive::run("searches meanwhile", open, readers, &none);
    let lags = async {
        let mut lags = Vec::new();
        tokio::time::sleep(plan.warm_up).await;
        for _ in 0..10 {
            tokio::time::sleep(plan.duration / 10).await;
            lags.push(lag(system).await.unwrap_or(-1));
        }
        lags
    };
    let sends = calls.run(Call::Send, CALLERS, plan);
    let (sends, searches, lags) = tokio::join!(sends, searches, lags);
    super::complain("searches", &searches);
    Ok((sends?, searches, lags))
}

/// How long the index takes until next to nothing waits: less than is worth a part of it, in each mailbox.
async fn drain(system: &System) -> anyhow::Result<Option<Duration>> {
    let begun = Instant::now();
    let mut before = i64::MAX;
    while begun.elapsed() < PATIENCE {
        let now = lag(system).await?;
        tell(&format!("{now} messages are not indexed"));
        if now == before {
            return Ok(Some(begun.elapsed()));
        }
        before = now;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(None)
}

async fn lag(system: &System) -> anyhow::Result<i64> {
    if let Some(file) = system.mail_file() {
        return tokio::task::spawn_blocking(move || {
            let connection = rusqlite::Connection::open(file)?;
            Ok(connection.query_row(LAG, [], |row| row.get(0))?)
        })
        .await?;
    }
    let mut connection = mail_database(system).await?;
    let lag = sqlx::query_scalar(LAG).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(lag)
}

async fn statement(system: &System, statement: &'static str) -> anyhow::Result<()> {
    if let Some(file) = system.mail_file() {
        let connection = rusqlite::Connection::open(file)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.execute(statement, [])?;
        return Ok(());
    }
    let mut connection = mail_database(system).await?;
    sqlx::query(statement).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

async fn mail_database(system: &System) -> anyhow::Result<sqlx::PgConnection> {
    let servers = system.as_services().and_then(|s| s.servers.as_ref());
    Ok(servers.context("servers")?.postgres.connect("mail").await)
}
