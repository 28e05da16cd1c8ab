//! A Redis server that has no room left.

use std::time::Duration;

use turbomessage_service_kit::problem::Reason;

use super::{NOW, Works, id, refusal, sessions::open};
use crate::{
    domain::{DeviceName, Lifetimes, Session, SessionToken},
    store::{SessionStore, Which},
};

const HOUR: Duration = Duration::from_secs(3_600);

pub(super) async fn existing_sessions_are_kept(store: &dyn SessionStore, url: &str) {
    let account_id = id();
    let (session, token) = open(store, account_id, NOW).await;
    let (other, other_token) = open(store, account_id, NOW).await;
    let start = store.revocations_after(None, Duration::ZERO).await.works();
    let server = redis::Client::open(url).expect("a URL");
    let mut server = server
        .get_multiplexed_async_connection()
        .await
        .expect("connects");
    limit_memory(&mut server, "1").await;

    let lifetimes = Lifetimes {
        idle: HOUR,
        absolute: HOUR,
    };
    let device = DeviceName::parse("").expect("a name");
    let new = Session::begin(id(), account_id, device, lifetimes, NOW);
    let refused = store.open(&new, &SessionToken::generate().hash()).await;
    assert_eq!(refusal(refused), Reason::StoreUnavailable, "no new session");

    let later = NOW.plus(HOUR / 2);
    let checked = store.check(&token, later, HOUR).await.works();
    assert_eq!(checked.expect("kept").session_id, session.session_id);
    assert_eq!(store.list(account_id, later).await.works().len(), 2);
    let one = Which::One(other.session_id);
    assert_eq!(
        store.revoke(account_id, one, later).await.works(),
        1,
        "can be ended"
    );
    assert_eq!(store.check(&other_token, later, HOUR).await.works(), None);
    let ended = store
        .revocations_after(Some(&start.position), Duration::ZERO)
        .await
        .works();
    assert_eq!(ended.sessions.len(), 1, "and the log says so");

    limit_memory(&mut server, "0").await;
    open(store, account_id, NOW).await;
}

async fn limit_memory(server: &mut redis::aio::MultiplexedConnection, bytes: &str) {
    let () = redis::cmd("CONFIG")
        .arg(&["SET", "maxmemory", bytes])
        .query_async(server)
        .await
        .expect("a server that may be configured");
}
