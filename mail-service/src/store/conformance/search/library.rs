//! A post office whose mail is searched: with an index that is made when a case says so.

use std::sync::Arc;

use tonic::service::Routes;
use turbomessage_service_kit::{clock::SharedClock, problem::Problem, upstream::Upstream};
use uuid::Uuid;

use super::super::office::Office;
use crate::{
    directory::Directory,
    domain::{Copy, Cursor, PageSize},
    indexing::{Hints, Indexer},
    mail::{Mail, parse_query},
    store::{Account, SharedStore},
};

/// An office, what searches it, and what makes the index.
#[derive(Debug, Clone)]
pub(in crate::store::conformance) struct Library {
    pub(in crate::store::conformance) office: Office,
    pub(in crate::store::conformance) mail: Mail,
    pub(in crate::store::conformance) indexer: Indexer,
}

impl Library {
    pub(in crate::store::conformance) fn new(store: SharedStore) -> Self {
        Self::of(Office::new(store))
    }

    pub(in crate::store::conformance) fn of(office: Office) -> Self {
        let store = office.store.clone();
        let clock: SharedClock = Arc::clone(&office.clock) as SharedClock;
        let hints = Hints::new();
        // Everybody is in the store: there is no directory to ask.
        let directory = Directory::new(&Upstream::local(Routes::default()), store.clone());
        let mail = Mail::new(
            store.clone(),
            office.writer.clone(),
            directory,
            clock.clone(),
            office.defaults.clone(),
            hints.clone(),
        );
        let indexer = Indexer {
            store,
            clock,
            hints,
        };
        Self {
            office,
            mail,
            indexer,
        }
    }

    /// Somebody with these names.
    pub(in crate::store::conformance) async fn person(
        &self,
        username: &str,
        display_name: &str,
    ) -> Uuid {
        let account = Account {
            account_id: Uuid::new_v4(),
            username: username.into(),
            display_name: display_name.into(),
            deleted: false,
        };
        let mut transaction = self.office.store.begin().await.unwrap();
        let accounts = std::slice::from_ref(&account);
        transaction.note_accounts(accounts, 0).await.unwrap();
        transaction.commit().await.unwrap();
        account.account_id
    }

    /// Indexes and merges what is worth it.
    pub(in crate::store::conformance) async fn index(&self, owner: Uuid) {
        self.indexer.tend(owner).await.unwrap();
    }

    /// How many segments are searched.
    pub(in crate::store::conformance) async fn segments(&self, owner: Uuid) -> usize {
        self.office.store.segments(owner).await.unwrap().len()
    }

    /// What `query` finds, in pages of `size`, newest first.
    pub(in crate::store::conformance) async fn pages(
        &self,
        owner: Uuid,
        query: &str,
        size: i32,
    ) -> Result<Vec<Copy>, Problem> {
        let query = parse_query(query)?;
        let size = PageSize::parse(size).unwrap();
        let (mut all, mut cursor): (Vec<Copy>, _) = (Vec::new(), Cursor::NEWEST);
        loop {
            let found = self.mail.search(owner, &query, cursor, size).await?;
            assert!(i64::try_from(found.copies.len()).unwrap() <= size.get());
            all.extend(found.copies);
            let Some(next) = found.next else {
                break;
            };
            assert!(next.time < cursor.time, "a page goes on");
            cursor = next;
        }
        let times = all.iter().map(|copy| copy.receive_time);
        assert!(times.is_sorted_by(|a, b| a > b), "newest first, each once");
        assert!(all.iter().all(|copy| copy.owner_id == owner));
        Ok(all)
    }

    /// The subjects of what `query` finds, newest first.
    pub(in crate::store::conformance) async fn subjects(
        &self,
        owner: Uuid,
        query: &str,
    ) -> Vec<String> {
        let found = self.pages(owner, query, 500).await.unwrap();
        found.into_iter().map(|copy| copy.subject).collect()
    }
}
