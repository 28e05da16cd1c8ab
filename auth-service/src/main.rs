//! The `turbomessage-auth-service` program: reads its settings, listens, serves, stops.

use std::{net::SocketAddr, process::ExitCode};

use clap::Parser;
use turbomessage_auth_service::{Config, serve};
use turbomessage_service_kit::{
    program,
    settings::{self, ServerArgs},
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
    let Args {
        listen,
        config,
        server,
    } = settings::parse();
    let args = server.clone();
    let check = || config.check();
    program::run(
        "turbomessage-auth-service",
        &args,
        listen,
        check,
        |(), listener, shutdown| serve(config.clone(), server, listener, shutdown),
    )
    .await
}
