//! How much may be under way at once. Of what is too much some waits for a moment (ADR 14), the rest is refused at once.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use turbomessage_service_kit::problem::{Problem, Reason};

use super::table::Route;
use crate::Config;

/// When to try again after a refusal.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How long a call waits for a place: as long as it would be asked to stay away.
const WAIT: Duration = RETRY_AFTER;
/// Calls that may wait for each that may be under way: more than get a place within that time on a few cores. One that waits
/// takes some 10 KiB.
const WAITING_FOR_EACH: u32 = 4;

#[derive(Debug)]
pub(super) struct Limits {
    calls: Arc<Semaphore>,
    /// Calls that wait for one of these places, each with its headers and what of its request has come.
    waiting: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    /// The share of calls that may hash a password, so that a flood of logins leaves room for mail.
    passwords: Arc<Semaphore>,
}

/// A place among the calls under way, until it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    _call: OwnedSemaphorePermit,
    _password: Option<OwnedSemaphorePermit>,
}

impl Limits {
    pub(super) fn new(config: &Config) -> Self {
        let places = |number: u32| Arc::new(Semaphore::new(number as usize));
        Self {
            calls: places(config.max_calls),
            waiting: places(config.max_calls * WAITING_FOR_EACH),
            streams: places(config.max_streams),
            passwords: places(config.max_password_calls),
        }
    }

    /// A place for a call of `route`. A call waits for one, in turn; for one among the streams, or among those that hash a
    /// password, nobody waits, as none may be free for long.
    ///
    /// # Errors
    /// `OVERLOADED`
    pub(super) async fn admit(&self, route: &Route) -> Result<Permit, Problem> {
        let password = route.hashes_password.then(|| take(&self.passwords));
        let password = password.transpose()?;
        let call = if route.streaming {
            take(&self.streams)?
        } else {
            self.call().await?
        };
        Ok(Permit {
            _password: password,
            _call: call,
        })
    }

    async fn call(&self) -> Result<OwnedSemaphorePermit, Problem> {
        if let Ok(place) = take(&self.calls) {
            return Ok(place);
        }
        let _waiting = take(&self.waiting)?;
        let place = Arc::clone(&self.calls).acquire_owned();
        match timeout(WAIT, place).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(overloaded()),
        }
    }
}

fn take(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    let place = Arc::clone(places).try_acquire_owned();
    place.map_err(|_| overloaded())
}

fn overloaded() -> Problem {
    Problem::new(Reason::Overloaded).retry_after(RETRY_AFTER)
}
