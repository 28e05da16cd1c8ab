//! mail-service: parse, wire, exit.

use std::{net::SocketAddr, process::ExitCode};

use anyhow::Context;
use clap::Parser;
use turbomessage_mail_service::{Config, serve};
use turbomessage_service_kit::{
    program,
    settings::{self, ServerArgs},
    tls::UpstreamTlsArgs,
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
    upstream_tls: UpstreamTlsArgs,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    config: Config,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Args {
        listen,
        auth_url,
        upstream_tls,
        server,
        config,
    } = settings::parse();
    let args = server.clone();
    let prepare = || {
        config.check()?;
        Upstream::connect(&auth_url, &upstream_tls).context("--auth-url")
    };
    program::run(
        "turbomessage-mail-service",
        &args,
        listen,
        prepare,
        |auth, listener, shutdown| serve(config.clone(), server, auth, listener, shutdown),
    )
    .await
}
