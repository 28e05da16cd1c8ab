//! What reading costs in mailboxes of several sizes beside each other: a table of medians, and how much the
//! largest takes of the smallest. `make bench-sizes` runs it.
//!
//! Arguments: `sqlite` or `postgres` (which needs a container engine), then sizes in messages, smallest first.

#![expect(clippy::print_stdout, reason = "it is for people to read")]

use std::{path::Path, sync::Arc, time::Instant};

use turbomessage_mail_service::store::{
    PostgresStore, SharedStore, SqliteStore,
    conformance::scale::{
        Filled, READINGS, Scale, median_and_least, plans_on_postgres, plans_on_sqlite,
    },
};
use turbomessage_tests::containers::Postgres;

const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
const ROUNDS: usize = 41;

#[tokio::main]
async fn main() {
    // Cargo adds an option of its own.
    let arguments = std::env::args().skip(1).filter(|a| !a.starts_with("--"));
    let arguments: Vec<String> = arguments.collect();
    let sizes = arguments.iter().skip(1);
    let mut sizes: Vec<usize> = sizes.map(|size| size.parse().expect("a size")).collect();
    if sizes.is_empty() {
        sizes = SIZES.to_vec();
    }
    match arguments.first().map(String::as_str) {
        Some("sqlite") | None => on_sqlite(&sizes).await,
        Some("postgres") => on_postgres(&sizes).await,
        Some(other) => panic!("{other}: sqlite or postgres"),
    }
}

async fn on_sqlite(sizes: &[usize]) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mail.db");
    let store = SqliteStore::open(&file).await.expect("a database");
    println!("\n## SQLite\n");
    let (_scale, _mailboxes) = measure(Arc::new(store.clone()), sizes).await;
    println!("The database takes {} MiB.", mebibytes(&file));
    show_plans(&plans_on_sqlite(&store).await);
}

async fn on_postgres(sizes: &[usize]) {
    let server = Postgres::start().await;
    let url = server.create_database("mail_sizes").await;
    let store = PostgresStore::open(&url).await.expect("a database");
    println!("\n## PostgreSQL\n");
    let (scale, mailboxes) = measure(Arc::new(store.clone()), sizes).await;
    let largest = mailboxes.last().expect("a mailbox");
    show_plans(&plans_on_postgres(&store, &scale, largest).await);
}

async fn measure(store: SharedStore, sizes: &[usize]) -> (Scale, Vec<Filled>) {
    let scale = Scale::new(store).await;
    let mut mailboxes = Vec::new();
    for &size in sizes {
        let begun = Instant::now();
        let tell = |there: usize| {
            if there.is_multiple_of(50_000) {
                eprintln!(
                    "{there} of {size} messages, {} s",
                    begun.elapsed().as_secs()
                );
            }
        };
        mailboxes.push(scale.fill(size, tell).await);
    }
    print!("| median of {ROUNDS}, in µs (least) |");
    for size in sizes {
        print!(" {size} |");
    }
    println!(
        " largest : smallest |\n|---|{}---|",
        "---|".repeat(sizes.len())
    );
    for &reading in READINGS {
        let times = scale.measure(reading, &mailboxes, ROUNDS).await;
        let times: Vec<_> = times.into_iter().map(median_and_least).collect();
        print!("| {reading} |");
        for (median, least) in &times {
            print!(" {} ({}) |", median.as_micros(), least.as_micros());
        }
        let [first, .., last] = times.as_slice() else {
            panic!("at least two sizes");
        };
        println!(" {:.2} |", last.0.as_secs_f64() / first.0.as_secs_f64());
    }
    let largest = mailboxes.last().expect("a mailbox");
    let count = 100_000.min(largest.messages);
    let marked = scale.mark(largest, count).await;
    let searches = marked.searches.len();
    let slowest = marked.searches.iter().max().copied().unwrap_or_default();
    let (median, _) = median_and_least(marked.searches);
    println!(
        "\nMarking {count} messages of the largest as read took {:.1} s; meanwhile {searches} searches for \
         the unread ones, each right, took {:.1} ms (median), {:.1} ms at the most.",
        marked.took.as_secs_f64(),
        median.as_secs_f64() * 1e3,
        slowest.as_secs_f64() * 1e3,
    );
    (scale, mailboxes)
}

fn show_plans(plans: &[(&str, String)]) {
    for (what, plan) in plans {
        println!("\n{what}:\n\n```\n{plan}\n```");
    }
}

fn mebibytes(file: &Path) -> u64 {
    file.metadata().map_or(0, |data| data.len()) >> 20
}
