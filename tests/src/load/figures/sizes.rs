//! Large mailboxes against small ones: without gRPC, by the use cases that calls have behind them.

use turbomessage_mail_service::store::{
    self, SharedStore,
    conformance::scale::{READINGS, Reading, Scale, median_and_least},
};
use turbomessage_service_kit::settings::Secret;

use super::{Session, tell};
use crate::{
    containers::Postgres,
    load::report::{Figure, Target},
};

const SMALL: usize = 1000;
/// What each figure is the median of.
const TIMES: usize = 41;
/// What must cost the same in any mailbox.
const SAME: [&str; 4] = [
    "the newest page of 50",
    "a page from the middle",
    "folders with counts",
    "search: a rare word, in ten messages",
];
const COMMON: &str = "search: a common word, in every message";

pub(super) async fn measure(session: &mut Session) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("mail.db");
    let url = format!("sqlite:{}", file.display());
    measure_on(session, "SQLite", &url).await?;
    if session.containers {
        let postgres = Postgres::start().await;
        let url = postgres.create_database("mail_sizes").await;
        measure_on(session, "PostgreSQL", &url).await?;
    }
    Ok(())
}

async fn measure_on(session: &mut Session, engine: &str, url: &str) -> anyhow::Result<()> {
    let largest = session.settings.largest;
    let store: SharedStore = store::open(&Secret::new(url.to_owned())).await?;
    let scale = Scale::new(store).await;
    let mut mailboxes = Vec::new();
    for size in [SMALL, largest] {
        let progress = |there: usize| {
            if there.is_multiple_of(100_000) {
                tell(&format!("{engine}: {there} of {size} messages"));
            }
        };
        mailboxes.push(scale.fill(size, progress).await);
    }
    for name in SAME {
        let times = scale.measure(reading(name), &mailboxes, TIMES).await;
        let [small, large] = medians(times);
        session.figure(Figure {
            name: format!("{name} on {engine}, {largest} messages"),
            against: format!("{SMALL} messages"),
            unit: "ms",
            ours: vec![large],
            theirs: vec![small],
            target: Target::Under(1.5),
            notes: Vec::new(),
        });
    }
    let times = scale.measure(reading(COMMON), &mailboxes, TIMES).await;
    let [_, large] = medians(times);
    session.figure(Figure {
        name: format!("{COMMON} on {engine}, {largest} messages: p50"),
        against: String::new(),
        unit: "ms",
        ours: vec![large],
        theirs: Vec::new(),
        target: Target::Under(10.0),
        notes: Vec::new(),
    });
    Ok(())
}

fn reading(name: &str) -> Reading {
    let found = READINGS.iter().find(|reading| reading.to_string() == name);
    *found.expect("a reading of that name")
}

/// In milliseconds, of the small and the large one.
fn medians(times: Vec<Vec<std::time::Duration>>) -> [f64; 2] {
    let mut medians = times.into_iter().map(|times| {
        let (median, _) = median_and_least(times);
        median.as_secs_f64() * 1e3
    });
    [0, 1].map(|_| medians.next().unwrap_or(f64::NAN))
}
