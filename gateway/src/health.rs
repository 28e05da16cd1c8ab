//! The gateway's own health, and that of the public services as their upstreams tell it.

use tokio_util::sync::CancellationToken;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use turbomessage_proto::{auth_v1::auth_service_server, mail_v1::mail_service_server};
use turbomessage_service_kit::{
    health::Health,
    upstream::{GrpcService, Upstream},
};

use crate::Upstreams;

/// Follows the upstreams until `shutdown`. The gateway itself serves from now until then.
pub(crate) async fn follow(upstreams: &Upstreams, shutdown: &CancellationToken) -> Health {
    let services = [
        (auth_service_server::SERVICE_NAME, &upstreams.auth),
        (mail_service_server::SERVICE_NAME, &upstreams.mail),
    ];
    let health = Health::starting(&services.map(|(name, _)| name)).await;
    health.set("", true).await;
    for (name, upstream) in services {
        tokio::spawn(follow_one(
            health.clone(),
            name,
            upstream.clone(),
            shutdown.clone(),
        ));
    }
    health
}

async fn follow_one(
    health: Health,
    name: &'static str,
    upstream: Upstream,
    shutdown: CancellationToken,
) {
    let client = HealthClient::new(upstream.calls());
    health
        .follow(name, shutdown, || serves(client.clone(), name))
        .await;
}

async fn serves(mut client: HealthClient<GrpcService>, service: &str) -> bool {
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    let answer = client.check(request).await;
    answer.is_ok_and(|answer| answer.get_ref().status() == ServingStatus::Serving)
}
