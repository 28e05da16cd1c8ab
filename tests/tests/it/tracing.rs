//! One call is one trace through all three services.

use tonic::Request;
use turbomessage_proto::mail_v1::GetMailboxRequest;
use turbomessage_tests::{
    Process, Services,
    eventually::{SOON, eventually},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_trace_goes_through_all_services() {
    let services = Services::on_files()
        .env_all("TM_LOG", "turbomessage=debug")
        .start()
        .await;
    let user = services.register_fresh().await;
    let trace_id = uuid::Uuid::new_v4().simple().to_string();
    let mut call = Request::new(GetMailboxRequest {});
    let parent = format!("00-{trace_id}-00f067aa0ba902b7-01");
    call.metadata_mut()
        .insert("traceparent", parent.parse().unwrap());
    call.metadata_mut()
        .insert("x-request-id", "the-clients-own-id".parse().unwrap());
    user.mail().get_mailbox(call).await.unwrap();
    // auth-service is asked whose session it is, within the same trace.
    for part in [&services.gateway, &services.auth, &services.mail] {
        eventually("the trace is in the log", SOON, async || {
            let is_there = |line: &str| line.contains(&trace_id) && line.contains("answered");
            part.log().lines().any(is_there).then_some(())
        })
        .await;
    }
    let has_id = |part: &Process| part.log().contains("the-clients-own-id");
    assert!(has_id(&services.gateway) && has_id(&services.mail));
}
