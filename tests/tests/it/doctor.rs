//! `tm doctor`, run as people run it.

use std::process::Output;

use serde_json::Value;
use tokio::process::Command;
use turbomessage_tests::{
    Services,
    eventually::{SOON, eventually},
    programs,
};

/// What the doctor says of `server`, with its exit code.
pub(crate) async fn doctor(server: &str, arguments: &[&str]) -> (i32, Value) {
    let Output { status, stdout, .. } = Command::new(programs::own("tm"))
        .args(["doctor", "-o", "json", "--server", server])
        .args(arguments)
        .output()
        .await
        .unwrap();
    let said = serde_json::from_slice(&stdout).unwrap();
    (status.code().unwrap(), said)
}

/// What it found out in one of its steps: the verdict and why.
pub(crate) fn finding(said: &Value, step: &str) -> (String, String) {
    let findings = said["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["step"] == step);
    let text = |name: &str| found.unwrap_or_else(|| panic!("{said}"))[name].as_str();
    (
        text("verdict").unwrap().into(),
        text("detail").unwrap().into(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named() {
    let mut services = Services::on_files().start().await;
    let server = services.gateway.url();
    let (code, said) = doctor(&server, &[]).await;
    assert_eq!((code, &said["healthy"]), (0, &Value::Bool(true)), "{said}");
    for step in [
        "Address",
        "TLS",
        "Health",
        "Reflection",
        "Versions",
        "Clocks",
    ] {
        assert_eq!(finding(&said, step).0, "ok", "{said}");
    }
    assert!(finding(&said, "Reflection").1.contains("5 services"));

    services.mail.kill().await;
    let said = eventually("mail does not serve", SOON, async || {
        let (code, said) = doctor(&server, &[]).await;
        (code == 6).then_some(said)
    })
    .await;
    let (verdict, detail) = finding(&said, "Health");
    assert_eq!((&*verdict, &*detail), ("failed", "mail does not serve now"));
    assert_eq!(finding(&said, "Reflection").0, "ok", "the rest is told too");

    services.gateway.kill().await;
    let (code, said) = doctor(&server, &[]).await;
    assert_eq!((code, &said["healthy"]), (6, &Value::Bool(false)), "{said}");
    let (verdict, detail) = finding(&said, "Address");
    assert_eq!(verdict, "failed");
    assert!(detail.contains("refused"), "{detail}");
}
