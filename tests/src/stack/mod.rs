//! Ways to run TurboMessage as a whole.

mod backup;
mod clock;
mod dev;
mod process;
mod services;

use std::net::{IpAddr, SocketAddr};

use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use turbomessage_proto::{
    auth_v1::auth_service_server::SERVICE_NAME as AUTH,
    mail_v1::mail_service_server::SERVICE_NAME as MAIL,
};

pub use backup::Backup;
pub use clock::{Clocks, ShiftedClock};
pub use dev::Dev;
pub use process::{Part, Process};
pub(crate) use services::pem;
pub use services::{Servers, Services, Settings};

use crate::{
    client::{Client, User},
    eventually::{SOON, eventually},
};

/// Where clients call.
#[derive(Debug, Clone, Copy)]
pub struct Edge {
    /// Where it listens.
    pub address: SocketAddr,
}

impl Edge {
    /// A connection of its own.
    pub async fn channel(&self) -> Channel {
        self.channel_from(None).await
    }

    /// A connection of its own from the address `from`: all of 127.0.0.0/8 is this machine's.
    pub async fn channel_from(&self, from: Option<IpAddr>) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address))
            .expect("an address")
            .local_address(from)
            .connect()
            .await
            .expect("a connection to the edge")
    }

    /// A client without a token, over a connection of its own.
    pub async fn client(&self) -> Client {
        Client::new(self.channel().await)
    }

    /// The same from another address.
    pub async fn client_from(&self, from: Option<IpAddr>) -> Client {
        Client::new(self.channel_from(from).await)
    }

    /// Somebody new.
    pub async fn register_fresh(&self) -> User {
        User::register(self).await
    }

    /// Whether `service` says that it serves.
    pub async fn serves(&self, service: &str) -> bool {
        let channel = Endpoint::from_shared(format!("http://{}", self.address)).expect("a URL");
        let request = HealthCheckRequest {
            service: service.into(),
        };
        let Ok(channel) = channel.connect().await else {
            return false;
        };
        let answer = HealthClient::new(channel).check(request).await;
        answer.is_ok_and(|answer| answer.get_ref().status() == ServingStatus::Serving)
    }

    /// Waits until both public services serve.
    pub async fn ready(&self) {
        for service in [AUTH, MAIL] {
            eventually(&format!("{service} serves"), SOON, async || {
                self.serves(service).await.then_some(())
            })
            .await;
        }
    }
}
