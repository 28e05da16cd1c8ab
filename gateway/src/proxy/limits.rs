//! How much may be under way at once. What is too much is refused at once: nothing waits here.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use turbomessage_service_kit::problem::{Problem, Reason};

use super::table::Route;
use crate::Config;

/// When to try again after a refusal.
const RETRY_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Limits {
    calls: Arc<Semaphore>,
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
            streams: places(config.max_streams),
            passwords: places(config.max_password_calls),
        }
    }

    /// A place for a call of `route`.
    ///
    /// # Errors
    /// `OVERLOADED`
    pub(super) fn admit(&self, route: &Route) -> Result<Permit, Problem> {
        let password = route.hashes_password.then(|| take(&self.passwords));
        let call = take(if route.streaming {
            &self.streams
        } else {
            &self.calls
        })?;
        Ok(Permit {
            _password: password.transpose()?,
            _call: call,
        })
    }
}

fn take(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    Arc::clone(places)
        .try_acquire_owned()
        .map_err(|_| Problem::new(Reason::Overloaded).retry_after(RETRY_AFTER))
}
