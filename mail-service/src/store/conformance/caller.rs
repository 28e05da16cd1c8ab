//! Callers who hang up, come too late, or come too many at once.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::{FutureExt, future::join_all};
use tokio::{task::JoinHandle, time::Instant};
use turbomessage_service_kit::{
    context::{self, RequestContext, SpanContext},
    language::Language,
    problem::Reason,
};
use uuid::Uuid;

use super::{
    faulty::FaultyStore,
    letter::letter,
    office::{Office, people, reason},
    transactions::cut_short,
};
use crate::{
    commit::{Answer, Failure, Job},
    store::SharedStore,
};

/// A call with so much time left.
fn call(left: Duration) -> RequestContext {
    RequestContext {
        language: Language::default(),
        request_id: "case".into(),
        method: "",
        trace: SpanContext::NONE,
        deadline: Instant::now() + left,
    }
}

async fn in_time(office: &Office, left: Duration, job: Job) -> Result<Answer, Failure> {
    context::scope(call(left), office.submit(job)).await
}

/// Has the writer begun with `job` and stand before the gate.
async fn hold_up(
    office: &Office,
    faulty: &FaultyStore,
    job: Job,
) -> JoinHandle<Result<Answer, Failure>> {
    let first = tokio::spawn({
        let office = office.clone();
        async move { office.submit(job).await }
    });
    office
        .until(|| async { faulty.wanted.load(Ordering::SeqCst) > 0 })
        .await;
    first
}

pub(super) async fn a_caller_who_hangs_up_cancels_nothing(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    for polls in 1..6 {
        let job = letter(ana, &[bob]).job();
        cut_short(office.submit(job), polls).await;
    }
    // Another send comes after those before it.
    office.send(&letter(ana, &[bob])).await;
    assert_eq!(office.audit(bob).await.len(), 6, "each whole");
    assert_eq!(office.audit(ana).await.len(), 6);
}

pub(super) async fn a_job_whose_deadline_has_passed_is_not_begun(store: SharedStore) {
    let faulty = FaultyStore::closed(store);
    let office = Office::new(Arc::clone(&faulty) as SharedStore);
    let [ana, bob, cleo] = people();
    let first = hold_up(&office, &faulty, letter(ana, &[bob]).job()).await;
    // The second's time runs out while the writer is held up.
    let late = letter(ana, &[cleo]).job();
    let mut late = Box::pin(in_time(&office, Duration::from_millis(1), late));
    assert!((&mut late).now_or_never().is_none());
    tokio::time::sleep_until(Instant::now() + Duration::from_millis(2)).await;
    faulty.open();
    assert_eq!(reason(late.await), Reason::DeadlineExceeded);
    assert!(first.await.unwrap().is_ok());
    assert_eq!(office.store.mailbox(cleo).await.unwrap(), None);
    assert_eq!(office.audit(ana).await.len(), 1);
}

pub(super) async fn more_than_may_wait_is_refused_at_once(store: SharedStore) {
    let faulty = FaultyStore::closed(store);
    let office = Office::new(Arc::clone(&faulty) as SharedStore);
    let [ana, bob] = people();
    let first = hold_up(&office, &faulty, letter(ana, &[bob]).job()).await;
    // A mebibyte each: some of them fill what may wait. Their time is over when their turn comes.
    let big = letter(ana, &[bob]).with_text("x".repeat(1 << 20));
    let mut waiting = Vec::new();
    let refused = loop {
        let (office, job) = (office.clone(), big.job());
        let mut send = Box::pin(async move { in_time(&office, Duration::ZERO, job).await });
        match (&mut send).now_or_never() {
            Some(result) => break result,
            None => waiting.push(send),
        }
        assert!(waiting.len() < 1000, "memory is bounded");
    };
    assert_eq!(reason(refused), Reason::Overloaded);
    assert!(waiting.len() > 10);
    faulty.open();
    for result in join_all(waiting).await {
        assert_eq!(reason(result), Reason::DeadlineExceeded);
    }
    assert!(first.await.unwrap().is_ok());
    office.send(&big).await;
    assert_eq!(office.audit(bob).await.len(), 2, "there is room again");
}

pub(super) async fn a_writer_ends_what_it_has_begun(store: SharedStore) {
    let office = Office::new(store.clone());
    let [ana] = people();
    let owners: [Uuid; 20] = people();
    let mut sends = Vec::new();
    for owner in owners {
        let writer = office.writer.clone();
        let job = letter(ana, &[owner]).job();
        let mut send = Box::pin(async move { writer.submit(job).await });
        assert!((&mut send).now_or_never().is_none());
        sends.push(send);
    }
    drop(sends);
    drop(office);
    let office = Office::new(store);
    office
        .until(|| async { office.store.mailbox(owners[19]).await.unwrap().is_some() })
        .await;
    office
        .until(|| async { !office.inbox(owners[19]).await.is_empty() })
        .await;
    for owner in owners {
        assert_eq!(office.audit(owner).await.len(), 1);
    }
}
