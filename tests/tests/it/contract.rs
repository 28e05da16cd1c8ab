//! The contract as real clients see it: `grpcurl`, which asks reflection v1alpha, and `buf curl`,
//! which asks v1.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::{Value, json};
use tokio::process::Command;
use turbomessage_tests::{
    Dev,
    client::{fresh_name, fresh_password},
    programs,
};

/// All that the world may call.
pub(crate) const FIVE_SERVICES: [&str; 5] = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "turbomessage.auth.v1.AuthService",
    "turbomessage.mail.v1.MailService",
];
const INTERNAL: [&str; 2] = [
    "turbomessage.auth.internal.v1.SessionService",
    "turbomessage.auth.internal.v1.DirectoryService",
];
const AUTH: &str = "turbomessage.auth.v1.AuthService";
const MAIL: &str = "turbomessage.mail.v1.MailService";

async fn run(program: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(program)
        .args(arguments)
        .kill_on_drop(true)
        .output();
    output.await.unwrap()
}

fn text(output: &Output) -> String {
    let text = [&*output.stdout, &*output.stderr].concat();
    String::from_utf8(text).unwrap()
}

fn lines(output: &Output) -> BTreeSet<String> {
    assert!(output.status.success(), "{}", text(output));
    let stdout = String::from_utf8_lossy(&output.stdout);
    stdout
        .lines()
        .map(|line| line.trim().to_owned())
        .filter(|l| !l.is_empty())
        .collect()
}

fn five() -> BTreeSet<String> {
    FIVE_SERVICES.map(str::to_owned).into()
}

/// A client that makes calls from JSON.
trait Curl {
    async fn call(&self, token: Option<&str>, method: &str, data: &Value) -> Output;

    async fn answer(&self, token: Option<&str>, method: &str, data: Value) -> Value {
        let output = self.call(token, method, &data).await;
        assert!(output.status.success(), "{method}: {}", text(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

struct Grpcurl {
    program: PathBuf,
    address: String,
}

impl Curl for Grpcurl {
    async fn call(&self, token: Option<&str>, method: &str, data: &Value) -> Output {
        let (data, token) = (data.to_string(), bearer(token));
        run(
            &self.program,
            &[
                "-plaintext",
                "-H",
                &token,
                "-d",
                &data,
                &self.address,
                method,
            ],
        )
        .await
    }
}

struct BufCurl {
    program: PathBuf,
    address: String,
    protocol: &'static str,
}

impl BufCurl {
    fn url(&self, method: &str) -> String {
        format!("http://{}/{method}", self.address)
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let fixed = ["curl", "--protocol", "grpc", "--http2-prior-knowledge"];
        let reflect = ["--reflect", "--reflect-protocol", self.protocol];
        run(&self.program, &[&fixed[..], &reflect, arguments].concat()).await
    }
}

impl Curl for BufCurl {
    async fn call(&self, token: Option<&str>, method: &str, data: &Value) -> Output {
        let (data, token, url) = (data.to_string(), bearer(token), self.url(method));
        self.run(&["-H", &token, "-d", &data, &url]).await
    }
}

fn bearer(token: Option<&str>) -> String {
    // Without a token any header does.
    token.map_or("x-nothing: 1".into(), |token| {
        format!("authorization: Bearer {token}")
    })
}

fn grpcurl(dev: &Dev) -> Option<Grpcurl> {
    Some(Grpcurl {
        program: programs::installed("grpcurl")?,
        address: dev.address.to_string(),
    })
}

fn buf_curl(dev: &Dev, protocol: &'static str) -> Option<BufCurl> {
    Some(BufCurl {
        program: programs::installed("buf")?,
        address: dev.address.to_string(),
        protocol,
    })
}

/// Registers two people, sends from one to the other, reads, and is refused with reasons.
async fn sends_and_reads(curl: &impl Curl) {
    let (auth, mail) = (
        |method| format!("{AUTH}/{method}"),
        |method| format!("{MAIL}/{method}"),
    );
    let mut tokens = Vec::new();
    let names = [fresh_name(), fresh_name()];
    for name in &names {
        let data = json!({"username": name, "password": fresh_password()});
        let opened = curl.answer(None, &auth("Register"), data).await;
        tokens.push(opened["sessionToken"].as_str().unwrap().to_owned());
    }
    let letter = json!({
        "to": [names[1]], "subject": "¡Hola!", "body": {"text": "Dos líneas,\nun mensaje. 🌻"},
    });
    let sent = curl
        .answer(Some(&tokens[0]), &mail("SendMessage"), letter)
        .await;
    assert_eq!(sent["message"]["to"][0]["username"], *names[1]);

    let inbox = json!({"folder_role": "FOLDER_ROLE_INBOX"});
    let listed = curl
        .answer(Some(&tokens[1]), &mail("ListMessages"), inbox)
        .await;
    assert_eq!(listed["messages"].as_array().unwrap().len(), 1);
    let id = &listed["messages"][0]["messageId"];
    let read = json!({"message_id": id});
    let read = curl
        .answer(Some(&tokens[1]), &mail("GetMessage"), read)
        .await;
    assert_eq!(read["message"]["subject"], "¡Hola!");
    assert_eq!(
        read["message"]["body"]["text"],
        "Dos líneas,\nun mensaje. 🌻"
    );

    let failed = curl
        .call(
            Some(&tokens[0]),
            &mail("GetMessage"),
            &json!({"message_id": id}),
        )
        .await;
    assert!(!failed.status.success() && text(&failed).contains("There is no such message"));
}

#[tokio::test(flavor = "multi_thread")]
async fn grpcurl_registers_sends_and_reads() {
    let dev = Dev::start().await;
    if let Some(grpcurl) = grpcurl(&dev) {
        sends_and_reads(&grpcurl).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn grpcurl_decodes_the_details_of_errors() {
    let dev = Dev::start().await;
    let Some(grpcurl) = grpcurl(&dev) else {
        return;
    };
    let failed = grpcurl
        .call(None, &format!("{MAIL}/ListFolders"), &json!({}))
        .await;
    let data = json!({"username": "?", "password": "short"});
    let invalid = grpcurl.call(None, &format!("{AUTH}/Register"), &data).await;
    for (output, parts) in [
        (
            failed,
            [
                "Unauthenticated",
                "SESSION_INVALID",
                "google.rpc.LocalizedMessage",
            ],
        ),
        (invalid, ["google.rpc.BadRequest", "password", "TOO_SHORT"]),
    ] {
        let shown = text(&output);
        for part in parts {
            assert!(shown.contains(part), "no {part} in: {shown}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn buf_curl_registers_sends_and_reads_over_both_reflections() {
    let dev = Dev::start().await;
    for protocol in ["grpc-v1", "grpc-v1alpha"] {
        if let Some(buf) = buf_curl(&dev, protocol) {
            sends_and_reads(&buf).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_reflections_list_exactly_the_five_services() {
    let dev = Dev::start().await;
    if let Some(Grpcurl { program, address }) = grpcurl(&dev) {
        assert_eq!(
            lines(&run(&program, &["-plaintext", &address, "list"]).await),
            five()
        );
    }
    for protocol in ["grpc-v1", "grpc-v1alpha"] {
        if let Some(buf) = buf_curl(&dev, protocol) {
            let url = format!("http://{}", buf.address);
            let listed = lines(&buf.run(&["--list-services", &url]).await);
            assert_eq!(listed, five(), "{protocol}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn descriptions_carry_the_contracts_comments() {
    let dev = Dev::start().await;
    let Some(Grpcurl { program, address }) = grpcurl(&dev) else {
        return;
    };
    for (symbol, phrase) in [
        (MAIL, "answers only when it is durable"),
        (
            "turbomessage.auth.v1.RegisterRequest",
            "hard enough to guess",
        ),
        ("turbomessage.mail.v1.Message", "Whether it is a favourite."),
        ("turbomessage.mail.v1.FolderRole", "Where mail arrives."),
        ("turbomessage.common.v1.ErrorReason", "Log in again."),
        ("google.rpc.ErrorInfo", "reason"),
    ] {
        let described = run(&program, &["-plaintext", &address, "describe", symbol]).await;
        let described = text(&described);
        assert!(described.contains(phrase), "{symbol}: {described}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn internal_services_are_neither_described_nor_routed() {
    let dev = Dev::start().await;
    if let Some(Grpcurl { program, address }) = grpcurl(&dev) {
        for symbol in INTERNAL.into_iter().chain([
            "turbomessage.auth.internal.v1.IntrospectRequest",
            "turbomessage.auth.internal.v1.DirectoryEntry",
            "turbomessage.auth.internal.v1",
        ]) {
            let described = run(&program, &["-plaintext", &address, "describe", symbol]).await;
            assert!(
                !described.status.success(),
                "{symbol}: {}",
                text(&described)
            );
        }
        // With the contract at hand, from its files, the call still leads nowhere.
        let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto");
        let file = "turbomessage/auth/internal/v1/session_service.proto";
        let method = format!("{}/ListTicketKeys", INTERNAL[0]);
        let path = proto.to_str().unwrap();
        let arguments = [
            "-plaintext",
            "-import-path",
            path,
            "-proto",
            file,
            "-d",
            "{}",
            &address,
            &method,
        ];
        let called = run(&program, &arguments).await;
        assert!(text(&called).contains("Unimplemented"), "{}", text(&called));
    }
    for protocol in ["grpc-v1", "grpc-v1alpha"] {
        if let Some(buf) = buf_curl(&dev, protocol) {
            let called = buf
                .call(None, &format!("{}/ListTicketKeys", INTERNAL[0]), &json!({}))
                .await;
            assert!(!called.status.success(), "{}", text(&called));
        }
    }
}
