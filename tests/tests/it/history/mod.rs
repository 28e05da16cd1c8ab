//! Whoever keeps a mailbox by its changes alone has the mailbox as it is: nothing is missing, comes
//! twice or out of order, whatever dies meanwhile and wherever they go on.

mod replica;
mod watchers;
mod writers;

use std::{env, sync::Arc, time::Duration};

use rand::{SeedableRng as _, rngs::StdRng};
use rustix::process::Signal;
use tokio::{
    sync::watch,
    task::{JoinSet, LocalSet},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use turbomessage_tests::{
    Dev, Edge, Process, Services, User, containers as engine, errors, stack::Servers,
};

use self::{
    replica::Replica,
    watchers::{PAUSE, Pager, Tail},
    writers::{Known, Writer},
};

/// Mailboxes.
const PEOPLE: usize = 2;
/// Who writes to each of them at once.
const WRITERS: usize = 2;
/// How long anything may take through all faults.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long a call may take before it counts as lost.
const CALL: Duration = Duration::from_secs(5);

/// Repeats a call for as long as a client would.
pub(crate) async fn insist<T>(
    mut call: impl AsyncFnMut() -> Result<T, Status>,
) -> Result<T, Status> {
    let began = Instant::now();
    loop {
        let late = |_| Err(Status::deadline_exceeded("no answer"));
        let status = match timeout(CALL, call()).await.unwrap_or_else(late) {
            Err(status) if errors::is_worth_repeating(&status) => status,
            answer => return answer,
        };
        assert!(began.elapsed() < PATIENCE, "still {status:?}");
        sleep(PAUSE).await;
    }
}

/// Mailboxes, and everybody who writes to and watches them: within a `LocalSet`, where what waits between calls
/// need not be sent to another thread.
pub(crate) struct Scene {
    people: Arc<Vec<User>>,
    known: Arc<Vec<Known>>,
    kept: watch::Sender<usize>,
    writers: JoinSet<()>,
    watchers: JoinSet<(usize, Vec<Replica>)>,
    /// Ends writing, and then watching.
    stop: [CancellationToken; 2],
    seed: u64,
}

impl Scene {
    /// Everybody at work, spread over `edges`. What is drawn by lot follows from `TM_TEST_SEED`.
    pub(crate) async fn start(edges: &[Edge]) -> Self {
        let seed = env::var("TM_TEST_SEED").map_or(1, |seed| seed.parse().unwrap());
        eprintln!("TM_TEST_SEED={seed}");
        let mut people = Vec::new();
        for _ in 0..PEOPLE {
            people.push(edges[0].register_fresh().await);
        }
        let mut scene = Self {
            people: Arc::new(people),
            known: Arc::new((0..PEOPLE).map(|_| Known::default()).collect()),
            kept: watch::Sender::new(0),
            writers: JoinSet::new(),
            watchers: JoinSet::new(),
            stop: Default::default(),
            seed,
        };
        for whose in 0..PEOPLE {
            let empty = Replica::of_new(&scene.people[whose]).await;
            for edge in edges {
                scene.tail(whose, edge, empty.clone()).await;
            }
            scene.pager(whose, &edges[whose % edges.len()], empty).await;
        }
        for n in 0..PEOPLE * WRITERS {
            scene.writer(n % PEOPLE, &edges[n % edges.len()]).await;
        }
        scene
    }

    /// The next lot to draw from.
    fn rng(&mut self) -> StdRng {
        self.seed += 1;
        StdRng::seed_from_u64(self.seed)
    }

    async fn writer(&mut self, whose: usize, edge: &Edge) {
        let user = self.people[whose].at(edge).await;
        let (people, known) = (Arc::clone(&self.people), Arc::clone(&self.known));
        let (kept, stop, rng) = (self.kept.clone(), self.stop[0].clone(), self.rng());
        self.writers.spawn_local(async move {
            let writer = Writer {
                user,
                everybody: &people,
                known: &known[whose],
                rng,
            };
            writer.work(kept, stop).await;
        });
    }

    async fn tail(&mut self, whose: usize, edge: &Edge, replica: Replica) {
        let tail = Tail {
            user: self.people[whose].at(edge).await,
            replica,
            rng: self.rng(),
        };
        let stop = self.stop[1].clone();
        self.watchers
            .spawn_local(async move { (whose, tail.follow(stop).await) });
    }

    async fn pager(&mut self, whose: usize, edge: &Edge, replica: Replica) {
        let pager = Pager {
            user: self.people[whose].at(edge).await,
            points: vec![replica],
            rng: self.rng(),
        };
        let (kept, stop) = (self.kept.subscribe(), self.stop[1].clone());
        self.watchers
            .spawn_local(async move { (whose, pager.follow(kept, stop).await) });
    }

    /// Somebody more who watches each mailbox, and begins with what is there now.
    pub(crate) async fn join(&mut self, edge: &Edge) {
        for whose in 0..PEOPLE {
            let user = self.people[whose].at(edge).await;
            let listed = insist(async || Replica::listed(&user, false).await).await;
            self.tail(whose, edge, listed.unwrap()).await;
        }
    }

    /// Waits until `more` further calls have been acknowledged.
    pub(crate) async fn progress(&self, more: usize) {
        let mut kept = self.kept.subscribe();
        let goal = *kept.borrow() + more;
        let reached = timeout(PATIENCE, kept.wait_for(|count| *count >= goal)).await;
        reached.expect("work goes on").expect("there are writers");
    }

    /// Lets everybody finish, and holds what the watchers have against the mailboxes.
    pub(crate) async fn check(mut self) {
        self.stop[0].cancel();
        while let Some(ended) = self.writers.join_next().await {
            ended.unwrap();
        }
        self.stop[1].cancel();
        let mut mailboxes = Vec::new();
        for (user, known) in self.people.iter().zip(&*self.known) {
            let listed = insist(async || Replica::listed(user, true).await).await;
            let listed = listed.unwrap();
            keeps_what_was_acknowledged(&listed, known);
            mailboxes.push(listed);
        }
        let mut streamed: Vec<Option<Replica>> = vec![None; PEOPLE];
        while let Some(ended) = timeout(PATIENCE, self.watchers.join_next()).await.unwrap() {
            let (whose, replicas) = ended.unwrap();
            for replica in replicas {
                replica.assert_is(&mailboxes[whose], &format!("a watcher of {whose}"));
                let other = streamed[whose].get_or_insert_with(|| replica.clone());
                replica.assert_agrees(other);
            }
        }
        let changes: Vec<i64> = mailboxes.iter().map(Replica::at).collect();
        let calls = *self.kept.borrow();
        eprintln!("{calls} calls, changes {changes:?}");
    }
}

fn keeps_what_was_acknowledged(listed: &Replica, known: &Known) {
    let there = |id: &String| listed.messages.live.contains_key(id);
    let doomed = known.doomed.lock().unwrap();
    for id in known.acknowledged.lock().unwrap().difference(&doomed) {
        assert!(there(id), "lost: {id}");
    }
    for id in &*known.deleted.lock().unwrap() {
        assert!(!there(id), "deleted, and there: {id}");
    }
}

async fn in_one_process(edge: &Edge) {
    let mut scene = Scene::start(&[*edge]).await;
    scene.progress(150).await;
    scene.join(edge).await;
    scene.progress(150).await;
    scene.check().await;
}

async fn whatever_dies_on_sqlite(services: &mut Services) {
    let edge = **services;
    let mut scene = Scene::start(&[edge]).await;
    for round in 0..4 {
        scene.progress(15 + round * 5).await;
        services.mail.kill().await;
        services.mail.restart().await;
    }
    scene.join(&edge).await;
    for process in [&mut services.mail, &mut services.gateway] {
        scene.progress(20).await;
        ends_in_good_order(process).await;
    }
    scene.progress(20).await;
    scene.check().await;
}

/// Two replicas on one database that wake each other, each behind its own gateway.
async fn whatever_dies_on_postgres(services: &mut Services) {
    let mut mail = services.another_mail_service().await;
    let gateway = services.another_gateway(&mail).await;
    let edges = [**services, gateway.edge()];
    let mut scene = Scene::start(&edges).await;
    for round in 0..2 {
        scene.progress(15 + round * 7).await;
        services.mail.kill().await;
        services.mail.restart().await;
    }
    scene.join(&edges[1]).await;
    scene.progress(20).await;
    ends_in_good_order(&mut mail).await;
    scene.progress(20).await;
    let Servers { redis, postgres } = services.servers.as_ref().unwrap();
    redis.0.pause().await;
    redis.0.resume().await;
    scene.progress(20).await;
    postgres.0.kill().await;
    postgres.0.start_again().await;
    scene.progress(20).await;
    scene.check().await;
}

async fn ends_in_good_order(process: &mut Process) {
    process.signal(Signal::TERM);
    let status = process.ended().await;
    assert!(status.success(), "{status}:\n{}", process.log());
    process.restart().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_alone_make_the_mailbox_in_one_process() {
    let dev = Dev::start().await;
    LocalSet::new().run_until(in_one_process(&dev)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_alone_make_the_mailbox_whatever_dies_on_sqlite() {
    let mut services = Services::on_files().start().await;
    let scene = whatever_dies_on_sqlite(&mut services);
    LocalSet::new().run_until(scene).await;
}

mod containers {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn changes_alone_make_the_mailbox_whatever_dies_on_postgres() {
        if !engine::available() {
            return;
        }
        let mut services = Services::on_servers().start().await;
        let scene = whatever_dies_on_postgres(&mut services);
        LocalSet::new().run_until(scene).await;
    }
}
