//! What is counted, and where it is found.

use turbomessage_tests::{
    Part, Services, User,
    admin::{get, value},
    eventually::{SOON, eventually},
};

const CALLS: &str = "rpc_server_call_duration_seconds_count";
const SEND: &str = "rpc_method=\"turbomessage.mail.v1.MailService/SendMessage\"";

async fn services() -> Services {
    let services = Services::on_files().env_all("TM_ADMIN_LISTEN", "127.0.0.1:0");
    services.start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_counted_by_method_and_outcome() {
    let services = services().await;
    let ana: User = services.register_fresh().await;
    ana.send(&[&ana], "a secret subject", "").await.unwrap();
    let stranger = services.client().await;
    stranger
        .log_in(&ana.name, "a wrong password")
        .await
        .unwrap_err();
    ana.log_in_again(&services, None).await;
    let mut watch = ana.watch("").await.unwrap();
    watch.message().await.unwrap();

    let ok = "rpc_response_status_code=\"OK\"";
    for process in [&services.gateway, &services.mail] {
        eventually("the send is counted", SOON, async || {
            let page = get(process, "/metrics").await;
            (value(&page, CALLS, &[SEND, ok]) == Some(1.0)).then_some(())
        })
        .await;
        let page = get(process, "/metrics").await;
        assert_eq!(value(&page, "turbomessage_streams_open", &[]), Some(1.0));
        for secret in ["a secret subject", &*ana.name, &*ana.token] {
            assert!(!page.contains(secret), "{secret} is on the page");
        }
    }
    let page = get(&services.auth, "/metrics").await;
    let logins = |outcome: &str| value(&page, "turbomessage_logins_total", &[outcome]);
    assert_eq!(logins("\"OK\""), Some(1.0));
    assert_eq!(logins("\"CREDENTIALS_INVALID\""), Some(1.0));
    let page = get(&services.gateway, "/metrics").await;
    assert!(
        value(
            &page,
            "turbomessage_cache_requests_total",
            &["sessions", "miss"]
        )
        .is_some()
    );
    let page = get(&services.mail, "/metrics").await;
    for series in [
        "turbomessage_commit_batch_size_count",
        "turbomessage_commit_queue_length",
    ] {
        assert!(value(&page, series, &[]).is_some(), "{series}");
    }
    assert!(
        value(
            &page,
            "turbomessage_commit_duration_seconds_count",
            &["\"OK\""]
        )
        .is_some()
    );
    let most = value(&page, "db_client_connection_max", &["mail.readers"]);
    assert!(most.is_some_and(|most| most >= 1.0), "{page}");

    drop(watch);
    eventually("the end of the stream is counted", SOON, async || {
        let page = get(&services.gateway, "/metrics").await;
        (value(&page, "turbomessage_streams_open", &[]) == Some(0.0)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_clients_make_up_are_not_on_the_page() {
    let services = services().await;
    let connection = turbomessage_tests::raw::Connection::open(&services).await;
    for n in 0..5 {
        let path = format!("/turbomessage.mail.v1.MailService/MadeUp{n}");
        let _ = connection
            .call(&path, &[], turbomessage_tests::raw::frame(b""))
            .await;
    }
    let page = get(&services.gateway, "/metrics").await;
    assert!(!page.contains("MadeUp"), "{page}");
    assert_eq!(value(&page, CALLS, &["_OTHER", "UNIMPLEMENTED"]), Some(5.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_port_tells_that_the_process_lives_and_is_ready_and_nothing_else() {
    let services = services().await;
    for part in [Part::Gateway, Part::Auth, Part::Mail] {
        let process = match part {
            Part::Gateway => &services.gateway,
            Part::Auth => &services.auth,
            Part::Mail => &services.mail,
        };
        assert!(
            get(process, "/livez").await.starts_with("HTTP/1.1 200"),
            "{part:?}"
        );
        assert!(
            get(process, "/").await.starts_with("HTTP/1.1 404"),
            "{part:?}"
        );
        eventually("it is ready", SOON, async || {
            let answer = get(process, "/readyz").await;
            answer.starts_with("HTTP/1.1 200").then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_another_service_lives_and_is_not_ready() {
    let mut services = services().await;
    services.gateway.kill().await;
    services.mail.kill().await;
    services.gateway.restart().await;
    // It knows by then that one of two answers.
    let auth = "turbomessage.auth.v1.AuthService";
    eventually("auth-service was found", SOON, async || {
        services.gateway.edge().serves(auth).await.then_some(())
    })
    .await;
    let answer = get(&services.gateway, "/livez").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let answer = get(&services.gateway, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    services.mail.restart().await;
    eventually("it is ready", SOON, async || {
        let answer = get(&services.gateway, "/readyz").await;
        answer.starts_with("HTTP/1.1 200").then_some(())
    })
    .await;
}
