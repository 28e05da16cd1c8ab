//! A Redis that is full, gone or frozen: nobody gets in who was not in before, and nobody hears that their session is
//! over.

mod containers {
    use std::time::Duration;

    use futures::future::join_all;
    use tokio::time::timeout;
    use tonic::{Code, Status};
    use turbomessage_proto::{
        auth_v1::{ListSessionsRequest, LogoutRequest, auth_service_server::SERVICE_NAME as AUTH},
        mail_v1::{FolderRole, watch_mailbox_response::Event},
    };
    use turbomessage_tests::{
        Services, User,
        client::{fresh_name, fresh_password},
        containers::{self as engine, Redis},
        errors::{reason, refused},
        eventually::{SOON, eventually},
    };

    /// Fails unless the call was refused because sessions cannot be looked at or opened now.
    #[track_caller]
    fn is_unavailable<T: std::fmt::Debug>(result: Result<T, Status>) {
        let status = result.expect_err("not without Redis");
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        let reasons = ["STORE_UNAVAILABLE", "UPSTREAM_UNAVAILABLE"];
        assert!(reasons.contains(&&*reason(&status)), "{status:?}");
    }

    /// Somebody whose session has ended.
    async fn logged_out(user: &User, services: &Services) -> User {
        let ended = user.log_in_again(services, None).await;
        ended.auth().logout(LogoutRequest {}).await.unwrap();
        ended
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_redis_that_is_full_gone_or_frozen_opens_no_session_and_ends_none() {
        if !engine::available() {
            return;
        }
        let services = Services::on_servers().start().await;
        let redis = &services.servers.as_ref().unwrap().redis;
        let ana = services.register_fresh().await;
        full(&services, redis, &ana).await;
        for fault in ["gone", "frozen"] {
            away(&services, redis, &ana, fault).await;
        }
    }

    async fn full(services: &Services, redis: &Redis, ana: &User) {
        let leaves = ana.log_in_again(services, None).await;
        let (name, password) = (fresh_name(), fresh_password());
        redis.limit_memory(1).await;
        is_unavailable(ana.client.log_in(&ana.name, &ana.password).await);
        is_unavailable(ana.client.register(&name, &password).await);

        ana.send(&[ana], "kept", "").await.unwrap();
        let sessions = ana.auth().list_sessions(ListSessionsRequest {}).await;
        assert_eq!(sessions.unwrap().into_inner().sessions.len(), 2);
        leaves.auth().logout(LogoutRequest {}).await.unwrap();
        let left = leaves.list(FolderRole::Inbox).await;
        refused(left, Code::Unauthenticated, "SESSION_INVALID");

        redis.limit_memory(0).await;
        ana.log_in_again(services, None).await;
        ana.client
            .register(&name, &password)
            .await
            .expect("the name stayed free");
    }

    async fn away(services: &Services, redis: &Redis, ana: &User, fault: &str) {
        let ended = logged_out(ana, services).await;
        let mut stream = ana.watch("").await.unwrap();
        stream.message().await.unwrap().unwrap();
        if fault == "gone" {
            redis.0.kill().await;
        } else {
            redis.0.pause().await;
        }
        // The last answer about a session may be used for half a second.
        let list = async |user: &User| user.list(FolderRole::Inbox).await;
        let first = eventually("calls are refused", SOON, async || list(ana).await.err()).await;
        is_unavailable(Err::<(), _>(first));
        for _ in 0..2 {
            let (known, unknown) = tokio::join!(
                join_all((0..20).map(|_| list(ana))),
                join_all((0..20).map(|_| list(&ended)))
            );
            known.into_iter().chain(unknown).for_each(is_unavailable);
            is_unavailable(ana.client.log_in(&ana.name, &ana.password).await);
        }
        let gateway = services.gateway.edge();
        let auth = services.auth.edge();
        eventually("health says so", SOON, async || {
            (!auth.serves(AUTH).await && !gateway.serves(AUTH).await).then_some(())
        })
        .await;
        assert!(
            auth.serves("").await && gateway.serves("").await,
            "pods stay"
        );

        if fault == "gone" {
            redis.0.start_again().await;
        } else {
            redis.0.resume().await;
        }
        eventually("sessions are as they were", SOON, async || {
            list(ana).await.ok()
        })
        .await;
        refused(list(&ended).await, Code::Unauthenticated, "SESSION_INVALID");
        ana.log_in_again(services, None).await;
        ana.send(&[ana], "on", "").await.unwrap();
        // Nobody ended the stream.
        let told = async {
            while !matches!(
                stream.message().await.unwrap().unwrap().event,
                Some(Event::Change(_))
            ) {}
        };
        timeout(Duration::from_secs(10), told)
            .await
            .expect("a change is told");
    }
}
