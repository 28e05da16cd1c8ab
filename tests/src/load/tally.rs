//! What is counted while workers work, and what it comes to.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use serde::Serialize;

/// Shards, so that workers on different cores seldom wait for each other to count.
const SHARDS: usize = 8;
/// Decimal digits that a histogram keeps of a latency.
const DIGITS: u8 = 3;

/// Latencies in nanoseconds, and what became of calls, by what was done.
#[derive(Debug, Default)]
struct Shard {
    latencies: BTreeMap<&'static str, Histogram<u64>>,
    completed: BTreeMap<&'static str, u64>,
    failures: BTreeMap<String, u64>,
}

/// The stretch of a run that counts: after the warm-up, before the end.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// When the warm-up is over.
    pub from: Instant,
    /// When nothing more is begun.
    pub until: Instant,
}

impl Window {
    fn has(&self, time: Instant) -> bool {
        self.from <= time && time < self.until
    }
}

/// Where workers count.
#[derive(Debug)]
pub struct Tally {
    window: Window,
    shards: [Mutex<Shard>; SHARDS],
}

impl Tally {
    /// Counts what happens in `window`.
    pub fn new(window: Window) -> Self {
        let shards = Default::default();
        Self { window, shards }
    }

    /// Counts one thing done by worker number `worker`: a latency if it was due in the window (however
    /// late it ended), and one completed if it ended in the window.
    pub fn count(&self, worker: usize, done: &Done) {
        let mut shard = self.shards[worker % SHARDS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match &done.result {
            Ok(()) => {
                if self.window.has(done.due) {
                    let latency = done.ended.saturating_duration_since(done.due);
                    let latencies = shard.latencies.entry(done.what).or_insert_with(histogram);
                    // Saturating would not let it grow.
                    latencies.record(nanoseconds(latency)).expect("it grows");
                }
                if self.window.has(done.ended) {
                    *shard.completed.entry(done.what).or_default() += 1;
                }
            }
            Err(failure) => {
                if self.window.has(done.due) {
                    let key = format!("{}: {failure}", done.what);
                    *shard.failures.entry(key).or_default() += 1;
                }
            }
        }
    }

    /// How much was completed so far.
    pub fn so_far(&self) -> u64 {
        let shards = self.shards.iter();
        let shards = shards.map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner));
        shards
            .map(|shard| shard.completed.values().sum::<u64>())
            .sum()
    }

    /// All of it together. `unfinished` were due and not done when the run was given up.
    pub fn outcome(self, unfinished: u64) -> Outcome {
        let seconds = (self.window.until - self.window.from).as_secs_f64();
        let mut all = Shard::default();
        for shard in self.shards {
            let shard = shard.into_inner().unwrap_or_else(PoisonError::into_inner);
            for (what, latencies) in shard.latencies {
                let sum = all.latencies.entry(what).or_insert_with(histogram);
                sum.add(latencies).expect("histograms that grow");
            }
            for (what, count) in shard.completed {
                *all.completed.entry(what).or_default() += count;
            }
            for (failure, count) in shard.failures {
                *all.failures.entry(failure).or_default() += count;
            }
        }
        let mut together = histogram();
        for latencies in all.latencies.values() {
            together.add(latencies).expect("histograms that grow");
        }
        let parts = all.latencies.iter();
        let parts = parts.map(|(&what, latencies)| {
            let completed = all.completed.get(what).copied().unwrap_or_default();
            (what, Part::of(completed, seconds, latencies))
        });
        Outcome {
            all: Part::of(all.completed.values().sum(), seconds, &together),
            parts: parts.collect(),
            failures: all.failures,
            unfinished,
            seconds,
            cpu: BTreeMap::new(),
        }
    }
}

/// One thing that a worker did.
#[derive(Debug)]
pub struct Done {
    /// What it was.
    pub what: &'static str,
    /// When it was to begin: latency is counted from then, however late it really began.
    pub due: Instant,
    /// When it ended.
    pub ended: Instant,
    /// Whether it worked, or how it failed.
    pub result: Result<(), String>,
}

/// What a run came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Outcome {
    /// Everything together.
    pub all: Part,
    /// By what was done.
    pub parts: BTreeMap<&'static str, Part>,
    /// What failed, and how, and how often.
    pub failures: BTreeMap<String, u64>,
    /// What was due and neither done nor failed when the run was given up.
    pub unfinished: u64,
    /// How long the stretch was that counts.
    pub seconds: f64,
    /// Seconds of processor time that each process took in that stretch.
    pub cpu: BTreeMap<String, f64>,
}

impl Outcome {
    /// How much failed.
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// Microseconds of processor time per completed call, in `process`.
    pub fn cpu_micros(&self, process: &str) -> Option<f64> {
        let seconds = self.cpu.get(process)?;
        #[expect(clippy::cast_precision_loss, reason = "a count of calls")]
        let calls = self.all.completed as f64;
        (calls > 0.0).then(|| seconds * 1e6 / calls)
    }
}

/// How much of a kind was done, and how long it took; latencies in milliseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Part {
    /// How much was completed.
    pub completed: u64,
    /// How much of it a second.
    pub rate: f64,
    /// Half took at most as long.
    pub p50: f64,
    /// Nine in ten took at most as long.
    pub p90: f64,
    /// All but one in a hundred took at most as long.
    pub p99: f64,
    /// All but one in a thousand took at most as long.
    pub p999: f64,
    /// None took longer.
    pub max: f64,
}

impl Part {
    fn of(completed: u64, seconds: f64, latencies: &Histogram<u64>) -> Self {
        let at = |quantile| milliseconds(latencies.value_at_quantile(quantile));
        #[expect(clippy::cast_precision_loss, reason = "a count of calls")]
        let rate = completed as f64 / seconds;
        Self {
            completed,
            rate,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: milliseconds(latencies.max()),
        }
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new(DIGITS).expect("a number of digits that there can be")
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "three digits are kept anyway")]
fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(due: Instant, latency: u64) -> Done {
        Done {
            what: "call",
            due,
            ended: due + Duration::from_millis(latency),
            result: Ok(()),
        }
    }

    #[test]
    fn only_what_was_due_in_the_window_has_a_latency() {
        let begun = Instant::now();
        let from = begun + Duration::from_secs(1);
        let until = from + Duration::from_secs(1);
        let tally = Tally::new(Window { from, until });
        // In the warm-up; in it, all but ending in the window; in the window; and ending after it.
        let warm_up = begun + Duration::from_millis(500);
        tally.count(0, &done(warm_up, 100));
        tally.count(1, &done(warm_up, 700));
        for latency in 1..=100 {
            tally.count(latency, &done(from, u64::try_from(latency).unwrap()));
        }
        tally.count(3, &done(from + Duration::from_millis(999), 5_000));
        tally.count(3, &done(until, 1));
        let outcome = tally.outcome(0);
        assert_eq!(outcome.all.completed, 101);
        assert!((outcome.all.rate - 101.0).abs() < 0.001);
        assert!((outcome.all.p50 - 51.0).abs() < 0.1, "{outcome:?}");
        assert!((outcome.all.p99 - 100.0).abs() < 0.2, "{outcome:?}");
        assert!((outcome.all.max - 5_000.0).abs() < 5.0, "{outcome:?}");
    }

    #[test]
    fn failures_are_counted_by_kind_and_have_no_latency() {
        let from = Instant::now();
        let until = from + Duration::from_secs(2);
        let tally = Tally::new(Window { from, until });
        for worker in 0..3 {
            tally.count(
                worker,
                &Done {
                    result: Err("Unavailable".into()),
                    ..done(from, 1)
                },
            );
        }
        tally.count(0, &done(from, 7));
        let outcome = tally.outcome(2);
        assert_eq!((outcome.all.completed, outcome.failed()), (1, 3));
        assert_eq!(outcome.failures["call: Unavailable"], 3);
        assert_eq!(outcome.unfinished, 2);
        assert!((outcome.all.rate - 0.5).abs() < 0.001);
        assert!((outcome.all.max - 7.0).abs() < 0.01);
    }
}
