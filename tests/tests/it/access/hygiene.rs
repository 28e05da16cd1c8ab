//! What crosses the edge, and what does not.

use tonic::Code;
use turbomessage_tests::{
    Dev,
    errors::{reason, refused},
    raw::{self, Connection},
};

use super::paths::{ACCOUNT, MAILBOX};

#[tokio::test(flavor = "multi_thread")]
async fn identity_that_clients_claim_is_worth_nothing() {
    let dev = Dev::start().await;
    let (ana, ben) = (dev.register_fresh().await, dev.register_fresh().await);
    ana.send(&[&ana], "mine", "text").await.unwrap();
    let claims = [
        ("x-tm-account-id", &*ana.account_id),
        ("x-tm-session-id", &*ana.session.session_id),
        ("x-tm-ticket", "a.b.c"),
        ("x-tm-ended-sessions-of", &*ana.account_id),
    ];
    let connection = Connection::open(&dev).await;
    for path in [ACCOUNT, MAILBOX] {
        let answer = connection
            .call(path, &claims, raw::frame(b""))
            .await
            .unwrap();
        refused(
            Err::<(), _>(answer.status()),
            Code::Unauthenticated,
            "SESSION_INVALID",
        );
    }
    let mut ben = ben;
    for (name, value) in claims {
        ben.client = ben.client.with(name, value);
    }
    assert!(ben.inbox().await.is_empty());
    assert_eq!(ana.inbox().await.len(), 1, "and ends nobody's session");
}

#[tokio::test(flavor = "multi_thread")]
async fn internal_headers_do_not_come_out() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    let connection = Connection::open(&dev).await;
    let token = format!("Bearer {}", ana.token);
    let logout = "/turbomessage.auth.v1.AuthService/Logout";
    for path in [ACCOUNT, MAILBOX, logout] {
        let headers = [("authorization", &*token)];
        let answer = connection
            .call(path, &headers, raw::frame(b""))
            .await
            .unwrap();
        assert_eq!(answer.status().code(), Code::Ok);
        let internal: Vec<_> = answer
            .headers
            .keys()
            .filter(|name| name.as_str().starts_with("x-tm-"))
            .collect();
        assert!(internal.is_empty(), "{path}: {internal:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn internal_services_are_out_of_reach() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    let connection = Connection::open(&dev).await;
    let token = format!("Bearer {}", ana.token);
    for method in [
        "SessionService/Introspect",
        "SessionService/WatchRevocations",
        "SessionService/ListTicketKeys",
        "DirectoryService/LookUpAccounts",
        "DirectoryService/WatchAccounts",
    ] {
        // Whoever asks hears the same, with a session or without.
        for headers in [&[("authorization", &*token)][..], &[]] {
            let path = format!("/turbomessage.auth.internal.v1.{method}");
            let answer = connection
                .call(&path, headers, raw::frame(b""))
                .await
                .unwrap();
            let status = answer.status();
            assert_eq!(status.code(), Code::Unimplemented, "{method}: {status:?}");
            assert_eq!(reason(&status), "METHOD_UNKNOWN");
        }
    }
}
