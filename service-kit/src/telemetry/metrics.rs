//! What is counted and timed, and the page that Prometheus reads it from. Without an admin port
//! nothing is counted.

use std::sync::LazyLock;

use anyhow::Context;
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Gauge, Histogram, Meter, UpDownCounter},
};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Registry, TextEncoder};

use super::resource;

/// The bounds that OpenTelemetry's conventions advise for durations in seconds.
const DURATIONS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// Commits take less.
const COMMIT_DURATIONS: [f64; 12] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];
/// Powers of two, up to the largest batch.
const BATCH_SIZES: [f64; 11] = [
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0,
];

/// What Prometheus asks for.
#[derive(Debug, Clone)]
pub struct Page {
    registry: Registry,
}

impl Page {
    /// Begins to count for this process of `service`. What was counted before is not on the page.
    ///
    /// # Errors
    /// It cannot be set up.
    pub fn start(service: &'static str) -> anyhow::Result<Self> {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build()
            .context("metrics")?;
        let provider = SdkMeterProvider::builder()
            .with_reader(exporter)
            .with_resource(resource(service))
            .build();
        opentelemetry::global::set_meter_provider(provider);
        Ok(Self { registry })
    }

    /// The page as it is now.
    ///
    /// # Errors
    /// Something that was counted cannot be shown.
    pub fn show(&self) -> anyhow::Result<String> {
        Ok(TextEncoder::new().encode_to_string(&self.registry.gather())?)
    }
}

fn meter() -> Meter {
    opentelemetry::global::meter("turbomessage")
}

/// How long calls take that this process answers, in seconds, by method and outcome.
pub(crate) static CALLS: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    meter()
        .f64_histogram("rpc.server.call.duration")
        .with_description("Duration of calls that this process answers.")
        .with_unit("s")
        .with_boundaries(DURATIONS.to_vec())
        .build()
});

/// Streams that are open.
pub(crate) static STREAMS: LazyLock<UpDownCounter<i64>> = LazyLock::new(|| {
    meter()
        .i64_up_down_counter("turbomessage.streams.open")
        .with_description("Streams that are open.")
        .build()
});

static LOGINS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("turbomessage.logins")
        .with_description("Attempts to log in, by outcome.")
        .build()
});

static LOOK_UPS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("turbomessage.cache.requests")
        .with_description("Questions to a cache, by whether it knew the answer.")
        .build()
});

static QUEUE: LazyLock<Gauge<u64>> = LazyLock::new(|| {
    meter()
        .u64_gauge("turbomessage.commit.queue.length")
        .with_description("Jobs that wait for a commit to begin.")
        .build()
});

static BATCHES: LazyLock<Histogram<u64>> = LazyLock::new(|| {
    meter()
        .u64_histogram("turbomessage.commit.batch.size")
        .with_description("Jobs that one commit carries.")
        .with_boundaries(BATCH_SIZES.to_vec())
        .build()
});

static COMMITS: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    meter()
        .f64_histogram("turbomessage.commit.duration")
        .with_description("Duration of commits, by whether they succeeded.")
        .with_unit("s")
        .with_boundaries(COMMIT_DURATIONS.to_vec())
        .build()
});

/// Somebody tried to log in: `outcome` is `OK` or the reason why not.
pub fn login(outcome: &'static str) {
    LOGINS.add(1, &[KeyValue::new("outcome", outcome)]);
}

/// `cache` was asked, and knew the answer or did not.
pub fn cache_asked(cache: &'static str, knew: bool) {
    let result = if knew { "hit" } else { "miss" };
    LOOK_UPS.add(
        1,
        &[
            KeyValue::new("cache", cache),
            KeyValue::new("result", result),
        ],
    );
}

/// A commit has begun that carries `jobs`, while `waiting` more wait.
pub fn commit_begun(jobs: usize, waiting: usize) {
    BATCHES.record(u64::try_from(jobs).unwrap_or(u64::MAX), &[]);
    QUEUE.record(u64::try_from(waiting).unwrap_or(u64::MAX), &[]);
}

/// A commit has ended after so many seconds.
pub fn commit_ended(seconds: f64, succeeded: bool) {
    let outcome = if succeeded { "OK" } else { "failed" };
    COMMITS.record(seconds, &[KeyValue::new("outcome", outcome)]);
}

/// Watches a pool of connections to a database, called `name`: how many are in use, how many are idle, and
/// how many there may be.
#[cfg(feature = "sql")]
pub fn watch_pool<D: sqlx::Database>(name: &'static str, pool: &sqlx::Pool<D>) {
    let most = u64::from(pool.options().get_max_connections());
    let pool = pool.clone();
    watch_connections(name, most, move || {
        let idle = u64::try_from(pool.num_idle()).unwrap_or(u64::MAX);
        (u64::from(pool.size()).saturating_sub(idle), idle)
    });
}

/// Watches connections to a database, called `name`, of which there may be `most`: how many are in use, and how
/// many are idle.
#[cfg(feature = "sql")]
pub fn watch_connections(
    name: &'static str,
    most: u64,
    used_and_idle: impl Fn() -> (u64, u64) + Send + Sync + 'static,
) {
    let named = KeyValue::new("db.client.connection.pool.name", name);
    let in_state = {
        let named = named.clone();
        move |state| {
            [
                named.clone(),
                KeyValue::new("db.client.connection.state", state),
            ]
        }
    };
    meter()
        .u64_observable_gauge("db.client.connection.count")
        .with_description("Connections to the database, by whether they are in use.")
        .with_callback(move |observer| {
            let (used, idle) = used_and_idle();
            observer.observe(used, &in_state("used"));
            observer.observe(idle, &in_state("idle"));
        })
        .build();
    meter()
        .u64_observable_gauge("db.client.connection.max")
        .with_description("Connections to the database that there may be.")
        .with_callback(move |observer| observer.observe(most, std::slice::from_ref(&named)))
        .build();
}
