//! Floods of logins.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::Semaphore, task::JoinSet, time::timeout};
use turbomessage_tests::{
    Part, Services, User,
    client::{Client, fresh_name},
    errors::reason,
};

/// Logs in again and again, and adds a permit for each login that was shed.
async fn flood(client: Client, shed: Arc<Semaphore>) {
    loop {
        let status = client
            .log_in(&fresh_name(), "a wrong password")
            .await
            .unwrap_err();
        match &*reason(&status) {
            "CREDENTIALS_INVALID" => {}
            "OVERLOADED" | "RATE_LIMITED" => {
                shed.add_permits(1);
                // The flood leaves the machine's cores alone: what is measured is what the services
                // do about it, not how fast this client is.
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            other => panic!("{other}: {status:?}"),
        }
    }
}

/// How long a list takes at the 99th percentile.
async fn p99_of_lists(user: &User) -> Duration {
    let mut times = Vec::new();
    for _ in 0..100 {
        let began = Instant::now();
        assert_eq!(user.inbox().await.len(), 1);
        times.push(began.elapsed());
    }
    times.sort();
    times[98]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_logins_is_shed_and_mail_flows_on() {
    // Few are let in, so that none waits for its hash until its deadline on a slow machine.
    let settings = Services::on_files().env(Part::Gateway, "TM_MAX_PASSWORD_CALLS", "8");
    let services = settings
        .env(Part::Auth, "TM_LOGIN_FAILURES_PER_ADDRESS", "60")
        .start()
        .await;
    let ana = services.register_fresh().await;
    ana.send(&[&ana], "before", "text").await.unwrap();

    let shed = Arc::new(Semaphore::new(0));
    let mut floods = JoinSet::new();
    for _ in 0..4 {
        let client = services.client().await;
        for _ in 0..10 {
            floods.spawn(flood(client.clone(), shed.clone()));
        }
    }
    let flooded = async |logins| {
        let permits = timeout(Duration::from_secs(20), shed.acquire_many(logins)).await;
        permits.expect("logins are shed").unwrap().forget();
    };
    // From here on there are more logins than are let in.
    flooded(1).await;
    // Behind the logins a call would wait for as many hashes as there are callers: for seconds, in
    // every round. What other tests on the same machine cost is not there in every round.
    let bound = Duration::from_secs(1);
    let mut p99 = Vec::new();
    while p99.len() < 3 && p99.last().is_none_or(|&time| time >= bound) {
        p99.push(p99_of_lists(&ana).await);
    }
    // And they were there all the time, however short that was.
    flooded(100).await;
    floods.abort_all();
    while let Some(ended) = floods.join_next().await {
        let ended = ended.unwrap_err();
        assert!(ended.is_cancelled(), "{ended}");
    }
    assert!(
        p99.last().is_some_and(|&time| time < bound),
        "lists took {p99:?}"
    );
}
