//! How far a run has come, for whoever waits: a bar on a terminal, a line at the end elsewhere.

use std::{
    io::{IsTerminal, Write as _},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinHandle;

use super::tally::{Tally, Window};

const INTERVAL: Duration = Duration::from_millis(250);
const WIDTH: usize = 30;

/// Tells until it is ended.
#[derive(Debug)]
pub(super) struct Progress {
    telling: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins to tell of `what`.
    pub(super) fn start(what: &str, window: Window, tally: Arc<Tally>) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { telling: None };
        }
        let (what, begun) = (what.to_owned(), Instant::now());
        let telling = tokio::spawn(async move {
            loop {
                let line = line(&what, begun, window, Instant::now(), tally.so_far());
                let _ = write!(std::io::stderr(), "\r\x1b[K{line}");
                tokio::time::sleep(INTERVAL).await;
            }
        });
        Self {
            telling: Some(telling),
        }
    }

    /// Takes the bar away.
    pub(super) async fn end(self) {
        let Some(telling) = self.telling else { return };
        telling.abort();
        let _ = telling.await;
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
}

fn line(what: &str, begun: Instant, window: Window, now: Instant, completed: u64) -> String {
    let whole = (window.until - begun).as_secs_f64();
    let gone = (now - begun).as_secs_f64().min(whole);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a part of a short bar"
    )]
    let full = (gone / whole * WIDTH as f64) as usize;
    let bar = format!("{}{}", "#".repeat(full), "·".repeat(WIDTH - full));
    let counted = now.saturating_duration_since(window.from).as_secs_f64();
    if counted == 0.0 {
        return format!("[{bar}] {what}: warming up");
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of calls")]
    let rate = completed as f64 / counted;
    format!("[{bar}] {what}: {rate:.0}/s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_and_tells_the_rate() {
        let begun = Instant::now();
        let window = Window {
            from: begun + Duration::from_secs(1),
            until: begun + Duration::from_secs(3),
        };
        let at = |seconds| begun + Duration::from_secs(seconds);
        let first = line("sends", begun, window, begun, 0);
        assert!(first.ends_with("] sends: warming up"), "{first}");
        let later = line("sends", begun, window, at(2), 500);
        assert!(later.ends_with("] sends: 500/s"), "{later}");
        assert_eq!(later.matches('#').count(), 20);
        assert_eq!(line("", begun, window, at(9), 1).matches('#').count(), 30);
    }
}
