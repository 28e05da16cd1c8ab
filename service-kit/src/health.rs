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

use tokio::time::Instant;
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

/// For how long a write that a store did not take speaks against it, if no other is tried.
const MEMORY: Duration = Duration::from_secs(10);

/// What became of the last write. A store may answer every question and take no writes: its disk is full.
#[derive(Debug, Clone, Default)]
pub struct Writes {
    refused: Arc<Mutex<Option<Instant>>>,
}

impl Writes {
    /// Notes that the store took a write, or that it could not.
    pub fn note(&self, taken: bool) {
        let refused = (!taken).then(Instant::now);
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused;
    }

    /// Whether the store takes writes, as far as is known.
    #[must_use]
    pub fn are_taken(&self) -> bool {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.is_none_or(|at| at.elapsed() >= MEMORY)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_was_not_taken_counts_until_one_is_or_for_a_while() {
        let writes = Writes::default();
        assert!(writes.are_taken(), "nothing is known yet");
        writes.note(false);
        assert!(!writes.clone().are_taken());
        writes.note(true);
        assert!(writes.are_taken());
        *writes.refused.lock().unwrap() = Instant::now().checked_sub(MEMORY);
        assert!(writes.are_taken(), "nobody has tried since");
    }
}
