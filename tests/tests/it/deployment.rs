//! The images in containers: two replicas of each service, one of which is stopped, killed, frozen, cut off or
//! swallowed, or gets company; and the servers that all of them need.

mod containers {
    use std::time::{Duration, Instant};

    use futures::future::join_all;
    use tokio::{task::LocalSet, time::timeout};
    use tonic::Status;
    use turbomessage_proto::{auth_v1::GetAccountRequest, mail_v1::GetMailboxRequest};
    use turbomessage_tests::{
        Part, User,
        admin::value,
        containers::{Server, available},
        deployment::{self, Deployment, Replica},
        eventually::{SOON, eventually},
    };

    use crate::{crash::load::Load, history::Scene};

    /// How long it may take until who repeats calls is answered again, once what is needed is there.
    const RECOVERY: Duration = Duration::from_secs(20);
    /// How long it may take until calls are made to other replicas, whatever has become of one.
    const MOVED: Duration = Duration::from_secs(15);
    /// How long it may take until a new replica has its share.
    const SHARED: Duration = Duration::from_secs(30);

    /// What happens to a container.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Fault {
        Killed,
        Frozen,
        CutOff,
        /// Packets to and from it vanish.
        Swallowed,
    }

    impl Fault {
        async fn begin(self, deployment: &Deployment, server: &Server) {
            match self {
                Self::Killed => server.kill().await,
                Self::Frozen => server.pause().await,
                Self::CutOff => deployment.network.leave(server).await,
                Self::Swallowed => server.black_hole().await,
            }
        }

        async fn end(self, deployment: &Deployment, server: &Server, name: &str) {
            match self {
                Self::Killed => server.start_again().await,
                Self::Frozen => server.resume().await,
                Self::CutOff => deployment.network.join(server, name).await,
                Self::Swallowed => server.reachable().await,
            }
        }
    }

    /// Everybody at work, by whose mailboxes it will be seen whether anything was lost, doubled or out of order.
    struct Work {
        load: Load,
        scene: Scene,
    }

    impl Work {
        async fn start(deployment: &Deployment) -> Self {
            let edges = deployment.gateways.each_ref().map(Replica::edge);
            let mut people = Vec::new();
            for at in 0..4 {
                people.push(edges[at % 2].register_fresh().await);
            }
            let scene = Scene::start(&edges).await;
            let load = Load::start(people);
            Self { load, scene }
        }

        async fn progress(&self, sends: usize) {
            tokio::join!(self.load.progress(sends), self.scene.progress(sends / 5));
        }

        async fn check(self) {
            self.load.check().await;
            self.scene.check().await;
        }
    }

    async fn calls_of(replica: &Replica, method: &str) -> f64 {
        let page = replica.metrics().await;
        let calls = "rpc_server_call_duration_seconds_count";
        value(&page, calls, &[method, "\"OK\""]).unwrap_or_default()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn replicas_share_the_work_and_a_rollout_is_noticed_by_nobody_who_repeats() {
        if !available() {
            return;
        }
        let deployment = Box::pin(Deployment::start()).await;
        let users = users(&deployment).await;
        shares_become_even(&users, Part::Mail, &deployment.mail.each_ref()).await;
        let more = [Part::Mail, Part::Auth].map(|part| deployment.another(part));
        let [mail, auth] = <[Replica; 2]>::try_from(join_all(more).await).unwrap();
        let [one, other] = &deployment.mail;
        shares_become_even(&users, Part::Mail, &[one, other, &mail]).await;
        let [one, other] = &deployment.auth;
        shares_become_even(&users, Part::Auth, &[one, other, &auth]).await;
        let rolled_out = rolled_out(&deployment, [&mail, &auth]);
        Box::pin(LocalSet::new().run_until(rolled_out)).await;
    }

    async fn users(deployment: &Deployment) -> [User; 2] {
        let [one, other] = deployment.gateways.each_ref().map(Replica::edge);
        [one.register_fresh().await, other.register_fresh().await]
    }

    /// `more` are replicas beside the two of each.
    async fn rolled_out(deployment: &Deployment, more: [&Replica; 2]) {
        let Deployment {
            auth,
            mail,
            gateways,
            ..
        } = deployment;
        let mut work = Work::start(deployment).await;
        work.progress(30).await;
        // They go without a word, amid their work.
        for replica in more {
            replica.server.kill().await;
        }
        for replica in auth.iter().chain(mail).chain(gateways) {
            work.progress(30).await;
            replica.server.stop().await;
            work.progress(30).await;
            replica.server.start_again().await;
            eventually("it serves again", SOON, async || {
                replica.edge().serves("").await.then_some(())
            })
            .await;
        }
        work.scene.join(&gateways[0].edge()).await;
        work.progress(30).await;
        // One that came back gets its share again.
        for replica in mail {
            let before = calls_of(replica, "MailService/SendMessage").await;
            eventually("a share of the sends", SOON, async || {
                (calls_of(replica, "MailService/SendMessage").await > before + 10.0).then_some(())
            })
            .await;
        }
        work.check().await;
    }

    /// Waits until each of the `replicas` has the same share of the calls to `part`, but for a fifth.
    async fn shares_become_even(users: &[User; 2], part: Part, replicas: &[&Replica]) {
        let method = if part == Part::Mail {
            "GetMailbox"
        } else {
            "GetAccount"
        };
        let counts = async || join_all(replicas.iter().map(|one| calls_of(one, method))).await;
        let even = 1.0 / f64::from(u32::try_from(replicas.len()).unwrap());
        eventually("an even share for each", SHARED, async || {
            let before = counts().await;
            let calls = 400 * replicas.len();
            let lanes = users.iter().cycle().take(8);
            let lane = async |user: &User| {
                for _ in 0..calls / 8 {
                    call(user, part).await.unwrap();
                }
            };
            join_all(lanes.map(lane)).await;
            let after = counts().await;
            let of: f64 = after.iter().sum::<f64>() - before.iter().sum::<f64>();
            let mut shares = after.iter().zip(&before).map(|(a, b)| (a - b) / of);
            let is_even = |share: f64| (share / even - 1.0).abs() <= 0.2;
            eprintln!("{method}: {:?}", shares.clone().collect::<Vec<_>>());
            shares.all(is_even).then_some(())
        })
        .await;
    }

    async fn call(user: &User, part: Part) -> Result<(), Status> {
        if part == Part::Mail {
            let mut mail = user.mail();
            mail.get_mailbox(GetMailboxRequest {}).await.map(drop)
        } else {
            let mut auth = user.auth();
            auth.get_account(GetAccountRequest {}).await.map(drop)
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn whatever_becomes_of_one_replica_or_server_nothing_is_lost_doubled_or_out_of_order() {
        if !available() {
            return;
        }
        let deployment = Box::pin(Deployment::start()).await;
        Box::pin(LocalSet::new().run_until(endured(&deployment))).await;
    }

    async fn endured(deployment: &Deployment) {
        let Deployment {
            gateways,
            mail,
            auth,
            redis,
            postgres,
            ..
        } = deployment;
        let users = users(deployment).await;
        let mut work = Work::start(deployment).await;
        for (part, [replica, _]) in [(Part::Mail, mail), (Part::Auth, auth)] {
            let (server, name) = (&replica.server, deployment::name(part));
            for fault in [
                Fault::Killed,
                Fault::Frozen,
                Fault::CutOff,
                Fault::Swallowed,
            ] {
                work.progress(30).await;
                fault.begin(deployment, server).await;
                let begun = Instant::now();
                let (moved, ()) = tokio::join!(calls_move_over(&users, part), work.progress(60));
                let gone_on = begun.elapsed();
                eprintln!("{name} {fault:?}: {moved:?}, sends {gone_on:?}");
                assert!(moved < MOVED, "{name} {fault:?}: {moved:?}");
                assert!(gone_on < RECOVERY, "{name} {fault:?}: {gone_on:?}");
                fault.end(deployment, server, name).await;
            }
        }
        work.scene.join(&gateways[1].edge()).await;
        // Nothing can be promised without them; everything goes on with them.
        for (server, name) in [(&redis.0, "redis"), (&postgres.0, "postgres")] {
            for fault in [Fault::Killed, Fault::Frozen, Fault::CutOff] {
                work.progress(30).await;
                let failures = work.load.failures().len();
                fault.begin(deployment, server).await;
                eventually("calls fail", SOON, async || {
                    (work.load.failures().len() > failures).then_some(())
                })
                .await;
                fault.end(deployment, server, name).await;
                let begun = Instant::now();
                work.progress(60).await;
                let recovered = begun.elapsed();
                eprintln!("{name} {fault:?}: {recovered:?}");
                assert!(recovered < RECOVERY, "{name} {fault:?}: {recovered:?}");
            }
        }
        // A gateway is the clients' way in: they come back with it.
        work.progress(30).await;
        gateways[0].server.kill().await;
        gateways[0].server.start_again().await;
        work.progress(60).await;
        work.check().await;
    }

    /// Waits until calls through both gateways have been answered for a while without a pause; answers how long it took
    /// until then.
    async fn calls_move_over(users: &[User; 2], part: Part) -> Duration {
        const WHILE: Duration = Duration::from_millis(1500);
        let begun = Instant::now();
        let mut moved = begun;
        while moved.elapsed() < WHILE {
            for user in users {
                let answer = timeout(Duration::from_secs(1), call(user, part)).await;
                if !answer.is_ok_and(|answer| answer.is_ok()) {
                    moved = Instant::now();
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        moved.duration_since(begun)
    }
}
