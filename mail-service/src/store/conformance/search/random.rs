//! Random queries in random mailboxes: every engine finds what a simple model finds, page by page.

use proptest::{
    collection::vec,
    prelude::*,
    sample::{select, subsequence},
    strategy::ValueTree,
    test_runner::{Config, TestCaseError, TestError, TestRunner},
};
use time::OffsetDateTime;
use tokio::runtime::Handle;
use turbomessage_service_kit::problem::Problem;

use super::{
    super::office::NOW,
    model::{Ask, Item, LABELS, Origin, PEOPLE, Place, Scope, finds, written},
    shelf::{Plan, Shelf},
    words::{WORDS, Written, html, text},
};
use crate::{domain::FolderRole, mail::Steps, store::SharedStore};

const MAILBOXES: u32 = 2;
/// Queries in each.
const QUERIES: u32 = 150;
/// As many days as make segments that are merged, one more that is indexed, and one that is not.
const DAYS: i64 = 10;
/// Enough for a segment.
const DAILY: usize = 66;

/// Tries random queries in the same random mailboxes on `stores`. Call it outside of asynchronous code,
/// with the runtime that they were opened in.
///
/// # Panics
/// With the shortest query found by which a store finds something else than the model.
pub fn check(runtime: &Handle, stores: &[SharedStore]) {
    let mut runner = TestRunner::new(Config {
        cases: QUERIES,
        failure_persistence: None,
        max_shrink_time: 30_000,
        ..Config::default()
    });
    for _ in 0..MAILBOXES {
        let plan = plan().new_tree(&mut runner).unwrap().current();
        let fill = |store: &SharedStore| runtime.block_on(Shelf::fill(store.clone(), &plan));
        let shelves: Vec<Shelf> = stores.iter().map(fill).collect();
        let result = runner.run(&(ask(), 1..100, 1..3_i64), |(ask, size, groups)| {
            let query = written(&ask, first_day());
            let expected = expected(&plan, &ask);
            for (number, shelf) in shelves.iter().enumerate() {
                let found = runtime.block_on(found(shelf, &query, size, groups));
                let found = found.map_err(|e| TestCaseError::fail(format!("{query}: {e:?}")))?;
                let same = found == expected;
                let broken = || format!("store {number} finds {found:?} instead of {expected:?}");
                prop_assert!(same, "{query}, {size} a page: {}", broken());
            }
            Ok(())
        });
        match result {
            Ok(()) => {}
            Err(TestError::Fail(broken, (ask, ..))) => panic!("{broken}\n{ask:?}"),
            Err(TestError::Abort(reason)) => panic!("{reason}"),
        }
    }
}

fn first_day() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(NOW.as_secs()).unwrap()
}

/// The numbers of what is asked for, newest first.
fn expected(plan: &Plan, ask: &Ask) -> Vec<usize> {
    let items = plan.items().into_iter().rev();
    let found = items.filter(|(_, item)| finds(ask, item));
    found.map(|(number, _)| number).collect()
}

/// What is found where all that is indexed is looked through in `groups`, one or two.
async fn found(shelf: &Shelf, query: &str, size: i32, groups: i64) -> Result<Vec<usize>, Problem> {
    let mut library = shelf.library.clone();
    if groups > 1 {
        library.mail.steps = Steps {
            first_group: 1,
            few_blocks: 2,
        };
    }
    let found = library.pages(shelf.owner, query, size).await?;
    let numbers = found.iter().map(|copy| shelf.numbers[&copy.message_id]);
    Ok(numbers.collect())
}

fn plan() -> impl Strategy<Value = Plan> {
    let days = (0..DAYS).map(|day| vec(item(day, false), DAILY));
    let days: Vec<_> = days.collect();
    let new = vec(item(DAYS - 1, true), 8);
    (days, new, any::<usize>()).prop_map(|(days, new, seed)| {
        let indexed = days[..days.len() - 1].iter().flatten().enumerate();
        let (drafts, others): (Vec<_>, Vec<_>) =
            indexed.partition(|(_, item)| item.origin == Origin::Draft);
        let drafts = drafts.iter().map(|(number, _)| *number);
        let others = others.iter().map(|(number, _)| *number);
        let deleted = others.filter(|n| (n ^ seed) % 11 == 0).collect();
        let rewritten = drafts.step_by(2).zip(new).collect();
        Plan {
            days,
            deleted,
            rewritten,
        }
    })
}

fn some_words(most: usize) -> impl Strategy<Value = Vec<Written>> {
    vec((0..WORDS.len(), any::<u8>()), 1..=most)
}

/// A message that comes on this day.
fn item(day: i64, only_draft: bool) -> impl Strategy<Value = Item> {
    let origin = prop_oneof![
        6 => (1..PEOPLE.len()).prop_map(Origin::From),
        2 => Just(Origin::Sent),
        1 => Just(Origin::Draft),
    ];
    let origin = origin.prop_map(move |origin| if only_draft { Origin::Draft } else { origin });
    let roles = vec(0..4_u8, PEOPLE.len());
    let no_words = Just(Vec::new());
    let words = (
        some_words(4),
        prop_oneof![4 => some_words(20), 1 => no_words.clone()],
        prop_oneof![1 => some_words(12), 2 => no_words],
    );
    let place = prop_oneof![
        4 => Just(Place::Role(FolderRole::Inbox)),
        3 => select(&[FolderRole::Archive, FolderRole::Spam, FolderRole::Trash][..]).prop_map(Place::Role),
        1 => Just(Place::Own),
    ];
    let labels = subsequence((0..LABELS.len()).collect::<Vec<_>>(), 0..=2);
    let marks = (place, any::<(bool, bool)>(), labels);
    (origin, roles, words, marks).prop_map(move |(origin, roles, words, marks)| {
        let (subject, text, html) = words;
        let (place, (read, starred), labels) = marks;
        let item = Item {
            origin,
            to: in_role(&roles, 1, origin),
            cc: in_role(&roles, 2, origin),
            bcc: in_role(&roles, 3, origin),
            size: 0,
            subject,
            text,
            html,
            place: place_of(origin, place),
            read,
            starred,
            labels,
            day,
        };
        complete(item)
    })
}

/// Those who are this to the message. Nobody knows of those whom somebody else's message hides.
fn in_role(roles: &[u8], role: u8, origin: Origin) -> Vec<usize> {
    let hidden = matches!(origin, Origin::From(_)) && role == 3;
    let people = (1..roles.len()).filter(|n| roles[*n] == role && !hidden);
    people.filter(|n| origin != Origin::From(*n)).collect()
}

fn place_of(origin: Origin, place: Place) -> Place {
    match origin {
        Origin::From(_) => place,
        Origin::Sent => Place::Role(FolderRole::Sent),
        Origin::Draft => Place::Role(FolderRole::Drafts),
    }
}

fn complete(mut item: Item) -> Item {
    if item.origin == Origin::Sent && item.to.len() + item.cc.len() + item.bcc.len() == 0 {
        item.to = vec![1];
    }
    item.size = text(&item.subject).len() + text(&item.text).len() + html(&item.html).len();
    item
}

fn asked_words() -> impl Strategy<Value = Ask> {
    let scope = prop_oneof![
        6 => Just(Scope::Everywhere),
        4 => select(&[Scope::Subject, Scope::From, Scope::To, Scope::Cc][..]),
    ];
    let words = prop_oneof![3 => some_words(1), 2 => some_words(3)];
    let prefix = prop_oneof![3 => Just(None), 1 => any::<usize>().prop_map(Some)];
    (scope, words, prefix).prop_map(|(scope, words, prefix)| {
        let last = words.last().map_or("", |(word, _)| WORDS[*word]);
        let prefix = prefix.map(|n| 1 + n % last.len());
        Ask::Words(scope, words, prefix)
    })
}

fn attribute() -> impl Strategy<Value = Ask> {
    prop_oneof![
        2 => select(FolderRole::ALL.to_vec()).prop_map(|role| Ask::In(Place::Role(role))),
        1 => Just(Ask::In(Place::Own)),
        1 => Just(Ask::Anywhere),
        2 => (0..LABELS.len()).prop_map(Ask::Label),
        2 => any::<bool>().prop_map(Ask::Read),
        1 => Just(Ask::Starred),
        1 => Just(Ask::Attachment),
        1 => (0..=DAYS).prop_map(Ask::Before),
        1 => (0..=DAYS).prop_map(Ask::After),
        1 => (0..400_usize).prop_map(Ask::Larger),
        1 => (0..400_usize).prop_map(Ask::Smaller),
    ]
}

fn ask() -> impl Strategy<Value = Ask> {
    let one = prop_oneof![3 => asked_words(), 2 => attribute()];
    one.prop_recursive(3, 12, 3, |inner| {
        let several = vec(inner.clone(), 1..4);
        prop_oneof![
            2 => inner.prop_map(|one| Ask::Not(Box::new(one))),
            3 => several.clone().prop_map(Ask::And),
            3 => several.prop_map(Ask::Or),
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::{super::super::engines, *};

    #[test]
    fn random_queries_find_on_every_engine_what_the_model_says() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let sqlite = runtime.block_on(engines::Sqlite::open());
        let mut stores = vec![sqlite.store()];
        stores.extend(runtime.block_on(engines::postgres()));
        check(runtime.handle(), &stores);
    }
}
