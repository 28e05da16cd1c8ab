//! Drafts and the Outbox, as callers see them.

use std::time::Duration;

use tonic::Status;
use turbomessage_proto::mail_v1::{
    Body, CancelSendRequest, CreateDraftRequest, FolderRole, GetMessageRequest, Message,
    ParticipantKind, SendDraftRequest, SendMessageRequest, UpdateDraftRequest,
};
use turbomessage_service_kit::{clock::Clock, problem::Reason};
use uuid::Uuid;

use super::{Person, World, eventually, fields, letter, metadata, reason};

fn draft(to: &[&Person]) -> CreateDraftRequest {
    let letter = letter(to);
    CreateDraftRequest {
        to: letter.to,
        subject: letter.subject,
        body: letter.body,
        ..CreateDraftRequest::default()
    }
}

fn update(seen: &Message, to: &[&Person], text: &str) -> UpdateDraftRequest {
    UpdateDraftRequest {
        message_id: seen.message_id.clone(),
        etag: seen.etag.clone(),
        to: letter(to).to,
        body: Some(Body {
            text: text.into(),
            html: String::new(),
        }),
        ..UpdateDraftRequest::default()
    }
}

impl World {
    pub(super) async fn save(&self, owner: &Person, to: &[&Person]) -> Message {
        self.try_save(owner, draft(to)).await.unwrap()
    }

    async fn try_save(
        &self,
        owner: &Person,
        request: CreateDraftRequest,
    ) -> Result<Message, Status> {
        let saved = self.mail().create_draft(self.by(owner, request)).await?;
        Ok(saved.into_inner().message.unwrap())
    }

    async fn update(&self, owner: &Person, request: UpdateDraftRequest) -> Result<Message, Status> {
        let saved = self.mail().update_draft(self.by(owner, request)).await?;
        Ok(saved.into_inner().message.unwrap())
    }

    pub(super) async fn send_draft(
        &self,
        owner: &Person,
        message_id: &str,
        request_id: &str,
    ) -> Result<Message, Status> {
        let request = SendDraftRequest {
            message_id: message_id.into(),
            request_id: request_id.into(),
        };
        let sent = self.mail().send_draft(self.by(owner, request)).await?;
        Ok(sent.into_inner().message.unwrap())
    }

    async fn cancel(&self, owner: &Person, message_id: &str) -> Result<Message, Status> {
        let request = CancelSendRequest {
            message_id: message_id.into(),
        };
        let taken_back = self.mail().cancel_send(self.by(owner, request)).await?;
        Ok(taken_back.into_inner().message.unwrap())
    }

    /// A message that waits for a minute.
    async fn send_later(&self, from: &Person, to: &[&Person]) -> Message {
        let message = SendMessageRequest {
            deliver_time: Some(self.clock.now().plus(Duration::from_secs(60)).into()),
            ..letter(to)
        };
        self.try_send(from, message).await.unwrap()
    }

    async fn until_in(&self, owner: &Person, role: FolderRole) -> Message {
        eventually(|| async { self.list(owner, role).await.pop() }).await
    }
}

#[tokio::test]
async fn a_draft_is_written_changed_and_sent() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    let first = world.save(&ana, &[&bob]).await;
    assert_eq!(first.body, None, "BASIC");
    assert_eq!(
        world.list(&ana, FolderRole::Drafts).await,
        std::slice::from_ref(&first)
    );
    let second = world
        .update(&ana, update(&first, &[&bob], "New"))
        .await
        .unwrap();
    assert_eq!((&*second.subject, &*second.snippet), ("", "New"));
    assert_ne!(second.etag, first.etag);
    let sent = world.send_draft(&ana, &first.message_id, "").await.unwrap();
    assert_eq!(sent.message_id, first.message_id);
    assert_eq!(world.list(&ana, FolderRole::Sent).await, [sent]);
    assert_eq!(world.list(&ana, FolderRole::Drafts).await, []);
    let received = world.inbox(&bob).await.swap_remove(0);
    let get = GetMessageRequest {
        message_id: received.message_id,
        view: 0,
    };
    let full = world.mail().get_message(world.by(&bob, get)).await.unwrap();
    assert_eq!(full.into_inner().message.unwrap().body.unwrap().text, "New");
}

#[tokio::test]
async fn an_unfinished_draft_is_kept_and_not_sent() {
    let world = World::open().await;
    let ana = world.person("ana");
    let empty = world
        .try_save(&ana, CreateDraftRequest::default())
        .await
        .unwrap();
    let refused = world
        .send_draft(&ana, &empty.message_id, "")
        .await
        .unwrap_err();
    assert_eq!(fields(&refused), ["to", "subject"]);
    assert_eq!(world.list(&ana, FolderRole::Drafts).await, [empty]);
    let nobody = CreateDraftRequest {
        to: vec!["nobody".into()],
        ..CreateDraftRequest::default()
    };
    let refused = world.try_save(&ana, nobody).await;
    assert_eq!(reason(&refused), Some(Reason::RecipientNotFound));
    assert_eq!(metadata(&refused.unwrap_err())["recipients"], "nobody");
}

#[tokio::test]
async fn what_is_wrong_with_a_draft_is_said() {
    let world = World::with(|config| config.quota_messages = 2).await;
    let [ana, bob, eve] = world.people(["ana", "bob", "eve"]);
    let bad = UpdateDraftRequest {
        request_id: "1".into(),
        labels: vec![" ".into()],
        ..UpdateDraftRequest::default()
    };
    let refused = world.update(&ana, bad).await.unwrap_err();
    let mut named = fields(&refused);
    named.sort();
    assert_eq!(named, ["etag", "labels[0]", "message_id", "request_id"]);
    let missing = Uuid::new_v4().to_string();
    for (in_reply_to, forward_of, field) in [
        (&*missing, "", "in_reply_to"),
        ("", &*missing, "forward_of"),
    ] {
        let naming = CreateDraftRequest {
            in_reply_to: in_reply_to.into(),
            forward_of: forward_of.into(),
            ..draft(&[&bob])
        };
        let refused = world.try_save(&ana, naming).await;
        assert_eq!(reason(&refused), Some(Reason::MessageNotFound));
        assert_eq!(metadata(&refused.unwrap_err())[field], missing);
    }
    let first = world.save(&ana, &[&bob]).await;
    world
        .update(&ana, update(&first, &[&bob], "2"))
        .await
        .unwrap();
    let refused = world.update(&ana, update(&first, &[&bob], "3")).await;
    assert_eq!(reason(&refused), Some(Reason::EtagMismatch));
    for foreign in [
        world.update(&eve, update(&first, &[], "x")).await,
        world.send_draft(&eve, &first.message_id, "").await,
    ] {
        assert_eq!(reason(&foreign), Some(Reason::MessageNotFound));
        let named = &metadata(&foreign.unwrap_err())["message_id"];
        assert_eq!(*named, first.message_id);
    }
    let sent = world.send_draft(&ana, &first.message_id, "").await.unwrap();
    let refused = world.update(&ana, update(&sent, &[&bob], "4")).await;
    assert_eq!(reason(&refused), Some(Reason::NotADraft));
    let refused = world.send_draft(&ana, &first.message_id, "").await;
    assert_eq!(reason(&refused), Some(Reason::NotADraft));
    world.save(&ana, &[]).await;
    let refused = world.try_save(&ana, draft(&[])).await;
    assert_eq!(reason(&refused), Some(Reason::MailboxFull));
    assert_eq!(metadata(&refused.unwrap_err())["recipients"], "ana");
}

#[tokio::test]
async fn a_draft_is_saved_and_sent_once_under_its_request_id() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    let saving = CreateDraftRequest {
        request_id: Uuid::new_v4().to_string(),
        ..draft(&[&bob])
    };
    let first = world.try_save(&ana, saving.clone()).await.unwrap();
    assert_eq!(world.try_save(&ana, saving.clone()).await.unwrap(), first);
    assert_eq!(world.list(&ana, FolderRole::Drafts).await.len(), 1);
    let request = Uuid::new_v4().to_string();
    let attempt = || world.send_draft(&ana, &first.message_id, &request);
    let sent = attempt().await.unwrap();
    assert_eq!(
        attempt().await.unwrap(),
        sent,
        "though it is no draft any more"
    );
    world.auth.delete(bob.id);
    assert_eq!(attempt().await.unwrap(), sent, "though nobody gets it");
    let refused = world
        .send_draft(&ana, &first.message_id, &saving.request_id)
        .await;
    assert_eq!(reason(&refused), Some(Reason::RequestIdReused));
    let other = world.save(&ana, &[&ana]).await;
    let refused = world.send_draft(&ana, &other.message_id, &request).await;
    assert_eq!(reason(&refused), Some(Reason::RequestIdReused));
    assert_eq!(world.inbox(&bob).await.len(), 1);
}

#[tokio::test]
async fn what_waits_is_delivered_at_its_time() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    let waiting = world.send_later(&ana, &[&bob]).await;
    assert!(waiting.deliver_time.is_some());
    assert_eq!(
        world.list(&ana, FolderRole::Outbox).await,
        std::slice::from_ref(&waiting)
    );
    assert_eq!(world.inbox(&bob).await, []);
    world.clock.advance(Duration::from_secs(60));
    let received = world.until_in(&bob, FolderRole::Inbox).await;
    assert_eq!(received.snippet, "Hello");
    let sent = world.list(&ana, FolderRole::Sent).await.swap_remove(0);
    assert_eq!(
        (sent.message_id, sent.deliver_time),
        (waiting.message_id.clone(), None)
    );
    let refused = world.cancel(&ana, &waiting.message_id).await;
    assert_eq!(reason(&refused), Some(Reason::AlreadyDelivered));
}

#[tokio::test]
async fn what_is_taken_back_becomes_a_draft_of_the_same_id() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    let waiting = world.send_later(&ana, &[&bob]).await;
    let foreign = world.cancel(&bob, &waiting.message_id).await;
    assert_eq!(reason(&foreign), Some(Reason::MessageNotFound));
    let named = &metadata(&foreign.unwrap_err())["message_id"];
    assert_eq!(*named, waiting.message_id);
    let refused = world.cancel(&ana, "").await.unwrap_err();
    assert_eq!(fields(&refused), ["message_id"]);
    let draft = world.cancel(&ana, &waiting.message_id).await.unwrap();
    assert_eq!(draft.message_id, waiting.message_id);
    assert_eq!(
        world.cancel(&ana, &waiting.message_id).await.unwrap(),
        draft
    );
    assert_eq!(world.list(&ana, FolderRole::Drafts).await, [draft]);
    assert_eq!(world.list(&ana, FolderRole::Outbox).await, []);
    world
        .send_draft(&ana, &waiting.message_id, "")
        .await
        .unwrap();
    assert_eq!(world.inbox(&bob).await.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_delivered_goes_back_with_a_notice_that_says_why() {
    let world = World::with(|config| config.quota_messages = 1).await;
    let [ana, bob] = world.people(["ana", "bob"]);
    let waiting = world.send_later(&ana, &[&bob]).await;
    world.save(&bob, &[]).await;
    world.clock.advance(Duration::from_secs(60));
    let notice = world.until_in(&ana, FolderRole::Inbox).await;
    let from = notice.from.as_ref().unwrap();
    assert_eq!(
        (from.kind(), &*from.display_name),
        (ParticipantKind::System, "TurboMessage")
    );
    let get = GetMessageRequest {
        message_id: notice.message_id,
        view: 0,
    };
    let full = world.mail().get_message(world.by(&ana, get)).await.unwrap();
    let text = full.into_inner().message.unwrap().body.unwrap().text;
    assert!(
        text.contains("\"A letter\"") && text.contains("bob is full"),
        "{text}"
    );
    let back = world.list(&ana, FolderRole::Drafts).await.swap_remove(0);
    assert_eq!(back.message_id, waiting.message_id);
    assert_eq!(world.inbox(&bob).await, []);
}

#[tokio::test]
async fn a_message_waits_a_year_at_the_most() {
    let world = World::open().await;
    let ana = world.person("ana");
    let in_days = |days: u64| SendMessageRequest {
        deliver_time: Some(
            world
                .clock
                .now()
                .plus(Duration::from_hours(days * 24))
                .into(),
        ),
        ..letter(&[&ana])
    };
    let refused = world.try_send(&ana, in_days(367)).await.unwrap_err();
    assert_eq!(fields(&refused), ["deliver_time"]);
    world.try_send(&ana, in_days(366)).await.unwrap();
    assert_eq!(world.list(&ana, FolderRole::Outbox).await.len(), 1);
}
