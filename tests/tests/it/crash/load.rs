//! People who send without pause and repeat what was not answered, and a record of what they were
//! promised.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};
use turbomessage_proto::mail_v1::{
    Body, FolderRole, ListFoldersRequest, ListMessagesRequest, Message, SendMessageRequest,
};
use turbomessage_tests::{User, errors::is_worth_repeating};
use uuid::Uuid;

/// How long one message may take through all faults.
const PATIENCE: Duration = Duration::from_secs(90);
const CALL: Duration = Duration::from_secs(5);
/// Messages that each person has under way at once, so that batches are more than one.
const AT_ONCE: usize = 4;

/// A send that was acknowledged.
#[derive(Debug, Clone)]
struct Promise {
    sender: usize,
    recipients: BTreeSet<usize>,
    message_id: String,
}

/// How long people wait for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manners {
    Patient,
    /// At first so short a time that they hang up at any moment.
    Hasty,
}

impl Manners {
    fn patience(self, attempt: u64) -> Duration {
        match self {
            Self::Hasty if attempt < 5 => {
                Duration::from_micros(rand::random_range(0..=(attempt + 1) * 5_000))
            }
            Self::Hasty | Self::Patient => 2 * CALL,
        }
    }
}

/// Senders at work.
pub(crate) struct Load {
    users: Arc<Vec<User>>,
    promises: Arc<Mutex<BTreeMap<String, Promise>>>,
    kept: watch::Sender<usize>,
    stop: CancellationToken,
    senders: JoinSet<()>,
    failures: Arc<Mutex<Vec<Status>>>,
}

impl Load {
    /// Has every one of `users` send to some of the others, each through their own connection.
    pub(crate) fn start(users: Vec<User>) -> Self {
        Self::with(Manners::Patient, users)
    }

    /// The same, and most of them hang up before they are answered.
    pub(crate) fn start_hasty(users: Vec<User>) -> Self {
        Self::with(Manners::Hasty, users)
    }

    fn with(manners: Manners, users: Vec<User>) -> Self {
        let mut load = Self {
            users: Arc::new(users),
            promises: Arc::default(),
            kept: watch::Sender::new(0),
            stop: CancellationToken::new(),
            senders: JoinSet::new(),
            failures: Arc::default(),
        };
        for sender in 0..load.users.len() {
            for lane in 0..AT_ONCE {
                let (users, promises) = (Arc::clone(&load.users), Arc::clone(&load.promises));
                let (kept, stop) = (load.kept.clone(), load.stop.clone());
                let failures = Arc::clone(&load.failures);
                load.senders.spawn(async move {
                    for round in lane.. {
                        if stop.is_cancelled() {
                            return;
                        }
                        let (subject, promise) =
                            send(&users, sender, sender + round, manners, &failures).await;
                        promises.lock().unwrap().insert(subject, promise);
                        kept.send_modify(|count| *count += 1);
                    }
                });
            }
        }
        load
    }

    /// Waits until `more` further messages have been acknowledged.
    pub(crate) async fn progress(&self, more: usize) {
        let mut kept = self.kept.subscribe();
        let goal = *kept.borrow() + more;
        let reached = tokio::time::timeout(PATIENCE, kept.wait_for(|count| *count >= goal)).await;
        reached.expect("sends go on").expect("senders are at work");
    }

    /// How often a call had to be repeated, and why.
    pub(crate) fn failures(&self) -> Vec<Status> {
        self.failures.lock().unwrap().clone()
    }

    /// Lets everybody finish what they have begun, then holds every mailbox against the promises.
    pub(crate) async fn check(mut self) -> usize {
        self.stop.cancel();
        while let Some(ended) = self.senders.join_next().await {
            ended.unwrap();
        }
        let promises = std::mem::take(&mut *self.promises.lock().unwrap());
        for (at, user) in self.users.iter().enumerate() {
            let inbox = everything(user, FolderRole::Inbox).await;
            let sent = everything(user, FolderRole::Sent).await;
            check_box(&inbox, &promises, "inbox", |promise| {
                promise.recipients.contains(&at)
            });
            check_box(&sent, &promises, "sent", |promise| promise.sender == at);
            for message in &sent {
                assert_eq!(message.message_id, promises[&message.subject].message_id);
            }
            check_counts(user, &inbox, &sent).await;
        }
        promises.len()
    }
}

/// Sends one message, however often it takes.
async fn send(
    users: &[User],
    sender: usize,
    seed: usize,
    manners: Manners,
    failures: &Mutex<Vec<Status>>,
) -> (String, Promise) {
    // Everybody writes to overlapping groups, themselves among them, in changing order.
    let group: Vec<usize> = (0..=seed % 3)
        .map(|n| (seed * 7 + n * (1 + seed % 2)) % users.len())
        .collect();
    let subject = Uuid::new_v4().to_string();
    let request = SendMessageRequest {
        request_id: Uuid::new_v4().to_string(),
        to: group.iter().map(|&to| users[to].name.clone()).collect(),
        subject: subject.clone(),
        body: Some(Body {
            text: format!("{subject} {}", "x".repeat(seed * 37 % 2000)),
            html: String::new(),
        }),
        ..Default::default()
    };
    let began = Instant::now();
    for attempt in 0.. {
        let mut call = Request::new(request.clone());
        call.set_timeout(CALL);
        let mut mail = users[sender].mail();
        let answer = timeout(manners.patience(attempt), mail.send_message(call)).await;
        match answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("nobody waits for it"))) {
            Ok(answer) => {
                let message_id = answer.into_inner().message.expect("a copy").message_id;
                let recipients = group.into_iter().collect();
                return (
                    subject,
                    Promise {
                        sender,
                        recipients,
                        message_id,
                    },
                );
            }
            Err(status) => {
                assert!(is_worth_repeating(&status), "{status:?}");
                assert!(began.elapsed() < PATIENCE, "still {status:?}");
                failures.lock().unwrap().push(status);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    unreachable!("it is sent, or patience is over")
}

/// Everything in a folder, by pages.
async fn everything(user: &User, role: FolderRole) -> Vec<Message> {
    let mut all = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListMessagesRequest {
            folder_role: role.into(),
            page_size: 200,
            page_token,
            ..Default::default()
        };
        let page = user
            .mail()
            .list_messages(request)
            .await
            .unwrap()
            .into_inner();
        all.extend(page.messages);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return all;
        }
    }
}

/// A folder holds what was promised, each message once, and in order.
fn check_box(
    found: &[Message],
    promises: &BTreeMap<String, Promise>,
    what: &str,
    belongs: impl Fn(&Promise) -> bool,
) {
    let subjects: Vec<&String> = found.iter().map(|message| &message.subject).collect();
    let distinct: BTreeSet<&String> = subjects.iter().copied().collect();
    assert_eq!(
        distinct.len(),
        subjects.len(),
        "{what}: a message is there twice"
    );
    let wanted: BTreeSet<&String> = promises
        .iter()
        .filter(|(_, p)| belongs(p))
        .map(|(subject, _)| subject)
        .collect();
    let lost: Vec<_> = wanted.difference(&distinct).collect();
    assert!(lost.is_empty(), "{what}: lost {lost:?}");
    let extra: Vec<_> = distinct.difference(&wanted).collect();
    assert!(extra.is_empty(), "{what}: never promised {extra:?}");
    let time = |message: &Message| {
        let at = message.receive_time.expect("a time");
        (at.seconds, at.nanos)
    };
    assert!(
        found.is_sorted_by(|a, b| time(a) > time(b)),
        "{what}: out of order"
    );
}

async fn check_counts(user: &User, inbox: &[Message], sent: &[Message]) {
    let folders = user
        .mail()
        .list_folders(ListFoldersRequest {})
        .await
        .unwrap()
        .into_inner();
    let counted = |role: FolderRole| {
        let folder = folders.folders.iter().find(|folder| folder.role() == role);
        let folder = folder.expect("a standard folder");
        (folder.total_count, folder.unread_count)
    };
    let inbox = i32::try_from(inbox.len()).unwrap();
    assert_eq!(counted(FolderRole::Inbox), (inbox, inbox));
    assert_eq!(
        counted(FolderRole::Sent),
        (i32::try_from(sent.len()).unwrap(), 0)
    );
}
