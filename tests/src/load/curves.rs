//! How latency, processor time and memory go with rate, connections, watches, recipients and accounts: a table
//! and a picture each.

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf, sync::Arc, time::Duration};

use clap::{Args, ValueEnum};
use tonic::transport::Channel;

use super::{
    drive::{self, Pace, Plan, Worker},
    mix::{Call, Mix, callers},
    people::{Person, fill, mail, register, tell},
    plot::{Series, svg},
    report::number,
    systems::System,
    tally::Outcome,
    watching::Crowd,
};

/// Callers of sends in a closed loop.
pub(super) const CALLERS: usize = 128;
/// Callers at a rate: enough that none has to wait for another.
const OPEN_CALLERS: usize = 1024;
pub(super) const CONNECTIONS: usize = 8;
/// Parts of the highest rate.
const RATES: [f64; 9] = [0.05, 0.1, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 1.0];

/// What to measure, and for how long.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Only these curves.
    #[arg(long, value_delimiter = ',', value_name = "CURVE")]
    pub only: Vec<Curve>,
    /// Which system: `tm dev`, or the three services (on Redis and Postgres where there is a container
    /// engine, else on files).
    #[arg(long, value_enum, default_value = "services")]
    pub system: Which,
    /// Seconds that one measurement counts, after a third as many of warm-up.
    #[arg(long, default_value_t = 6)]
    pub seconds: u64,
    /// The last point of each curve.
    #[arg(long, default_value_t = 10_000)]
    pub most: usize,
    /// Accounts: the last point of their curve, and more than the last of that of recipients.
    #[arg(long, default_value_t = 128)]
    pub accounts: usize,
    /// Where to write tables and pictures.
    #[arg(long, value_name = "DIR", default_value = "target/curves")]
    pub out: PathBuf,
}

/// A curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Curve {
    /// Latency of sends against their rate.
    Rates,
    /// Sends, and memory, with 1 to 10,000 open connections.
    Connections,
    /// Sends, and memory, with 1 to 10,000 open watches of other mailboxes.
    Watches,
    /// Sends to 1 to 100 recipients.
    Recipients,
    /// Sends among 2 and more accounts.
    Accounts,
}

/// A system to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Which {
    /// `tm dev`
    Dev,
    /// Gateway, auth-service and mail-service.
    Services,
}

impl Which {
    /// Starts it.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(self) -> anyhow::Result<System> {
        let containers = std::env::var_os("TM_TEST_CONTAINERS").is_some_and(|set| set == "1");
        match self {
            Self::Dev => System::dev().await,
            Self::Services if containers => System::services().await,
            Self::Services => System::services_on_files().await,
        }
    }
}

/// One point of a curve.
#[derive(Debug)]
struct Point {
    x: f64,
    outcome: Outcome,
    resident: BTreeMap<String, u64>,
}

/// Measures, and answers with the tables.
///
/// # Errors
/// Something did not start, or a report could not be written.
pub async fn run(settings: &Settings) -> anyhow::Result<String> {
    std::fs::create_dir_all(&settings.out)?;
    let mut report = String::new();
    for curve in Curve::value_variants() {
        if !settings.only.is_empty() && !settings.only.contains(curve) {
            continue;
        }
        let system = settings.system.start().await?;
        let field = Field::new(settings, &system).await?;
        let (title, x_name, points) = match curve {
            Curve::Rates => (
                "Latency of sends against their rate",
                "sends a second",
                field.rates().await?,
            ),
            Curve::Connections => (
                "Sends with open connections",
                "connections",
                field.connections().await?,
            ),
            Curve::Watches => ("Sends with open watches", "watches", field.watches().await?),
            Curve::Recipients => (
                "Sends to several recipients",
                "recipients",
                field.recipients().await?,
            ),
            Curve::Accounts => ("Sends among accounts", "accounts", field.accounts().await?),
        };
        let name = format!("{curve:?}").to_lowercase();
        let table = table(title, x_name, system.storage, &points);
        eprintln!("{table}");
        std::fs::write(settings.out.join(format!("{name}.md")), &table)?;
        let picture = picture(title, x_name, &points);
        std::fs::write(settings.out.join(format!("{name}.svg")), picture)?;
        report.push_str(&table);
    }
    let _ = writeln!(
        report,
        "Pictures and tables are in {}",
        settings.out.display()
    );
    Ok(report)
}

/// A system with people in it.
struct Field<'a> {
    settings: &'a Settings,
    system: &'a System,
    people: Arc<Vec<Person>>,
}

impl<'a> Field<'a> {
    async fn new(settings: &'a Settings, system: &'a System) -> anyhow::Result<Self> {
        let mut people = register(&system.target, settings.accounts).await?;
        fill(&system.target, &mut people, 5).await?;
        let people = Arc::new(people);
        let field = Self {
            settings,
            system,
            people,
        };
        // So that what memory sends take is there before the first point.
        field.sends(Pace::Closed, CALLERS).await?;
        Ok(field)
    }

    fn plan(&self, pace: Pace) -> Plan {
        let duration = Duration::from_secs(self.settings.seconds);
        Plan {
            pace,
            warm_up: duration / 3,
            duration,
        }
    }

    async fn sends(&self, pace: Pace, number: usize) -> anyhow::Result<Outcome> {
        let (target, mix) = (&self.system.target, Mix::only(Call::Send));
        let workers = callers(target, &self.people, &mix, number, CONNECTIONS).await?;
        let plan = self.plan(pace);
        Ok(drive::run("sends", plan, workers, &self.system.processes).await)
    }

    async fn quiet(&self) {
        self.system.processes.quiet(Duration::from_secs(60)).await;
    }

    /// With what memory is there before sends begin.
    async fn point(&self, x: usize) -> anyhow::Result<Point> {
        self.quiet().await;
        let resident = self.system.processes.resident();
        let outcome = self.sends(Pace::Closed, CALLERS).await?;
        Ok(Point {
            x: float(x),
            outcome,
            resident,
        })
    }

    async fn rates(&self) -> anyhow::Result<Vec<Point>> {
        self.quiet().await;
        let highest = self.sends(Pace::Closed, CALLERS).await?.all.rate;
        let mut points = Vec::new();
        for part in RATES {
            self.quiet().await;
            let rate = highest * part;
            let outcome = self.sends(Pace::Open(rate), OPEN_CALLERS).await?;
            points.push(Point {
                x: rate,
                outcome,
                resident: self.system.processes.resident(),
            });
        }
        Ok(points)
    }

    async fn connections(&self) -> anyhow::Result<Vec<Point>> {
        let mut open: Vec<Channel> = Vec::new();
        let mut points = Vec::new();
        for number in powers(self.settings.most) {
            let more = self.system.target.connections(number - open.len()).await?;
            for channel in &more {
                // A connection that nothing ever came over is not one of a client.
                let client = self.people[0].over(channel);
                let asked = turbomessage_proto::mail_v1::GetMailboxRequest {};
                client.mail().get_mailbox(asked).await?;
            }
            open.extend(more);
            points.push(self.point(number).await?);
        }
        Ok(points)
    }

    async fn watches(&self) -> anyhow::Result<Vec<Point>> {
        let watched = register(&self.system.target, self.settings.accounts).await?;
        let mut open = Vec::new();
        let (mut points, mut there) = (Vec::new(), 0);
        for number in powers(self.settings.most) {
            open.push(Crowd::open(&self.system.target, &watched, number - there).await?);
            there = number;
            points.push(self.point(number).await?);
        }
        Ok(points)
    }

    async fn recipients(&self) -> anyhow::Result<Vec<Point>> {
        let mut points = Vec::new();
        for number in [1, 2, 5, 10, 20, 50, 100] {
            if number >= self.people.len() {
                break;
            }
            self.quiet().await;
            let channels = self.system.target.connections(CONNECTIONS).await?;
            let sender = |n: usize| GroupSender {
                people: Arc::clone(&self.people),
                channel: channels[n % CONNECTIONS].clone(),
                recipients: number,
            };
            let senders = (0..CALLERS).map(sender).collect();
            let plan = self.plan(Pace::Closed);
            let outcome = drive::run("sends", plan, senders, &self.system.processes).await;
            points.push(Point {
                x: float(number),
                outcome,
                resident: self.system.processes.resident(),
            });
        }
        Ok(points)
    }

    async fn accounts(&self) -> anyhow::Result<Vec<Point>> {
        let mut points = Vec::new();
        let numbers = powers(self.people.len()).into_iter();
        for number in numbers.map(|number| number.max(2)) {
            let field = Field {
                people: Arc::new(self.people[..number].to_vec()),
                ..*self
            };
            points.push(field.point(number).await?);
        }
        Ok(points)
    }
}

/// Sends to many at once.
pub(super) struct GroupSender {
    pub(super) people: Arc<Vec<Person>>,
    pub(super) channel: Channel,
    pub(super) recipients: usize,
}

impl Worker for GroupSender {
    async fn step(&mut self) -> (&'static str, Result<(), String>) {
        let from = rand::random_range(0..self.people.len());
        let name = |n: usize| self.people[(from + n) % self.people.len()].name.clone();
        let mut request = mail("", rand::random_range(0..usize::MAX));
        request.to = (1..=self.recipients).map(name).collect();
        let mut client = self.people[from].over(&self.channel).mail();
        let result = client.send_message(request).await.map(drop);
        ("send", result.map_err(|status| tell(&status)))
    }
}

/// 1, 10, 100 and so on up to `most`, which is the last.
fn powers(most: usize) -> Vec<usize> {
    let mut all: Vec<usize> = std::iter::successors(Some(1_usize), |n| n.checked_mul(10))
        .take_while(|n| *n < most)
        .collect();
    all.push(most);
    all
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
pub(super) fn float(number: usize) -> f64 {
    number as f64
}

fn table(title: &str, x_name: &str, storage: &str, points: &[Point]) -> String {
    let processes: Vec<&String> = points
        .first()
        .map(|point| point.outcome.cpu.keys().collect())
        .unwrap_or_default();
    let mut table = format!(
        "\n### {title}\n\n{storage}.\n\n| {x_name} | a second | p50 ms | p99 ms | p99.9 ms |"
    );
    for process in &processes {
        let _ = write!(table, " {process}: CPU µs a call | MiB |");
    }
    table.push_str(" failed |\n");
    let columns = 6 + processes.len() * 2;
    let _ = writeln!(table, "|{}", "---|".repeat(columns));
    for point in points {
        let all = &point.outcome.all;
        let values = [all.rate, all.p50, all.p99, all.p999].map(number);
        let _ = write!(table, "| {:.0} | {} |", point.x, values.join(" | "));
        for process in &processes {
            let micros = point.outcome.cpu_micros(process).map_or("–".into(), number);
            let memory = point.resident.get(*process);
            let memory = memory.map_or("–".into(), |bytes| (bytes >> 20).to_string());
            let _ = write!(table, " {micros} | {memory} |");
        }
        let failed = point.outcome.failed() + point.outcome.unfinished;
        let _ = writeln!(table, " {failed} |");
    }
    table
}

fn picture(title: &str, x_name: &str, points: &[Point]) -> String {
    let series = |name: &str, y: fn(&Outcome) -> f64| Series {
        name: name.into(),
        points: points.iter().map(|p| (p.x, y(&p.outcome))).collect(),
    };
    let all = [
        series("p50", |outcome| outcome.all.p50),
        series("p90", |outcome| outcome.all.p90),
        series("p99", |outcome| outcome.all.p99),
        series("p99.9", |outcome| outcome.all.p999),
    ];
    svg(title, x_name, "ms", &all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_grow_by_ten_up_to_the_last() {
        assert_eq!(powers(10_000), [1, 10, 100, 1000, 10_000]);
        assert_eq!(powers(64), [1, 10, 64]);
        assert_eq!(powers(1), [1]);
    }
}
