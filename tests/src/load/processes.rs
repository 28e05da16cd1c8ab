//! What the measured processes take of the machine, as Linux counts it.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use super::tally::Window;

/// The kernel counts in hundredths of a second, whatever its own clock does (`USER_HZ`).
const TICKS: f64 = 100.0;

/// Processes by name, each with its children.
#[derive(Debug, Clone, Default)]
pub struct Processes(Vec<(String, u32)>);

impl Processes {
    /// With this one too, and all that it started.
    #[must_use]
    pub fn with(mut self, name: &str, id: u32) -> Self {
        self.0.push((name.into(), id));
        self
    }

    /// These and those.
    #[must_use]
    pub fn and(mut self, others: &Self) -> Self {
        self.0.extend(others.0.iter().cloned());
        self
    }

    /// Seconds of processor time that each has taken since it was started, with its children.
    pub fn spent(&self) -> BTreeMap<String, f64> {
        let stats: Vec<Stat> = all();
        let spent = self
            .0
            .iter()
            .map(|(name, id)| (name.clone(), tree(&stats, *id)));
        spent.collect()
    }

    /// Bytes of memory that each has (`VmRSS`), without its children.
    pub fn resident(&self) -> BTreeMap<String, u64> {
        let resident = self
            .0
            .iter()
            .map(|(name, id)| (name.clone(), resident(*id)));
        resident.collect()
    }

    /// Waits until they do next to nothing for a second, for at most `limit`: what one measurement
    /// leaves to be done must not slow the next. Answers whether they became quiet.
    pub async fn quiet(&self, limit: Duration) -> bool {
        let begun = Instant::now();
        let mut before: f64 = self.spent().values().sum();
        while begun.elapsed() < limit {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now: f64 = self.spent().values().sum();
            if now - before < 0.1 {
                return true;
            }
            before = now;
        }
        false
    }
}

/// Processor time over a stretch.
#[derive(Debug)]
pub(super) struct Spent;

impl Spent {
    /// Waits until the end of `window`, and answers with the seconds that each process took in it;
    /// `generator` is this one.
    pub(super) async fn between(processes: &Processes, window: Window) -> BTreeMap<String, f64> {
        let until = |time| tokio::time::sleep_until(tokio::time::Instant::from_std(time));
        until(window.from).await;
        let (before, own_before) = (processes.spent(), own());
        until(window.until).await;
        let (after, own_after) = (processes.spent(), own());
        let mut spent: BTreeMap<String, f64> = after
            .into_iter()
            .map(|(name, after)| {
                let before = before.get(&name).copied().unwrap_or_default();
                (name, after - before)
            })
            .collect();
        spent.insert("generator".into(), own_after - own_before);
        spent
    }
}

/// A process' line in `/proc`.
#[derive(Debug, PartialEq)]
struct Stat {
    id: u32,
    parent: u32,
    /// Its own ticks and those of its children that have ended.
    ticks: f64,
    own_ticks: f64,
}

fn all() -> Vec<Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter_map(stat).collect()
}

fn stat(id: u32) -> Option<Stat> {
    parse(id, &fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

fn parse(id: u32, line: &str) -> Option<Stat> {
    // The name, in parentheses, may have anything in it.
    let (_, rest) = line.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field)?.parse::<f64>().ok();
    // Numbered from the state on, which is field 3 of proc(5).
    let own_ticks = ticks(11)? + ticks(12)?;
    Some(Stat {
        id,
        parent: fields.get(1)?.parse().ok()?,
        ticks: own_ticks + ticks(13)? + ticks(14)?,
        own_ticks,
    })
}

fn tree(stats: &[Stat], id: u32) -> f64 {
    let own = stats.iter().find(|stat| stat.id == id);
    let own = own.map_or(0.0, |stat| stat.ticks / TICKS);
    let children = stats.iter().filter(|stat| stat.parent == id);
    own + children.map(|child| tree(stats, child.id)).sum::<f64>()
}

/// Without children: those it started are counted by name.
fn own() -> f64 {
    stat(std::process::id()).map_or(0.0, |stat| stat.own_ticks / TICKS)
}

/// Bytes of memory that a process has (`VmRSS`).
pub(crate) fn resident(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB"));
    kib.and_then(|kib| kib.trim().parse::<u64>().ok())
        .unwrap_or_default()
        * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_whatever_the_name() {
        let line = "7 (a) b) S 3 7 7 0 -1 4194560 1 2 3 4 11 12 13 14 20 0 1 0";
        let expected = Stat {
            id: 7,
            parent: 3,
            ticks: 50.0,
            own_ticks: 23.0,
        };
        assert_eq!(parse(7, line), Some(expected));
        assert_eq!(parse(7, "7 (gone"), None);
    }

    #[test]
    fn children_count() {
        let stat = |id, parent, ticks| Stat {
            id,
            parent,
            ticks,
            own_ticks: ticks,
        };
        let stats = [
            stat(1, 0, 1000.0),
            stat(5, 1, 100.0),
            stat(6, 5, 50.0),
            stat(7, 6, 25.0),
        ];
        assert!((tree(&stats, 5) - 1.75).abs() < 1e-9);
        assert!(tree(&stats, 99).abs() < 1e-9);
    }

    #[test]
    fn this_process_has_memory_and_takes_time() {
        let own = Processes::default().with("this", std::process::id());
        assert!(own.resident()["this"] > 1 << 20);
        assert!(own.spent().contains_key("this"));
    }
}
