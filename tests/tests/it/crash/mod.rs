//! Death at any moment: nothing that was acknowledged is lost, nothing is there by half, and what
//! is repeated with the same `request_id` is there once.

pub(crate) mod load;

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use turbomessage_proto::{
    auth_v1::DeleteAccountRequest,
    mail_v1::{FolderRole, ParticipantKind},
};
use turbomessage_service_kit::problem::{Reason, reason_of};
use turbomessage_tests::{
    Edge, Part, Process, Services, User, containers as containers_of_the_harness,
    errors::refused,
    eventually::{SOON, eventually},
    programs,
};
use uuid::Uuid;

use self::load::Load;

const ROUNDS: usize = 20;
const PEOPLE: usize = 5;

async fn people(edge: &Edge) -> Vec<User> {
    let mut people = Vec::new();
    for _ in 0..PEOPLE {
        people.push(edge.register_fresh().await);
    }
    people
}

/// Kills mail-service in mid-load, again and again, and auth-service now and then.
async fn killed_again_and_again(mut services: Services) {
    let load = Load::start(people(&services).await);
    for round in 0..ROUNDS {
        // Another moment each time.
        load.progress(7 + round * 3).await;
        services.mail.kill().await;
        services.mail.restart().await;
        if round % 5 == 0 {
            // Sessions survive too.
            services.auth.kill().await;
            services.auth.restart().await;
        }
    }
    load.progress(20).await;
    assert!(!load.failures().is_empty(), "the kills were noticed");
    let sends = load.check().await;
    assert!(sends > ROUNDS * 7);
}

/// SIGTERM in mid-load: each program finishes what it has begun, ends by itself with exit code 0,
/// and a client that repeats sees nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_every_program_in_good_order() {
    let mut services = Services::on_files().start().await;
    let load = Load::start(people(&services).await);
    for part in [Part::Mail, Part::Auth, Part::Gateway] {
        load.progress(20).await;
        let process = match part {
            Part::Mail => &mut services.mail,
            Part::Auth => &mut services.auth,
            Part::Gateway => &mut services.gateway,
        };
        process.signal(Signal::TERM);
        let status = process.ended().await;
        assert!(
            status.success(),
            "{part:?} ended with {status}:\n{}",
            process.log()
        );
        process.restart().await;
    }
    load.progress(20).await;
    load.check().await;
}

/// Who follows a program's health hears that it stops, and does not hold it up.
#[tokio::test(flavor = "multi_thread")]
async fn who_watches_health_does_not_hold_up_the_end() {
    let mut services = Services::on_files().start().await;
    for part in [Part::Gateway, Part::Mail, Part::Auth] {
        let process = match part {
            Part::Mail => &mut services.mail,
            Part::Auth => &mut services.auth,
            Part::Gateway => &mut services.gateway,
        };
        let mut health = HealthClient::new(process.edge().channel().await);
        let all = HealthCheckRequest::default();
        let mut watched = health.watch(all).await.unwrap().into_inner();
        let mut next = async || watched.message().await;
        assert_eq!(
            next().await.unwrap().unwrap().status(),
            ServingStatus::Serving
        );
        let begun = Instant::now();
        process.signal(Signal::TERM);
        let mut told = 0;
        let end = loop {
            match next().await {
                Ok(state) => assert_eq!(state.unwrap().status(), ServingStatus::NotServing),
                Err(end) => break end,
            }
            told += 1;
        };
        assert!(told > 0, "{part:?} says that it stops");
        refused(Err::<(), _>(end), Code::Unavailable, "SHUTTING_DOWN");
        assert!(process.ended().await.success(), "{part:?}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{part:?}");
    }
}

/// Has mail-service die at `point` of some batch, several times.
async fn dies_at(mut services: Services, point: &str) {
    let load = Load::start(people(&services).await);
    for round in 1..=5 {
        load.progress(10).await;
        services.mail.kill().await;
        services
            .mail
            .set("TM_FAULT", Some(&format!("{point}:{}", round * 2)));
        services.mail.restart().await;
        let status = services.mail.ended().await;
        assert!(!status.success(), "it died at the fault point");
        services.mail.set("TM_FAULT", None);
        services.mail.restart().await;
    }
    load.progress(20).await;
    load.check().await;
}

/// A deleted account's mailbox goes though mail-service is down at that moment; what others hold
/// stays, and nothing brings the mailbox back.
async fn erased_after_the_fact(mut services: Services) {
    let (gone, stays) = (
        services.register_fresh().await,
        services.register_fresh().await,
    );
    gone.send(&[&stays], "from the one who goes", "x")
        .await
        .unwrap();
    stays
        .send(&[&gone], "to the one who goes", "x")
        .await
        .unwrap();

    services.mail.kill().await;
    let request = DeleteAccountRequest {
        password: gone.password.clone(),
    };
    gone.auth().delete_account(request).await.unwrap();
    services.mail.restart().await;

    let held = eventually("the sender is shown as deleted", SOON, async || {
        let inbox = stays.list(FolderRole::Inbox).await.ok()?;
        let from = inbox.first()?.from.clone()?;
        (from.kind() == ParticipantKind::Deleted).then_some(inbox)
    })
    .await;
    assert_eq!(held.len(), 1);
    let from = held[0].from.clone().unwrap();
    assert_eq!(
        (from.username.as_str(), from.account_id),
        ("", gone.account_id.clone())
    );

    let refused = stays.send(&[&gone], "too late", "x").await.unwrap_err();
    assert_eq!(reason_of(&refused), Some(Reason::RecipientNotFound));
    let owner = Uuid::parse_str(&gone.account_id).unwrap();
    eventually("nothing of the mailbox is left", SOON, async || {
        (services.copies_of(owner).await == 0).then_some(())
    })
    .await;
    let refused = gone.list(FolderRole::Inbox).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_on_sqlite_loses_and_doubles_nothing() {
    killed_again_and_again(Services::on_files().start().await).await;
}

/// All of TurboMessage is one process here, and all of it dies at once.
#[tokio::test(flavor = "multi_thread")]
async fn kill_9_of_tm_dev_loses_and_doubles_nothing() {
    let data = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let edge = Edge { address: port };
    let start = || {
        let mut command = tokio::process::Command::new(programs::own("tm"));
        command
            .args(["dev", "--listen", &port.to_string(), "--data-dir"])
            .arg(data.path());
        command
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    };
    let mut process = start();
    edge.ready().await;
    let load = Load::start(people(&edge).await);
    for round in 0..ROUNDS {
        load.progress(7 + round * 3).await;
        process.kill().await.unwrap();
        process = start();
        edge.ready().await;
    }
    load.progress(20).await;
    assert!(!load.failures().is_empty(), "the kills were noticed");
    load.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn death_before_the_commit_on_sqlite_sends_exactly_once() {
    dies_at(Services::on_files().start().await, "before-commit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn death_between_commit_and_reply_on_sqlite_sends_exactly_once() {
    dies_at(Services::on_files().start().await, "after-commit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_deleted_while_mail_is_down_is_erased_on_sqlite() {
    erased_after_the_fact(Services::on_files().start().await).await;
}

mod containers {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn kill_9_on_postgres_loses_and_doubles_nothing() {
        if super::containers_available() {
            killed_again_and_again(Services::on_servers().start().await).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn death_around_the_commit_on_postgres_sends_exactly_once() {
        if super::containers_available() {
            dies_at(Services::on_servers().start().await, "before-commit").await;
            dies_at(Services::on_servers().start().await, "after-commit").await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_account_deleted_while_mail_is_down_is_erased_on_postgres() {
        if super::containers_available() {
            erased_after_the_fact(Services::on_servers().start().await).await;
        }
    }

    /// The database itself dies in mid-load.
    #[tokio::test(flavor = "multi_thread")]
    async fn kill_9_of_postgres_loses_and_doubles_nothing() {
        if !super::containers_available() {
            return;
        }
        let services = Services::on_servers().start().await;
        let load = Load::start(people(&services).await);
        let postgres = &services.servers.as_ref().unwrap().postgres.0;
        for round in 0..5 {
            load.progress(20 + round * 7).await;
            postgres.kill().await;
            postgres.start_again().await;
        }
        load.progress(20).await;
        load.check().await;
    }

    /// Three replicas on one database, each behind its own gateway, and everybody writes to
    /// overlapping groups: no deadlock is seen by a client, nothing is lost or out of order.
    #[tokio::test(flavor = "multi_thread")]
    async fn three_replicas_share_mailboxes_without_a_failed_call() {
        if !super::containers_available() {
            return;
        }
        // Two writers in each replica, so that they meet as often as can be.
        let services = Services::on_servers()
            .env(Part::Mail, "TM_WRITERS", "2")
            .start()
            .await;
        let mails = [
            services.another_mail_service().await,
            services.another_mail_service().await,
        ];
        let gateways = [
            services.another_gateway(&mails[0]).await,
            services.another_gateway(&mails[1]).await,
        ];
        let edges = [
            services.gateway.edge(),
            gateways[0].edge(),
            gateways[1].edge(),
        ];
        let mut users = Vec::new();
        for at in 0..9 {
            users.push(edges[at % 3].register_fresh().await);
        }
        let load = Load::start(users);
        load.progress(1500).await;
        let failures = load.failures();
        let logs = || mails.each_ref().map(Process::log).concat() + &services.mail.log();
        assert!(failures.is_empty(), "{failures:?}\n{}", logs());
        load.check().await;
    }
}

fn containers_available() -> bool {
    containers_of_the_harness::available()
}
