//! The gateway as a program.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Parser;
use tokio::net::TcpListener;
use turbomessage_gateway::{Config, Upstreams, serve};
use turbomessage_service_kit::{
    settings::{self, ServerArgs},
    shutdown, telemetry,
    upstream::Upstream,
};

/// The edge of TurboMessage: gRPC and gRPC-Web on one port, in front of auth-service and
/// mail-service.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Where to listen.
    #[arg(
        long,
        env = "TM_LISTEN",
        default_value = "0.0.0.0:50051",
        value_name = "ADDRESS:PORT"
    )]
    listen: SocketAddr,
    /// Where auth-service is, such as `http://auth-service:50052`.
    #[arg(long, env = "TM_AUTH_URL", value_name = "URL")]
    auth_url: String,
    /// Where mail-service is, such as `http://mail-service:50053`.
    #[arg(long, env = "TM_MAIL_URL", value_name = "URL")]
    mail_url: String,
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    server: ServerArgs,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: Args = settings::parse();
    let (upstreams, listener) = match prepare(&args).await {
        Ok(prepared) => prepared,
        Err(error) => settings::refuse(&error),
    };
    serve(
        args.config,
        args.server,
        upstreams,
        listener,
        shutdown::on_signal()?,
    )
    .await
}

/// Everything that a wrong setting can break; listening comes last.
async fn prepare(args: &Args) -> anyhow::Result<(Upstreams, TcpListener)> {
    telemetry::init(&args.server.log)?;
    let upstreams = Upstreams {
        auth: Upstream::connect(&args.auth_url).context("--auth-url")?,
        mail: Upstream::connect(&args.mail_url).context("--mail-url")?,
    };
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("--listen: cannot listen on {}", args.listen))?;
    Ok((upstreams, listener))
}
