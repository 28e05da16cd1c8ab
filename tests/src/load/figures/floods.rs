//! Five times as many sends as can be done, and what becomes of them.

use std::{collections::BTreeMap, sync::Arc};

use super::{Calls, Session};
use crate::load::{
    drive::Pace,
    mix::Call,
    report::{Figure, Target, number},
    tally::Outcome,
};

/// Callers in floods: four times as many as the gateway takes at once, for whom there is room to wait there until they are
/// refused, and eight times as many, of whom a third is refused at once.
const FLOODS: [usize; 2] = [8192, 16_384];
const CONNECTIONS: usize = 64;
const TIMES: f64 = 5.0;

/// Floods by so many callers.
#[derive(Debug)]
struct Floods {
    callers: usize,
    /// What was done in a second, round by round.
    goodput: Vec<f64>,
    /// The memory of all processes before the first and after each.
    memory: Vec<String>,
    last: Outcome,
}

/// In each round: what a system does at its best, with `callers`, then each flood; the processes are quiet before each.
pub(super) async fn measure(
    session: &mut Session,
    name: &str,
    calls: &Calls<'_>,
    callers: usize,
) -> anyhow::Result<()> {
    let processes = &calls.system.processes;
    let flooding = Calls {
        system: calls.system,
        people: Arc::clone(&calls.people),
        connections: CONNECTIONS,
    };
    let memory = || mebibytes(&processes.resident());
    let mut floods = FLOODS.map(|callers| Floods {
        callers,
        goodput: Vec::new(),
        memory: Vec::new(),
        last: Outcome::default(),
    });
    let mut peaks = Vec::new();
    let mut last_peak = Outcome::default();
    for _ in 0..session.settings.rounds {
        session.quiet(processes).await;
        let plan = session.settings.plan(Pace::Closed);
        last_peak = calls.run(Call::Send, callers, plan).await?;
        let peak = last_peak.all.rate;
        peaks.push(peak);
        for flood in &mut floods {
            session.quiet(processes).await;
            if flood.memory.is_empty() {
                flood.memory.push(memory());
            }
            let plan = session.settings.plan(Pace::Open(peak * TIMES));
            flood.last = flooding.run(Call::Send, flood.callers, plan).await?;
            flood.goodput.push(flood.last.all.rate);
            flood.memory.push(memory());
        }
    }
    for flood in floods {
        session.figure(flood.figure(name, &peaks, &last_peak));
    }
    Ok(())
}

impl Floods {
    fn figure(self, name: &str, peaks: &[f64], last_peak: &Outcome) -> Figure {
        let refused: Vec<String> = self
            .last
            .failures
            .iter()
            .map(|(failure, count)| format!("{count} × {failure}"))
            .collect();
        let due = last_peak.all.rate * TIMES;
        Figure {
            name: format!(
                "a flood at 5 times capacity by {} callers, {name}: goodput",
                self.callers
            ),
            against: "its peak".into(),
            unit: "sends/s",
            ours: self.goodput,
            theirs: peaks.to_vec(),
            target: Target::AtLeast(0.8),
            notes: vec![
                format!(
                    "{due:.0}/s were due in the last round, by callers on the same cores; {} done, {} not even \
                     begun; refused: {}",
                    self.last.all.completed,
                    self.last.unfinished,
                    refused.join(", ")
                ),
                format!(
                    "cores at work then: {}; at the peak: {}",
                    cores(&self.last),
                    cores(last_peak)
                ),
                format!(
                    "memory before the first, then after each: {}",
                    self.memory.join(" / ")
                ),
            ],
        }
    }
}

/// How many cores each process took.
fn cores(outcome: &Outcome) -> String {
    let of = |(process, seconds): (&String, &f64)| {
        format!("{process} {}", number(seconds / outcome.seconds))
    };
    let all: Vec<String> = outcome.cpu.iter().map(of).collect();
    all.join(", ")
}

fn mebibytes(resident: &BTreeMap<String, u64>) -> String {
    let all: Vec<String> = resident
        .iter()
        .map(|(name, bytes)| format!("{name} {} MiB", bytes >> 20))
        .collect();
    all.join(", ")
}
