//! The three services, wired together without a network between them.

use std::path::Path;

use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use turbomessage_auth_service as auth_service;
use turbomessage_gateway as gateway;
use turbomessage_mail_service as mail_service;
use turbomessage_service_kit::{clock::SharedClock, upstream::Upstream};

/// Everything that TurboMessage answers, on files in `data_dir`. The edge stops with `stop`; the
/// services behind it end with the process, after the last call at the edge.
pub(super) async fn build(
    data_dir: &Path,
    clock: SharedClock,
    stop: CancellationToken,
) -> anyhow::Result<Routes> {
    let process = CancellationToken::new();
    let auth = auth_service::Config::embedded(data_dir);
    let auth = auth_service::build(auth, clock.clone(), process.clone()).await?;
    let auth = Upstream::local(auth);

    let mail = mail_service::Config::embedded(data_dir);
    let mail = mail_service::build(mail, auth.clone(), clock.clone(), process).await?;
    let mail = Upstream::local(mail);

    let upstreams = gateway::Upstreams { auth, mail };
    gateway::build(gateway::Config::default(), upstreams, clock, stop).await
}
