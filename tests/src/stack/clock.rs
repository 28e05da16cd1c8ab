//! Clocks that a test can set.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use turbomessage_service_kit::clock::{Clock, SystemClock, Timestamp};

/// The machine's clock, put forward or back by as much as a test wants.
#[derive(Debug, Default)]
pub struct ShiftedClock(AtomicI64);

impl ShiftedClock {
    /// Puts the clock forward.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(micros(by), Ordering::SeqCst);
    }

    /// Puts the clock back.
    pub fn set_back(&self, by: Duration) {
        self.0.fetch_sub(micros(by), Ordering::SeqCst);
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).expect("a time that passes")
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        let shift = self.0.load(Ordering::SeqCst);
        Timestamp::from_micros(SystemClock.now().as_micros() + shift)
    }
}

/// What each service asks for the time.
#[derive(Debug, Clone, Default)]
pub struct Clocks {
    /// auth-service's.
    pub auth: Arc<ShiftedClock>,
    /// mail-service's.
    pub mail: Arc<ShiftedClock>,
    /// The gateway's.
    pub gateway: Arc<ShiftedClock>,
}

impl Clocks {
    /// Puts all of them forward.
    pub fn advance(&self, by: Duration) {
        for clock in [&self.auth, &self.mail, &self.gateway] {
            clock.advance(by);
        }
    }

    /// Puts all of them back.
    pub fn set_back(&self, by: Duration) {
        for clock in [&self.auth, &self.mail, &self.gateway] {
            clock.set_back(by);
        }
    }
}
