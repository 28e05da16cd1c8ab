//! Whose names the words of a query occur in. Names change, so they are in no index: the people an
//! owner has to do with are looked at whenever somebody searches, and found by id.

use std::collections::{HashMap, HashSet};

use turbomessage_service_kit::problem::Problem;
use uuid::Uuid;

use super::Mail;
use crate::{
    indexing::SYSTEM,
    search::{self, Leaf, Query},
};

/// The name that the system is shown under.
const SYSTEM_NAME: &str = "TurboMessage";

/// The people who were looked at.
pub(super) struct People {
    /// By the query's leaves: those with a name in which its phrase occurs.
    named: Vec<Vec<Uuid>>,
    known: HashSet<Uuid>,
    /// Whether the query looks at names at all.
    wanted: bool,
}

impl People {
    /// Those named in indexed messages.
    pub(super) async fn new(mail: &Mail, owner: Uuid, query: &Query) -> Result<Self, Problem> {
        let mut people = Self {
            named: vec![Vec::new(); query.leaves.len()],
            known: HashSet::new(),
            wanted: query
                .leaves
                .iter()
                .any(|leaf| !leaf.scope.roles().is_empty()),
        };
        if people.wanted {
            let correspondents = mail.store.correspondents(owner).await?;
            people.learn(mail, query, correspondents).await?;
        }
        Ok(people)
    }

    /// Looks at those of `ids` who were not looked at yet.
    pub(super) async fn learn(
        &mut self,
        mail: &Mail,
        query: &Query,
        ids: Vec<Uuid>,
    ) -> Result<(), Problem> {
        if !self.wanted {
            return Ok(());
        }
        let new: Vec<Uuid> = ids
            .into_iter()
            .filter(|id| self.known.insert(*id))
            .collect();
        let accounts = mail.directory.accounts(new.iter().copied()).await?;
        let accounts = accounts.values().filter(|account| !account.deleted);
        let mut names: HashMap<Uuid, [&str; 2]> = accounts
            .map(|a| (a.account_id, [a.username.as_str(), &a.display_name]))
            .collect();
        if new.contains(&SYSTEM) {
            names.insert(SYSTEM, [SYSTEM_NAME, ""]);
        }
        for (leaf, named) in query.leaves.iter().zip(&mut self.named) {
            if leaf.scope.roles().is_empty() {
                continue;
            }
            let is_named = |names: &[&str; 2]| {
                let mut names = names.iter();
                names.any(|name| search::names(&leaf.phrase, name))
            };
            let found = names.iter().filter(|(_, names)| is_named(names));
            named.extend(found.map(|(id, _)| *id));
        }
        Ok(())
    }

    /// The query's leaves, each with those in whose names it occurs.
    pub(super) fn by_leaf<'a>(
        &'a self,
        query: &'a Query,
    ) -> impl Iterator<Item = (&'a Leaf, &'a [Uuid])> {
        let named = self.named.iter().map(Vec::as_slice);
        query.leaves.iter().zip(named)
    }
}
