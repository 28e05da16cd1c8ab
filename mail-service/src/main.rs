//! mail-service: parse, wire, exit.

use std::{net::SocketAddr, process::ExitCode};

use clap::Parser;
use tokio::net::TcpListener;
use turbomessage_mail_service::{Config, serve};
use turbomessage_service_kit::{
    settings::{self, ServerArgs},
    shutdown, telemetry,
    upstream::Upstream,
};

/// The mailbox of TurboMessage.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Where to listen for calls of the gateway.
    #[arg(
        long,
        env = "TM_LISTEN",
        default_value = "0.0.0.0:50053",
        value_name = "ADDRESS"
    )]
    listen: SocketAddr,
    /// Where auth-service is.
    #[arg(
        long,
        env = "TM_AUTH_URL",
        default_value = "http://127.0.0.1:50052",
        value_name = "URL"
    )]
    auth_url: String,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    config: Config,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args: Args = settings::parse();
    let auth = match check(&args) {
        Ok(auth) => auth,
        Err(error) => settings::refuse(&error),
    };
    match run(args, auth).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error.cause = %format_args!("{error:#}"), "ended");
            ExitCode::FAILURE
        }
    }
}

/// Everything that can be wrong with the settings, before anything listens.
fn check(args: &Args) -> anyhow::Result<Upstream> {
    telemetry::init(&args.server.log)?;
    args.config.check()?;
    Upstream::connect(&args.auth_url).map_err(|error| error.context("--auth-url"))
}

async fn run(args: Args, auth: Upstream) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal()?;
    let listener = TcpListener::bind(args.listen).await?;
    tracing::info!(listen = %listener.local_addr()?, "listening");
    serve(args.config, args.server, auth, listener, shutdown).await
}
