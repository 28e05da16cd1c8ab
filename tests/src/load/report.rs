//! What came out, for people (tables in Markdown) and for programs (JSON).

use std::{collections::HashSet, fmt::Write as _};

use serde::Serialize;

use super::{stats::Spread, tally::Outcome};

/// A row of the table of figures.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// Against what.
    pub against: String,
    /// The unit of both values.
    pub unit: &'static str,
    /// Our value, of every round.
    pub ours: Vec<f64>,
    /// The yardstick's, of the same rounds; none where the target is for our value itself.
    pub theirs: Vec<f64>,
    /// What is to be reached.
    pub target: Target,
    /// What one should know about how it was measured.
    pub notes: Vec<String>,
}

/// What is to be reached by the ratio, or by our value where there is no yardstick.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub enum Target {
    /// At least this.
    AtLeast(f64),
    /// Less than this.
    Under(f64),
    /// Nothing: it is told beside the others.
    Told,
}

impl Figure {
    /// What is compared with the target.
    pub fn result(&self) -> Option<Spread> {
        if self.theirs.is_empty() {
            Spread::of(self.ours.iter().copied())
        } else {
            Spread::of_ratios(&self.ours, &self.theirs)
        }
    }

    /// Whether the median is as it is to be; `None` where nothing was measured or asked for.
    pub fn reached(&self) -> Option<bool> {
        let median = self.result()?.median;
        match self.target {
            Target::AtLeast(target) => Some(median >= target),
            Target::Under(target) => Some(median < target),
            Target::Told => None,
        }
    }
}

/// The table of figures.
pub fn figures(figures: &[Figure]) -> String {
    let mut table = String::from(
        "| figure | ours | yardstick | unit | ratio (least–most) | target | reached |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for figure in figures {
        let name = if figure.against.is_empty() {
            figure.name.clone()
        } else {
            format!("{}, against {}", figure.name, figure.against)
        };
        let median = |values: &[f64]| match Spread::of(values.iter().copied()) {
            Some(spread) => number(spread.median),
            None => "–".into(),
        };
        let result = figure.result().map_or("not measured".into(), |result| {
            let (median, least, most) = (
                number(result.median),
                number(result.least),
                number(result.most),
            );
            format!("**{median}** ({least}–{most})")
        });
        let target = match figure.target {
            Target::AtLeast(target) => format!("≥ {}", number(target)),
            Target::Under(target) => format!("< {}", number(target)),
            Target::Told => String::new(),
        };
        let reached = match figure.reached() {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        };
        let _ = writeln!(
            table,
            "| {name} | {} | {} | {} | {result} | {target} | {reached} |",
            median(&figure.ours),
            median(&figure.theirs),
            figure.unit,
        );
    }
    let mut told = HashSet::new();
    for figure in figures {
        for note in &figure.notes {
            // Figures of one measurement have notes in common.
            if told.insert((&figure.name, note)) {
                let _ = write!(table, "\n- {}: {note}", figure.name);
            }
        }
    }
    table.push('\n');
    table
}

/// What a run came to, by what was done.
pub fn outcome(outcome: &Outcome) -> String {
    let mut table = String::from(
        "| call | completed | a second | p50 ms | p90 ms | p99 ms | p99.9 ms | max ms |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    let mut rows: Vec<_> = outcome
        .parts
        .iter()
        .map(|(name, part)| (*name, part))
        .collect();
    if rows.len() != 1 {
        rows.push(("all", &outcome.all));
    }
    for (name, part) in rows {
        let times = [part.p50, part.p90, part.p99, part.p999, part.max].map(number);
        let _ = writeln!(
            table,
            "| {name} | {} | {} | {} |",
            part.completed,
            number(part.rate),
            times.join(" | ")
        );
    }
    for process in outcome.cpu.keys() {
        if let Some(micros) = outcome.cpu_micros(process) {
            let _ = write!(table, "\n- {process}: {} µs of CPU a call", number(micros));
        }
    }
    for (failure, count) in &outcome.failures {
        let _ = write!(table, "\n- FAILED {count} × {failure}");
    }
    if outcome.unfinished > 0 {
        let _ = write!(table, "\n- UNFINISHED {}", outcome.unfinished);
    }
    table.push('\n');
    table
}

/// Three digits, or all before the point.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if !(f64::EPSILON..99.95).contains(&size) {
        format!("{value:.0}")
    } else if size >= 9.995 {
        format!("{value:.1}")
    } else if size >= 0.0995 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(target: Target) -> Figure {
        Figure {
            name: "a send".into(),
            against: "pgbench".into(),
            unit: "/s",
            ours: vec![20.0, 30.0, 10.0],
            theirs: vec![10.0, 10.0, 10.0],
            target,
            notes: vec!["durable".into()],
        }
    }

    #[test]
    fn the_median_ratio_decides() {
        assert_eq!(figure(Target::AtLeast(2.0)).reached(), Some(true));
        assert_eq!(figure(Target::AtLeast(2.1)).reached(), Some(false));
        assert_eq!(figure(Target::Under(2.0)).reached(), Some(false));
        assert_eq!(figure(Target::Told).reached(), None);
        let alone = Figure {
            theirs: Vec::new(),
            ..figure(Target::Under(21.0))
        };
        assert_eq!(alone.reached(), Some(true));
        let nothing = Figure {
            ours: Vec::new(),
            ..alone
        };
        assert_eq!(nothing.reached(), None);
        assert!(figures(&[nothing]).contains("not measured"));
    }

    #[test]
    fn a_row_has_everything_in_it() {
        let table = figures(&[figure(Target::AtLeast(2.5))]);
        let row = "| a send, against pgbench | 20.0 | 10.0 | /s | **2.00** (1.00–3.00) | ≥ 2.50 | **no** |";
        assert!(table.contains(row), "{table}");
        assert!(table.contains("- a send: durable"), "{table}");
    }

    #[test]
    fn numbers_have_three_digits() {
        let numbers = [0.0, 0.05, 0.123_4, 1.0, 12.34, 123.4, 12_345.6].map(number);
        let expected = ["0", "0.0500", "0.12", "1.00", "12.3", "123", "12346"];
        assert_eq!(numbers, expected);
    }
}
