//! A service as a program: settings that cannot be used end it before it listens, a signal ends it in good
//! order, and nothing that was logged, traced or counted is lost on any way out.

use std::{future::Future, net::SocketAddr, process::ExitCode};

use anyhow::Context;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    admin,
    listener::Listener,
    settings::{self, ServerArgs},
    shutdown,
    telemetry::{self, metrics},
};

/// Runs `service` until it is told to stop: 0 then, 64 for a setting that cannot be used, 1 for any other
/// failure. `prepare` finds what is wrong with the settings; `serve` gets what it made of them.
pub async fn run<P, F>(
    service: &'static str,
    server: &ServerArgs,
    listen: SocketAddr,
    prepare: impl FnOnce() -> anyhow::Result<P>,
    serve: impl FnOnce(P, Listener, CancellationToken) -> F,
) -> ExitCode
where
    F: Future<Output = anyhow::Result<()>>,
{
    let telemetry = match telemetry::init(service, &server.log) {
        Ok(telemetry) => telemetry,
        Err(error) => settings::refuse(&error),
    };
    let begun = async {
        let admin = match server.admin_listen {
            Some(address) => Some((
                metrics::Page::start(service)?,
                bind("--admin-listen", address).await?,
            )),
            None => None,
        };
        let prepared = prepare()?;
        let tls = server.tls.acceptor()?;
        anyhow::Ok((admin, prepared, bind("--listen", listen).await?, tls))
    };
    let (admin, prepared, listener, tls) = match begun.await {
        Ok(begun) => begun,
        Err(error) => settings::refuse(&error),
    };
    let work = async {
        let shutdown = shutdown::on_signal()?;
        tracing::info!(listen = %listener.local_addr()?, "listening");
        // Until the very end, so that the drain can be watched.
        let admin_stop = CancellationToken::new();
        let _stopped = admin_stop.clone().drop_guard();
        if let Some((page, listener)) = admin {
            tracing::info!(admin.listen = %listener.local_addr()?, "listening for those who run this");
            tokio::spawn(admin::serve(listener, page, admin_stop));
        }
        Box::pin(serve(prepared, Listener::new(listener, tls), shutdown)).await
    };
    let code = match work.await {
        Ok(()) => {
            tracing::info!("stopped");
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(error.cause = %format_args!("{error:#}"), "stopped by a failure");
            ExitCode::FAILURE
        }
    };
    telemetry.end().await;
    code
}

async fn bind(setting: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("{setting}: cannot listen on {address}"))
}
