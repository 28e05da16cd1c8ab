//! What the gateway says of itself and of the services behind it.

use tonic_health::{
    ServingStatus,
    pb::{HealthCheckRequest, health_check_response, health_client::HealthClient},
    server::{HealthReporter, HealthService},
};
use turbomessage_service_kit::{problem::Reason, upstream::Upstream};

use super::support::{Gateway, Raw, echo, gateway, gateway_with, within};
use crate::Config;

const MAIL: &str = "turbomessage.mail.v1.MailService";
const AUTH: &str = "turbomessage.auth.v1.AuthService";

/// Waits until the gateway says of `service` that it serves, or does not.
async fn until(gateway: &Gateway, service: &str, serving: bool) {
    let wanted = if serving {
        health_check_response::ServingStatus::Serving
    } else {
        health_check_response::ServingStatus::NotServing
    };
    let request = HealthCheckRequest {
        service: service.into(),
    };
    let mut client = HealthClient::new(gateway.edge.streams());
    let mut states = client.watch(request).await.unwrap().into_inner();
    within(async { while states.message().await.unwrap().unwrap().status() != wanted {} }).await;
}

#[tokio::test]
async fn the_gateway_serves_as_soon_as_it_has_started_and_until_it_stops() {
    let gateway = gateway(echo).await;
    until(&gateway, "", true).await;
    until(&gateway, AUTH, false).await;
    gateway.shutdown.cancel();
    until(&gateway, "", false).await;
}

#[tokio::test]
async fn a_services_health_is_that_of_its_upstream() {
    let reporter = HealthReporter::new();
    let service = HealthService::from_health_reporter(reporter.clone());
    let routes =
        tonic::service::Routes::new(tonic_health::pb::health_server::HealthServer::new(service));
    let mail = Upstream::local(Raw::under(routes, echo));
    let gateway = gateway_with(Config::default(), mail).await;
    reporter
        .set_service_status(MAIL, ServingStatus::Serving)
        .await;
    until(&gateway, MAIL, true).await;
    reporter
        .set_service_status(MAIL, ServingStatus::NotServing)
        .await;
    until(&gateway, MAIL, false).await;
    until(&gateway, "", true).await;
}

#[tokio::test]
async fn nothing_is_known_of_other_services() {
    let gateway = gateway(echo).await;
    let mut client = HealthClient::new(gateway.edge.calls());
    for service in ["turbomessage.auth.internal.v1.SessionService", "x"] {
        let request = HealthCheckRequest {
            service: service.into(),
        };
        let status = client.check(request).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::NotFound);
        assert_eq!(
            turbomessage_service_kit::problem::reason_of(&status),
            Some(Reason::MethodUnknown)
        );
    }
}
