//! Compiles the contract with `protox`, so that no `protoc` is needed, and writes three things:
//! Rust code, descriptor sets (public and internal apart, with comments) and the table of public
//! methods.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use prost::Message;
use prost_types::{FileDescriptorSet, method_options::IdempotencyLevel};

const PUBLIC: &[&str] = &[
    "turbomessage/common/v1/error_reason.proto",
    "turbomessage/auth/v1/auth_service.proto",
    "turbomessage/mail/v1/mail_service.proto",
];
const INTERNAL: &[&str] = &[
    "turbomessage/auth/internal/v1/session_service.proto",
    "turbomessage/auth/internal/v1/directory_service.proto",
];
/// Messages that carry a password, a token or a ticket: `src/lib.rs` gives them a `Debug` that
/// prints none.
const SECRET: &[&str] = &[
    "turbomessage.auth.v1.RegisterRequest",
    "turbomessage.auth.v1.RegisterResponse",
    "turbomessage.auth.v1.LoginRequest",
    "turbomessage.auth.v1.LoginResponse",
    "turbomessage.auth.v1.ChangePasswordRequest",
    "turbomessage.auth.v1.DeleteAccountRequest",
    "turbomessage.auth.internal.v1.IntrospectRequest",
    "turbomessage.auth.internal.v1.IntrospectResponse",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=turbomessage");
    let out = PathBuf::from(env::var("OUT_DIR")?);

    let public = compile(PUBLIC)?;
    let internal = compile(INTERNAL)?;
    write_set(&out.join("public.bin"), &public)?;
    write_set(&out.join("internal.bin"), &internal)?;
    fs::write(out.join("methods.rs"), method_table(&public)?)?;

    for set in [public, internal] {
        tonic_prost_build::configure()
            .skip_debug(SECRET)
            .emit_rerun_if_changed(false)
            .compile_fds(set)?;
    }
    Ok(())
}

fn compile(files: &[&str]) -> Result<FileDescriptorSet, Box<dyn Error>> {
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_source_info(true).include_imports(true);
    compiler.open_files(files)?;
    Ok(compiler.file_descriptor_set())
}

fn write_set(path: &Path, set: &FileDescriptorSet) -> std::io::Result<()> {
    fs::write(path, set.encode_to_vec())
}

fn method_table(set: &FileDescriptorSet) -> Result<String, std::fmt::Error> {
    let mut table = String::from("&[\n");
    for file in &set.file {
        for service in &file.service {
            for method in &service.method {
                let options = method.options.as_ref();
                let no_side_effects = options
                    .is_some_and(|o| o.idempotency_level() == IdempotencyLevel::NoSideEffects);
                let full_name = format!("{}.{}", file.package(), service.name());
                writeln!(
                    table,
                    "Method {{ service: {full_name:?}, path: \"/{full_name}/{name}\", \
                     no_side_effects: {no_side_effects}, streaming: {streaming} }},",
                    name = method.name(),
                    streaming = method.client_streaming() || method.server_streaming(),
                )?;
            }
        }
    }
    table.push(']');
    Ok(table)
}
