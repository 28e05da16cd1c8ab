//! Session tokens: what is none is refused, in one way, everywhere, soon.

use std::time::Duration;

use tonic::{Code, Status};
use turbomessage_proto::{auth_v1::LogoutRequest, mail_v1::GetMailboxRequest};
use turbomessage_tests::{
    Client, Dev, Edge, Services, User, containers,
    errors::refused,
    eventually,
    raw::{self, Connection},
};

use super::{
    ending::{WAYS, end_session},
    paths::{ACCOUNT, MAILBOX},
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Everything that comes back for a token, of both services.
async fn answers(connection: &Connection, authorization: Option<&str>) -> Vec<Vec<String>> {
    let headers: Vec<_> = authorization
        .iter()
        .map(|value| ("authorization", *value))
        .collect();
    let mut answers = Vec::new();
    for path in [ACCOUNT, MAILBOX] {
        let answer = connection
            .call(path, &headers, raw::frame(b""))
            .await
            .unwrap();
        refused(
            Err::<(), _>(answer.status()),
            Code::Unauthenticated,
            "SESSION_INVALID",
        );
        answers.push(answer.bytes());
    }
    answers
}

async fn what_is_no_session_gets_one_answer(edge: &Edge, expired: &str) {
    let connection = Connection::open(edge).await;
    let revoked = edge.register_fresh().await;
    revoked.auth().logout(LogoutRequest {}).await.unwrap();
    let unknown = format!("Bearer tm_{}", "A".repeat(43));
    let missing = answers(&connection, None).await;
    assert_eq!(
        missing[0], missing[1],
        "auth-service and the gateway say the same"
    );
    for authorization in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer garbage",
        "Basic dG06dG0=",
        "tm_without_scheme",
        "Bearer tm_\u{e9}",
        &format!("Bearer tm_{}", "x".repeat(8000)),
        &unknown,
        &format!("Bearer {expired}"),
        &format!("Bearer {}", revoked.token),
        &format!("Bearer {}x", revoked.token),
    ] {
        let got = answers(&connection, Some(authorization)).await;
        assert_eq!(got, missing, "{authorization:.60}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_garbage_expired_and_revoked_tokens_get_the_same_bytes() {
    let dev = Dev::start().await;
    let expired = dev.register_fresh().await;
    dev.clocks.advance(31 * DAY);
    what_is_no_session_gets_one_answer(&dev, &expired.token).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tokens_at_once_are_none() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    let connection = Connection::open(&dev).await;
    let token = format!("Bearer {}", ana.token);
    let headers = [("authorization", &*token), ("authorization", &*token)];
    for path in [ACCOUNT, MAILBOX] {
        let answer = connection
            .call(path, &headers, raw::frame(b""))
            .await
            .unwrap();
        refused(
            Err::<(), _>(answer.status()),
            Code::Unauthenticated,
            "SESSION_INVALID",
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_when_idle_and_at_the_latest_after_their_lifetime() {
    let dev = Dev::start().await;
    let (busy, idle) = (dev.register_fresh().await, dev.register_fresh().await);
    for day in (20..180).step_by(20) {
        dev.clocks.advance(20 * DAY);
        get_mailbox(&busy.client)
            .await
            .unwrap_or_else(|status| panic!("day {day}: {status}"));
    }
    refused(
        get_mailbox(&idle.client).await,
        Code::Unauthenticated,
        "SESSION_INVALID",
    );
    dev.clocks.advance(20 * DAY);
    refused(
        get_mailbox(&busy.client).await,
        Code::Unauthenticated,
        "SESSION_INVALID",
    );
}

async fn get_mailbox(client: &Client) -> Result<(), Status> {
    client
        .mail()
        .get_mailbox(GetMailboxRequest {})
        .await
        .map(drop)
}

async fn an_ended_session_is_refused_on_every_gateway(here: &Edge, there: &Edge) {
    for way in WAYS {
        let own = here.register_fresh().await;
        let other = own.log_in_again(here, None).await;
        let other_there = other.at(there).await;
        // Both gateways remember the session now.
        get_mailbox(&other.client).await.unwrap();
        get_mailbox(&other_there.client).await.unwrap();

        end_session(way, &own, &other).await;
        let at_once = get_mailbox(&other.client).await;
        refused(at_once, Code::Unauthenticated, "SESSION_INVALID");
        let what = format!("after {way} the other gateway refuses");
        let within = Duration::from_secs(1);
        let refusal = async || get_mailbox(&other_there.client).await.err();
        let status = eventually(&what, within, refusal).await;
        refused(
            Err::<(), _>(status),
            Code::Unauthenticated,
            "SESSION_INVALID",
        );
    }
}

async fn every_gateway(services: Services, expired: User) {
    what_is_no_session_gets_one_answer(&services, &expired.token).await;
    let second = services.another_gateway(&services.mail).await;
    an_ended_session_is_refused_on_every_gateway(&services, &second.edge()).await;
}

/// Sessions that end after three seconds without use; the session of one who did not come back.
async fn with_short_sessions(settings: turbomessage_tests::stack::Settings) -> (Services, User) {
    let short = settings.env(
        turbomessage_tests::Part::Auth,
        "TM_SESSION_IDLE_SECONDS",
        "3",
    );
    let services = short.start().await;
    let expired = services.register_fresh().await;
    // Nothing tells of an expiry, and asking would prolong the session.
    tokio::time::sleep(Duration::from_secs(4)).await;
    (services, expired)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_session_is_refused_at_once_here_and_within_a_second_elsewhere() {
    let (services, expired) = with_short_sessions(Services::on_files()).await;
    every_gateway(services, expired).await;
}

mod on_servers {
    mod containers {
        use crate::access::sessions::{Services, containers, every_gateway, with_short_sessions};

        #[tokio::test(flavor = "multi_thread")]
        async fn an_ended_session_is_refused_on_every_gateway_over_redis() {
            if containers::available() {
                let (services, expired) = with_short_sessions(Services::on_servers()).await;
                every_gateway(services, expired).await;
            }
        }
    }
}
