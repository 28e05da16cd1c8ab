//! `grpc.health.v1`: `""` says that this process works and is not draining; a service's name says
//! whether what it depends on answers.

use std::{
    collections::BTreeSet,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio_util::sync::CancellationToken;
use tonic_health::{
    ServingStatus,
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};

/// How often dependencies are asked.
pub const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How long a dependency has to answer before it counts as gone.
pub const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// Of a program, for those who cannot ask over gRPC: a program has one health.
static READY: AtomicBool = AtomicBool::new(false);

/// Whether everything that this program depends on has answered once, and it is not draining.
#[must_use]
pub fn is_ready() -> bool {
    READY.load(Ordering::Relaxed)
}

/// The health of one process.
#[derive(Debug, Clone)]
pub struct Health {
    reporter: HealthReporter,
    /// The services that have not served yet.
    awaited: Arc<Mutex<BTreeSet<String>>>,
}

impl Health {
    /// Nothing serves yet: neither the process (`""`) nor any of `services`.
    pub async fn starting(services: &[&str]) -> Self {
        let reporter = HealthReporter::new();
        reporter
            .set_service_status("", ServingStatus::NotServing)
            .await;
        for service in services {
            reporter
                .set_service_status(service, ServingStatus::NotServing)
                .await;
        }
        let awaited = services.iter().map(|&service| service.to_owned());
        Self {
            reporter,
            awaited: Arc::new(Mutex::new(awaited.collect())),
        }
    }

    /// The gRPC service that answers for this process.
    #[must_use]
    pub fn service(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }

    /// Says whether `service` serves; `""` is the process.
    pub async fn set(&self, service: &str, serving: bool) {
        let status = if serving {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        self.reporter.set_service_status(service, status).await;
    }

    /// Asks `check` again and again, from now until `stop`, and says of `service` what it answers.
    /// The process serves from the first good answer on. When `stop` comes, nothing serves.
    pub async fn follow<F>(&self, service: &str, stop: CancellationToken, check: impl Fn() -> F)
    where
        F: Future<Output = bool>,
    {
        let mut known = None;
        let mut started = false;
        let watching = async {
            loop {
                let serving = tokio::time::timeout(CHECK_TIMEOUT, check())
                    .await
                    .unwrap_or(false);
                if known != Some(serving) {
                    tracing::info!(health.service = service, health.serving = serving, "health");
                    self.set(service, serving).await;
                    known = Some(serving);
                }
                if serving && !started {
                    self.set("", true).await;
                    self.has_started(service);
                    started = true;
                }
                tokio::time::sleep(CHECK_INTERVAL).await;
            }
        };
        tokio::select! {
            () = watching => {}
            () = stop.cancelled() => {
                READY.store(false, Ordering::Relaxed);
                self.set("", false).await;
                self.set(service, false).await;
            }
        }
    }

    fn has_started(&self, service: &str) {
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        if awaited.remove(service) && awaited.is_empty() {
            READY.store(true, Ordering::Relaxed);
        }
    }
}
