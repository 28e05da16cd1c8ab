//! What every store must do, whatever it is made of. The suites panic where a store breaks a
//! promise. They can run again and again on the same database, and beside other users of it.

use std::{future::Future, sync::Arc, time::Duration};

use tokio_util::sync::{CancellationToken, DropGuard};
use turbomessage_service_kit::{
    clock::{Timestamp, new_id},
    problem::{Problem, Reason},
    settings::Secret,
};
use uuid::Uuid;

use super::{AccountStore, SessionStore};
use crate::config::{AccountStoreUrl, SessionStoreUrl};

mod accounts;
mod full;
mod log;
mod sessions;
mod throttle;

/// The time in the suites; stores have no time of their own that counts.
const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
/// How long a store may take until it answers for the first time.
const START_UP: Duration = Duration::from_secs(60);

/// Runs every case of the account store on the database at `url`.
///
/// # Panics
/// The store breaks a promise.
pub async fn account_store(url: &str) {
    let (store, _guard) = open_accounts(url).await;
    accounts::prepare_every_statement(url).await;
    accounts::run_all(store.as_ref()).await;
    log::run_all(&store).await;
}

/// Runs every case of the session store on the store at `url`.
///
/// # Panics
/// The store breaks a promise.
pub async fn session_store(url: &str) {
    let (store, _guard) = open_sessions(url).await;
    sessions::run_all(store.as_ref()).await;
    throttle::run_all(&store).await;
}

/// Checks what a Redis server at `maxmemory` does: existing sessions are kept and can be ended, new
/// ones are refused. The server must be there for this alone.
///
/// # Panics
/// The store breaks a promise.
pub async fn redis_without_room(url: &str) {
    let (store, _guard) = open_sessions(url).await;
    full::existing_sessions_are_kept(store.as_ref(), url).await;
}

async fn open_accounts(url: &str) -> (Arc<dyn AccountStore>, DropGuard) {
    let url = AccountStoreUrl::parse(&Secret::new(url)).expect("a URL");
    let shutdown = CancellationToken::new();
    let store = super::open_accounts(&url, shutdown.clone())
        .await
        .expect("opens");
    answers(|| store.ping()).await;
    (store, shutdown.drop_guard())
}

async fn open_sessions(url: &str) -> (Arc<dyn SessionStore>, DropGuard) {
    let redis = turbomessage_service_kit::redis::RedisArgs::default();
    let url = SessionStoreUrl::parse(&Secret::new(url), &redis).expect("a URL");
    let shutdown = CancellationToken::new();
    let store = super::open_sessions(&url, shutdown.clone())
        .await
        .expect("opens");
    answers(|| store.ping()).await;
    (store, shutdown.drop_guard())
}

/// Waits until a store that was just opened answers.
async fn answers<F: Future<Output = Result<(), Problem>>>(ping: impl Fn() -> F) {
    let answering = async {
        while ping().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::time::timeout(START_UP, answering).await;
    in_time.expect("the store answers");
}

/// An id that nobody else uses.
fn id() -> Uuid {
    new_id(NOW)
}

/// The answer of a store that works.
trait Works<T> {
    fn works(self) -> T;
}

impl<T> Works<T> for Result<T, Problem> {
    #[track_caller]
    fn works(self) -> T {
        match self {
            Ok(value) => value,
            Err(problem) => panic!("the store failed: {:#}", anyhow::Error::from(problem)),
        }
    }
}

/// Why a store refused.
#[track_caller]
fn refusal<T>(result: Result<T, Problem>) -> Reason {
    match result {
        Ok(_) => panic!("the store did not refuse"),
        Err(problem) => problem.reason(),
    }
}
