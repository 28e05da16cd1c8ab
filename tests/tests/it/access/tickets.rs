//! mail-service trusts tickets and nothing else, whoever calls it.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tonic::Code;
use turbomessage_service_kit::clock::{Clock, SystemClock};
use turbomessage_tests::{
    Services, User,
    errors::refused,
    raw::{self, Connection},
};

use super::paths::MAILBOX;

fn part(value: &Value) -> String {
    BASE64.encode(value.to_string())
}

/// A ticket as auth-service would make it if it made any.
fn ticket(key: &SigningKey, header: &Value, payload: &Value) -> String {
    let signed = format!("{}.{}", part(header), part(payload));
    let signature = BASE64.encode(key.sign(signed.as_bytes()).to_bytes());
    format!("{signed}.{signature}")
}

fn key_id(key: &SigningKey) -> String {
    let digest = Sha256::digest(key.verifying_key().as_bytes());
    let first: [u8; 8] = digest[..8].try_into().unwrap();
    format!("{:016x}", u64::from_be_bytes(first))
}

/// Headers that are no good ticket for `ana`, and what is wrong with each.
fn forgeries(key: &SigningKey, ana: &User) -> Vec<(&'static str, String)> {
    let foreign = SigningKey::from_bytes(&rand::random());
    let now = SystemClock.now().as_secs();
    let header = json!({"alg": "EdDSA", "kid": key_id(key)});
    let claims = |aud: &str, iat: i64, exp: i64| {
        json!({
            "sub": ana.account_id, "sid": ana.session.session_id,
            "aud": aud, "iat": iat, "exp": exp,
        })
    };
    let good = claims("mail", now, now + 60);
    let none = |alg| {
        format!(
            "{}.{}.",
            part(&json!({"alg": alg, "kid": key_id(key)})),
            part(&good)
        )
    };
    let foreign_header = json!({"alg": "EdDSA", "kid": key_id(&foreign)});
    let unsigned = ticket(key, &header, &claims("mail", now - 1, now + 59));
    let swapped = format!(
        "{}.{}.{}",
        part(&header),
        part(&good),
        unsigned.rsplit('.').next().unwrap()
    );
    vec![
        ("empty", String::new()),
        ("garbage", "garbage".into()),
        ("the session token", ana.token.clone()),
        (
            "another key under the right name",
            ticket(&foreign, &header, &good),
        ),
        (
            "a key nobody knows",
            ticket(&foreign, &foreign_header, &good),
        ),
        ("the signature of another ticket", swapped),
        (
            "wrong audience",
            ticket(key, &header, &claims("billing", now, now + 60)),
        ),
        (
            "expired",
            ticket(key, &header, &claims("mail", now - 600, now - 540)),
        ),
        (
            "from the future",
            ticket(key, &header, &claims("mail", now + 600, now + 660)),
        ),
        (
            "for ever",
            ticket(key, &header, &claims("mail", now, now + 1_000_000)),
        ),
        ("alg none", none("none")),
        ("alg None", none("None")),
        (
            "alg HS256",
            ticket(key, &json!({"alg": "HS256", "kid": key_id(key)}), &good),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_service_called_directly_wants_a_good_ticket() {
    let services = Services::on_files().start().await;
    let ana = services.register_fresh().await;
    let key = &services.ticket_key;
    let connection = Connection::open(&services.mail.edge()).await;
    let call = async |headers: &[(&str, &str)]| {
        let answer = connection
            .call(MAILBOX, headers, raw::frame(b""))
            .await
            .unwrap();
        answer.status()
    };

    let token = format!("Bearer {}", ana.token);
    let bare = [
        ("authorization", &*token),
        ("x-tm-account-id", &*ana.account_id),
        ("x-tm-session-id", &*ana.session.session_id),
    ];
    refused(
        Err::<(), _>(call(&bare).await),
        Code::Unauthenticated,
        "SESSION_INVALID",
    );
    for (what, forged) in forgeries(key, &ana) {
        eprintln!("{what}");
        let status = call(&[("x-tm-ticket", &forged)]).await;
        refused(
            Err::<(), _>(status),
            Code::Unauthenticated,
            "SESSION_INVALID",
        );
    }

    // So that the refusals above are not for a reason of the test's own.
    let now = SystemClock.now().as_secs();
    let header = json!({"alg": "EdDSA", "kid": key_id(key)});
    let payload = json!({
        "sub": ana.account_id, "sid": ana.session.session_id,
        "aud": "mail", "iat": now, "exp": now + 60,
    });
    let status = call(&[("x-tm-ticket", &ticket(key, &header, &payload))]).await;
    assert_eq!(status.code(), Code::Ok, "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_from_a_client_does_not_pass_the_gateway() {
    let services = Services::on_files().start().await;
    let (ana, ben) = (
        services.register_fresh().await,
        services.register_fresh().await,
    );
    ana.send(&[&ana], "mine", "text").await.unwrap();
    let key = &services.ticket_key;
    let now = SystemClock.now().as_secs();
    let header = json!({"alg": "EdDSA", "kid": key_id(key)});
    let payload = json!({
        "sub": ana.account_id, "sid": ana.session.session_id,
        "aud": "mail", "iat": now, "exp": now + 60,
    });
    let ticket = ticket(key, &header, &payload);

    let connection = Connection::open(&services).await;
    let headers = [("x-tm-ticket", &*ticket)];
    let answer = connection
        .call(MAILBOX, &headers, raw::frame(b""))
        .await
        .unwrap();
    refused(
        Err::<(), _>(answer.status()),
        Code::Unauthenticated,
        "SESSION_INVALID",
    );
    let mut ben = ben;
    ben.client = ben.client.with("x-tm-ticket", &ticket);
    assert!(
        ben.inbox().await.is_empty(),
        "the own mailbox, not the ticket's"
    );
}
