//! The table of figures: ours and the yardstick's in turns, in one run.

mod calls;
mod floods;
mod indexing;
mod reads;
mod sends;
mod sizes;
mod watches;

use std::{fmt::Write as _, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::{
    drive::{self, Pace, Plan},
    mix::{Call, Mix, callers},
    people::{Person, fill, register},
    processes::Processes,
    report::{self, Figure, number},
    stats::Spread,
    systems::System,
    tally::Outcome,
};

/// How often each number of clients is tried.
const TRIALS: usize = 3;

/// What to measure, and for how long.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Rounds: in each, ours and the yardstick are measured one after the other.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Seconds that one measurement counts.
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
    /// Seconds before them that it does not.
    #[arg(long, default_value_t = 3)]
    pub warm_up: u64,
    /// Accounts (and mailboxes of Dovecot).
    #[arg(long, default_value_t = 64)]
    pub accounts: usize,
    /// Connections that callers share.
    #[arg(long, default_value_t = 8)]
    pub connections: usize,
    /// Messages in each mailbox that is read.
    #[arg(long, default_value_t = 1000)]
    pub messages: usize,
    /// Messages in the largest mailbox, which is compared with one of 1,000.
    #[arg(long, default_value_t = 1_000_000)]
    pub largest: usize,
    /// Open watches.
    #[arg(long, default_value_t = 10_000)]
    pub watches: usize,
    /// Seconds of sends while the indexer works.
    #[arg(long, default_value_t = 600)]
    pub sustained: u64,
    /// Only these groups.
    #[arg(long, value_delimiter = ',', value_name = "GROUP")]
    pub only: Vec<Group>,
    /// Where to write the table, the same as JSON, and pgbench's script.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// To see whether all of it works: two short rounds, small mailboxes. The figures mean little.
    #[arg(long)]
    pub quick: bool,
}

/// Figures that are measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Group {
    /// A call that does nothing, against an echo.
    Calls,
    /// Sends, against pgbench, Dovecot and rusqlite; at 70 % of the highest rate; in a flood.
    Sends,
    /// Lists, messages and searches, against Dovecot.
    Reads,
    /// Large mailboxes against small ones.
    Sizes,
    /// Sends while the indexer works.
    Indexing,
    /// From a send to its event; ten thousand open watches.
    Watches,
}

impl Settings {
    /// As asked for; short if it is to be quick.
    #[must_use]
    pub fn resolved(mut self) -> Self {
        if self.quick {
            self.rounds = self.rounds.min(2);
            (self.seconds, self.warm_up) = (self.seconds.min(2), self.warm_up.min(1));
            self.accounts = self.accounts.min(16);
            self.messages = self.messages.min(200);
            self.largest = self.largest.min(20_000);
            self.watches = self.watches.min(1000);
            self.sustained = self.sustained.min(10);
        }
        self
    }

    fn wants(&self, group: Group) -> bool {
        self.only.is_empty() || self.only.contains(&group)
    }

    fn plan(&self, pace: Pace) -> Plan {
        Plan {
            pace,
            warm_up: Duration::from_secs(self.warm_up),
            duration: Duration::from_secs(self.seconds),
        }
    }

    /// How long to try each number of clients.
    fn trial(&self) -> Plan {
        Plan {
            pace: Pace::Closed,
            warm_up: Duration::from_secs(self.warm_up) / 3,
            duration: Duration::from_secs(self.seconds.div_ceil(3)),
        }
    }
}

/// Everything that is measured, as it comes.
#[derive(Debug)]
struct Session {
    settings: Settings,
    /// Whether containers can be started.
    containers: bool,
    figures: Vec<Figure>,
    /// What was seen beside the figures.
    remarks: Vec<String>,
    left_out: Vec<String>,
}

/// Measures, and answers with the report.
///
/// # Errors
/// Something did not start, or a report could not be written.
pub async fn run(settings: Settings) -> anyhow::Result<String> {
    let containers = std::env::var_os("TM_TEST_CONTAINERS").is_some_and(|set| set == "1");
    let mut session = Session {
        settings: settings.resolved(),
        containers,
        figures: Vec::new(),
        remarks: Vec::new(),
        left_out: Vec::new(),
    };
    if !containers {
        session.left_out.push(
            "no container engine (TM_TEST_CONTAINERS=1 says that there is one): the three services on PostgreSQL and \
             Redis, pgbench, Dovecot"
                .into(),
        );
    }
    for group in Group::value_variants() {
        if !session.settings.wants(*group) {
            continue;
        }
        tell(&format!("## {group:?}"));
        match group {
            Group::Calls => Box::pin(calls::measure(&mut session)).await?,
            Group::Sends => Box::pin(sends::measure(&mut session)).await?,
            Group::Reads => reads::measure(&mut session).await?,
            Group::Sizes => sizes::measure(&mut session).await?,
            Group::Indexing => indexing::measure(&mut session).await?,
            Group::Watches => watches::measure(&mut session).await?,
        }
        tell(&report::figures(&session.figures));
    }
    let report = session.report()?;
    if let Some(folder) = &session.settings.out {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("figures.md"), &report)?;
        let json = serde_json::to_string_pretty(&session.figures)?;
        std::fs::write(folder.join("figures.json"), json)?;
    }
    Ok(report)
}

/// How far it is, for whoever waits.
fn tell(text: &str) {
    eprintln!("{text}");
}

impl Session {
    fn report(&self) -> anyhow::Result<String> {
        let settings = &self.settings;
        let mut report = about()?;
        let _ = writeln!(
            report,
            "Rounds: {}, each {} s after {} s of warm-up; {} accounts, {} connections; ratios round by round, their \
             median and range.{}\n",
            settings.rounds,
            settings.seconds,
            settings.warm_up,
            settings.accounts,
            settings.connections,
            if settings.quick {
                " QUICK: this shows that the tool works, and nothing else."
            } else {
                ""
            }
        );
        report.push_str(&report::figures(&self.figures));
        for remark in &self.remarks {
            let _ = writeln!(report, "- {remark}");
        }
        for left_out in &self.left_out {
            let _ = writeln!(report, "- LEFT OUT: {left_out}");
        }
        Ok(report)
    }

    /// How many of `numbers` do the most, by the median of some short trials, in turns: what the machine
    /// did otherwise during one of them is not to decide.
    async fn best<F>(&self, what: &str, numbers: &[usize], mut rate: F) -> anyhow::Result<usize>
    where
        F: AsyncFnMut(usize) -> anyhow::Result<f64>,
    {
        let mut rates = vec![Vec::new(); numbers.len()];
        for _ in 0..TRIALS {
            for (&number, rates) in numbers.iter().zip(&mut rates) {
                rates.push(rate(number).await?);
            }
        }
        let mut best = (numbers[0], 0.0);
        for (&number, rates) in numbers.iter().zip(rates) {
            let rate = Spread::of(rates).map_or(0.0, |spread| spread.median);
            tell(&format!("{what}: {number} at once make {rate:.0}/s"));
            if rate > best.1 {
                best = (number, rate);
            }
        }
        Ok(best.0)
    }

    /// People of `system`, with some messages each.
    async fn people(&self, system: &System, messages: usize) -> anyhow::Result<Vec<Person>> {
        let mut people = register(&system.target, self.settings.accounts).await?;
        fill(&system.target, &mut people, messages).await?;
        Ok(people)
    }

    /// Waits until what was measured before has nothing left to do.
    async fn quiet(&mut self, processes: &Processes) {
        if !processes.quiet(Duration::from_secs(60)).await {
            let busy = "something still had work a minute after its measurement";
            if !self.remarks.iter().any(|remark| remark == busy) {
                self.remarks.push(busy.into());
            }
        }
    }

    fn figure(&mut self, figure: Figure) {
        self.figures.push(figure);
    }
}

/// Calls of one kind to a system.
#[derive(Debug)]
struct Calls<'a> {
    system: &'a System,
    people: Arc<Vec<Person>>,
    connections: usize,
}

impl Calls<'_> {
    async fn run(&self, call: Call, callers_: usize, plan: Plan) -> anyhow::Result<Outcome> {
        let (target, mix) = (&self.system.target, Mix::only(call));
        let connections = self.connections.min(callers_);
        let workers = callers(target, &self.people, &mix, callers_, connections).await?;
        let what = format!("{call:?}");
        let outcome = drive::run(&what, plan, workers, &self.system.processes).await;
        complain(&what, &outcome);
        Ok(outcome)
    }
}

/// A measurement with failures in it has to be looked at.
fn complain(what: &str, outcome: &Outcome) {
    for (failure, count) in &outcome.failures {
        tell(&format!("{what}: FAILED {count} × {failure}"));
    }
}

/// Processor time a call, by process.
fn cpu(outcome: &Outcome) -> String {
    let all = outcome.cpu.keys().filter_map(|process| {
        let micros = outcome.cpu_micros(process)?;
        Some(format!("{process} {}", number(micros)))
    });
    let all: Vec<String> = all.collect();
    format!("CPU a call in µs: {}", all.join(", "))
}

/// The sum of that.
fn all_cpu(outcome: &Outcome) -> f64 {
    let all = outcome.cpu.keys();
    all.filter_map(|process| outcome.cpu_micros(process)).sum()
}

/// The machine, and what a commit costs on its disk.
fn about() -> anyhow::Result<String> {
    let cores = std::thread::available_parallelism()?;
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("a processor", |(_, model)| model);
    let sync = fdatasync()?;
    Ok(format!(
        "{cores} cores of {model}, Linux {}; nothing is pinned to a core, and whoever calls runs on them too. One write \
         of 4 KiB with fdatasync takes {} µs (median of 100).\n\n",
        kernel.trim(),
        number(sync.as_secs_f64() * 1e6),
    ))
}

fn fdatasync() -> anyhow::Result<Duration> {
    use std::io::Write as _;
    let mut file = tempfile::tempfile().context("a file")?;
    let mut times = Vec::new();
    for _ in 0..100 {
        let begun = std::time::Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok(times[50])
}
