//! Sending.

use tonic::Code;
use turbomessage_proto::mail_v1::{Body, FolderRole, Message, ParticipantKind, SendMessageRequest};
use turbomessage_tests::{
    Edge, User,
    client::letter,
    errors::{metadata, refused},
};
use uuid::Uuid;

/// The people a message shows.
fn names(message: &Message) -> [Vec<&str>; 3] {
    [&message.to, &message.cc, &message.bcc]
        .map(|list| list.iter().map(|person| person.username.as_str()).collect())
}

async fn three(edge: &Edge) -> [User; 3] {
    [
        edge.register_fresh().await,
        edge.register_fresh().await,
        edge.register_fresh().await,
    ]
}

pub(super) async fn a_message_reaches_everybody_it_names(edge: &Edge) {
    let [ana, ben, carla] = three(edge).await;
    let sent = ana
        .send_request(SendMessageRequest {
            cc: vec![carla.name.to_uppercase()],
            body: Some(Body {
                text: "Good\nmorning".into(),
                html: "<p>Good morning</p>".into(),
            }),
            ..letter(&[&ben], "Hello", "")
        })
        .await
        .unwrap();
    assert!(sent.read && sent.body.is_none(), "the sender's copy, BASIC");
    let own = ana.list(FolderRole::Sent).await.unwrap();
    assert_eq!(own, std::slice::from_ref(&sent));

    for reader in [&ben, &carla] {
        let inbox = reader.inbox().await;
        assert_eq!(inbox.len(), 1);
        assert!(!inbox[0].read && inbox[0].body.is_none());
        assert_eq!(inbox[0].snippet, "Good morning");
        assert_ne!(
            inbox[0].message_id, sent.message_id,
            "each copy has an id of its own"
        );
        let message = reader.get(&inbox[0].message_id).await.unwrap();
        let body = message.body.clone().unwrap();
        assert_eq!(
            (&*body.text, &*body.html),
            ("Good\nmorning", "<p>Good morning</p>")
        );
        assert_eq!(message.subject, "Hello");
        assert_eq!(message.internet_message_id, sent.internet_message_id);
        assert_eq!(
            names(&message),
            [vec![&*ben.name], vec![&*carla.name], vec![]]
        );
        let from = message.from.unwrap();
        assert_eq!(
            (&from.account_id, &from.username),
            (&ana.account_id, &ana.name)
        );
        assert_eq!(from.kind(), ParticipantKind::User);
    }
    assert!(ana.inbox().await.is_empty());
}

pub(super) async fn blind_copies_are_unseen_by_others(edge: &Edge) {
    let [ana, ben, carla] = three(edge).await;
    let sent = ana
        .send_request(SendMessageRequest {
            bcc: vec![carla.name.clone()],
            ..letter(&[&ben], "Psst", "text")
        })
        .await
        .unwrap();
    assert_eq!(names(&sent)[2], [&*carla.name]);
    for reader in [&ben, &carla] {
        let copy = reader
            .get(&reader.inbox().await[0].message_id)
            .await
            .unwrap();
        assert_eq!(names(&copy), [vec![&*ben.name], vec![], vec![]]);
    }
}

pub(super) async fn a_person_named_twice_gets_one_copy(edge: &Edge) {
    let [ana, ben, carla] = three(edge).await;
    let request = SendMessageRequest {
        cc: vec![ben.name.clone(), carla.name.clone()],
        bcc: vec![carla.name.clone()],
        ..letter(&[&ben, &ben], "Once", "text")
    };
    let sent = ana.send_request(request).await.unwrap();
    assert_eq!(names(&sent), [vec![&*ben.name], vec![&*carla.name], vec![]]);
    assert_eq!((ben.inbox().await.len(), carla.inbox().await.len()), (1, 1));
}

pub(super) async fn an_answer_joins_the_conversation(edge: &Edge) {
    let [ana, ben, _] = three(edge).await;
    let question = ana.send(&[&ben], "Lunch?", "At one?").await.unwrap();
    let received = ben.inbox().await.remove(0);
    let request = SendMessageRequest {
        in_reply_to: received.message_id.clone(),
        ..letter(&[&ana], "Re: Lunch?", "Yes")
    };
    let answer = ben.send_request(request).await.unwrap();
    assert_eq!(answer.thread_id, received.thread_id);
    assert!(ben.get(&received.message_id).await.unwrap().answered);

    let arrived = ana.inbox().await.remove(0);
    assert_eq!(arrived.thread_id, question.thread_id);
    assert_eq!(
        arrived.in_reply_to, question.message_id,
        "the reader's own copy"
    );
    let foreign = SendMessageRequest {
        in_reply_to: received.message_id,
        ..letter(&[&ben], "Re: Lunch?", "Not mine")
    };
    refused(
        ana.send_request(foreign).await,
        Code::NotFound,
        "MESSAGE_NOT_FOUND",
    );
}

pub(super) async fn a_repeated_request_is_sent_once(edge: &Edge) {
    let [ana, ben, _] = three(edge).await;
    let request = SendMessageRequest {
        request_id: Uuid::new_v4().to_string(),
        ..letter(&[&ben], "Once only", "text")
    };
    let first = ana.send_request(request.clone()).await.unwrap();
    for _ in 0..3 {
        assert_eq!(ana.send_request(request.clone()).await.unwrap(), first);
    }
    assert_eq!(ben.inbox().await.len(), 1);
    assert_eq!(ana.list(FolderRole::Sent).await.unwrap().len(), 1);

    let other = SendMessageRequest {
        subject: "Something else".into(),
        ..request
    };
    refused(
        ana.send_request(other).await,
        Code::AlreadyExists,
        "REQUEST_ID_REUSED",
    );
    let inbox = ben.inbox().await;
    assert_eq!(
        (inbox.len(), &*inbox[0].subject),
        (1, "Once only"),
        "the first is kept"
    );
}

pub(super) async fn one_can_write_to_oneself(edge: &Edge) {
    let ana = edge.register_fresh().await;
    ana.send(&[&ana], "Note", "to self").await.unwrap();
    let (inbox, sent) = (ana.inbox().await, ana.list(FolderRole::Sent).await.unwrap());
    assert_eq!((inbox.len(), sent.len()), (1, 1));
    assert_ne!(inbox[0].message_id, sent[0].message_id);

    let nobody = SendMessageRequest {
        to: vec![ana.name.clone(), "no-such-person".into()],
        ..letter(&[], "Note", "to nobody")
    };
    let status = refused(
        ana.send_request(nobody).await,
        Code::NotFound,
        "RECIPIENT_NOT_FOUND",
    );
    assert_eq!(metadata(&status)["recipients"], "no-such-person");
    assert_eq!(
        ana.inbox().await.len(),
        1,
        "nothing was delivered to anyone"
    );
}
