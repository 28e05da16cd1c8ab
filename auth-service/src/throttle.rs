//! Failed logins, counted per username and address, and per address, by all replicas together. An
//! attempt is taken before the password is looked at and given back unless the password was wrong,
//! so that no number of attempts at once gets past the limit, and a success does not count.

use std::{future::Future, sync::Arc, time::Duration};

use sha2::{Digest, Sha256};
use turbomessage_service_kit::{
    clock::{SharedClock, Timestamp},
    detached::chain,
    problem::{Problem, Reason},
};

use crate::{
    config::LoginLimits,
    domain::{ClientAddress, Username},
    store::{Limit, SessionStore, Window},
};

/// Holds those back who guess passwords.
pub(crate) struct Throttle {
    sessions: Arc<dyn SessionStore>,
    clock: SharedClock,
    limits: LoginLimits,
}

impl Throttle {
    /// Counts in `sessions`.
    pub(crate) fn new(
        sessions: Arc<dyn SessionStore>,
        clock: SharedClock,
        limits: LoginLimits,
    ) -> Self {
        Self {
            sessions,
            clock,
            limits,
        }
    }

    /// Runs `attempt` to log in as `username`, unless too many have failed. Whether there is such an
    /// account makes no difference.
    ///
    /// # Errors
    /// `RATE_LIMITED`, or what `attempt` ends with.
    pub(crate) async fn attempt<T>(
        &self,
        username: &Username,
        address: &ClientAddress,
        attempt: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        let limits = self.limits_of(username, address);
        let now = self.clock.now();
        let window = window(now, self.limits.window);
        if !self.sessions.take_attempt(&limits, window).await? {
            let wait = window.end.since(now).max(Duration::from_secs(1));
            return Err(Problem::new(Reason::RateLimited).retry_after(wait));
        }
        let result = attempt.await;
        let failed = matches!(&result, Err(p) if p.reason() == Reason::CredentialsInvalid);
        if !failed && let Err(problem) = self.sessions.give_back_attempt(&limits, window).await {
            // It is given back when the window is over.
            let cause = chain(problem);
            tracing::warn!(
                error.cause = cause,
                "a login that did not fail stays counted"
            );
        }
        result
    }

    fn limits_of(&self, username: &Username, address: &ClientAddress) -> [Limit; 2] {
        let scope = |name: &str| {
            // Neither a name nor an address holds a NUL.
            Sha256::digest(format!("login\0{name}\0{}", address.as_str())).into()
        };
        [
            Limit {
                scope: scope(username.as_str()),
                most: self.limits.per_name,
            },
            Limit {
                scope: scope(""),
                most: self.limits.per_address,
            },
        ]
    }
}

/// The window that `now` is in: windows of `length` follow each other from the epoch on.
fn window(now: Timestamp, length: Duration) -> Window {
    let length_micros = i64::try_from(length.as_micros()).unwrap_or(i64::MAX).max(1);
    let start = Timestamp::from_micros(now.as_micros() - now.as_micros().rem_euclid(length_micros));
    Window {
        start,
        end: start.plus(length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_follow_each_other() {
        let length = Duration::from_secs(900);
        let start = Timestamp::from_micros(1_800_000_000_000_000);
        let first = window(start, length);
        assert_eq!((first.start, first.end), (start, start.plus(length)));
        assert_eq!(window(start.plus(Duration::from_secs(899)), length), first);
        assert_eq!(window(first.end, length).start, first.end);
    }
}
