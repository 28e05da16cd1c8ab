//! Sessions: opened, used, expired, ended, and the log of those that were ended.

use std::time::Duration;

use turbomessage_service_kit::{clock::Timestamp, problem::Reason};
use uuid::Uuid;

use super::{NOW, Works, id, refusal};
use crate::{
    domain::{DeviceName, Lifetimes, Session, SessionToken, TokenHash},
    store::{SessionStore, Which},
};

const IDLE: Duration = Duration::from_secs(3_600);
const LIFETIMES: Lifetimes = Lifetimes {
    idle: IDLE,
    absolute: Duration::from_secs(3 * 3_600),
};

pub(super) async fn run_all(store: &dyn SessionStore) {
    a_token_opens_its_session_and_no_other(store).await;
    use_prolongs_a_session_up_to_its_end(store).await;
    sessions_are_listed_newest_use_first(store).await;
    what_was_ended_opens_nothing(store).await;
    nobody_ends_sessions_of_others(store).await;
    the_log_says_which_sessions_ended(store).await;
    a_reader_of_the_log_is_woken_up(store).await;
    a_position_that_never_was_has_expired(store).await;
    cleaning_up_spares_the_living(store).await;
}

/// A new session of `account_id`'s, opened at `now`.
pub(super) async fn open(
    store: &dyn SessionStore,
    account_id: Uuid,
    now: Timestamp,
) -> (Session, TokenHash) {
    let device = DeviceName::parse("laptop 🐢").expect("a name");
    let session = Session::begin(id(), account_id, device, LIFETIMES, now);
    let token = SessionToken::generate().hash();
    store.open(&session, &token).await.works();
    (session, token)
}

async fn check(store: &dyn SessionStore, token: &TokenHash, now: Timestamp) -> Option<Session> {
    store.check(token, now, IDLE).await.works()
}

fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

async fn a_token_opens_its_session_and_no_other(store: &dyn SessionStore) {
    let account_id = id();
    let (one, token) = open(store, account_id, NOW).await;
    let (other, other_token) = open(store, account_id, NOW).await;
    assert_eq!(check(store, &token, NOW).await, Some(one));
    assert_eq!(check(store, &other_token, NOW).await, Some(other));
    assert_eq!(
        check(store, &SessionToken::generate().hash(), NOW).await,
        None
    );
}

async fn use_prolongs_a_session_up_to_its_end(store: &dyn SessionStore) {
    let (session, token) = open(store, id(), NOW).await;
    let soon = check(store, &token, later(59)).await.expect("lives");
    assert_eq!(soon.last_seen_time, NOW, "noted to about a minute");

    let used = check(store, &token, later(3_000)).await.expect("lives");
    assert_eq!(used.last_seen_time, later(3_000));
    assert_eq!(used.expire_time, later(3_000 + 3_600));
    let again = check(store, &token, later(3_000)).await.expect("lives");
    assert_eq!(again, used, "it was kept");
    let used = check(store, &token, later(6_599))
        .await
        .expect("used within its hour");
    let last = check(store, &token, later(10_000)).await.expect("lives");
    assert!(used.expire_time < last.expire_time);
    assert_eq!(last.expire_time, session.end_time, "no further");
    assert_eq!(
        check(store, &token, session.end_time).await,
        None,
        "at its end"
    );

    let (_, unused) = open(store, id(), NOW).await;
    assert!(
        check(store, &unused, later(3_600)).await.is_none(),
        "idle for too long"
    );
}

async fn sessions_are_listed_newest_use_first(store: &dyn SessionStore) {
    let account_id = id();
    let (first, first_token) = open(store, account_id, NOW).await;
    let (second, _) = open(store, account_id, later(10)).await;
    open(store, id(), NOW).await;
    let ids = |sessions: Vec<Session>| sessions.iter().map(|s| s.session_id).collect::<Vec<_>>();

    let listed = store.list(account_id, later(10)).await.works();
    assert_eq!(listed, [second.clone(), first.clone()]);
    check(store, &first_token, later(100)).await.expect("lives");
    let listed = store.list(account_id, later(100)).await.works();
    assert_eq!(ids(listed), [first.session_id, second.session_id]);
    let listed = store.list(account_id, later(3_650)).await.works();
    assert_eq!(ids(listed), [first.session_id], "the other has expired");
    assert_eq!(store.list(id(), NOW).await.works(), []);

    // Enough of them that a store which tidies up now and then does.
    for _ in 0..40 {
        open(store, account_id, later(200)).await;
    }
    assert_eq!(store.list(account_id, later(200)).await.works().len(), 42);
}

async fn what_was_ended_opens_nothing(store: &dyn SessionStore) {
    let account_id = id();
    let (one, one_token) = open(store, account_id, NOW).await;
    let (kept, kept_token) = open(store, account_id, NOW).await;
    let (_, other_token) = open(store, account_id, NOW).await;
    let end = |which, now| store.revoke(account_id, which, now);

    assert_eq!(end(Which::One(one.session_id), NOW).await.works(), 1);
    assert_eq!(check(store, &one_token, NOW).await, None);
    assert_eq!(
        end(Which::One(one.session_id), NOW).await.works(),
        0,
        "once"
    );

    assert_eq!(end(Which::AllBut(kept.session_id), NOW).await.works(), 1);
    assert_eq!(check(store, &other_token, NOW).await, None);
    assert_eq!(check(store, &kept_token, NOW).await, Some(kept));

    assert_eq!(end(Which::All, NOW).await.works(), 1);
    assert_eq!(check(store, &kept_token, NOW).await, None);
    assert_eq!(store.list(account_id, NOW).await.works(), []);

    open(store, account_id, NOW).await;
    assert_eq!(
        end(Which::All, later(3_600)).await.works(),
        0,
        "it had expired"
    );
}

async fn nobody_ends_sessions_of_others(store: &dyn SessionStore) {
    let (session, token) = open(store, id(), NOW).await;
    let stranger = id();
    for which in [
        Which::One(session.session_id),
        Which::AllBut(id()),
        Which::All,
    ] {
        assert_eq!(store.revoke(stranger, which, NOW).await.works(), 0);
    }
    assert_eq!(check(store, &token, NOW).await, Some(session));
}

async fn the_log_says_which_sessions_ended(store: &dyn SessionStore) {
    let account_id = id();
    let start = store.revocations_after(None, Duration::ZERO).await.works();
    assert_eq!(start.sessions, [], "from now on");
    let (one, _) = open(store, account_id, NOW).await;
    let (two, _) = open(store, account_id, NOW).await;
    let (expired, _) = open(store, account_id, NOW.minus(IDLE)).await;
    store
        .revoke(account_id, Which::One(one.session_id), NOW)
        .await
        .works();
    store.revoke(account_id, Which::All, NOW).await.works();

    let (mut position, mut ended) = (start.position, Vec::new());
    loop {
        let found = store
            .revocations_after(Some(&position), Duration::ZERO)
            .await
            .works();
        if found.sessions.is_empty() {
            break;
        }
        position = found.position;
        let ours = found.sessions.iter().filter(|s| s.account_id == account_id);
        ended.extend(ours.map(|s| s.session_id));
    }
    assert_eq!(ended, [one.session_id, two.session_id]);
    assert!(
        !ended.contains(&expired.session_id),
        "that one ended by itself"
    );
}

async fn a_reader_of_the_log_is_woken_up(store: &dyn SessionStore) {
    let account_id = id();
    let (session, _) = open(store, account_id, NOW).await;
    let start = store.revocations_after(None, Duration::ZERO).await.works();
    let reading = async {
        let mut position = start.position;
        loop {
            let wait = Duration::from_secs(30);
            let found = store.revocations_after(Some(&position), wait).await.works();
            if found
                .sessions
                .iter()
                .any(|s| s.session_id == session.session_id)
            {
                break;
            }
            position = found.position;
        }
    };
    let ending = store.revoke(account_id, Which::All, NOW);
    let both = async { tokio::join!(reading, ending).1.works() };
    let in_time = tokio::time::timeout(Duration::from_secs(5), both).await;
    assert_eq!(in_time.expect("in time"), 1);
}

async fn a_position_that_never_was_has_expired(store: &dyn SessionStore) {
    for position in [
        "99999999999999-0",
        "9000000000000000000",
        "-1",
        "nonsense",
        "1-1-1",
    ] {
        let read = store
            .revocations_after(Some(position), Duration::ZERO)
            .await;
        assert_eq!(refusal(read), Reason::HistoryExpired, "{position}");
    }
}

async fn cleaning_up_spares_the_living(store: &dyn SessionStore) {
    let (session, token) = open(store, id(), NOW).await;
    store.clean_up(later(3_599)).await.works();
    assert_eq!(check(store, &token, NOW).await, Some(session));
    store.clean_up(later(3_600)).await.works();
    assert_eq!(check(store, &token, later(3_600)).await, None);
}
