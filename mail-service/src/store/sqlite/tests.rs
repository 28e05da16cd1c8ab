//! Databases that an older version left behind.

use super::*;
use crate::{
    domain::Fingerprint,
    store::{Kept, rows::pack},
};

/// What was answered to the `n`th request of `owner`: to make a folder.
fn kept(owner: Uuid, n: i64) -> KeptAnswer {
    KeptAnswer {
        request: (owner, Uuid::new_v4()),
        fingerprint: Fingerprint(rand::random()),
        answer: Kept::Folder(Folder {
            owner_id: owner,
            folder_id: Uuid::new_v4(),
            role: None,
            name: format!("folder {n}"),
            total_count: n,
            unread_count: 0,
            change: n,
            create_change: n,
        }),
    }
}

#[tokio::test]
async fn answers_are_given_again_after_an_upgrade() {
    /// The last version of the schema in which answers stood in the order of their ids.
    const BEFORE: i64 = 4;

    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("mail.db").display());
    let options = SqliteConnectOptions::from_str(&url).unwrap();
    let options = options.create_if_missing(true);
    let mut old = options.connect().await.unwrap();
    let migrations = sqlx::migrate!("migrations/sqlite");
    migrations.run_to(BEFORE, &mut old).await.unwrap();
    let [one, other] = [Uuid::new_v4(), Uuid::new_v4()];
    let answers: Vec<KeptAnswer> = (0..500)
        .flat_map(|n| [kept(one, n), kept(other, n)])
        .collect();
    for (time, answer) in (0_i64..).zip(&answers) {
        sqlx::query(sql::INSERT_ANSWER)
            .bind(answer.request.0)
            .bind(answer.request.1)
            .bind(&answer.fingerprint.0[..])
            .bind(pack(&answer.answer))
            .bind(time)
            .execute(&mut old)
            .await
            .unwrap();
    }
    old.close().await.unwrap();

    let store = SqliteStore::open(&url).await.unwrap();
    let requests: Vec<Key> = answers.iter().map(|answer| answer.request).collect();
    let mut transaction = store.begin().await.unwrap();
    let found = transaction.kept_answers(&requests).await.unwrap();
    assert!(found == answers, "{} of {}", found.len(), answers.len());
    // The oldest go first, as those do that the new version kept.
    let half = Timestamp::from_micros(500);
    transaction
        .forget_answers(&[one, other], half)
        .await
        .unwrap();
    let left = transaction.kept_answers(&requests).await.unwrap();
    assert!(left == answers[500..], "{} are left", left.len());
    transaction.rollback().await;
}
