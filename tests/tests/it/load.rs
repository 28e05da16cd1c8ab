//! The load generator: what it measures, it does.

use std::{sync::Arc, time::Duration};

use sqlx::Row;
use turbomessage_tests::{
    Dev, Services,
    containers::available,
    load::{
        drive::{Pace, Plan, run},
        mix::{Mix, callers},
        people::{Target, fill, mail, register},
        processes::Processes,
        yardsticks::pgbench::Pgbench,
    },
};

#[tokio::test]
async fn every_call_of_a_mix_works() {
    let dev = Dev::start().await;
    let target = Target::new(&format!("http://{}", dev.address), None).unwrap();
    let mut people = register(&target, 2).await.unwrap();
    fill(&target, &mut people, 3).await.unwrap();
    let known: Vec<usize> = people.iter().map(|person| person.messages.len()).collect();
    assert_eq!(known, [3, 3]);

    let all = "send,list,get,search,modify,folders,mailbox,watch,login";
    let mix: Mix = all.parse().unwrap();
    let workers = callers(&target, &Arc::new(people), &mix, 6, 2).await;
    let plan = Plan {
        pace: Pace::Open(40.0),
        warm_up: Duration::ZERO,
        duration: Duration::from_secs(5),
    };
    let none = Processes::default();
    let outcome = run("all calls", plan, workers.unwrap(), &none).await;
    assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
    let done: Vec<&str> = outcome.parts.keys().copied().collect();
    let mut expected: Vec<&str> = all.split(',').collect();
    expected.sort_unstable();
    assert_eq!(done, expected, "all of them were done");
}

/// The script is made of what mail-service asks of Postgres: a statement or a column that is new has to be given
/// values there, or nothing would be measured.
#[tokio::test]
async fn pgbench_writes_what_a_send_writes() {
    if !available() {
        return;
    }
    let services = Services::on_servers().start().await;
    let (from, to) = (
        services.register_fresh().await,
        services.register_fresh().await,
    );
    let postgres = &services.servers.as_ref().unwrap().postgres;
    let send = async || {
        from.send_request(mail(&to.name, 0)).await?;
        anyhow::Ok(())
    };
    // Mailboxes come into being with the first send, which is not like the others.
    send().await.unwrap();
    let mut pgbench = Pgbench::prepare(postgres, send).await.unwrap();
    let rate = pgbench.run(4, Duration::from_secs(1)).await.unwrap();
    assert!(rate > 0.0);

    let mut connection = postgres.connect("yardstick").await;
    let counts = "SELECT (SELECT COUNT(*) FROM contents) AS sends, (SELECT COUNT(*) FROM copies) AS copies, \
                  (SELECT COUNT(*) FROM changes) AS changes, (SELECT COUNT(*) FROM threads) AS threads, \
                  (SELECT COUNT(*) FROM answers) AS answers";
    let row = sqlx::query(counts)
        .fetch_one(&mut connection)
        .await
        .unwrap();
    let sends: i64 = row.get("sends");
    let rows = ["copies", "changes", "threads", "answers"].map(|table| row.get::<i64, _>(table));
    assert!(sends > 0);
    assert_eq!(rows, [2, 4, 2, 1].map(|each| each * sends));
}
