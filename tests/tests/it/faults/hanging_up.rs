//! Callers who hang up at any moment: nothing is done by half, nothing twice, and nothing is in anybody's way
//! afterwards.

use std::time::Duration;

use futures::future::join_all;
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;
use tonic::Code;
use turbomessage_proto::mail_v1::{FolderRole, GetMailboxRequest, SearchMessagesRequest};
use turbomessage_tests::{
    Edge, Services, User,
    client::{fresh_name, fresh_password},
    containers as engine,
    eventually::{SOON, eventually},
};

use crate::{crash::load::Load, history::insist};

fn a_moment(most: Duration) -> Duration {
    most.mul_f64(rand::random())
}

/// Reads in every way, and waits for hardly any answer.
async fn reads(user: User, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let reading = async {
            let _ = user.list(FolderRole::Inbox).await;
            let _ = user
                .changes(&user.state().await.unwrap_or_default(), 100)
                .await;
            let query = SearchMessagesRequest {
                query: "x*".into(),
                ..Default::default()
            };
            let _ = user.mail().search_messages(query).await;
            let _ = user.watch("").await;
        };
        let _ = timeout(a_moment(Duration::from_millis(30)), reading).await;
    }
}

/// Registers and hangs up: afterwards there is an account that can be used, or none.
async fn registers(edge: &Edge) {
    let client = edge.client().await;
    let (name, password) = (fresh_name(), fresh_password());
    let registering = client.register(&name, &password);
    let _ = timeout(a_moment(Duration::from_millis(300)), registering).await;
    match insist(async || client.register(&name, &password).await).await {
        Ok(_) => {}
        Err(status) => assert_eq!(status.code(), Code::AlreadyExists, "{status:?}"),
    }
    let opened = insist(async || client.log_in(&name, &password).await).await;
    let user = client.with_token(&opened.unwrap().session_token);
    let mailbox = async || user.mail().get_mailbox(GetMailboxRequest {}).await;
    insist(mailbox).await.unwrap();
}

async fn nothing_is_left_by_half(services: &Services) {
    let mut people = Vec::new();
    for _ in 0..5 {
        people.push(services.register_fresh().await);
    }
    let stop = CancellationToken::new();
    let mut readers = JoinSet::new();
    for user in &people {
        let user = user.at(services).await;
        readers.spawn(reads(user, stop.clone()));
    }
    let load = Load::start_hasty(people);
    join_all((0..4).map(|_| registers(services))).await;
    load.progress(60).await;
    stop.cancel();
    readers.join_all().await;
    assert!(
        load.failures().len() > 100,
        "{} hung up",
        load.failures().len()
    );
    load.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_hang_up_leave_nothing_by_half_on_sqlite() {
    nothing_is_left_by_half(&Services::on_files().start().await).await;
}

mod containers {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn callers_who_hang_up_leave_nothing_by_half_on_postgres() {
        if !engine::available() {
            return;
        }
        let services = Services::on_servers().start().await;
        nothing_is_left_by_half(&services).await;
        let postgres = &services.servers.as_ref().unwrap().postgres;
        let mut connection = postgres.connect("mail").await;
        let mut count = async |statement: &'static str| -> i64 {
            let count = sqlx::query_scalar(statement);
            count.fetch_one(&mut connection).await.unwrap()
        };
        eventually("no transaction is left open", SOON, async || {
            let open = "SELECT COUNT(*) FROM pg_stat_activity \
                        WHERE state LIKE 'idle in transaction%'";
            (count(open).await == 0).then_some(())
        })
        .await;
        // Who hangs up takes no connection along that others could use.
        let sessions = "SELECT SUM(sessions)::bigint FROM pg_stat_database \
                        WHERE datname IN ('mail', 'accounts')";
        let sessions = count(sessions).await;
        assert!(sessions < 100, "{sessions} connections were made");
    }
}
