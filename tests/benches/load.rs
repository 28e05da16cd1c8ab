//! The load generator, and the figures it is for: `cargo bench -p turbomessage-tests --bench load -- --help`.

#![expect(clippy::print_stdout, reason = "it is for people to read")]

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use anyhow::bail;
use clap::{Parser, Subcommand};
use turbomessage_tests::load::{
    curves::{self, Which},
    drive::{self, Pace, Plan},
    figures,
    mix::{Mix, callers},
    people::{Target, fill, register},
    processes::Processes,
    replicas, report,
    systems::System,
    yardsticks::echo,
};

const EXAMPLES: &str = "\
Examples (each behind `cargo bench -p turbomessage-tests --bench load --`):
  run --system dev --mix send                         as many sends as `tm dev` can do
  run --system services --mix send=1,list=4,get=4,search=1 --messages 500 --rate 800
  run --target https://mail.example --ca-file ca.pem --accounts 100 --mix send --rate 200 --json out.json
  figures --quick                                     whether all of it works, in some minutes
  figures --only sends,reads --out target/figures
  curves --system services --only rates,watches

`tm` and the three services are taken from beside this program: build them first, with
`cargo build --release --locked -p turbomessage-cli -p turbomessage-gateway -p turbomessage-auth-service -p
turbomessage-mail-service --bins`; `make bench` and the like do. TM_TEST_CONTAINERS=1 says that there is a
container engine, with the images of `tests/containers/images.sh --bench`.

Latency is counted from when a call was due: at a rate (open loop) that is by the clock, however late it was sent. What
fails has no latency and is counted apart. CPU is that of the processes that were started here, from /proc.";

/// Puts load on TurboMessage, and on what it is compared with.
#[derive(Debug, Parser)]
#[command(name = "load", after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Cargo says so.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Calls by a mix, as fast as can be or at a rate, on a system that runs or one that is started.
    Run(RunArgs),
    /// The table of figures: ours and the yardsticks' in turns.
    Figures(figures::Settings),
    /// Curves over rate, connections, watches, recipients, accounts.
    Curves(curves::Settings),
    /// Sends through one, two and three mail-services on one Postgres: batches, waiting for locks, throughput.
    Replicas(replicas::Settings),
    #[command(hide = true)]
    ServeEcho,
    #[command(hide = true)]
    ServeEchoBehindEdge,
}

#[derive(Debug, clap::Args)]
struct RunArgs {
    /// A gateway that runs: `http://host:port` or `https://host`. New accounts are opened there.
    #[arg(long, value_name = "URL", conflicts_with = "system")]
    target: Option<String>,
    /// A system to start.
    #[arg(long, value_enum, default_value = "dev")]
    system: Which,
    /// The certificates, in PEM, that vouch for an `https://` target [default: those that this system trusts].
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// What to call, with weights: send, list, get, search, modify, folders, mailbox, watch (from a send to its
    /// event), login.
    #[arg(long, default_value = "send=1,list=4,get=4,search=1,modify=1")]
    mix: Mix,
    /// Calls a second that are due, all callers together [default: each calls again as soon as it was answered].
    #[arg(long, value_name = "CALLS")]
    rate: Option<f64>,
    /// Callers at once: streams that are open at once, over all connections.
    #[arg(long, default_value_t = 64)]
    callers: usize,
    /// Connections.
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Accounts.
    #[arg(long, default_value_t = 32)]
    accounts: usize,
    /// Messages to put into each mailbox first.
    #[arg(long, default_value_t = 100)]
    messages: usize,
    /// Seconds that count.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Seconds before them that do not.
    #[arg(long, default_value_t = 3)]
    warm_up: u64,
    /// Where to write what came out as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run(arguments) => run(arguments).await,
        Command::Figures(settings) => Box::pin(figures::run(settings)).await,
        Command::Curves(settings) => curves::run(&settings).await,
        Command::Replicas(settings) => Box::pin(replicas::run(&settings)).await,
        Command::ServeEcho => {
            let served = echo::serve_echo(|line| println!("{line}")).await;
            served.map(|()| String::new())
        }
        Command::ServeEchoBehindEdge => serve_echo_behind_edge().await,
    };
    match done {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: RunArgs) -> anyhow::Result<String> {
    if arguments.accounts < 2 || arguments.callers == 0 || arguments.connections == 0 {
        bail!("at least two accounts, one caller and one connection");
    }
    if arguments.rate.is_some_and(|rate| rate <= 0.0) {
        bail!("--rate: more than none");
    }
    let mut system = None;
    let target = if let Some(url) = &arguments.target {
        Target::new(url, arguments.ca_file.as_deref())?
    } else {
        let started: &System = system.insert(arguments.system.start().await?);
        started.target.clone()
    };
    let mut people = register(&target, arguments.accounts).await?;
    fill(&target, &mut people, arguments.messages).await?;
    let people = Arc::new(people);
    let connections = arguments.connections.min(arguments.callers);
    let mix = &arguments.mix;
    let workers = callers(&target, &people, mix, arguments.callers, connections).await?;
    let plan = Plan {
        pace: arguments.rate.map_or(Pace::Closed, Pace::Open),
        warm_up: Duration::from_secs(arguments.warm_up),
        duration: Duration::from_secs(arguments.seconds),
    };
    let processes = system.as_ref().map(|system| system.processes.clone());
    let processes: Processes = processes.unwrap_or_default();
    let outcome = drive::run("calls", plan, workers, &processes).await;
    if let Some(file) = &arguments.json {
        std::fs::write(file, serde_json::to_string_pretty(&outcome)?)?;
    }
    let storage = system.map(|system| format!("{}.\n\n", system.storage));
    Ok(storage.unwrap_or_default() + &report::outcome(&outcome))
}

async fn serve_echo_behind_edge() -> anyhow::Result<String> {
    let data = tempfile::tempdir()?;
    let served = echo::serve_echo_behind_edge(data.path(), |line| println!("{line}"));
    served.await.map(|()| String::new())
}
