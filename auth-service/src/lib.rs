//! Accounts, passwords, sessions and the directory of TurboMessage.
//!
//! [`build`] makes the gRPC services of this part of the system; [`serve`] puts them on a
//! listener.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use turbomessage_service_kit::{
    clock::{SharedClock, SystemClock},
    detached::chain,
    health::Health,
    listener::Listener,
    server::{self, INNER_STREAMS},
    settings::ServerArgs,
};

use crate::{
    auth::Auth,
    hashing::Hashing,
    introspection::Introspection,
    keys::KeyRing,
    store::{AccountStore, SessionStore},
    throttle::Throttle,
};

mod auth;
mod config;
mod deletion;
mod directory;
mod domain;
mod grpc;
mod hashing;
mod introspection;
mod keys;
mod login;
mod password;
mod profile;
mod registration;
mod sessions;
mod store;
#[cfg(test)]
mod tests;
mod throttle;

pub use config::Config;
#[cfg(any(test, feature = "conformance"))]
pub use store::conformance;

/// How often what is over is forgotten.
const CLEAN_UP_INTERVAL: Duration = Duration::from_secs(600);

/// Opens the stores, brings their schemas up to date and starts what runs in the background until
/// `shutdown`. The routes serve `AuthService`, `SessionService`, `DirectoryService` and health. A
/// database server that does not answer yet is no error: calls get `STORE_UNAVAILABLE` and health
/// says `NOT_SERVING` until it does.
///
/// # Errors
/// A setting cannot be used, or a file cannot be opened.
pub async fn build(
    config: Config,
    clock: SharedClock,
    shutdown: CancellationToken,
) -> anyhow::Result<Routes> {
    let settings = config.resolve()?;
    let accounts = store::open_accounts(&settings.accounts, shutdown.clone()).await?;
    let sessions = store::open_sessions(&settings.sessions, shutdown.clone()).await?;
    let keys = KeyRing::open(&settings.ticket_keys, shutdown.clone())?;
    let auth = Arc::new(Auth {
        hashing: Hashing::new(settings.hashing)?,
        throttle: Throttle::new(Arc::clone(&sessions), Arc::clone(&clock), settings.logins),
        lifetimes: settings.lifetimes,
        accounts: Arc::clone(&accounts),
        sessions: Arc::clone(&sessions),
        clock: Arc::clone(&clock),
    });

    let health = Health::starting(&[grpc::AUTH_SERVICE]).await;
    let mut routes = Routes::builder();
    routes.add_service(health.service());
    let introspection = Introspection::new(Arc::clone(&auth), keys);
    grpc::add_services(
        &mut routes,
        Arc::clone(&auth),
        introspection,
        shutdown.clone(),
    );

    tokio::spawn(deletion::end_sessions_of_deleted(auth, shutdown.clone()));
    tokio::spawn(clean_up(Arc::clone(&sessions), clock, shutdown.clone()));
    tokio::spawn(follow_health(health, accounts, sessions, shutdown));
    Ok(routes.routes())
}

/// Serves what [`build`] makes on `listener` until `shutdown`.
///
/// # Errors
/// As for [`build`]; or the server failed, or calls were still in flight when the time to drain was
/// over.
pub async fn serve(
    config: Config,
    server: ServerArgs,
    listener: Listener,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let routes = build(config, SystemClock::shared(), shutdown.clone()).await?;
    server::serve(
        listener,
        routes,
        INNER_STREAMS,
        shutdown,
        server.drain_seconds,
    )
    .await
}

async fn follow_health(
    health: Health,
    accounts: Arc<dyn AccountStore>,
    sessions: Arc<dyn SessionStore>,
    shutdown: CancellationToken,
) {
    let answers = || async {
        let (accounts, sessions) = tokio::join!(accounts.ping(), sessions.ping());
        accounts.is_ok() && sessions.is_ok()
    };
    health.follow(grpc::AUTH_SERVICE, shutdown, answers).await;
}

async fn clean_up(
    sessions: Arc<dyn SessionStore>,
    clock: SharedClock,
    shutdown: CancellationToken,
) {
    let pause = || tokio::time::sleep(CLEAN_UP_INTERVAL);
    while shutdown.run_until_cancelled(pause()).await.is_some() {
        if let Err(problem) = sessions.clean_up(clock.now()).await {
            let cause = chain(problem);
            tracing::warn!(error.cause = cause, "what is over stays for now");
        }
    }
}
