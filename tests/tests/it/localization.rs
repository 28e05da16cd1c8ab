//! Errors in the caller's language, and errors that the libraries make themselves.

use tonic::Code;
use turbomessage_proto::mail_v1::ListFoldersRequest;
use turbomessage_tests::{
    Dev,
    client::{fresh_name, fresh_password},
    errors::{localized, reason, refused},
    raw::{self, Connection},
};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_explained_in_the_callers_language() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    for (accept, expected) in [
        ("es", "es"),
        ("es-MX, en;q=0.5", "es"),
        ("fr, en;q=0.3, es;q=0.8", "es"),
        ("en", "en"),
        ("fr", "en"),
        (",;q=", "en"),
    ] {
        let mut ana = ana.clone();
        ana.client = ana.client.with("accept-language", accept);
        let mail = ana.get(&Uuid::new_v4().to_string()).await;
        let mail = refused(mail, Code::NotFound, "MESSAGE_NOT_FOUND");
        let nobody = dev.client().await.with("accept-language", accept);
        let edge = nobody.mail().list_folders(ListFoldersRequest {}).await;
        let edge = refused(edge, Code::Unauthenticated, "SESSION_INVALID");
        let auth = ana.client.log_in(&fresh_name(), &fresh_password()).await;
        let auth = refused(auth, Code::Unauthenticated, "CREDENTIALS_INVALID");
        for status in [mail, edge, auth] {
            let (locale, text) = localized(&status);
            assert_eq!(locale, expected, "{accept}: {status:?}");
            assert_eq!(
                text == status.message(),
                expected == "en",
                "{accept}: {text}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn violations_are_explained_field_by_field() {
    use tonic_types::StatusExt;

    let dev = Dev::start().await;
    let client = dev.client().await.with("accept-language", "es");
    let status = client.register("?", "corta").await.unwrap_err();
    let violations = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations.len(), 2);
    for violation in violations {
        let localized = violation.localized_message.unwrap();
        assert_eq!(localized.locale, "es");
        assert_ne!(localized.message, violation.description);
        assert!(!violation.reason.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_the_libraries_are_explained_too() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    let connection = Connection::open(&dev).await;
    let token = format!("Bearer {}", ana.token);
    let large = raw::frame(&vec![0; 5 << 20]);
    let empty = raw::frame(b"");
    let mail = |method| format!("/turbomessage.mail.v1.MailService/{method}");
    let cases = [
        (mail("Nothing"), "10S", empty.clone(), "METHOD_UNKNOWN"),
        (mail("SendMessage"), "10S", large, "TOO_LARGE"),
        (mail("GetMailbox"), "1n", empty.clone(), "DEADLINE_EXCEEDED"),
        (
            "/grpc.health.v1.Health/Nothing".into(),
            "10S",
            empty,
            "METHOD_UNKNOWN",
        ),
    ];
    for (path, timeout, body, expected) in cases {
        let headers = [
            ("authorization", &*token),
            ("accept-language", "es"),
            ("grpc-timeout", timeout),
        ];
        let answer = connection.call(&path, &headers, body).await.unwrap();
        let status = answer.status();
        assert_eq!(reason(&status), expected, "{path}: {status:?}");
        let (locale, text) = localized(&status);
        assert!(
            locale == "es" && text != status.message(),
            "{path}: {status:?}"
        );
    }
}
