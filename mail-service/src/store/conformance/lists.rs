//! Lists and their pages.

use uuid::Uuid;

use super::{
    letter::letter,
    office::{Office, filter, ids, nothing, people},
};
use crate::{
    commit::Modify,
    domain::{Cursor, Filter, FolderRole},
    store::SharedStore,
};

async fn page(office: &Office, filter: &Filter, cursor: Cursor, size: i64) -> Vec<Uuid> {
    ids(&office.store.list(filter, cursor, size + 1).await.unwrap())
}

pub(super) async fn a_list_is_newest_first_and_one_more_tells_of_another_page(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    for n in 0..5 {
        office
            .send(&letter(ana, &[bob]).with_text(n.to_string()))
            .await;
    }
    let inbox = office.inbox(bob).await;
    let texts: Vec<&str> = inbox.iter().map(|c| &*c.snippet).collect();
    assert_eq!(texts, ["4", "3", "2", "1", "0"]);
    let filter = filter(bob, inbox[0].folder_id);
    let all = ids(&inbox);
    assert_eq!(page(&office, &filter, Cursor::NEWEST, 2).await, all[..3]);
    assert_eq!(
        page(&office, &filter, Cursor::after(&inbox[1]), 2).await,
        all[2..]
    );
    assert_eq!(
        page(&office, &filter, Cursor::after(&inbox[1]), 3).await,
        all[2..]
    );
    assert!(
        page(&office, &filter, Cursor::after(&inbox[4]), 3)
            .await
            .is_empty()
    );
}

pub(super) async fn pages_stay_in_place_while_mail_arrives_and_goes(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    for _ in 0..12 {
        office.send(&letter(ana, &[bob])).await;
    }
    let before = office.inbox(bob).await;
    let filter = filter(bob, before[0].folder_id);
    let (mut seen, mut cursor) = (Vec::new(), Cursor::NEWEST);
    loop {
        let found = office.store.list(&filter, cursor, 4).await.unwrap();
        seen.extend(ids(&found[..found.len().min(3)]));
        if found.len() <= 3 {
            break;
        }
        cursor = Cursor::after(&found[2]);
        office.send(&letter(ana, &[bob])).await;
        // What was seen goes, the entry at the page's end with it.
        office.delete(bob, &seen[seen.len() - 2..]).await.unwrap();
        office.mark_read(&found[3]).await;
    }
    assert_eq!(seen, ids(&before), "each once, in order");
}

pub(super) async fn filters_show_the_unread_and_the_starred(store: SharedStore) {
    let office = Office::new(store);
    let [ana, bob] = people();
    for _ in 0..8 {
        office.send(&letter(ana, &[bob])).await;
    }
    let inbox = office.inbox(bob).await;
    for (n, copy) in inbox.iter().enumerate() {
        let modify = Modify {
            read: Some(n & 1 > 0),
            starred: Some(n & 2 > 0),
            ..nothing(bob, &[copy.message_id])
        };
        office.modify(modify).await.unwrap();
    }
    let other_folder = office.folder(bob, FolderRole::Trash).await.folder_id;
    for (unread_only, starred_only) in [(false, false), (true, false), (false, true), (true, true)]
    {
        let filter = Filter {
            unread_only,
            starred_only,
            ..filter(bob, inbox[0].folder_id)
        };
        let expected: Vec<Uuid> = (0..8)
            .filter(|n| (!unread_only || n & 1 == 0) && (!starred_only || n & 2 > 0))
            .map(|n| inbox[n].message_id)
            .collect();
        assert_eq!(page(&office, &filter, Cursor::NEWEST, 50).await, expected);
        let elsewhere = Filter {
            folder_id: other_folder,
            ..filter
        };
        assert!(
            page(&office, &elsewhere, Cursor::NEWEST, 50)
                .await
                .is_empty()
        );
    }
}
