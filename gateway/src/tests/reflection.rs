//! What clients learn about the API.

use std::collections::BTreeSet;

use prost::Message;
use prost_types::FileDescriptorProto;
use tonic_reflection::pb::{v1, v1alpha};

use super::support::{Gateway, echo, gateway};

const SERVICES: [&str; 5] = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "turbomessage.auth.v1.AuthService",
    "turbomessage.mail.v1.MailService",
];

/// Asks one version of reflection.
macro_rules! ask {
    ($version:ident, $gateway:expr, $question:ident($what:expr)) => {{
        use $version::{
            ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
            server_reflection_request::MessageRequest,
        };
        let request = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::$question($what.into())),
        };
        let mut client = ServerReflectionClient::new($gateway.edge.streams());
        let answers = client
            .server_reflection_info(futures::stream::iter([request]))
            .await;
        let mut answers = answers.unwrap().into_inner();
        answers
            .message()
            .await
            .map(|answer| answer.unwrap().message_response.unwrap())
    }};
}

macro_rules! list {
    ($version:ident, $gateway:expr) => {{
        use $version::server_reflection_response::MessageResponse;
        match ask!($version, $gateway, ListServices("")) {
            Ok(MessageResponse::ListServicesResponse(list)) => list
                .service
                .into_iter()
                .map(|service| service.name)
                .collect::<BTreeSet<_>>(),
            other => panic!("{other:?}"),
        }
    }};
}

/// The file that describes `symbol`, if there is one.
async fn describe(gateway: &Gateway, symbol: &str) -> Option<FileDescriptorProto> {
    use v1::server_reflection_response::MessageResponse;
    match ask!(v1, gateway, FileContainingSymbol(symbol)) {
        Ok(MessageResponse::FileDescriptorResponse(files)) => {
            Some(FileDescriptorProto::decode(&files.file_descriptor_proto[0][..]).unwrap())
        }
        _ => None,
    }
}

async fn file(gateway: &Gateway, name: &str) -> Option<FileDescriptorProto> {
    use v1::server_reflection_response::MessageResponse;
    match ask!(v1, gateway, FileByFilename(name)) {
        Ok(MessageResponse::FileDescriptorResponse(files)) => {
            Some(FileDescriptorProto::decode(&files.file_descriptor_proto[0][..]).unwrap())
        }
        _ => None,
    }
}

#[tokio::test]
async fn both_versions_list_the_same_five_services() {
    let gateway = gateway(echo).await;
    let expected: BTreeSet<String> = SERVICES.map(Into::into).into();
    assert_eq!(list!(v1, gateway), expected);
    assert_eq!(list!(v1alpha, gateway), expected);
}

#[tokio::test]
async fn what_is_listed_is_described_with_everything_it_needs() {
    let gateway = gateway(echo).await;
    for symbol in SERVICES.into_iter().chain([
        "google.rpc.ErrorInfo",
        "google.rpc.LocalizedMessage",
        "google.rpc.RetryInfo",
        "google.rpc.BadRequest",
        "turbomessage.common.v1.ErrorReason",
    ]) {
        let mut open = vec![describe(&gateway, symbol).await.expect(symbol)];
        while let Some(described) = open.pop() {
            for name in described.dependency {
                open.push(file(&gateway, &name).await.expect(&name));
            }
        }
    }
}

#[tokio::test]
async fn comments_are_described_too() {
    let gateway = gateway(echo).await;
    for service in [
        "turbomessage.auth.v1.AuthService",
        "turbomessage.mail.v1.MailService",
    ] {
        let described = describe(&gateway, service).await.unwrap();
        let comments = described.source_code_info.unwrap().location;
        assert!(
            comments
                .iter()
                .any(|l| l.leading_comments().contains("Bearer"))
        );
    }
}

#[tokio::test]
async fn internal_services_are_neither_listed_nor_described() {
    let gateway = gateway(echo).await;
    for symbol in [
        "turbomessage.auth.internal.v1.SessionService",
        "turbomessage.auth.internal.v1.SessionService.Introspect",
        "turbomessage.auth.internal.v1.DirectoryService",
        "turbomessage.auth.internal.v1.IntrospectRequest",
    ] {
        assert!(describe(&gateway, symbol).await.is_none(), "{symbol}");
    }
    let name = "turbomessage/auth/internal/v1/session_service.proto";
    assert!(file(&gateway, name).await.is_none());
    assert!(
        file(&gateway, "turbomessage/mail/v1/mail_service.proto")
            .await
            .is_some()
    );
}
