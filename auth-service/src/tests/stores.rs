//! The conformance suites on what is at hand.

use std::env;

use crate::conformance;

#[tokio::test(flavor = "multi_thread")]
async fn the_sqlite_account_store_keeps_its_promises() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a b?c%20d.db");
    conformance::account_store(&format!("sqlite:{}", file.display())).await;
    assert!(file.exists(), "under the name it was given");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sqlite_session_store_keeps_its_promises() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessions.db");
    conformance::session_store(&format!("sqlite:{}", file.display())).await;
}

/// The URL in `name`, or a loud word that the test does nothing.
fn server(name: &str) -> Option<String> {
    let url = env::var(name).ok();
    if url.is_none() {
        eprintln!("SKIPPED: {name} names no server; the container tests run this suite");
    }
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn the_postgres_account_store_keeps_its_promises() {
    if let Some(url) = server("TM_TEST_POSTGRES_URL") {
        conformance::account_store(&url).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_redis_session_store_keeps_its_promises() {
    if let Some(url) = server("TM_TEST_REDIS_URL") {
        conformance::session_store(&url).await;
        conformance::redis_without_room(&url).await;
    }
}
