//! Places where a test can have the process die: `TM_FAULT=before-commit:3` ends it, without any
//! clean-up, when the third batch is about to be committed. Only in builds made for tests.

use std::sync::atomic::{AtomicU64, Ordering};

static REACHED: AtomicU64 = AtomicU64::new(0);

/// Dies here if `TM_FAULT` says so.
pub(super) fn reach(point: &str) {
    let Ok(wanted) = std::env::var("TM_FAULT") else {
        return;
    };
    let Some((name, count)) = wanted.split_once(':') else {
        return;
    };
    if name == point && Ok(REACHED.fetch_add(1, Ordering::SeqCst) + 1) == count.parse() {
        std::process::abort();
    }
}
