//! What is asked of the server to make, change and send a draft.

use prost_types::Timestamp as ProtoTime;
use turbomessage_proto::mail_v1::{
    Body, Message, Participant, ParticipantKind, SendDraftRequest, SendMessageRequest,
    UpdateDraftRequest,
};

use super::super::retry;
use crate::{
    compose::content::as_draft,
    compose::letter::Letter,
    connection::Connection,
    failure::{Failure, Kind},
    output::mail,
    short_id::shorten,
};

/// What is to be different in a draft; the rest stays.
#[derive(Debug)]
pub(super) struct Changed {
    /// What it says.
    pub(super) letter: Letter,
    /// When it is to be delivered, once it is sent; `None` for at once.
    pub(super) deliver_time: Option<ProtoTime>,
}

/// Keeps a draft of `content`, once.
pub(super) async fn create(
    content: SendMessageRequest,
    request_id: String,
    connection: &Connection,
) -> Result<Message, Failure> {
    let request = as_draft(SendMessageRequest {
        request_id,
        ..content
    });
    let call = async || connection.mail().create_draft(request.clone()).await;
    let answer = retry::until_answered(call).await?;
    Ok(answer.message.unwrap_or_default())
}

/// What `draft` says, to edit it, and the names of those who cannot be written to any more.
pub(super) fn letter(draft: &Message) -> (Letter, Vec<String>) {
    let is_user = |person: &&Participant| person.kind() == ParticipantKind::User;
    let names = |people: &[Participant]| {
        let users = people.iter().filter(is_user);
        users.map(|person| person.username.clone()).collect()
    };
    let all = [&draft.to, &draft.cc, &draft.bcc].into_iter().flatten();
    let others = all.filter(|person| !is_user(person));
    let letter = Letter {
        to: names(&draft.to),
        cc: names(&draft.cc),
        bcc: names(&draft.bcc),
        subject: draft.subject.clone(),
        text: draft.body.clone().unwrap_or_default().text,
    };
    (letter, others.map(mail::full_name).collect())
}

/// Puts `changed` in the place of what `draft` says, if the draft still is what it was.
pub(super) async fn update(
    draft: &Message,
    changed: Changed,
    request_id: String,
    connection: &Connection,
) -> Result<Message, Failure> {
    let request = update_request(draft, changed, request_id);
    let call = async || connection.mail().update_draft(request.clone()).await;
    let answer = retry::until_answered(call).await;
    let answer = answer.map_err(|failure| explained(failure, &draft.message_id))?;
    Ok(answer.message.unwrap_or_default())
}

fn update_request(draft: &Message, changed: Changed, request_id: String) -> UpdateDraftRequest {
    let Changed {
        letter,
        deliver_time,
    } = changed;
    let files = draft.attachments.iter();
    UpdateDraftRequest {
        request_id,
        to: letter.to,
        cc: letter.cc,
        bcc: letter.bcc,
        subject: letter.subject,
        body: Some(Body {
            text: letter.text,
            html: draft.body.clone().unwrap_or_default().html,
        }),
        in_reply_to: draft.in_reply_to.clone(),
        attachment_ids: files.map(|file| file.attachment_id.clone()).collect(),
        labels: draft.labels.clone(),
        deliver_time,
        forward_of: draft.forward_of.clone(),
        message_id: draft.message_id.clone(),
        etag: draft.etag.clone(),
    }
}

fn explained(failure: Failure, message_id: &str) -> Failure {
    if failure.reason != "ETAG_MISMATCH" {
        return failure;
    }
    let id = shorten(&[message_id]).concat();
    failure.hint(format!(
        "somebody changed this draft meanwhile: `tm draft show {id}` shows it as it is now, `tm draft edit {id}` changes that"
    ))
}

/// Sends the draft, once.
pub(super) async fn send(
    message_id: String,
    request_id: String,
    connection: &Connection,
) -> Result<Message, Failure> {
    let request = SendDraftRequest {
        message_id,
        request_id,
    };
    let call = async || connection.mail().send_draft(request.clone()).await;
    match retry::until_answered(call).await {
        Ok(answer) => Ok(answer.message.unwrap_or_default()),
        Err(failure) => {
            let unsure = failure.kind == Kind::Unavailable;
            Err(failure.also(unsure.then(|| {
                "it may have been sent all the same: a draft that was sent is no draft any more, so sending it again is safe".into()
            })))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tonic::Code;
    use turbomessage_proto::mail_v1::{Attachment, SendDraftResponse, UpdateDraftResponse};

    use super::*;
    use crate::fake_server::{self, Script};

    const ID: &str = "0199a8f3-1c2b-7abc-8def-3fa2c1d00001";

    fn person(username: &str, kind: ParticipantKind) -> Participant {
        Participant {
            username: username.into(),
            kind: kind.into(),
            ..Participant::default()
        }
    }

    fn draft() -> Message {
        Message {
            message_id: ID.into(),
            to: vec![
                person("ben", ParticipantKind::User),
                person("", ParticipantKind::Deleted),
            ],
            subject: "Lunch?".into(),
            body: Some(Body {
                text: "At one?".into(),
                html: "<p>At one?</p>".into(),
            }),
            in_reply_to: "original".into(),
            forward_of: "passed on".into(),
            labels: vec!["work".into()],
            attachments: vec![Attachment {
                attachment_id: "file".into(),
                ..Attachment::default()
            }],
            etag: "seen".into(),
            ..Message::default()
        }
    }

    #[test]
    fn a_draft_is_edited_without_those_who_are_gone() {
        let (letter, left_out) = letter(&draft());
        assert_eq!(letter.to, ["ben"]);
        assert_eq!(left_out, ["(deleted account)"]);
        assert_eq!(letter.text, "At one?");
    }

    #[tokio::test]
    async fn an_edited_draft_keeps_what_was_not_edited() {
        let script = Arc::new(Script::default());
        script.update_draft.will(Ok(UpdateDraftResponse::default()));
        let connection = fake_server::serve(&script).await;
        let (letter, _) = letter(&draft());
        let later = ProtoTime {
            seconds: 9,
            nanos: 0,
        };
        let changed = Changed {
            letter: Letter {
                text: "At two?".into(),
                ..letter
            },
            deliver_time: Some(later),
        };
        update(&draft(), changed, "once".into(), &connection)
            .await
            .unwrap();
        let expected = UpdateDraftRequest {
            request_id: "once".into(),
            to: vec!["ben".into()],
            subject: "Lunch?".into(),
            body: Some(Body {
                text: "At two?".into(),
                html: "<p>At one?</p>".into(),
            }),
            in_reply_to: "original".into(),
            attachment_ids: vec!["file".into()],
            labels: vec!["work".into()],
            deliver_time: Some(later),
            forward_of: "passed on".into(),
            message_id: ID.into(),
            etag: "seen".into(),
            ..UpdateDraftRequest::default()
        };
        assert_eq!(script.update_draft.asked(), [expected]);
    }

    #[tokio::test]
    async fn a_draft_that_somebody_changed_meanwhile_is_not_overwritten() {
        let script = Arc::new(Script::default());
        let changed = fake_server::error(Code::Aborted, "ETAG_MISMATCH", &[]);
        script.update_draft.will(Err(changed));
        let connection = fake_server::serve(&script).await;
        let changed = Changed {
            letter: Letter::default(),
            deliver_time: None,
        };
        let failure = update(&draft(), changed, "once".into(), &connection)
            .await
            .unwrap_err();
        assert_eq!(script.update_draft.asked().len(), 1);
        assert_eq!(failure.exit_code(), 1);
        let hint = failure.hint.unwrap();
        assert!(hint.contains("`tm draft show 3fa2c1d0`"), "{hint}");
    }

    #[tokio::test]
    async fn a_draft_is_kept_with_all_that_is_in_it() {
        let script = Arc::new(Script::default());
        let connection = fake_server::serve(&script).await;
        let content = SendMessageRequest {
            request_id: String::new(),
            to: vec!["ben".into()],
            cc: vec!["carla".into()],
            bcc: vec!["dani".into()],
            subject: "Lunch?".into(),
            body: Some(Body::default()),
            in_reply_to: "original".into(),
            attachment_ids: vec!["file".into()],
            labels: vec!["work".into()],
            deliver_time: Some(ProtoTime::default()),
            forward_of: "passed on".into(),
        };
        create(content.clone(), "once".into(), &connection)
            .await
            .unwrap_err();
        let asked = script.create_draft.asked().remove(0);
        assert_eq!(asked.request_id, "once");
        let kept = SendMessageRequest {
            request_id: String::new(),
            to: asked.to,
            cc: asked.cc,
            bcc: asked.bcc,
            subject: asked.subject,
            body: asked.body,
            in_reply_to: asked.in_reply_to,
            attachment_ids: asked.attachment_ids,
            labels: asked.labels,
            deliver_time: asked.deliver_time,
            forward_of: asked.forward_of,
        };
        assert_eq!(kept, content);
    }

    #[tokio::test]
    async fn a_draft_is_sent_once() {
        let script = Arc::new(Script::default());
        let away = fake_server::error(Code::Unavailable, "SHUTTING_DOWN", &[]);
        script.send_draft.will(Err(away));
        script.send_draft.will(Ok(SendDraftResponse::default()));
        let connection = fake_server::serve(&script).await;
        send(ID.into(), "once".into(), &connection).await.unwrap();
        let once = SendDraftRequest {
            message_id: ID.into(),
            request_id: "once".into(),
        };
        assert_eq!(script.send_draft.asked(), [once.clone(), once]);
    }
}
