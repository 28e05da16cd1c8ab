//! Sends: as many as can be, and at 70 % of that; `floods` is five times too many.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;

use super::{Calls, Session, all_cpu, calls, cpu, floods, tell};
use crate::load::{
    drive::{self, Pace},
    letters::BODY_BYTES,
    mix::Call,
    people::mail,
    processes::Processes,
    report::{Figure, Target},
    systems::System,
    tally::Outcome,
    yardsticks::{
        dovecot::Dovecot,
        echo::EchoServer,
        lmtp::Deliverer,
        pgbench::Pgbench,
        rusqlite::Rusqlite,
        writer::{BATCH, OwnWriter},
    },
};

const CALLERS: [usize; 5] = [32, 128, 256, 512, 1024];
const CLIENTS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];
const SESSIONS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];
/// Callers at a fixed rate: as many as the gateway takes at once, so that what is due waits for a free one in a stall alone.
const OPEN_CALLERS: usize = 2048;
/// How much longer than others a round at a fixed rate is: what is under way when it ends is not done, and would be a large
/// part of what a short one has due.
const OPEN_TIMES: u32 = 4;
/// The part of what is due that has to be done for a latency to say something: what waits for longer and longer has
/// p99 and p50 close to each other.
const KEPT_UP: f64 = 0.98;
/// One of our systems, what it did, and what at 70 % of that.
#[derive(Debug)]
struct Ours<'a> {
    name: &'static str,
    calls: Calls<'a>,
    callers: usize,
    rates: Vec<f64>,
    spreads: Vec<f64>,
    last: Outcome,
    at_70: Outcome,
}

impl<'a> Ours<'a> {
    async fn of(session: &Session, name: &'static str, system: &'a System) -> anyhow::Result<Self> {
        let calls = Calls {
            system,
            people: Arc::new(session.people(system, 20).await?),
            connections: session.settings.connections,
        };
        let trial = session.settings.trial();
        let rate = async |callers| Ok(calls.run(Call::Send, callers, trial).await?.all.rate);
        let callers = session.best(name, &CALLERS, rate).await?;
        Ok(Self {
            name,
            calls,
            callers,
            rates: Vec::new(),
            spreads: Vec::new(),
            last: Outcome::default(),
            at_70: Outcome::default(),
        })
    }

    async fn round(&mut self, session: &mut Session) -> anyhow::Result<()> {
        session.quiet(&self.calls.system.processes).await;
        let plan = session.settings.plan(Pace::Closed);
        self.last = self.calls.run(Call::Send, self.callers, plan).await?;
        let rate = self.last.all.rate;
        self.rates.push(rate);
        session.quiet(&self.calls.system.processes).await;
        let mut plan = session.settings.plan(Pace::Open(rate * 0.7));
        plan.duration *= OPEN_TIMES;
        self.at_70 = self.calls.run(Call::Send, OPEN_CALLERS, plan).await?;
        let kept_up =
            self.at_70.all.rate > rate * 0.7 * KEPT_UP && self.at_70.all.p50 < self.last.all.p50;
        self.spreads.push(if kept_up {
            self.at_70.all.p99 / self.at_70.all.p50
        } else {
            f64::INFINITY
        });
        tell(&format!("{}: {rate:.0} sends/s", self.name));
        Ok(())
    }

    fn figure(&self, against: &str, theirs: &[f64], target: f64) -> Figure {
        Figure {
            name: format!("durable SendMessage through {}", self.name),
            against: against.into(),
            unit: "sends/s",
            ours: self.rates.clone(),
            theirs: theirs.to_vec(),
            target: Target::AtLeast(target),
            notes: vec![
                format!(
                    "one recipient, a body of {BODY_BYTES} bytes, under a request id; {}",
                    self.calls.system.storage
                ),
                format!(
                    "{} callers, p50 {:.1} ms, p99 {:.1} ms, {}",
                    self.callers,
                    self.last.all.p50,
                    self.last.all.p99,
                    cpu(&self.last)
                ),
            ],
        }
    }

    fn spread(&self) -> Figure {
        Figure {
            name: format!("p99 of a send at 70 % of the highest rate, {}", self.name),
            against: "p50".into(),
            unit: "times",
            ours: self.spreads.clone(),
            theirs: Vec::new(),
            target: Target::Under(10.0),
            notes: vec![format!(
                "open loop, latency from the intended start: in the last round {:.0}/s due and {:.0}/s done, p50 {:.2} ms, \
                 p99 {:.2} ms, p99.9 {:.2} ms; `inf`: it did not keep up",
                self.last.all.rate * 0.7,
                self.at_70.all.rate,
                self.at_70.all.p50,
                self.at_70.all.p99,
                self.at_70.all.p999
            )],
        }
    }
}

/// The rates of the yardsticks.
#[derive(Debug, Default)]
struct Theirs {
    pgbench: Vec<f64>,
    dovecot: Vec<f64>,
    rusqlite: Vec<f64>,
    writer: Vec<f64>,
    ceiling: Vec<f64>,
}

pub(super) async fn measure(session: &mut Session) -> anyhow::Result<()> {
    let dev = System::dev().await?;
    let mut dev = Ours::of(session, "`tm dev`", &dev).await?;
    if !session.containers {
        return without_containers(session, dev).await;
    }
    let system = System::services().await?;
    let mut services = Ours::of(session, "gateway, auth-service and mail-service", &system).await?;
    let servers = system.as_services().and_then(|s| s.servers.as_ref());
    let postgres = &servers.context("servers")?.postgres;
    session.quiet(&system.processes).await;
    let mut pgbench = Pgbench::prepare(postgres, async || one_send(&services.calls).await).await?;
    if let Some(folder) = &session.settings.out {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("pgbench.sql"), &pgbench.script)?;
    }
    let clients = best_clients(session, &mut pgbench).await?;
    let dovecot = Dovecot::start().await?;
    let sessions = best_sessions(session, &dovecot).await?;
    let mut parts = Box::pin(Parts::open(&system)).await?;
    let folder = tempfile::tempdir()?;
    let mut sqlite = Sqlite::open(folder.path()).await?;
    let mut theirs = Theirs::default();
    let seconds = Duration::from_secs(session.settings.seconds);
    for _ in 0..session.settings.rounds {
        dev.round(session).await?;
        session.quiet(&system.processes).await;
        theirs.pgbench.push(pgbench.run(clients, seconds).await?);
        services.round(session).await?;
        session.quiet(&dovecot.processes).await;
        theirs
            .dovecot
            .push(deliver(session, &dovecot, sessions).await?.all.rate);
        theirs.ceiling.push(parts.ceiling(session, &system).await?);
        sqlite.round(&mut theirs, seconds).await?;
    }
    let against_pgbench = format!("pgbench with the SQL of one send, {clients} clients");
    session.figure(services.figure(&against_pgbench, &theirs.pgbench, 2.0));
    session.figure(services.figure(&parts.about, &theirs.ceiling, 0.8));
    session.figure(dev.figure(&against_pgbench, &theirs.pgbench, 3.5));
    let against_dovecot = format!("LMTP delivery to two mailboxes, {sessions} sessions");
    let mut figure = dev.figure(&against_dovecot, &theirs.dovecot, 25.0);
    figure.notes.push(dovecot.about.clone());
    session.figure(figure);
    session.figure(sqlite_figure(theirs));
    session.figure(dev.spread());
    session.figure(services.spread());
    for ours in [&dev, &services] {
        floods::measure(session, ours.name, &ours.calls, ours.callers).await?;
    }
    Ok(())
}

async fn without_containers(session: &mut Session, mut dev: Ours<'_>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut sqlite = Sqlite::open(folder.path()).await?;
    let mut theirs = Theirs::default();
    let seconds = Duration::from_secs(session.settings.seconds);
    for _ in 0..session.settings.rounds {
        dev.round(session).await?;
        sqlite.round(&mut theirs, seconds).await?;
    }
    let mut alone = dev.figure("", &[], 0.0);
    alone.target = Target::Told;
    session.figure(alone);
    session.figure(sqlite_figure(theirs));
    session.figure(dev.spread());
    floods::measure(session, dev.name, &dev.calls, dev.callers).await
}

async fn one_send(calls: &Calls<'_>) -> anyhow::Result<()> {
    let channel = calls.system.target.connect().await?;
    let (from, to) = (&calls.people[0], &calls.people[1]);
    let mut client = from.over(&channel).mail();
    client.send_message(mail(&to.name, 0)).await?;
    Ok(())
}

async fn best_clients(session: &Session, pgbench: &mut Pgbench<'_>) -> anyhow::Result<u32> {
    let duration = session.settings.trial().duration;
    let rate = async |clients| pgbench.run(u32::try_from(clients)?, duration).await;
    let best = session.best("pgbench", &CLIENTS, rate).await?;
    Ok(u32::try_from(best)?)
}

async fn best_sessions(session: &Session, dovecot: &Dovecot) -> anyhow::Result<usize> {
    dovecot.fill(session.settings.accounts, 2).await?;
    let trial = session.settings.trial();
    let rate = async |sessions| {
        let workers = deliverers(session, dovecot, sessions).await?;
        let outcome = drive::run("LMTP", trial, workers, &dovecot.processes).await;
        Ok(outcome.all.rate)
    };
    session.best("LMTP", &SESSIONS, rate).await
}

async fn deliverers(
    session: &Session,
    dovecot: &Dovecot,
    number: usize,
) -> anyhow::Result<Vec<Deliverer>> {
    let mut all = Vec::new();
    for _ in 0..number {
        all.push(dovecot.deliverer(session.settings.accounts).await?);
    }
    Ok(all)
}

async fn deliver(session: &Session, dovecot: &Dovecot, number: usize) -> anyhow::Result<Outcome> {
    let workers = deliverers(session, dovecot, number).await?;
    let plan = session.settings.plan(Pace::Closed);
    let outcome = drive::run("LMTP", plan, workers, &dovecot.processes).await;
    super::complain("LMTP", &outcome);
    Ok(outcome)
}

/// What a send through the services costs at the least, by its parts: a call through the gateway to a server that
/// does nothing, and a send from the writer's queue to PostgreSQL's commit.
#[derive(Debug)]
struct Parts {
    _echo: EchoServer,
    gateway: calls::ThroughGateway,
    writer: OwnWriter,
    about: String,
}

impl Parts {
    async fn open(system: &System) -> anyhow::Result<Self> {
        let echo = calls::echo().await?;
        let gateway = calls::ThroughGateway::start(&echo).await?;
        let servers = system.as_services().and_then(|s| s.servers.as_ref());
        let url = servers
            .context("servers")?
            .postgres
            .create_database("parts");
        let writer = OwnWriter::open(&url.await).await?;
        Ok(Self {
            _echo: echo,
            gateway,
            writer,
            about: String::new(),
        })
    }

    async fn ceiling(&mut self, session: &Session, system: &System) -> anyhow::Result<f64> {
        let settings = &session.settings;
        let plan = settings.plan(Pace::Closed);
        let call = self.gateway.run(128, settings.connections, plan).await?;
        let seconds = Duration::from_secs(settings.seconds);
        let send = self.writer.run(seconds, &system.processes).await;
        let (call, send) = (all_cpu(&call), all_cpu(&send));
        #[expect(clippy::cast_precision_loss, reason = "a few cores")]
        let cores = std::thread::available_parallelism()?.get() as f64;
        self.about = format!(
            "the ceiling of its parts ({cores} cores; {call:.0} µs of CPU for a call through the gateway to an echo, \
             {send:.0} µs for a send from the writer's queue to the commit, Postgres included)"
        );
        Ok(cores * 1e6 / (call + send))
    }
}

/// Batches of sends on SQLite, by rusqlite and by mail-service's writer.
#[derive(Debug)]
struct Sqlite {
    rusqlite: Option<Rusqlite>,
    writer: OwnWriter,
}

impl Sqlite {
    async fn open(folder: &std::path::Path) -> anyhow::Result<Self> {
        let url = format!("sqlite:{}", folder.join("writer.db").display());
        Ok(Self {
            rusqlite: Some(Rusqlite::open(folder).await?),
            writer: OwnWriter::open(&url).await?,
        })
    }

    async fn round(&mut self, theirs: &mut Theirs, duration: Duration) -> anyhow::Result<()> {
        let mut rusqlite = self.rusqlite.take().context("a database")?;
        let (rusqlite, rate) = tokio::task::spawn_blocking(move || {
            let rate = rusqlite.run(duration);
            (rusqlite, rate)
        })
        .await?;
        self.rusqlite = Some(rusqlite);
        theirs.rusqlite.push(rate?);
        let own = self.writer.run(duration, &Processes::default()).await;
        super::complain("the writer alone", &own);
        theirs.writer.push(own.all.rate);
        Ok(())
    }
}

fn sqlite_figure(theirs: Theirs) -> Figure {
    Figure {
        name: "batches of sends by mail-service's writer on SQLite, in this process".into(),
        against: format!("rusqlite, {BATCH} sends a transaction"),
        unit: "sends/s",
        ours: theirs.writer,
        theirs: theirs.rusqlite,
        target: Target::AtLeast(0.7),
        notes: vec![
            "both WAL with synchronous=FULL; rusqlite writes made-up rows of the same tables and checks nothing".into(),
        ],
    }
}
