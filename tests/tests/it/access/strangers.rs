//! Other people's things answer exactly as things that never existed.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message as _;
use tonic_types::pb;
use turbomessage_proto::mail_v1::{
    BatchGetMessagesRequest, DeleteMessagesRequest, FolderRole, GetMessageRequest,
    ListFoldersRequest, ListMessagesRequest, ModifyMessagesRequest, SendMessageRequest,
};
use turbomessage_tests::{
    Dev, User,
    client::letter,
    raw::{self, Answer, Connection},
};
use uuid::Uuid;

/// Every call that names something by its id.
fn calls(message_id: &str, folder_id: &str, own: &User) -> Vec<(&'static str, Vec<u8>)> {
    let message_ids = vec![message_id.to_owned()];
    let get = GetMessageRequest {
        message_id: message_id.into(),
        view: 0,
    };
    let batch = BatchGetMessagesRequest {
        message_ids: message_ids.clone(),
        view: 0,
    };
    let star = ModifyMessagesRequest {
        message_ids: message_ids.clone(),
        set_starred: Some(true),
        ..Default::default()
    };
    let with_etag = ModifyMessagesRequest {
        etag: Some("1".into()),
        ..star.clone()
    };
    let to_trash = ModifyMessagesRequest {
        move_to_folder_role: FolderRole::Trash.into(),
        ..star.clone()
    };
    let delete = DeleteMessagesRequest { message_ids };
    let reply = SendMessageRequest {
        in_reply_to: message_id.into(),
        ..letter(&[own], "Re:", "")
    };
    let list = ListMessagesRequest {
        folder_id: folder_id.into(),
        ..Default::default()
    };
    vec![
        ("GetMessage", get.encode_to_vec()),
        ("BatchGetMessages", batch.encode_to_vec()),
        ("ModifyMessages", star.encode_to_vec()),
        ("ModifyMessages", with_etag.encode_to_vec()),
        ("ModifyMessages", to_trash.encode_to_vec()),
        ("DeleteMessages", delete.encode_to_vec()),
        ("SendMessage", reply.encode_to_vec()),
        ("ListMessages", list.encode_to_vec()),
    ]
}

/// All that came back, with the ids taken out. The entries of a map in protobuf have no order.
fn shown(answer: &Answer, ids: [&str; 2]) -> Vec<String> {
    let details = Bytes::copy_from_slice(answer.status().details());
    let details = pb::Status::decode(details).unwrap().details;
    let mut shown = answer.bytes();
    shown.retain(|line| !line.starts_with("grpc-status-details-bin"));
    for detail in details {
        let value = match pb::ErrorInfo::decode(&*detail.value) {
            Ok(info) if detail.type_url.ends_with("google.rpc.ErrorInfo") => {
                let metadata: BTreeMap<_, _> = info.metadata.into_iter().collect();
                format!("{} {} {metadata:?}", info.reason, info.domain)
            }
            // What is shown of bytes keeps ASCII, and so the ids, readable.
            _ => Bytes::from(detail.value).escape_ascii().to_string(),
        };
        shown.push(format!("{}: {value}", detail.type_url));
    }
    let without = |line: String| line.replace(ids[0], "ID").replace(ids[1], "ID");
    shown.into_iter().map(without).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_users_ids_answer_as_ids_that_never_existed() {
    let dev = Dev::start().await;
    let (ana, ben) = (dev.register_fresh().await, dev.register_fresh().await);
    ana.send(&[&ben], "between us", "text").await.unwrap();
    let message_id = ben.inbox().await.remove(0).message_id;
    let folders = ben
        .mail()
        .list_folders(ListFoldersRequest {})
        .await
        .unwrap()
        .into_inner();
    let folder_id = folders.folders[0].folder_id.clone();
    let nothing = [Uuid::new_v4().to_string(), Uuid::new_v4().to_string()];

    let carla = dev.register_fresh().await;
    let connection = Connection::open(&dev).await;
    // One is the sender of the message, the other has nothing to do with it.
    for stranger in [&ana, &carla] {
        let token = format!("Bearer {}", stranger.token);
        let theirs = calls(&message_id, &folder_id, &carla);
        let nobodys = calls(&nothing[0], &nothing[1], &carla);
        for ((method, theirs), (_, nobodys)) in theirs.into_iter().zip(nobodys) {
            let path = format!("/turbomessage.mail.v1.MailService/{method}");
            let mut answers = Vec::new();
            for (body, ids) in [
                (theirs, [&*message_id, &*folder_id]),
                (nobodys, [&*nothing[0], &*nothing[1]]),
            ] {
                let headers = [("authorization", &*token)];
                let body = raw::frame(&body);
                let answer = connection.call(&path, &headers, body).await.unwrap();
                assert_eq!(answer.status().code(), tonic::Code::NotFound, "{answer:?}");
                assert!(answer.data.is_empty());
                answers.push(shown(&answer, ids));
            }
            assert_eq!(answers[0], answers[1], "{method}");
        }
    }
    let untouched = ben.inbox().await.remove(0);
    assert!(!untouched.starred);
}
