//! Clocks that are five minutes off: refusals that say so, and no session that outlives its time by more than that.

use std::time::Duration;

use tonic::Code;
use turbomessage_proto::{auth_v1::LogoutRequest, mail_v1::FolderRole};
use turbomessage_tests::{Dev, User, errors::refused, stack::ShiftedClock};

const OFF: Duration = Duration::from_secs(300);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long a session lives without use, and at the most.
const IDLE: Duration = Duration::from_secs(30 * 24 * 3600);
const LIFETIME: Duration = Duration::from_secs(180 * 24 * 3600);

type Change = fn(&ShiftedClock, Duration);
const WAYS: [(Change, Change); 2] = [
    (ShiftedClock::advance, ShiftedClock::set_back),
    (ShiftedClock::set_back, ShiftedClock::advance),
];

async fn is_refused(user: &User) {
    let refusal = user.list(FolderRole::Inbox).await;
    refused(refusal, Code::Unauthenticated, "SESSION_INVALID");
}

/// Longer than an answer about a session is used.
async fn nothing_is_remembered() {
    tokio::time::sleep(Duration::from_millis(600)).await;
}

/// A ticket is good for a minute: where mail-service has another time than auth-service, there is none that is good.
#[tokio::test(flavor = "multi_thread")]
async fn mail_service_refuses_everybody_while_its_clock_is_off_and_nobody_afterwards() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    for (off, back) in WAYS {
        ana.send(&[&ana], "before", "").await.unwrap();
        off(&dev.clocks.mail, OFF);
        // With a ticket that was never seen before.
        let again = ana.log_in_again(&dev, None).await;
        is_refused(&again).await;
        let sent = again.send(&[&ana], "not sent", "").await;
        refused(sent, Code::Unauthenticated, "SESSION_INVALID");
        back(&dev.clocks.mail, OFF);
        ana.send(&[&ana], "after", "").await.unwrap();
    }
    let subjects: Vec<String> = ana.inbox().await.into_iter().map(|m| m.subject).collect();
    assert_eq!(subjects, ["after", "before", "after", "before"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_whose_clock_is_off_lets_in_and_keeps_out_as_ever() {
    let dev = Dev::start().await;
    for (off, back) in WAYS {
        let ana = dev.register_fresh().await;
        ana.send(&[&ana], "before", "").await.unwrap();
        off(&dev.clocks.gateway, OFF);
        let mut stream = ana.watch("").await.unwrap();
        stream.message().await.unwrap().unwrap();
        assert_eq!(ana.inbox().await.len(), 1);
        ana.auth().logout(LogoutRequest {}).await.unwrap();
        is_refused(&ana).await;
        let end = stream.message().await;
        refused(end, Code::Unauthenticated, "SESSION_INVALID");
        back(&dev.clocks.gateway, OFF);
        is_refused(&ana).await;
    }
}

/// All clocks jump back while everything runs, as they do when a machine's clock is set right.
#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_are_set_back_neither_end_sessions_nor_disorder_mail() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    let begin = ana.state().await.unwrap();
    let mut sent = Vec::new();
    for round in 0..3 {
        for _ in 0..5 {
            let subject = format!("{}", sent.len());
            ana.send(&[&ana], &subject, "").await.unwrap();
            sent.insert(0, subject);
        }
        let inbox = ana.inbox().await;
        let subjects: Vec<&str> = inbox.iter().map(|m| &*m.subject).collect();
        assert_eq!(subjects, sent, "in the order of their acknowledgement");
        let time = |m: &turbomessage_proto::mail_v1::Message| {
            let at = m.receive_time.unwrap();
            (at.seconds, at.nanos)
        };
        assert!(inbox.is_sorted_by(|a, b| time(a) > time(b)), "{round}");
        dev.clocks.set_back(OFF);
        nothing_is_remembered().await;
    }
    let changes = ana.changes(&begin, 500).await.unwrap();
    assert!(changes.changes.len() >= sent.len(), "none is missing");
    let other = ana.log_in_again(&dev, None).await;
    assert_eq!(other.inbox().await.len(), sent.len());
}

/// Two replicas of everything, one of which is ahead.
#[tokio::test(flavor = "multi_thread")]
async fn where_replicas_disagree_about_the_time_sessions_end_all_the_same() {
    let behind = Dev::start().await;
    let ahead = behind.another().await;
    ahead.clocks.advance(OFF);
    let advance = async |by: Duration| {
        behind.clocks.advance(by);
        ahead.clocks.advance(by);
        nothing_is_remembered().await;
    };
    let mut users = Vec::new();
    for dev in [&behind, &ahead] {
        let (busy, idle) = (dev.register_fresh().await, dev.register_fresh().await);
        users.push((busy, idle));
    }
    let step = 20 * DAY;
    let mut age = Duration::ZERO;
    while age + step + OFF < LIFETIME {
        advance(step).await;
        age += step;
        for (busy, idle) in &users {
            for dev in [&ahead, &behind] {
                assert!(busy.at(dev).await.inbox().await.is_empty(), "{age:?}");
                if age > IDLE + OFF {
                    is_refused(&idle.at(dev).await).await;
                }
            }
        }
    }
    advance((LIFETIME + OFF).saturating_sub(age)).await;
    for (busy, _) in &users {
        for dev in [&ahead, &behind] {
            is_refused(&busy.at(dev).await).await;
        }
    }
}
