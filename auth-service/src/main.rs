//! The `turbomessage-auth-service` program: reads its settings, listens, serves, stops.

use std::{net::SocketAddr, process::ExitCode};

use anyhow::Context;
use clap::Parser;
use tokio::net::TcpListener;
use turbomessage_auth_service::{Config, serve};
use turbomessage_service_kit::{
    settings::{self, ServerArgs},
    shutdown, telemetry,
};

/// Accounts, passwords, sessions and the directory of TurboMessage.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Where to listen.
    #[arg(
        long,
        env = "TM_LISTEN",
        default_value = "0.0.0.0:50052",
        value_name = "ADDRESS"
    )]
    listen: SocketAddr,
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    server: ServerArgs,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args: Args = settings::parse();
    if let Err(error) = args
        .config
        .check()
        .and_then(|()| telemetry::init(&args.server.log))
    {
        settings::refuse(&error);
    }
    match run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error.cause = format!("{error:#}"), "stopped by a failure");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal()?;
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}", args.listen))?;
    tracing::info!(listen = %listener.local_addr()?, "listening");
    serve(args.config, args.server, listener, shutdown).await?;
    tracing::info!("stopped");
    Ok(())
}
