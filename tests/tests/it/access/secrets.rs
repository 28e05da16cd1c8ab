//! What must not be in the logs, however much is logged.

use tonic::Code;
use turbomessage_proto::{
    auth_v1::{ChangePasswordRequest, DeleteAccountRequest, LogoutRequest},
    mail_v1::{Body, ListFoldersRequest, SendMessageRequest},
};
use turbomessage_tests::{
    Services, User,
    client::{fresh_name, fresh_password, letter},
    containers,
    errors::refused,
    stack::Settings,
};
use uuid::Uuid;

/// Text that occurs nowhere else.
fn unique(what: &str) -> String {
    format!("{what}-{}", Uuid::new_v4().simple())
}

/// Calls that succeed and calls that fail; answers with what is nobody's business.
async fn use_everything(services: &Services) -> Vec<String> {
    let (ana, ben) = (
        services.register_fresh().await,
        services.register_fresh().await,
    );
    let again = ana.log_in_again(services, None).await;
    let (subject, text, html) = (unique("subject"), unique("text"), unique("html"));
    let request = SendMessageRequest {
        request_id: Uuid::new_v4().to_string(),
        body: Some(Body {
            text: text.clone(),
            html: html.clone(),
        }),
        ..letter(&[&ben], &subject, "")
    };
    ana.send_request(request.clone()).await.unwrap();
    ben.get(&ben.inbox().await[0].message_id).await.unwrap();
    let mut secrets = vec![subject, text, html];
    secrets.extend(fail(services, &ana, request).await);

    let new_password = fresh_password();
    let change = ChangePasswordRequest {
        current_password: ana.password.clone(),
        new_password: new_password.clone(),
    };
    ana.auth().change_password(change).await.unwrap();
    ben.auth().logout(LogoutRequest {}).await.unwrap();
    refused(
        ben.get(&Uuid::nil().to_string()).await,
        Code::Unauthenticated,
        "SESSION_INVALID",
    );
    let delete = DeleteAccountRequest {
        password: new_password.clone(),
    };
    ana.auth().delete_account(delete).await.unwrap();
    secrets.extend([ana.password, ben.password, new_password]);
    // A token's random part alone would open the session too.
    secrets.extend([ana.token, ben.token, again.token].map(|token| token[3..].to_owned()));
    secrets
}

async fn fail(services: &Services, ana: &User, sent: SendMessageRequest) -> Vec<String> {
    let (guess, subject) = (unique("guess"), unique("refused"));
    ana.client.log_in(&ana.name, &guess).await.unwrap_err();
    ana.client.log_in(&fresh_name(), &guess).await.unwrap_err();
    ana.client.register(&ana.name, &guess).await.unwrap_err();
    let stranger = services.client().await.with_token(&guess);
    stranger.auth().logout(LogoutRequest {}).await.unwrap_err();
    stranger
        .mail()
        .list_folders(ListFoldersRequest {})
        .await
        .unwrap_err();
    let changed = SendMessageRequest {
        subject: subject.clone(),
        ..sent.clone()
    };
    ana.send_request(changed.clone()).await.unwrap_err();
    let to_nobody = SendMessageRequest {
        to: vec!["nobody-at-all".into()],
        request_id: String::new(),
        ..changed
    };
    ana.send_request(to_nobody).await.unwrap_err();
    let line_break = format!("{subject}\r\n{guess}");
    ana.send(&[ana], &line_break, &guess).await.unwrap_err();
    vec![guess, subject]
}

async fn nothing_secret_is_logged(settings: Settings) {
    // As much as there is, of every library too.
    let services = settings.env_all("TM_LOG", "debug").start().await;
    let secrets = use_everything(&services).await;
    let logs = services.logs();
    assert!(logs.len() > 10_000, "there is little to look at:\n{logs}");
    for secret in secrets {
        let line = logs.lines().find(|line| line.contains(&secret));
        assert!(line.is_none(), "{secret} is in the log: {line:?}");
    }
    for line in logs.lines() {
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(line);
        assert!(parsed.is_ok(), "a log line is one line of JSON: {line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_the_logs() {
    nothing_secret_is_logged(Services::on_files()).await;
}

mod on_servers {
    mod containers {
        use crate::access::secrets::{Services, containers, nothing_secret_is_logged};

        #[tokio::test(flavor = "multi_thread")]
        async fn no_secret_is_in_the_logs_on_redis_and_postgres() {
            if containers::available() {
                nothing_secret_is_logged(Services::on_servers()).await;
            }
        }
    }
}
