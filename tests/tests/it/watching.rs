//! Streams of changes: how soon they tell, and how they end.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::timeout;
use tonic::{Code, Request, Status, Streaming};
use tonic_types::StatusExt as _;
use turbomessage_proto::mail_v1::{
    WatchMailboxRequest, WatchMailboxResponse, watch_mailbox_response::Event,
};
use turbomessage_tests::{
    Dev, Edge, Part, Process, Services, User, containers as engine,
    errors::refused,
    eventually::{SOON, eventually},
    programs,
};

use crate::access::ending::{WAYS, end_session};

type Watched = Streaming<WatchMailboxResponse>;

/// A stream from now on that has given a sign of life.
async fn watch(user: &User) -> Watched {
    let mut stream = user.watch("").await.unwrap();
    let first = stream.message().await.unwrap().unwrap();
    assert!(matches!(first.event, Some(Event::Heartbeat(_))));
    stream
}

/// Waits for a change, whatever else is told before.
async fn told(stream: &mut Watched) {
    let change = async {
        loop {
            let next = stream.message().await.unwrap().unwrap();
            if matches!(next.event, Some(Event::Change(_))) {
                return;
            }
        }
    };
    timeout(SOON, change).await.expect("a change is told");
}

/// How the stream ends, within `limit`, whatever it still tells.
async fn end_of(mut stream: Watched, limit: Duration) -> Status {
    let end = async {
        loop {
            match stream.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("a stream that ends says why"),
                Err(status) => return status,
            }
        }
    };
    timeout(limit, end).await.expect("an end in time")
}

async fn ended_because(stream: Watched, limit: Duration, code: Code, reason: &str) -> Status {
    refused(Err::<(), _>(end_of(stream, limit).await), code, reason)
}

async fn an_ended_session_ends_its_streams(here: &Edge, there: &Edge) {
    for way in WAYS {
        let own = here.register_fresh().await;
        let other = own.log_in_again(here, None).await;
        let streams = [watch(&other).await, watch(&other.at(there).await).await];
        let kept = watch(&own).await;
        end_session(way, &own, &other).await;
        for stream in streams {
            let second = Duration::from_secs(1);
            ended_because(stream, second, Code::Unauthenticated, "SESSION_INVALID").await;
        }
        if way == "deletion" {
            ended_because(kept, SOON, Code::Unauthenticated, "SESSION_INVALID").await;
        } else {
            let mut kept = kept;
            own.send(&[&own], "still here", "").await.unwrap();
            told(&mut kept).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_session_ends_its_streams_within_a_second_on_every_gateway() {
    let services = Services::on_files().start().await;
    let second = services.another_gateway(&services.mail).await;
    an_ended_session_ends_its_streams(&services, &second.edge()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_a_stopping_service_ends_is_resumed_without_a_gap() {
    let mut services = Services::on_files().start().await;
    let ana = services.register_fresh().await;
    for part in [Part::Mail, Part::Gateway] {
        let stream = watch(&ana).await;
        let state = ana.state().await.unwrap();
        let process = match part {
            Part::Mail => &mut services.mail,
            Part::Gateway => &mut services.gateway,
            Part::Auth => unreachable!("watches nothing"),
        };
        process.signal(Signal::TERM);
        let status = ended_because(stream, SOON, Code::Unavailable, "SHUTTING_DOWN").await;
        assert!(status.get_details_retry_info().is_some(), "{status:?}");
        assert!(process.ended().await.success());
        process.restart().await;
        services.ready().await;
        ana.send(&[&ana], "meanwhile", "").await.unwrap();
        let mut stream = ana.watch(&state).await.unwrap();
        told(&mut stream).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_gives_a_sign_of_life() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    let mut stream = watch(&ana).await;
    let state = ana.state().await.unwrap();
    let next = timeout(SOON, stream.message()).await;
    let next = next.expect("every twenty seconds").unwrap().unwrap();
    assert!(matches!(next.event, Some(Event::Heartbeat(_))), "{next:?}");
    assert_eq!(next.state, state, "where to go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_at_its_deadline() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    let mut request = Request::new(WatchMailboxRequest::default());
    request.set_timeout(Duration::from_millis(700));
    let spanish = "es".parse().unwrap();
    request.metadata_mut().insert("accept-language", spanish);
    let stream = ana.mail().watch_mailbox(request).await.unwrap();
    let stream = stream.into_inner();
    let end = ended_because(stream, SOON, Code::DeadlineExceeded, "DEADLINE_EXCEEDED").await;
    let told = end.get_details_localized_message().unwrap();
    assert_eq!(told.locale, "es", "in the caller's language");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wakeup_url_that_cannot_be_used_ends_mail_service_before_it_listens() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    std::fs::write(&file, "redis://user:hunter2@host:port\n").unwrap();
    let database = format!("sqlite:{}", folder.path().join("mail.db").display());
    let refused = async |arguments: &[&str]| {
        let mut command = tokio::process::Command::new(programs::own("turbomessage-mail-service"));
        command.args(["--database-url", &database]).args(arguments);
        let ended = command.kill_on_drop(true).output();
        let ended = timeout(SOON, ended).await.unwrap().unwrap();
        assert_eq!(ended.status.code(), Some(64), "{ended:?}");
        String::from_utf8(ended.stderr).unwrap()
    };
    let url = "http://user:hunter2@host";
    for arguments in [
        ["--wakeup-url", url],
        ["--wakeup-url-file", file.to_str().unwrap()],
    ] {
        let said = refused(&arguments).await;
        assert!(said.contains("--wakeup-url"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

/// Two mail-services that look for lost wake-ups once an hour, each behind its own gateway.
struct Replicas {
    services: Services,
    mail: Process,
    other: Process,
}

impl Replicas {
    async fn start(wakeup_url: Option<&str>) -> Self {
        let mut settings = Services::on_servers().env(Part::Mail, "TM_WAKEUP_POLL_SECONDS", "3600");
        if let Some(url) = wakeup_url {
            settings = settings.env(Part::Mail, "TM_WAKEUP_URL", url);
        }
        let services = settings.start().await;
        let mail = services.another_mail_service().await;
        let other = services.another_gateway(&mail).await;
        Self {
            services,
            mail,
            other,
        }
    }
}

mod containers {
    use turbomessage_tests::containers::Redis;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_change_made_through_one_replica_is_told_at_once_by_the_other() {
        if !engine::available() {
            return;
        }
        let replicas = Replicas::start(None).await;
        let ana = replicas.services.register_fresh().await;
        let mut stream = watch(&ana.at(&replicas.other.edge()).await).await;
        told_of_a_send(&ana, &mut stream).await;
    }

    /// Wake-ups may be lost, calls must not notice, and it ends by itself.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_of_wakeups_that_freezes_or_dies_is_no_fault_and_is_found_again() {
        if !engine::available() {
            return;
        }
        let redis = Redis::start().await;
        let replicas = Replicas::start(Some(&redis.url())).await;
        let ana = replicas.services.register_fresh().await;
        let mut stream = watch(&ana.at(&replicas.other.edge()).await).await;
        told_of_a_send(&ana, &mut stream).await;
        // How often each of them said so.
        let said = |what: &str| {
            let logs = [replicas.services.mail.log(), replicas.mail.log()];
            logs.map(|log| log.matches(what).count())
        };
        for outage in 1..=2 {
            if outage == 1 {
                redis.0.pause().await;
            } else {
                redis.0.kill().await;
            }
            eventually("the outage is noticed", SOON, async || {
                ana.send(&[&ana], "in the outage", "").await.unwrap();
                (said("no wake-ups through Redis") == [outage; 2]).then_some(())
            })
            .await;
            if outage == 1 {
                redis.0.resume().await;
            } else {
                redis.0.start_again().await;
            }
            eventually("the end of the outage is noticed", SOON, async || {
                (said("through Redis again") == [outage; 2]).then_some(())
            })
            .await;
            drain(&mut stream).await;
            told_of_a_send(&ana, &mut stream).await;
        }
        let said = said("no wake-ups through Redis");
        assert_eq!(said, [2; 2], "once an outage");
    }

    /// Waits until the stream tells of a send, which must be the first that it tells: with a sign
    /// of life it looks at the mailbox without having been woken.
    async fn told_of_a_send(user: &User, stream: &mut Watched) {
        user.send(&[user], "a change", "").await.unwrap();
        let next = timeout(SOON, stream.message()).await;
        let next = next.expect("a change is told").unwrap().unwrap();
        assert!(matches!(next.event, Some(Event::Change(_))), "{next:?}");
        drain(stream).await;
    }

    /// Reads what is under way.
    async fn drain(stream: &mut Watched) {
        while let Ok(event) = timeout(Duration::from_millis(300), stream.message()).await {
            event.unwrap();
        }
    }
}
