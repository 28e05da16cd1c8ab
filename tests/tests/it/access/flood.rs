//! Floods of logins.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use turbomessage_tests::{
    Dev, User,
    client::{Client, fresh_name},
    errors::reason,
};

/// Logs in again and again, and counts what was shed.
async fn flood(client: Client, stop: CancellationToken) -> usize {
    let mut shed = 0;
    while !stop.is_cancelled() {
        let status = client.log_in(&fresh_name(), "a wrong password").await.unwrap_err();
        match &*reason(&status) {
            "CREDENTIALS_INVALID" => {}
            // The store that counts attempts is the one writer of a file here: a pool that a slow
            // disk can exhaust, and the answer to that is UNAVAILABLE.
            "OVERLOADED" | "RATE_LIMITED" | "STORE_UNAVAILABLE" => {
                shed += 1;
                // A flood that leaves the machine's cores alone, so that what is measured is the
                // service and not the client.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            other => panic!("{other}: {status:?}"),
        }
    }
    shed
}

/// How long the slowest of a hundred lists takes.
async fn slowest_list(user: &User) -> Duration {
    let mut slowest = Duration::ZERO;
    for _ in 0..100 {
        let began = Instant::now();
        assert_eq!(user.inbox().await.len(), 1);
        slowest = slowest.max(began.elapsed());
    }
    slowest
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_logins_is_shed_and_mail_flows_on() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    ana.send(&[&ana], "before", "text").await.unwrap();

    let stop = CancellationToken::new();
    let mut floods = JoinSet::new();
    for _ in 0..4 {
        let client = dev.client().await;
        for _ in 0..50 {
            floods.spawn(flood(client.clone(), stop.clone()));
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let slowest = slowest_list(&ana).await;
    stop.cancel();
    let shed: usize = floods.join_all().await.into_iter().sum();
    assert!(shed > 100, "only {shed} logins were shed");
    // In the queue of logins a call would wait for seconds: 64 of them are let in at once.
    assert!(slowest < Duration::from_secs(1), "a list took {slowest:?}");
}
