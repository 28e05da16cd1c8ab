//! The stores' own suites, on the real servers.

mod containers {
    use std::sync::Arc;

    use tokio::runtime::Runtime;
    use turbomessage_auth_service::conformance as accounts;
    use turbomessage_mail_service::store::{PostgresStore, SharedStore, conformance as mailboxes};
    use turbomessage_tests::containers::{Postgres, Redis, available};

    async fn mail_store(postgres: &Postgres) -> PostgresStore {
        let url = postgres.create_database("mail_suite").await;
        PostgresStore::open(&url).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn mailboxes_on_postgres_pass_every_case() {
        if available() {
            let postgres = Postgres::start().await;
            let store = mail_store(&postgres).await;
            mailboxes::statements::prepare_on_postgres(&store).await;
            mailboxes::statements::use_indexes_on_postgres(&store).await;
            mailboxes::run_all(Arc::new(store)).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn writers_on_postgres_do_not_wait_without_need() {
        if available() {
            let postgres = Postgres::start().await;
            mailboxes::beside::check(&mail_store(&postgres).await).await;
        }
    }

    #[test]
    fn random_operations_on_postgres_do_what_the_model_says() {
        if available() {
            let runtime = Runtime::new().unwrap();
            // The container is removed by the runtime that started it.
            let _entered = runtime.enter();
            let (_postgres, store) = runtime.block_on(async {
                let postgres = Postgres::start().await;
                let store = mail_store(&postgres).await;
                (postgres, Arc::new(store) as SharedStore)
            });
            mailboxes::random::check(runtime.handle(), &store);
        }
    }

    #[test]
    fn random_queries_on_postgres_find_what_the_model_says() {
        if available() {
            let runtime = Runtime::new().unwrap();
            // The container is removed by the runtime that started it.
            let _entered = runtime.enter();
            let (_postgres, store) = runtime.block_on(async {
                let postgres = Postgres::start().await;
                let store = mail_store(&postgres).await;
                (postgres, Arc::new(store) as SharedStore)
            });
            mailboxes::search::check(runtime.handle(), &[store]);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn accounts_on_postgres_pass_every_case() {
        if available() {
            let postgres = Postgres::start().await;
            accounts::account_store(&postgres.create_database("account_suite").await).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn sessions_on_redis_pass_every_case() {
        if available() {
            let redis = Redis::start().await;
            accounts::session_store(&redis.url()).await;
            accounts::redis_without_room(&redis.url()).await;
        }
    }
}
