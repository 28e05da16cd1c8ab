//! Workers at work: each as fast as it can (closed loop), or all of them together at a rate that does not care
//! how long anything takes (open loop).

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::Semaphore, task::JoinSet, time::timeout_at};

use super::{
    processes::{Processes, Spent},
    progress::Progress,
    tally::{Done, Outcome, Tally, Window},
};

/// How long what was due is waited for after the end of an open loop.
const PATIENCE: Duration = Duration::from_secs(5);

/// Does one thing after the other.
pub trait Worker: Send + 'static {
    /// Does the next thing; answers with what it was, and how it failed if it did.
    fn step(&mut self) -> impl Future<Output = (&'static str, Result<(), String>)> + Send;
}

/// When work is due.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// A worker begins the next thing when its last one has ended.
    Closed,
    /// So many things are due a second, at even distances, whatever became of those before. Latency
    /// is counted from when a thing was due: it has in it the time for which no worker was free.
    Open(f64),
}

/// How long to work.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// When work is due.
    pub pace: Pace,
    /// What is not counted.
    pub warm_up: Duration,
    /// What is counted.
    pub duration: Duration,
}

/// Has `workers` work by `plan`, and counts. The processor time of `processes`, and of this one as
/// `generator`, is that of the counted stretch.
pub async fn run<W: Worker>(
    what: &str,
    plan: Plan,
    workers: Vec<W>,
    processes: &Processes,
) -> Outcome {
    let begun = Instant::now();
    let from = begun + plan.warm_up;
    let window = Window {
        from,
        until: from + plan.duration,
    };
    let tally = Arc::new(Tally::new(window));
    let progress = Progress::start(what, window, Arc::clone(&tally));
    let schedule = match plan.pace {
        Pace::Closed => None,
        Pace::Open(rate) => Some(Schedule::start(rate, begun, window.until)),
    };
    let mut working = JoinSet::new();
    for (number, worker) in workers.into_iter().enumerate() {
        let tally = Arc::clone(&tally);
        match schedule.clone() {
            None => working.spawn(closed(number, worker, tally, window.until)),
            Some(schedule) => working.spawn(open(number, worker, tally, schedule)),
        };
    }
    let cpu = Spent::between(processes, window).await;
    let patience = tokio::time::Instant::from_std(window.until + PATIENCE);
    let all_ended = async { while working.join_next().await.is_some() {} };
    let gave_up = timeout_at(patience, all_ended).await.is_err();
    working.shutdown().await;
    progress.end().await;
    let unfinished = schedule.map_or(0, |schedule| schedule.unfinished());
    if gave_up {
        eprintln!("{what}: not all that was due was done {PATIENCE:?} after the end");
    }
    let tally = Arc::into_inner(tally).expect("all who count have ended");
    let mut outcome = tally.outcome(unfinished);
    outcome.cpu = cpu;
    outcome
}

async fn closed(number: usize, mut worker: impl Worker, tally: Arc<Tally>, until: Instant) {
    loop {
        let due = Instant::now();
        if due >= until {
            return;
        }
        let (what, result) = worker.step().await;
        let ended = Instant::now();
        let done = Done {
            what,
            due,
            ended,
            result,
        };
        tally.count(number, &done);
    }
}

async fn open(number: usize, mut worker: impl Worker, tally: Arc<Tally>, schedule: Schedule) {
    while let Some(due) = schedule.next().await {
        let (what, result) = worker.step().await;
        let ended = Instant::now();
        schedule.ended.fetch_add(1, Ordering::Relaxed);
        let done = Done {
            what,
            due,
            ended,
            result,
        };
        tally.count(number, &done);
    }
}

/// What is due when, handed out in order to whoever is free.
#[derive(Debug, Clone)]
struct Schedule {
    begun: Instant,
    interval: Duration,
    total: u64,
    due: Arc<Semaphore>,
    taken: Arc<AtomicU64>,
    ended: Arc<AtomicU64>,
}

impl Schedule {
    /// A thread of its own tells when things are due: timers of the runtime tell whole milliseconds.
    fn start(rate: f64, begun: Instant, until: Instant) -> Self {
        let interval = Duration::from_secs_f64(1.0 / rate);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number of things"
        )]
        let total = ((until - begun).as_secs_f64() * rate) as u64;
        let schedule = Self {
            begun,
            interval,
            total,
            due: Arc::new(Semaphore::new(0)),
            taken: Arc::default(),
            ended: Arc::default(),
        };
        let told = schedule.clone();
        std::thread::spawn(move || told.tell());
        schedule
    }

    fn time(&self, number: u64) -> Instant {
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let number = number as f64;
        self.begun + self.interval.mul_f64(number)
    }

    fn tell(&self) {
        let mut told = 0;
        while told < self.total {
            let now = Instant::now();
            let mut late = 0;
            while told < self.total && self.time(told) <= now {
                told += 1;
                late += 1;
            }
            self.due.add_permits(late);
            // Not more often than every 100 µs: whoever is waked has work then.
            let next = self.time(told).max(now + Duration::from_micros(100));
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        self.due.close();
    }

    /// When the next thing was due, as soon as it is; `None` when nothing more is to come.
    async fn next(&self) -> Option<Instant> {
        let Ok(permit) = self.due.acquire().await else {
            // Closed: what was due before may not have been taken yet.
            return self.take();
        };
        permit.forget();
        self.take()
    }

    fn take(&self) -> Option<Instant> {
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        (number < self.total).then(|| self.time(number))
    }

    fn unfinished(&self) -> u64 {
        self.total
            .saturating_sub(self.ended.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a while, and once in its life very long.
    struct Slow {
        usual: Duration,
        first: Duration,
    }

    impl Worker for Slow {
        async fn step(&mut self) -> (&'static str, Result<(), String>) {
            let pause = std::mem::replace(&mut self.first, self.usual);
            tokio::time::sleep(pause).await;
            ("sleep", Ok(()))
        }
    }

    fn plan(pace: Pace) -> Plan {
        Plan {
            pace,
            warm_up: Duration::ZERO,
            duration: Duration::from_secs(1),
        }
    }

    fn stalls() -> Vec<Slow> {
        vec![Slow {
            usual: Duration::from_millis(1),
            first: Duration::from_millis(500),
        }]
    }

    #[tokio::test]
    async fn an_open_loop_does_not_hide_a_stall() {
        let none = Processes::default();
        let outcome = run("stalls", plan(Pace::Open(100.0)), stalls(), &none).await;
        // Half of what was due came while the only worker slept.
        assert_eq!(outcome.all.completed + outcome.unfinished, 100);
        assert!(outcome.all.p90 > 300.0, "{outcome:?}");
        assert!(outcome.all.max >= 500.0, "{outcome:?}");
        // A closed loop had it once among hundreds.
        let outcome = run("stalls", plan(Pace::Closed), stalls(), &none).await;
        assert!(outcome.all.p90 < 100.0, "{outcome:?}");
    }

    #[tokio::test]
    async fn an_open_loop_keeps_its_rate_and_counts_what_it_could_not_do() {
        let worker = || Slow {
            usual: Duration::from_millis(1),
            first: Duration::from_millis(1),
        };
        let workers = (0..50).map(|_| worker()).collect();
        let none = Processes::default();
        let outcome = run("keeps up", plan(Pace::Open(2000.0)), workers, &none).await;
        assert!(
            (1900..=2000).contains(&outcome.all.completed),
            "{outcome:?}"
        );
        assert_eq!(outcome.unfinished, 0);

        let stuck = vec![Slow {
            usual: Duration::from_secs(60),
            first: Duration::from_secs(60),
        }];
        let outcome = run("stuck", plan(Pace::Open(10.0)), stuck, &none).await;
        assert_eq!((outcome.all.completed, outcome.unfinished), (0, 10));
    }
}
