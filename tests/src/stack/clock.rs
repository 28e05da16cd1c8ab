//! A clock that a test can put forward.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use turbomessage_service_kit::clock::{Clock, SystemClock, Timestamp};

/// The machine's clock, put forward by as much as a test wants.
#[derive(Debug, Default)]
pub struct ShiftedClock(AtomicU64);

impl ShiftedClock {
    /// Puts the clock forward.
    pub fn advance(&self, by: Duration) {
        let micros = u64::try_from(by.as_micros()).expect("a time that passes");
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        let shift = Duration::from_micros(self.0.load(Ordering::SeqCst));
        SystemClock.now().plus(shift)
    }
}
