//! The gateway as a program.

use std::{net::SocketAddr, process::ExitCode};

use anyhow::Context;
use clap::Parser;
use turbomessage_gateway::{Config, Upstreams, serve};
use turbomessage_service_kit::{
    event_loop::EventLoops,
    program,
    settings::{self, ServerArgs},
    tls::UpstreamTlsArgs,
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
    upstream_tls: UpstreamTlsArgs,
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    server: ServerArgs,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Args {
        listen,
        auth_url,
        mail_url,
        upstream_tls,
        config,
        server,
    } = settings::parse();
    let prepare = || {
        let loops = EventLoops::start().context("cannot start a thread")?;
        let connect = |url: &str| Upstream::connect_from(&loops, url, &upstream_tls);
        let upstreams = Upstreams {
            auth: connect(&auth_url).context("--auth-url")?,
            mail: connect(&mail_url).context("--mail-url")?,
        };
        Ok((upstreams, loops))
    };
    let args = server.clone();
    program::run(
        "turbomessage-gateway",
        &args,
        listen,
        prepare,
        |(upstreams, loops), listener, shutdown| {
            let listener = listener.spread_over(loops);
            serve(config, server, upstreams, listener, shutdown)
        },
    )
    .await
}
