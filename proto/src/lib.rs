//! The gRPC contract of TurboMessage: code generated from the `.proto` files beside this crate,
//! their descriptor sets, and the table of public methods.
//!
//! [`PUBLIC_DESCRIPTORS`] is what reflection shows the world; [`INTERNAL_DESCRIPTORS`] never
//! leaves the system.

// The comments and the shapes of generated items are those of the `.proto` files.
#![allow(
    missing_docs,
    clippy::pedantic,
    clippy::large_enum_variant,
    unreachable_pub
)]

/// Packages `turbomessage.*`.
pub mod turbomessage {
    pub mod common {
        pub mod v1 {
            tonic::include_proto!("turbomessage.common.v1");
        }
    }
    pub mod auth {
        pub mod v1 {
            tonic::include_proto!("turbomessage.auth.v1");
        }
        pub mod internal {
            pub mod v1 {
                tonic::include_proto!("turbomessage.auth.internal.v1");
            }
        }
    }
    pub mod mail {
        pub mod v1 {
            tonic::include_proto!("turbomessage.mail.v1");
        }
    }
}

pub use turbomessage::{
    auth::{internal::v1 as auth_internal_v1, v1 as auth_v1},
    common::v1 as common_v1,
    mail::v1 as mail_v1,
};

/// The encoded `FileDescriptorSet` of the public packages and what they import, with comments.
pub const PUBLIC_DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/public.bin"));

/// The encoded `FileDescriptorSet` of the internal package.
pub const INTERNAL_DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/internal.bin"));

/// A method that clients may call through the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// The full name of its service, such as `turbomessage.auth.v1.AuthService`.
    pub service: &'static str,
    /// The HTTP/2 path, such as `/turbomessage.auth.v1.AuthService/Login`.
    pub path: &'static str,
    /// Whether repeating a call can do no harm.
    pub no_side_effects: bool,
    /// Whether either side sends a stream.
    pub streaming: bool,
}

/// Every public method, in the order of the contract.
pub static PUBLIC_METHODS: &[Method] = include!(concat!(env!("OUT_DIR"), "/methods.rs"));

macro_rules! secret_debug {
    ($($message:path),* $(,)?) => {$(
        impl std::fmt::Debug for $message {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($message), " { .. }"))
            }
        }
    )*};
}

secret_debug!(
    auth_v1::RegisterRequest,
    auth_v1::RegisterResponse,
    auth_v1::LoginRequest,
    auth_v1::LoginResponse,
    auth_v1::ChangePasswordRequest,
    auth_v1::DeleteAccountRequest,
    auth_internal_v1::IntrospectRequest,
    auth_internal_v1::IntrospectResponse,
);
