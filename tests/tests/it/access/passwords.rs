//! Guessing passwords and names.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use turbomessage_proto::auth_v1::LoginRequest;
use turbomessage_tests::{
    Dev, Edge, Part, Services, User,
    client::{Client, fresh_name, fresh_password},
    containers,
    errors::{reason, refused},
    raw::{self, Answer, Connection},
};

use super::paths::LOGIN;

const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

async fn log_in(connection: &Connection, username: &str) -> Answer {
    let request = LoginRequest {
        username: username.into(),
        password: "a wrong password".into(),
        device_name: String::new(),
    };
    let body = raw::frame(&request.encode_to_vec());
    let answer = connection.call(LOGIN, &[], body).await.unwrap();
    refused(
        Err::<(), _>(answer.status()),
        Code::Unauthenticated,
        "CREDENTIALS_INVALID",
    );
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_user_and_a_wrong_password_get_the_same_bytes() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    let connection = Connection::open(&dev).await;
    let wrong = log_in(&connection, &ana.name).await.bytes();
    let unknown = log_in(&connection, &fresh_name()).await.bytes();
    assert_eq!(wrong, unknown);
}

/// The medians of the times that `pairs` failed logins take, one after the other, each first in its
/// turn, so that whatever else the machine does hits both alike.
async fn medians(connection: &Connection, known: &str, pairs: u32) -> (Duration, Duration) {
    let (mut wrong, mut unknown) = (Vec::new(), Vec::new());
    for pair in 0..pairs {
        let fresh = fresh_name();
        let mut turns = [(known, &mut wrong), (&*fresh, &mut unknown)];
        if pair % 2 == 1 {
            turns.reverse();
        }
        for (name, times) in turns {
            let began = Instant::now();
            log_in(connection, name).await;
            times.push(began.elapsed());
        }
    }
    (median(wrong), median(unknown))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_user_and_a_wrong_password_take_the_same_time() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    let connection = Connection::open(&dev).await;
    medians(&connection, &ana.name, 3).await;
    // A difference that the code makes shows in every round; what other tests on the same machine
    // add does not. So one round within the bound shows that the bound holds.
    let mut seen = Vec::new();
    for _ in 0..6 {
        let (wrong, unknown) = medians(&connection, &ana.name, 40).await;
        let ratio = wrong.as_secs_f64() / unknown.as_secs_f64();
        if (0.95..=1.05).contains(&ratio) {
            return;
        }
        seen.push((wrong, unknown));
    }
    panic!("wrong password and unknown user: {seen:?}");
}

async fn guess(client: &Client, name: &str) -> Status {
    client.log_in(name, "a wrong password").await.unwrap_err()
}

/// Guesses until it is told to wait, and answers after how many.
async fn guesses_until_limited(client: &Client, name: &str) -> usize {
    for n in 0..20 {
        let status = guess(client, name).await;
        if reason(&status) == "RATE_LIMITED" {
            assert_eq!(status.code(), Code::ResourceExhausted);
            let delay = status
                .get_details_retry_info()
                .unwrap()
                .retry_delay
                .unwrap();
            assert!(!delay.is_zero(), "says when to try again");
            return n;
        }
        assert_eq!(reason(&status), "CREDENTIALS_INVALID");
    }
    panic!("never limited");
}

async fn guessing_is_limited(edge: &Edge) {
    let guesser = edge.client().await;
    let ana = edge.register_fresh().await;
    assert_eq!(guesses_until_limited(&guesser, &ana.name).await, 5);
    assert_eq!(
        guesses_until_limited(&guesser, &fresh_name()).await,
        5,
        "nobody's name alike"
    );

    let right = guesser.log_in(&ana.name, &ana.password).await;
    refused(right, Code::ResourceExhausted, "RATE_LIMITED");
    let claimed = guesser.clone().with("x-tm-client-address", "127.0.0.9");
    let claimed = claimed.with("x-forwarded-for", "127.0.0.9");
    let status = guess(&claimed, &ana.name).await;
    assert_eq!(
        reason(&status),
        "RATE_LIMITED",
        "an address is not what a client says it is"
    );

    let elsewhere = ana.log_in_again(edge, Some(ELSEWHERE)).await;
    assert!(
        elsewhere.inbox().await.is_empty(),
        "the owner gets in from elsewhere"
    );
    assert!(ana.inbox().await.is_empty(), "and sessions go on");
}

async fn successes_do_not_count(edge: &Edge) {
    let here = Some(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3)));
    let ana = edge.register_fresh().await;
    for _ in 0..8 {
        ana.log_in_again(edge, here).await;
    }
}

/// Sixteen failed logins of any names are too many for one address.
async fn one_address_is_limited_as_a_whole(edge: &Edge) {
    let address = Some(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 4)));
    let client = edge.client_from(address).await;
    for _ in 0..16 {
        assert_eq!(
            reason(&guess(&client, &fresh_name()).await),
            "CREDENTIALS_INVALID"
        );
    }
    assert_eq!(reason(&guess(&client, &fresh_name()).await), "RATE_LIMITED");
}

async fn guessing(settings: turbomessage_tests::stack::Settings) {
    let services = settings
        .env(Part::Auth, "TM_LOGIN_FAILURES_PER_NAME", "5")
        .env(Part::Auth, "TM_LOGIN_FAILURES_PER_ADDRESS", "16")
        // The window is a day: that it ends within this test is unlikely enough.
        .env(Part::Auth, "TM_LOGIN_WINDOW_SECONDS", "86400")
        .start()
        .await;
    guessing_is_limited(&services).await;
    successes_do_not_count(&services).await;
    one_address_is_limited_as_a_whole(&services).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_limited_and_the_owner_still_gets_in_from_elsewhere() {
    guessing(Services::on_files()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_guesses_count_against_the_address_that_it_names() {
    let services = Services::on_files()
        .env(
            Part::Gateway,
            "TM_TRUSTED_PROXIES",
            "127.0.0.5/32,10.0.0.0/8",
        )
        .env(Part::Auth, "TM_LOGIN_FAILURES_PER_NAME", "5")
        .env(Part::Auth, "TM_LOGIN_WINDOW_SECONDS", "86400")
        .start()
        .await;
    let ana = services.register_fresh().await;
    let proxy = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 5));
    let proxy = services.client_from(Some(proxy)).await;
    // What the client wrote itself stands first.
    let through = |client: &str| {
        let forwarded = format!("192.0.2.99, {client}, 10.0.0.7");
        proxy.clone().with("x-forwarded-for", &forwarded)
    };
    let guesser = through("198.51.100.1");
    assert_eq!(guesses_until_limited(&guesser, &ana.name).await, 5);
    let owner = through("198.51.100.2");
    owner.log_in(&ana.name, &ana.password).await.unwrap();
    // From anywhere else it is nobody's word.
    let stranger = services.client().await;
    assert_eq!(guesses_until_limited(&stranger, &ana.name).await, 5);
    let claimed = stranger.with("x-forwarded-for", "198.51.100.2");
    assert_eq!(reason(&guess(&claimed, &ana.name).await), "RATE_LIMITED");
}

mod on_servers {
    mod containers {
        use crate::access::passwords::{Services, containers, guessing};

        #[tokio::test(flavor = "multi_thread")]
        async fn guessing_is_limited_over_redis() {
            if containers::available() {
                guessing(Services::on_servers()).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_registrations_of_one_name_one_succeeds() {
    let dev = Dev::start().await;
    let (client, name) = (dev.client().await, fresh_name());
    let attempts = (0..100).map(|n| {
        let client = client.clone();
        // In any spelling it is the same name.
        let name = if n % 2 == 0 {
            name.clone()
        } else {
            name.to_uppercase()
        };
        async move { client.register(&name, &fresh_password()).await }
    });
    let mut opened = 0;
    for result in futures::future::join_all(attempts).await {
        match result.map_err(|status| reason(&status)) {
            Ok(_) => opened += 1,
            Err(reason) => assert_eq!(reason, "USERNAME_TAKEN"),
        }
    }
    assert_eq!(opened, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_of_the_own_account_are_limited_too() {
    let services = Services::on_files()
        .env(Part::Auth, "TM_LOGIN_FAILURES_PER_NAME", "3")
        .env(Part::Auth, "TM_LOGIN_WINDOW_SECONDS", "86400")
        .start()
        .await;
    let ana: User = services.register_fresh().await;
    let request = || turbomessage_proto::auth_v1::ChangePasswordRequest {
        current_password: "a wrong password".into(),
        new_password: fresh_password(),
    };
    for _ in 0..3 {
        let status = ana.auth().change_password(request()).await;
        refused(status, Code::Unauthenticated, "CREDENTIALS_INVALID");
    }
    let status = ana.auth().change_password(request()).await;
    refused(status, Code::ResourceExhausted, "RATE_LIMITED");
}
