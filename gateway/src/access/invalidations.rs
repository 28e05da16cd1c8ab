//! What was known until some point and must not be relied on any more.

use std::collections::VecDeque;

use uuid::Uuid;

use super::Session;

/// How many invalidations are remembered. What is older than the oldest of them counts as
/// invalidated.
const CAPACITY: usize = 4096;

/// What an invalidation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Everything,
    Account(Uuid),
    Session(Uuid),
}

impl Scope {
    pub(super) fn covers(self, session: &Session) -> bool {
        match self {
            Self::Everything => true,
            Self::Account(id) => id == session.account_id,
            Self::Session(id) => id == session.session_id,
        }
    }
}

/// A point between two invalidations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark(u64);

/// The invalidations of late, in order.
#[derive(Debug, Default)]
pub(super) struct Invalidations {
    /// How many there have ever been.
    count: u64,
    late: VecDeque<Scope>,
}

impl Invalidations {
    pub(super) fn now(&self) -> Mark {
        Mark(self.count)
    }

    pub(super) fn note(&mut self, scope: Scope) {
        if self.late.len() == CAPACITY {
            self.late.pop_front();
        }
        self.late.push_back(scope);
        self.count += 1;
    }

    /// Whether what was asked about `session` at `mark` must not be relied on.
    pub(super) fn hit(&self, mark: Mark, session: &Session) -> bool {
        let missed = usize::try_from(self.count - mark.0).unwrap_or(usize::MAX);
        missed > self.late.len()
            || self
                .late
                .iter()
                .rev()
                .take(missed)
                .any(|scope| scope.covers(session))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use turbomessage_service_kit::clock::Timestamp;

    use super::*;

    fn session(account: u128, session: u128) -> Session {
        Session {
            account_id: Uuid::from_u128(account),
            session_id: Uuid::from_u128(session),
            expire_time: Timestamp::from_micros(0),
            ticket: HeaderValue::from_static(""),
        }
    }

    #[test]
    fn an_invalidation_reaches_what_it_is_about_and_what_came_before() {
        let mut log = Invalidations::default();
        let (mine, other) = (session(1, 10), session(2, 20));
        let before = log.now();
        log.note(Scope::Account(mine.account_id));
        assert!(log.hit(before, &mine));
        assert!(!log.hit(before, &other));
        assert!(!log.hit(log.now(), &mine));
        log.note(Scope::Session(other.session_id));
        assert!(log.hit(before, &other));
        let before = log.now();
        log.note(Scope::Everything);
        assert!(log.hit(before, &mine) && log.hit(before, &other));
    }

    #[test]
    fn what_is_older_than_the_memory_is_not_relied_on() {
        let mut log = Invalidations::default();
        let before = log.now();
        for n in 0..=CAPACITY {
            log.note(Scope::Session(Uuid::from_u128(n as u128)));
        }
        assert!(log.hit(before, &session(1, u128::MAX)));
        assert_eq!(log.late.len(), CAPACITY);
    }
}
