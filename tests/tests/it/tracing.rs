//! One call is one trace through all three services.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tonic::Request;
use turbomessage_proto::mail_v1::GetMailboxRequest;
use turbomessage_tests::{
    Part, Process, Services,
    client::letter,
    collector::{Collector, Span},
    eventually::{SOON, eventually},
    programs,
    stack::Settings,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_trace_goes_through_all_services() {
    let services = Services::on_files()
        .env_all("TM_LOG", "turbomessage=debug")
        .start()
        .await;
    let user = services.register_fresh().await;
    let trace_id = uuid::Uuid::new_v4().simple().to_string();
    let mut call = traced(GetMailboxRequest {}, &trace_id);
    call.metadata_mut()
        .insert("x-request-id", "the-clients-own-id".parse().unwrap());
    user.mail().get_mailbox(call).await.unwrap();
    // auth-service is asked whose session it is, within the same trace.
    for part in [&services.gateway, &services.auth, &services.mail] {
        eventually("the trace is in the log", SOON, async || {
            let is_there = |line: &str| line.contains(&trace_id) && line.contains("answered");
            part.log().lines().any(is_there).then_some(())
        })
        .await;
    }
    let has_id = |part: &Process| part.log().contains("the-clients-own-id");
    assert!(has_id(&services.gateway) && has_id(&services.mail));
}

/// The span that `of` was sent in a trace, is called `name`, and is a part of `parent`.
fn part_of(of: &Collector, trace_id: &str, parent: &str, name: &str) -> Option<Span> {
    let spans = of.trace(trace_id);
    let is_it = |span: &Span| (&*span.parent_id, &*span.name) == (parent, name);
    spans.into_iter().find(is_it)
}

const CLIENTS_SPAN: &str = "00f067aa0ba902b7";

/// A call that a client traces.
fn traced<T>(message: T, trace_id: &str) -> Request<T> {
    let mut call = Request::new(message);
    let parent = format!("00-{trace_id}-{CLIENTS_SPAN}-01");
    call.metadata_mut()
        .insert("traceparent", parent.parse().unwrap());
    call
}

/// One send is one trace: from the client through the gateway to both services, and to every statement
/// and command. `asks` is how auth-service looks for a session.
async fn a_send_is_one_trace(mut settings: Settings, asks: &str) {
    const SEND: &str = "turbomessage.mail.v1.MailService/SendMessage";
    const INTROSPECT: &str = "turbomessage.auth.internal.v1.SessionService/Introspect";
    let mut collectors = Vec::new();
    for part in [Part::Gateway, Part::Auth, Part::Mail] {
        let Some(collector) = Collector::start().await else {
            return;
        };
        settings = settings
            .env(part, "OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint)
            .env(part, "OTEL_BSP_SCHEDULE_DELAY", "100");
        collectors.push(collector);
    }
    let [gateway, auth, mail] = collectors.as_slice() else {
        panic!("one for each");
    };
    let services = settings.start().await;
    let user = services.register_fresh().await;
    let trace_id = uuid::Uuid::new_v4().simple().to_string();
    let message = letter(&[&user], "a secret subject", "a secret text");
    let sent = user.mail().send_message(traced(message, &trace_id)).await;
    sent.unwrap();

    let look = || {
        let edge = part_of(gateway, &trace_id, CLIENTS_SPAN, SEND)?;
        let session = part_of(auth, &trace_id, &edge.id, INTROSPECT)?;
        part_of(auth, &trace_id, &session.id, asks)?;
        let call = part_of(mail, &trace_id, &edge.id, SEND)?;
        let commit = part_of(mail, &trace_id, &call.id, "commit")?;
        for statement in [
            "INSERT contents",
            "INSERT copies",
            "UPDATE mailboxes",
            "COMMIT",
        ] {
            part_of(mail, &trace_id, &commit.id, statement)?;
        }
        let says = "-> rpc.response.status_code: Str(OK)".to_owned();
        assert!(call.attributes.contains(&says), "{call:?}");
        Some(())
    };
    let whole = eventually("the whole trace", SOON, async || look());
    let whole = tokio::time::timeout(SOON / 2, whole).await;
    let shown = || collectors.iter().map(|one| one.trace(&trace_id));
    whole.unwrap_or_else(|_| panic!("not the whole: {:#?}", shown().collect::<Vec<_>>()));
    for log in collectors.iter().map(Collector::log) {
        let secrets = [&*user.token, &*user.password, &*user.name];
        for secret in secrets
            .into_iter()
            .chain(["a secret subject", "a secret text"])
        {
            assert!(!log.contains(secret), "{secret} is in a span");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_is_one_trace_to_the_last_statement() {
    a_send_is_one_trace(Services::on_files(), "SELECT sessions").await;
}

mod containers {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_send_is_one_trace_to_redis_and_postgres() {
        if turbomessage_tests::containers::available() {
            a_send_is_one_trace(Services::on_servers(), "EVALSHA").await;
        }
    }
}

/// Nobody is there, or somebody who never answers: calls notice nothing, and the end does not wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_gone_or_hangs_is_no_fault() {
    // Accepts in the kernel, and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hangs = format!("http://{}", silent.local_addr().unwrap());
    for endpoint in ["http://127.0.0.1:1", &hangs] {
        let mut services = Services::on_files()
            .env_all("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
            .env_all("OTEL_BSP_SCHEDULE_DELAY", "50")
            .start()
            .await;
        let user = services.register_fresh().await;
        for _ in 0..50 {
            user.send(&[&user], "calls go on", "").await.unwrap();
        }
        for process in [
            &mut services.gateway,
            &mut services.mail,
            &mut services.auth,
        ] {
            let begun = Instant::now();
            process.signal(Signal::TERM);
            assert!(process.ended().await.success(), "{}", process.log());
            assert!(begun.elapsed() < Duration::from_secs(10));
        }
    }
}

#[tokio::test]
async fn a_way_to_send_traces_that_is_not_known_ends_the_program_before_it_listens() {
    for (name, value, said) in [
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "http/protobuf",
            "only `grpc`",
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "no url at all",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
        ),
    ] {
        let mut program = tokio::process::Command::new(programs::own("turbomessage-gateway"));
        program
            .args([
                "--auth-url",
                "http://127.0.0.1:1",
                "--mail-url",
                "http://127.0.0.1:1",
            ])
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
            .env(name, value)
            .kill_on_drop(true);
        let ended = tokio::time::timeout(SOON, program.output())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(ended.status.code(), Some(64), "{ended:?}");
        let lines = String::from_utf8(ended.stderr).unwrap();
        assert!(
            lines.contains(said) && lines.lines().count() == 1,
            "{lines}"
        );
    }
}
