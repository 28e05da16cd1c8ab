//! Several mail-services on one Postgres, and mailboxes that all of them write to.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use clap::Args;
use sqlx::PgConnection;
use tokio::{task::JoinHandle, time::interval};
use tokio_util::sync::CancellationToken;

use super::{
    curves::{CALLERS, CONNECTIONS, GroupSender, float},
    drive::{self, Pace, Plan},
    people::{Target, fill, register},
    processes::Processes,
    report::number,
    tally::Outcome,
};
use crate::{Part, Process, Services, admin};

/// Among how many, and for how long.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Accounts.
    #[arg(long, default_value_t = 1000)]
    pub accounts: usize,
    /// Seconds that one measurement counts, after a third as many of warm-up.
    #[arg(long, default_value_t = 15)]
    pub seconds: u64,
}

/// How many get each message: neighbours of whoever sends it, so that groups overlap.
const RECIPIENTS: usize = 5;
const MOST: usize = 3;
/// How often Postgres is asked who waits.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// A mail-service, and the gateway before it.
struct Replica<'a> {
    mail: &'a Process,
    gateway: &'a Process,
}

/// What commits were made.
#[derive(Clone, Copy, Default)]
struct Commits {
    jobs: f64,
    made: f64,
    failed: f64,
    seconds: f64,
}

impl Commits {
    /// All of them, since these replicas were started.
    async fn of(replicas: &[Replica<'_>]) -> Self {
        let mut all = Self::default();
        for replica in replicas {
            let page = admin::get(replica.mail, "/metrics").await;
            let value = |name: &str, labels: &[&str]| {
                let name = format!("turbomessage_commit_{name}");
                admin::value(&page, &name, labels).unwrap_or_default()
            };
            all.jobs += value("batch_size_sum", &[]);
            all.made += value("duration_seconds_count", &["outcome=\"OK\""]);
            all.failed += value("duration_seconds_count", &["outcome=\"failed\""]);
            all.seconds += value("duration_seconds_sum", &["outcome=\"OK\""]);
        }
        all
    }

    fn since(self, before: Self) -> Self {
        Self {
            jobs: self.jobs - before.jobs,
            made: self.made - before.made,
            failed: self.failed - before.failed,
            seconds: self.seconds - before.seconds,
        }
    }
}

/// Measures one, two and three of them; answers with the table.
///
/// # Errors
/// There is no container engine, or something did not start.
pub async fn run(settings: &Settings) -> anyhow::Result<String> {
    if settings.accounts <= RECIPIENTS {
        bail!("--accounts: more than {RECIPIENTS}");
    }
    if std::env::var_os("TM_TEST_CONTAINERS").is_none_or(|set| set != "1") {
        bail!("replicas share a Postgres, which runs in a container: TM_TEST_CONTAINERS=1");
    }
    let with_metrics = Services::on_servers().direct();
    let with_metrics = with_metrics.env(Part::Mail, "TM_ADMIN_LISTEN", "127.0.0.1:0");
    let services = with_metrics.start().await;
    let mut others = Vec::new();
    for _ in 1..MOST {
        let mail = services.another_mail_service().await;
        let gateway = services.another_gateway(&mail).await;
        others.push((mail, gateway));
    }
    let first = (&services.mail, &services.gateway);
    let all: Vec<Replica<'_>> = std::iter::once(first)
        .chain(others.iter().map(|(mail, gateway)| (mail, gateway)))
        .map(|(mail, gateway)| Replica { mail, gateway })
        .collect();

    let target = Target::new(&services.gateway.url(), None)?;
    let mut people = register(&target, settings.accounts).await?;
    fill(&target, &mut people, 1).await?;
    let people = Arc::new(people);
    let mut table = format!(
        "\n### Sends to {RECIPIENTS} of {} accounts through several mail-services\n\n{CALLERS} callers in all, each \
         mail-service behind a gateway of its own; PostgreSQL in a container.\n\n| mail-services | sends a second | p50 ms | \
         p99 ms | sends a commit | ms a commit | commits that failed | sessions of Postgres that wait for a lock | \
         deadlocks | mail-services: CPU µs a send | Postgres | failed |\n|{}\n",
        people.len(),
        "---|".repeat(12)
    );
    for number_of_them in 1..=MOST {
        let replicas = &all[..number_of_them];
        let mut processes = Processes::default();
        for (n, replica) in replicas.iter().enumerate() {
            processes = processes.with(&format!("mail-service {n}"), replica.mail.id());
        }
        let servers = services.servers.as_ref().context("servers")?;
        let postgres = servers.postgres.0.process().await?;
        let processes = processes.with("Postgres", postgres);
        processes.quiet(Duration::from_secs(60)).await;

        let mut channels = Vec::new();
        for replica in replicas {
            let target = Target::new(&replica.gateway.url(), None)?;
            channels.push(target.connections(CONNECTIONS).await?);
        }
        let sender = |n: usize| GroupSender {
            people: Arc::clone(&people),
            channel: channels[n % number_of_them][n / number_of_them % CONNECTIONS].clone(),
            recipients: RECIPIENTS,
        };
        let senders = (0..CALLERS).map(sender).collect();
        let duration = Duration::from_secs(settings.seconds);
        let plan = Plan {
            pace: Pace::Closed,
            warm_up: duration / 3,
            duration,
        };
        let before = Commits::of(replicas).await;
        let mut database = servers.postgres.connect("mail").await;
        let deadlocks_before = deadlocks(&mut database).await?;
        let looker = Looker::start(servers.postgres.connect("mail").await);
        let outcome = drive::run("sends", plan, senders, &processes).await;
        let waiting = looker.end().await?;
        let commits = Commits::of(replicas).await.since(before);
        let deadlocks = deadlocks(&mut database).await? - deadlocks_before;
        row(
            &mut table,
            number_of_them,
            &outcome,
            commits,
            waiting,
            deadlocks,
        );
        eprintln!("{table}");
    }
    Ok(table)
}

/// Asks Postgres again and again who waits.
struct Looker {
    stop: CancellationToken,
    looking: JoinHandle<sqlx::Result<f64>>,
}

impl Looker {
    fn start(mut connection: PgConnection) -> Self {
        const WAITING: &str = "SELECT COUNT(*) FROM pg_stat_activity \
                               WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let looking = tokio::spawn(async move {
            let mut ticks = interval(LOOK_INTERVAL);
            let (mut looks, mut waiting) = (0, 0);
            while stopped.run_until_cancelled(ticks.tick()).await.is_some() {
                let now: i64 = sqlx::query_scalar(WAITING)
                    .fetch_one(&mut connection)
                    .await?;
                looks += 1;
                waiting += now;
            }
            Ok(ratio(waiting, looks))
        });
        Self { stop, looking }
    }

    /// How many sessions waited for a lock, on the average.
    async fn end(self) -> anyhow::Result<f64> {
        self.stop.cancel();
        Ok(self.looking.await??)
    }
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn ratio(part: i64, of: i64) -> f64 {
    part as f64 / of as f64
}

async fn deadlocks(connection: &mut PgConnection) -> anyhow::Result<i64> {
    const DEADLOCKS: &str =
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    Ok(sqlx::query_scalar(DEADLOCKS).fetch_one(connection).await?)
}

fn row(
    table: &mut String,
    replicas: usize,
    outcome: &Outcome,
    commits: Commits,
    waiting: f64,
    deadlocks: i64,
) {
    let Outcome { all, .. } = outcome;
    let mails = (0..replicas).map(|n| outcome.cpu_micros(&format!("mail-service {n}")));
    let values = [
        float(replicas),
        all.rate,
        all.p50,
        all.p99,
        commits.jobs / commits.made,
        commits.seconds / commits.made * 1000.0,
        commits.failed,
        waiting,
    ];
    let _ = writeln!(
        table,
        "| {} | {deadlocks} | {} | {} | {} |",
        values.map(number).join(" | "),
        number(mails.flatten().sum()),
        number(outcome.cpu_micros("Postgres").unwrap_or_default()),
        outcome.failed() + outcome.unfinished
    );
}
