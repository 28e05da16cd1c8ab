//! Who may call.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use tonic::{Code, Request, Status};
use turbomessage_proto::mail_v1::{GetMailboxRequest, GetMessageRequest};
use turbomessage_service_kit::{
    problem::Reason,
    ticket::{LIFETIME, TicketKey},
};
use uuid::Uuid;

use super::{World, eventually, reason, with_ticket};

/// What a caller sees of a refusal.
fn bytes_of(status: &Status) -> (Code, String, Vec<u8>) {
    let details = status.details().to_vec();
    (status.code(), status.message().to_owned(), details)
}

async fn with(world: &World, ticket: &str) -> Result<(), Status> {
    let request = with_ticket(GetMailboxRequest {}, ticket);
    world.mail().get_mailbox(request).await.map(drop)
}

#[tokio::test]
async fn every_bad_ticket_gets_the_same_bytes() {
    let world = World::open().await;
    let ana = world.person("ana");
    let good = world.ticket(&ana);
    with(&world, &good).await.unwrap();
    let without = world.mail().get_mailbox(GetMailboxRequest {}).await;
    let expected = bytes_of(&without.unwrap_err());
    assert_eq!(expected.0, Code::Unauthenticated);

    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts");
    };
    let none = format!(r#"{{"alg":"none","kid":"{}"}}"#, world.key.id());
    let none = BASE64.encode(none);
    let claims = String::from_utf8(BASE64.decode(payload).unwrap()).unwrap();
    let forged = claims.replace(&ana.id.to_string(), &Uuid::new_v4().to_string());
    let forged = BASE64.encode(forged);
    let foreign = TicketKey::generate()
        .sign(ana.id, Uuid::nil(), super::NOW)
        .0;
    let early = super::NOW.plus(Duration::from_secs(600));
    let early = world.key.sign(ana.id, Uuid::nil(), early).0;
    let bad = [
        String::new(),
        "garbage".into(),
        format!("Bearer {good}"),
        format!("{good}x"),
        good[..good.len() - 1].into(),
        format!("{header}.{payload}."),
        format!("{none}.{payload}."),
        format!("{none}.{payload}.{signature}"),
        format!("{header}.{forged}.{signature}"),
        foreign,
        early,
        ".".repeat(4000),
    ];
    for ticket in &bad {
        let refused = with(&world, ticket).await.unwrap_err();
        assert_eq!(bytes_of(&refused), expected, "{ticket}");
    }
    // Remembered as good, it is so for its time only.
    world.clock.advance(LIFETIME + Duration::from_secs(60));
    let expired = with(&world, &good).await.unwrap_err();
    assert_eq!(bytes_of(&expired), expected);
}

#[tokio::test]
async fn bare_identity_headers_are_not_trusted() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    let sent = world.send(&ana, &[&bob]).await;
    let request = GetMessageRequest {
        message_id: sent.message_id,
        view: 0,
    };
    let claim = |mut request: Request<GetMessageRequest>| {
        for name in ["x-account-id", "x-tm-account-id", "x-user", "authorization"] {
            let metadata = request.metadata_mut();
            metadata.insert(name, ana.id.to_string().parse().unwrap());
        }
        request
    };
    let mut mail = world.mail();
    let nobody = mail.get_message(claim(Request::new(request.clone()))).await;
    assert_eq!(reason(&nobody), Some(Reason::SessionInvalid));
    let other = mail.get_message(claim(world.by(&bob, request))).await;
    assert_eq!(reason(&other), Some(Reason::MessageNotFound), "bob is bob");
}

#[tokio::test]
async fn keys_change_without_downtime() {
    let world = World::open().await;
    let ana = world.person("ana");
    with(&world, &world.ticket(&ana)).await.unwrap();
    let next = TicketKey::generate();
    world.auth.announce(&[&next]);
    let by_next = next.sign(ana.id, Uuid::nil(), super::NOW).0;
    // At the latest a second after the keys were last asked for.
    eventually(|| async { with(&world, &by_next).await.ok() }).await;
    let by_old = world.key.sign(ana.id, Uuid::from_u128(1), super::NOW).0;
    let withdrawn = with(&world, &by_old).await;
    assert_eq!(reason(&withdrawn), Some(Reason::SessionInvalid));
}

#[tokio::test]
async fn known_keys_serve_while_auth_service_is_away() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    world.auth.set_down(true);
    let unknown = with(&world, &world.ticket(&ana)).await;
    assert_eq!(
        reason(&unknown),
        Some(Reason::UpstreamUnavailable),
        "not refused"
    );
    world.auth.set_down(false);
    with(&world, &world.ticket(&ana)).await.unwrap();
    world.auth.set_down(true);
    with(&world, &world.ticket(&bob)).await.unwrap();
}

#[tokio::test]
async fn somebody_elses_message_looks_like_none() {
    let world = World::open().await;
    let [ana, bob, eve] = world.people(["ana", "bob", "eve"]);
    let sent = world.send(&ana, &[&bob]).await;
    let unknown = Uuid::new_v4().to_string();
    let get = |id: String| {
        let request = GetMessageRequest {
            message_id: id,
            view: 0,
        };
        let request = world.by(&eve, request);
        let mut mail = world.mail();
        async move { mail.get_message(request).await.unwrap_err() }
    };
    let foreign = get(sent.message_id.clone()).await;
    let never = get(unknown.clone()).await;
    assert_eq!(foreign.code(), never.code());
    assert_eq!(
        foreign.message().replace(&sent.message_id, &unknown),
        never.message()
    );
    assert_eq!(foreign.details().len(), never.details().len());
}
