//! Names, and accounts that come and go.

use turbomessage_proto::mail_v1::{
    FolderRole, GetMailboxRequest, Participant, ParticipantKind, SendMessageRequest,
};
use turbomessage_service_kit::problem::Reason;
use uuid::Uuid;

use super::{Person, World, eventually, letter, metadata, reason};

async fn is_erased(world: &World, person: &Person) -> Option<()> {
    let request = world.by(person, GetMailboxRequest {});
    let found = world.mail().get_mailbox(request).await;
    let gone = found.is_err() && reason(&found) == Some(Reason::SessionInvalid);
    gone.then_some(())
}

#[tokio::test]
async fn without_the_directory_mail_is_read_and_known_names_are_written_to() {
    let world = World::open().await;
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]);
    let known = SendMessageRequest {
        request_id: Uuid::new_v4().to_string(),
        ..letter(&[&cleo])
    };
    let first = world.try_send(&ana, known.clone()).await.unwrap();
    let world = world.restart().await;
    world.send(&ana, &[&bob]).await;
    assert_eq!(world.inbox(&bob).await.len(), 1);
    world.auth.set_down(true);

    assert_eq!(
        world.inbox(&bob).await[0].from.as_ref().unwrap().username,
        "ana"
    );
    world.send(&ana, &[&bob]).await;
    let unknown = world.try_send(&ana, letter(&[&cleo, &bob])).await;
    assert_eq!(reason(&unknown), Some(Reason::UpstreamUnavailable));
    // Its name is not remembered, its answer is.
    let again = world.try_send(&ana, known).await.unwrap();
    assert_eq!(again.message_id, first.message_id);
    assert_eq!(world.list(&cleo, FolderRole::Inbox).await.len(), 1);
    assert_eq!(world.inbox(&bob).await.len(), 2);
}

#[tokio::test]
async fn a_deleted_accounts_mailbox_is_erased_and_its_name_reaches_nobody() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    world.send(&ana, &[&bob]).await;
    world.send(&bob, &[&ana]).await;
    let entry = world.auth.delete(bob.id);
    world.auth.tell(vec![entry]);
    eventually(|| is_erased(&world, &bob)).await;

    let refused = world.try_send(&ana, letter(&[&ana, &bob])).await;
    assert_eq!(reason(&refused), Some(Reason::RecipientNotFound));
    assert_eq!(metadata(&refused.unwrap_err())["recipients"], "bob");
    let sender = eventually(|| async {
        let from = world.inbox(&ana).await.swap_remove(0).from.unwrap();
        (from.kind() == ParticipantKind::Deleted).then_some(from)
    })
    .await;
    assert_eq!(sender.account_id, bob.id.to_string());
    assert_eq!((&*sender.username, &*sender.display_name), ("", ""));
    assert_eq!(world.inbox(&ana).await.len(), 1, "others keep theirs");
}

#[tokio::test]
async fn an_account_deleted_while_the_service_was_away_is_erased_when_it_is_back() {
    let world = World::open().await;
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]);
    world.send(&ana, &[&bob, &cleo]).await;
    world.auth.tell(vec![world.auth.delete(cleo.id)]);
    eventually(|| is_erased(&world, &cleo)).await;
    let auth = world.auth.clone();
    let world = {
        auth.set_down(true);
        let world = world.restart().await;
        auth.tell(vec![auth.delete(bob.id)]);
        auth.set_down(false);
        world
    };
    eventually(|| is_erased(&world, &bob)).await;
    let refused = world.try_send(&ana, letter(&[&bob, &cleo])).await;
    assert_eq!(reason(&refused), Some(Reason::RecipientNotFound));
}

#[tokio::test]
async fn a_draft_to_deleted_accounts_names_them_by_their_ids() {
    let world = World::open().await;
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]);
    world.send(&ana, &[&bob, &cleo]).await;
    let draft = world.save(&ana, &[&bob, &cleo]).await;
    world
        .auth
        .tell(vec![world.auth.delete(bob.id), world.auth.delete(cleo.id)]);
    for gone in [&bob, &cleo] {
        eventually(|| is_erased(&world, gone)).await;
    }
    eventually(|| async {
        let shown = world.list(&ana, FolderRole::Drafts).await.pop()?;
        let is_gone = |to: &Participant| to.kind() == ParticipantKind::Deleted;
        shown.to.iter().all(is_gone).then_some(())
    })
    .await;
    let refused = world.send_draft(&ana, &draft.message_id, "").await;
    assert_eq!(reason(&refused), Some(Reason::RecipientNotFound));
    let mut ids = [bob.id, cleo.id];
    ids.sort_unstable();
    let named = &metadata(&refused.unwrap_err())["recipients"];
    assert_eq!(*named, format!("{},{}", ids[0], ids[1]));
}

#[tokio::test]
async fn of_several_events_about_one_account_the_last_one_counts() {
    let world = World::open().await;
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]);
    world.send(&ana, &[&bob, &cleo]).await;
    let renamed = world.auth.add(cleo.id, "cleo", "Cleo II");
    let opened = world.auth.add(bob.id, "bob", "Bob");
    let before = world.auth.add(cleo.id, "cleo", "Cleo I");
    world.auth.add(cleo.id, "cleo", "Cleo II");
    world
        .auth
        .tell(vec![before, opened, renamed, world.auth.delete(bob.id)]);
    eventually(|| is_erased(&world, &bob)).await;
    eventually(|| async {
        let to = world.list(&ana, FolderRole::Sent).await.swap_remove(0).to;
        let shown = |p: &Participant| (p.kind(), p.display_name.clone());
        let expected = [
            (ParticipantKind::Deleted, String::new()),
            (ParticipantKind::User, "Cleo II".into()),
        ];
        to.iter().map(shown).eq(expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_name_is_looked_up_again_after_auth_service_went_back_to_a_backup() {
    let world = World::open().await;
    let [ana, bob] = world.people(["ana", "bob"]);
    let told = world.auth.add(bob.id, "bob", "Bob, as is told");
    world.auth.tell(vec![told]);
    world.send(&ana, &[&bob]).await;
    eventually(|| async {
        let to = world.list(&ana, FolderRole::Sent).await.swap_remove(0).to;
        (to[0].display_name == "Bob, as is told").then_some(())
    })
    .await;

    world.auth.restore();
    let [ana, other] = world.people(["ana", "bob"]);
    eventually(|| async {
        world.send(&ana, &[&other]).await;
        let received = world.inbox(&other).await.len();
        (received > 0).then_some(())
    })
    .await;
}
