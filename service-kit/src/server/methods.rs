//! Which methods there are, and of what kind they are.

use std::{collections::HashMap, sync::LazyLock};

use turbomessage_proto::PUBLIC_METHODS;

/// Methods that are not part of the public packages, and whether either side sends a stream.
const OTHER_METHODS: &[(&str, bool)] = &[
    ("/grpc.health.v1.Health/Check", false),
    ("/grpc.health.v1.Health/List", false),
    ("/grpc.health.v1.Health/Watch", true),
    (
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        true,
    ),
    (
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        true,
    ),
    (
        "/turbomessage.auth.internal.v1.DirectoryService/LookUpAccounts",
        false,
    ),
    (
        "/turbomessage.auth.internal.v1.DirectoryService/WatchAccounts",
        true,
    ),
    (
        "/turbomessage.auth.internal.v1.SessionService/Introspect",
        false,
    ),
    (
        "/turbomessage.auth.internal.v1.SessionService/ListTicketKeys",
        false,
    ),
    (
        "/turbomessage.auth.internal.v1.SessionService/WatchRevocations",
        true,
    ),
];

/// Those of them that would go on as long as the client likes.
const ENDLESS: &[&str] = &[
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// Every method by its path, and whether either side sends a stream.
static METHODS: LazyLock<HashMap<&'static str, bool>> = LazyLock::new(|| {
    let public = PUBLIC_METHODS.iter().map(|m| (m.path, m.streaming));
    public.chain(OTHER_METHODS.iter().copied()).collect()
});

/// Whether either side of the method sends a stream.
#[must_use]
pub fn is_stream(path: &str) -> bool {
    METHODS.get(path).copied().unwrap_or_default()
}

/// The method at `path`, as spans and metrics name it: what does not exist has one name, however it is
/// called.
pub(super) fn method_at(path: &str) -> &'static str {
    let known = METHODS.get_key_value(path);
    known.map_or("_OTHER", |(path, _)| path.trim_start_matches('/'))
}

/// Whether a stream would go on as long as the client likes.
pub(super) fn is_endless(path: &str) -> bool {
    ENDLESS.contains(&path)
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use turbomessage_proto::INTERNAL_DESCRIPTORS;

    use super::*;

    /// A method that is not in the lists would have no name in metrics, and a stream the deadline of a call.
    #[test]
    fn every_method_has_its_name_and_kind() {
        let described = prost_types::FileDescriptorSet::decode(INTERNAL_DESCRIPTORS).unwrap();
        let mut found = 0;
        for file in &described.file {
            for service in &file.service {
                for method in &service.method {
                    let name = format!("{}.{}/{}", file.package(), service.name(), method.name());
                    let path = format!("/{name}");
                    assert_eq!(method_at(&path), name);
                    let streaming = method.client_streaming() || method.server_streaming();
                    assert_eq!(is_stream(&path), streaming, "{path}");
                    found += 1;
                }
            }
        }
        assert!(found >= 5);
        assert_eq!(
            method_at("/turbomessage.mail.v1.MailService/Nonsense"),
            "_OTHER"
        );
    }
}
