//! What clients can learn about the API from the API: the public services and nothing else.

use tonic::service::Routes;
use tonic_reflection::{
    pb::{v1, v1alpha},
    server::Builder,
};
use turbomessage_proto::PUBLIC_DESCRIPTORS;

/// Adds both versions of reflection, which show the same five services.
///
/// # Errors
/// The descriptors cannot be read.
pub(crate) fn add_to(routes: Routes) -> anyhow::Result<Routes> {
    Ok(routes
        .add_service(public().build_v1()?)
        .add_service(public().build_v1alpha()?))
}

/// Only what is registered can be described: each builder would add its own version alone.
fn public() -> Builder<'static> {
    [
        PUBLIC_DESCRIPTORS,
        // The details of errors, so that clients can read them.
        tonic_types::pb::FILE_DESCRIPTOR_SET,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        v1::FILE_DESCRIPTOR_SET,
        v1alpha::FILE_DESCRIPTOR_SET,
    ]
    .into_iter()
    .fold(
        Builder::configure().include_reflection_service(false),
        Builder::register_encoded_file_descriptor_set,
    )
}
