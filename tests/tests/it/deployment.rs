//! The images in containers: two replicas of each service, one of which is stopped, killed, frozen or cut off.

mod containers {
    use std::{
        collections::BTreeSet,
        time::{Duration, Instant},
    };

    use turbomessage_proto::mail_v1::GetMailboxRequest;
    use turbomessage_tests::{
        User,
        admin::value,
        containers::available,
        deployment::{Deployment, Replica},
        eventually::{SOON, eventually},
    };

    use crate::crash::load::Load;

    /// How long it may take until calls move over, and who repeats them is answered again.
    const RECOVERY: Duration = Duration::from_secs(20);

    async fn calls_of(replica: &Replica, method: &str) -> f64 {
        let page = replica.metrics().await;
        let calls = "rpc_server_call_duration_seconds_count";
        value(&page, calls, &[method, "\"OK\""]).unwrap_or_default()
    }

    async fn people(deployment: &Deployment) -> Vec<User> {
        let mut people = Vec::new();
        for at in 0..4 {
            let edge = deployment.gateways[at % 2].edge();
            people.push(edge.register_fresh().await);
        }
        people
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn replicas_share_the_work_and_a_rollout_is_noticed_by_nobody_who_repeats() {
        if !available() {
            return;
        }
        let deployment = Box::pin(Deployment::start()).await;
        shares_are_even(&deployment).await;
        let load = Load::start(people(&deployment).await);
        let Deployment {
            auth,
            mail,
            gateways,
            ..
        } = &deployment;
        for replica in auth.iter().chain(mail).chain(gateways) {
            load.progress(30).await;
            replica.server.stop().await;
            load.progress(30).await;
            replica.server.start_again().await;
            eventually("it serves again", SOON, async || {
                replica.edge().serves("").await.then_some(())
            })
            .await;
        }
        load.progress(30).await;
        // One that came back gets its share again.
        for replica in mail {
            let before = calls_of(replica, "MailService/SendMessage").await;
            eventually("a share of the sends", SOON, async || {
                (calls_of(replica, "MailService/SendMessage").await > before + 10.0).then_some(())
            })
            .await;
        }
        load.check().await;
    }

    async fn shares_are_even(deployment: &Deployment) {
        const CALLS: u32 = 400;
        let ana = deployment.gateways[0].edge().register_fresh().await;
        eventually("the gateway knows both", SOON, async || {
            ana.mail().get_mailbox(GetMailboxRequest {}).await.unwrap();
            let [one, other] = &deployment.mail;
            let known = calls_of(one, "GetMailbox").await > 0.0
                && calls_of(other, "GetMailbox").await > 0.0;
            known.then_some(())
        })
        .await;
        let mut before = Vec::new();
        for replica in &deployment.mail {
            before.push(calls_of(replica, "GetMailbox").await);
        }
        for _ in 0..CALLS {
            ana.mail().get_mailbox(GetMailboxRequest {}).await.unwrap();
        }
        for (replica, before) in deployment.mail.iter().zip(before) {
            let share = (calls_of(replica, "GetMailbox").await - before) / f64::from(CALLS);
            assert!((0.4..=0.6).contains(&share), "a share of {share}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_that_is_killed_frozen_or_cut_off_is_left_and_nothing_is_lost() {
        if !available() {
            return;
        }
        let deployment = Box::pin(Deployment::start()).await;
        let load = Load::start(people(&deployment).await);
        let mut seen = BTreeSet::new();
        for (service, [replica, _]) in [("mail", &deployment.mail), ("auth", &deployment.auth)] {
            let name = if service == "mail" {
                "mail-service"
            } else {
                "auth-service"
            };
            for fault in ["killed", "frozen", "cut off"] {
                load.progress(30).await;
                match fault {
                    "killed" => replica.server.kill().await,
                    "frozen" => replica.server.pause().await,
                    _ => deployment.network.leave(&replica.server).await,
                }
                let begun = Instant::now();
                load.progress(100).await;
                assert!(
                    begun.elapsed() < RECOVERY,
                    "{service} {fault}: {:?}",
                    begun.elapsed()
                );
                match fault {
                    "killed" => replica.server.start_again().await,
                    "frozen" => replica.server.resume().await,
                    _ => deployment.network.join(&replica.server, name).await,
                }
                seen.insert((service, fault));
            }
        }
        assert_eq!(seen.len(), 6);
        // Nothing can be promised without them; everything goes on with them.
        for server in [&deployment.redis.0, &deployment.postgres.0] {
            for fault in ["killed", "frozen"] {
                load.progress(30).await;
                let failures = load.failures().len();
                if fault == "killed" {
                    server.kill().await;
                } else {
                    server.pause().await;
                }
                eventually("calls fail", SOON, async || {
                    (load.failures().len() > failures).then_some(())
                })
                .await;
                if fault == "killed" {
                    server.start_again().await;
                } else {
                    server.resume().await;
                }
                let begun = Instant::now();
                load.progress(100).await;
                assert!(begun.elapsed() < RECOVERY, "{fault}: {:?}", begun.elapsed());
            }
        }
        load.progress(30).await;
        load.check().await;
    }
}
