//! A backup that was restored: what came after it is gone, and nobody is told otherwise.

use tonic::Code;
use turbomessage_proto::mail_v1::ModifyMessagesRequest;
use turbomessage_tests::{Services, client::letter, errors::refused, stack::Settings};
use uuid::Uuid;

async fn a_restored_backup_makes_old_states_expire(settings: Settings) {
    let mut services = settings.start().await;
    let [ana, ben] = [
        services.register_fresh().await,
        services.register_fresh().await,
    ];
    let kept = ana.send(&[&ben], "before", "").await.unwrap();
    let backup = services.back_up().await;
    let before = ben.state().await.unwrap();

    let mut lost = letter(&[&ben], "after", "");
    lost.request_id = Uuid::new_v4().to_string();
    ana.send_request(lost.clone()).await.unwrap();
    let first = ben.inbox().await.pop().unwrap();
    let etag = star(&ben, &first.message_id, None).await.unwrap();
    let after = ben.state().await.unwrap();

    services.restore(&backup, "the first time").await;
    let [ana, ben] = [ana.at(&services).await, ben.at(&services).await];
    let subjects = async || -> Vec<String> {
        let inbox = ben.inbox().await;
        inbox.into_iter().map(|message| message.subject).collect()
    };
    assert_eq!(subjects().await, ["before"]);
    assert_eq!(ana.get(&kept.message_id).await.unwrap().subject, "before");
    for state in [&before, &after] {
        refused(
            ben.changes(state, 0).await,
            Code::OutOfRange,
            "HISTORY_EXPIRED",
        );
        let mut watch = ben.watch(state).await;
        let watch = match &mut watch {
            Ok(stream) => stream.message().await.map(|_| ()),
            Err(status) => Err(status.clone()),
        };
        refused(watch, Code::OutOfRange, "HISTORY_EXPIRED");
    }
    // As many changes again as were lost: a number that was given out before does not come again.
    for _ in 0..3 {
        star(&ben, &first.message_id, None).await.unwrap();
    }
    let stale = star(&ben, &first.message_id, Some(etag)).await;
    refused(stale, Code::Aborted, "ETAG_MISMATCH");

    // Who repeats what was lost sends it, once.
    for _ in 0..2 {
        ana.send_request(lost.clone()).await.unwrap();
    }
    assert_eq!(subjects().await, ["after", "before"]);
    let begin = ben.state().await.unwrap();
    let news = ana.send(&[&ben], "news", "").await.unwrap();
    assert!(!ben.changes(&begin, 0).await.unwrap().changes.is_empty());

    // The same word again is the same restore.
    for process in [
        &mut services.gateway,
        &mut services.mail,
        &mut services.auth,
    ] {
        process.kill().await;
    }
    services.start_again().await;
    let [ana, ben] = [ana.at(&services).await, ben.at(&services).await];
    assert!(!ben.changes(&begin, 0).await.unwrap().changes.is_empty());
    assert_eq!(ana.get(&news.message_id).await.unwrap().subject, "news");
    // What auth-service tells of accounts is followed from where it was, not from the start.
    let carla = services.register_fresh().await;
    carla.send(&[&ben], "hello", "").await.unwrap();
}

/// Turns the star of a message on or off; answers with its etag.
async fn star(
    user: &turbomessage_tests::User,
    message_id: &str,
    etag: Option<String>,
) -> Result<String, tonic::Status> {
    let starred = user.get(message_id).await?.starred;
    let request = ModifyMessagesRequest {
        message_ids: vec![message_id.into()],
        set_starred: Some(!starred),
        etag,
        ..Default::default()
    };
    let modified = user.mail().modify_messages(request).await?.into_inner();
    Ok(modified.messages[0].etag.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_restored() {
    Box::pin(a_restored_backup_makes_old_states_expire(
        Services::on_files(),
    ))
    .await;
}

mod containers {
    use super::{Services, a_restored_backup_makes_old_states_expire};

    #[tokio::test(flavor = "multi_thread")]
    async fn databases_are_restored() {
        if turbomessage_tests::containers::available() {
            Box::pin(a_restored_backup_makes_old_states_expire(
                Services::on_servers(),
            ))
            .await;
        }
    }
}
