//! The three services, wired together without a network between them.

use std::path::Path;

use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use turbomessage_auth_service as auth_service;
use turbomessage_gateway as gateway;
use turbomessage_mail_service as mail_service;
use turbomessage_service_kit::{clock::SharedClock, upstream::Upstream};

/// Everything that TurboMessage answers, on files in `data_dir`, until `shutdown`.
pub(super) async fn build(
    data_dir: &Path,
    clock: SharedClock,
    shutdown: CancellationToken,
) -> anyhow::Result<Routes> {
    let auth = auth_service::build(
        auth_service::Config::embedded(data_dir),
        clock.clone(),
        shutdown.clone(),
    )
    .await?;
    let auth = Upstream::local(auth);
    let mail = mail_service::build(
        mail_service::Config::embedded(data_dir),
        auth.clone(),
        clock.clone(),
        shutdown.clone(),
    )
    .await?;
    let upstreams = gateway::Upstreams {
        auth,
        mail: Upstream::local(mail),
    };
    gateway::build(gateway::Config::default(), upstreams, clock, shutdown).await
}
