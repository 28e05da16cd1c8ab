//! Writing: drafts, sending later, taking back.

use std::time::Duration;

use tonic::Code;
use turbomessage_proto::mail_v1::{
    Body, CancelSendRequest, CreateDraftRequest, FolderRole, Message, SearchMessagesRequest,
    SendDraftRequest, SendMessageRequest, UpdateDraftRequest,
};
use turbomessage_service_kit::clock::SystemClock;
use turbomessage_tests::{Edge, User, client::letter, errors::refused, eventually};
use uuid::Uuid;

async fn draft(user: &User, to: &User, text: &str) -> Message {
    let request = CreateDraftRequest {
        to: vec![to.name.clone()],
        subject: "Draft".into(),
        body: Some(Body {
            text: text.into(),
            html: String::new(),
        }),
        ..Default::default()
    };
    let made = user.mail().create_draft(request).await.unwrap();
    made.into_inner().message.unwrap()
}

pub(super) async fn a_draft_is_written_and_sent_once(edge: &Edge) {
    let [ana, ben] = [edge.register_fresh().await, edge.register_fresh().await];
    let first = draft(&ana, &ben, "one").await;
    assert_eq!(ana.list(FolderRole::Drafts).await.unwrap().len(), 1);
    let update = |etag: &str| UpdateDraftRequest {
        message_id: first.message_id.clone(),
        etag: etag.into(),
        to: vec![ben.name.clone()],
        subject: "Final".into(),
        body: Some(Body {
            text: "two".into(),
            html: String::new(),
        }),
        ..Default::default()
    };
    let saved = ana.mail().update_draft(update(&first.etag)).await.unwrap();
    let saved = saved.into_inner().message.unwrap();
    assert_eq!(saved.message_id, first.message_id);
    let stale = ana.mail().update_draft(update(&first.etag)).await;
    refused(stale, Code::Aborted, "ETAG_MISMATCH");

    let send = SendDraftRequest {
        message_id: first.message_id.clone(),
        request_id: Uuid::new_v4().to_string(),
    };
    for _ in 0..2 {
        let answer = ana.mail().send_draft(send.clone()).await.unwrap();
        let message = answer.into_inner().message.unwrap();
        assert_eq!(message.message_id, first.message_id, "it keeps its id");
    }
    let inbox = ben.inbox().await;
    assert_eq!(inbox.len(), 1);
    assert_eq!((&*inbox[0].subject, &*inbox[0].snippet), ("Final", "two"));
    assert!(ana.list(FolderRole::Drafts).await.unwrap().is_empty());
    let other = SendDraftRequest {
        request_id: Uuid::new_v4().to_string(),
        ..send
    };
    let not_again = ana.mail().send_draft(other).await;
    refused(not_again, Code::FailedPrecondition, "NOT_A_DRAFT");
}

fn in_a_while(after: Duration) -> prost_types::Timestamp {
    SystemClock::shared().now().plus(after).into()
}

pub(super) async fn what_is_sent_later_can_be_taken_back(edge: &Edge) {
    let [ana, ben] = [edge.register_fresh().await, edge.register_fresh().await];
    let later = SendMessageRequest {
        deliver_time: Some(in_a_while(Duration::from_hours(1))),
        ..letter(&[&ben], "Later", "text")
    };
    let waiting = ana.send_request(later).await.unwrap();
    assert_eq!(ana.list(FolderRole::Outbox).await.unwrap().len(), 1);
    assert!(ben.inbox().await.is_empty());
    let cancel = CancelSendRequest {
        message_id: waiting.message_id.clone(),
    };
    let draft = ana.mail().cancel_send(cancel.clone()).await.unwrap();
    let draft = draft.into_inner().message.unwrap();
    assert_eq!(draft.message_id, waiting.message_id);
    assert_eq!(ana.list(FolderRole::Drafts).await.unwrap().len(), 1);
    assert!(ana.list(FolderRole::Outbox).await.unwrap().is_empty());
}

pub(super) async fn what_is_sent_later_arrives_at_its_time(edge: &Edge) {
    let [ana, ben] = [edge.register_fresh().await, edge.register_fresh().await];
    let soon = SendMessageRequest {
        deliver_time: Some(in_a_while(Duration::from_millis(300))),
        ..letter(&[&ben], "Soon", "text")
    };
    let sent = ana.send_request(soon).await.unwrap();
    let arrived = eventually("it arrives", Duration::from_secs(10), async || {
        ben.inbox().await.pop()
    });
    assert_eq!(arrived.await.subject, "Soon");
    let own = ana.list(FolderRole::Sent).await.unwrap();
    assert_eq!(own[0].message_id, sent.message_id);
    let cancel = CancelSendRequest {
        message_id: sent.message_id,
    };
    let too_late = ana.mail().cancel_send(cancel).await;
    refused(too_late, Code::FailedPrecondition, "ALREADY_DELIVERED");
}

pub(super) async fn mail_is_found_by_what_it_says(edge: &Edge) {
    let [ana, ben] = [edge.register_fresh().await, edge.register_fresh().await];
    ben.send(&[&ana], "Reunión", "Toda la información")
        .await
        .unwrap();
    let search = |query: String| SearchMessagesRequest {
        query,
        ..Default::default()
    };
    for query in [
        "informacion".into(),
        format!("from:{} reunion", ben.name),
        "\"toda la\" is:unread -nada".into(),
    ] {
        let found = ana.mail().search_messages(search(query)).await.unwrap();
        assert_eq!(found.into_inner().messages.len(), 1);
    }
    let unreadable = ana.mail().search_messages(search("(a".into())).await;
    refused(unreadable, Code::InvalidArgument, "QUERY_INVALID");
}
