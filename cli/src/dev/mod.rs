//! `tm dev`: all of TurboMessage in one process, on files in one directory.

mod banner;
mod data_dir;
mod stack;

use std::{env, io::Write, net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, anyhow};
use clap::Args;
use tokio::net::TcpListener;
use turbomessage_service_kit::{
    clock::SystemClock,
    server::{EDGE_STREAMS, serve},
    settings::{LogArgs, LogFormat, reachable, refuse},
    shutdown,
    telemetry::{self, Telemetry},
};

use self::{banner::Banner, data_dir::DataDir};
use crate::places;

/// How long calls in flight may go on after a signal. Streams end with the process.
const DRAIN: Duration = Duration::from_secs(2);

/// Options of `tm dev`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm dev
  tm dev --listen 127.0.0.1:6000 --data-dir /tmp/mail")]
pub(crate) struct DevArgs {
    /// Where to listen; port 0 takes a free one.
    #[arg(
        long,
        env = "TM_LISTEN",
        default_value = "127.0.0.1:50051",
        value_name = "ADDRESS"
    )]
    listen: SocketAddr,
    /// Where accounts and mail are kept [default: turbomessage in the XDG data directory].
    #[arg(long, env = "TM_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// How log lines look.
    #[arg(
        long,
        env = "TM_LOG_FORMAT",
        value_enum,
        default_value = "pretty",
        value_name = "FORMAT"
    )]
    log_format: LogFormat,
    /// What is logged, such as `info`, in the syntax of the `tracing-subscriber` crate.
    #[arg(long, env = "TM_LOG", default_value = "warn", value_name = "FILTER")]
    log: String,
}

/// Runs until a signal: 0 after SIGINT or SIGTERM, 64 for a setting that cannot be used, 1 for any
/// other failure.
pub(crate) fn run(args: &DevArgs) -> ExitCode {
    // Before anything is created, and before there are threads: what this process makes is its
    // owner's alone.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start")
        .and_then(|runtime| runtime.block_on(run_here(args)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run_here(args: &DevArgs) -> anyhow::Result<()> {
    let (telemetry, listener, data_dir) =
        prepare(args).await.unwrap_or_else(|error| refuse(&error));
    let address = reachable(listener.local_addr()?);
    let stop = shutdown::on_signal()?;
    let routes = stack::build(data_dir.path(), SystemClock::shared(), stop.clone()).await?;

    let program = banner::program(env::current_exe().ok(), env::var_os("PATH").as_deref());
    let names_server = env::var_os("TM_SERVER").is_some();
    let banner = Banner {
        program: &program,
        address,
        names_server,
        data_dir: data_dir.path(),
    };
    let mut out = std::io::stdout().lock();
    // A server goes on though nobody reads what it says.
    let _ = write!(out, "{banner}").and_then(|()| out.flush());
    drop(out);

    let served = serve(listener, routes, EDGE_STREAMS, stop.clone(), DRAIN).await;
    telemetry.end().await;
    if let (true, Err(error)) = (stop.is_cancelled(), &served) {
        tracing::info!("{error}");
        return Ok(());
    }
    served
}

/// Takes the directory and the address, or says in one line why it cannot.
async fn prepare(args: &DevArgs) -> anyhow::Result<(Telemetry, TcpListener, DataDir)> {
    let log = LogArgs {
        log_format: args.log_format,
        log: args.log.clone(),
    };
    let telemetry = telemetry::init("turbomessage", &log)?;
    let path = match &args.data_dir {
        Some(path) => path.clone(),
        None => places::data_dir().map_err(|failure| anyhow!("--data-dir: {}", failure.message))?,
    };
    let data_dir = DataDir::take(&path)?;
    let listen = args.listen;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("--listen: cannot listen on {listen}"))?;
    Ok((telemetry, listener, data_dir))
}
