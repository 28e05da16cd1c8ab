//! What people write, and what cannot be written.

use std::{fmt::Write as _, time::Instant};

use tonic::Code;
use turbomessage_proto::{
    auth_v1::RegisterRequest,
    mail_v1::{Body, FolderRole, SendMessageRequest},
};
use turbomessage_tests::{
    Dev,
    client::{fresh_name, fresh_password, letter},
    errors::{fields, metadata, refused, refused_fields},
};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn text_comes_back_byte_for_byte() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    let subjects = [
        "'; DROP TABLE copies; -- \" \\ % _",
        "\u{202e}txt.exe\u{202c} \u{200f}שלום\u{200e} مرحبا",
        "👩‍👩‍👧‍👦 🏳️‍🌈 🇪🇸",
        "e\u{301} n\u{303} is not é ñ; \u{fb01} is not fi",
        "tab\there, \u{feff}BOM, \u{a0}space\u{2028}line",
        "${jndi:x} {{x}} <script>alert(1)</script> %00 \\u0000",
        "  spaces around  ",
    ];
    let bodies = [
        "\r\nCR LF\r\n.\r\n\r\n",
        "\n\rmixed\r\r\n\n\u{85}\u{2029}",
        "bell \u{7} escape \u{1b}[31m delete \u{7f}",
        "From the top\n>From\n",
        "\u{1d11e} \u{10ffff} \u{fffd} \u{fffe}",
        " ",
        "\n",
    ];
    for (subject, text) in subjects.into_iter().zip(bodies) {
        let html = format!("<p>{text}</p>\r\n<!-- {subject} -->");
        let request = SendMessageRequest {
            body: Some(Body {
                text: text.into(),
                html: html.clone(),
            }),
            ..letter(&[&ana], subject, "")
        };
        ana.send_request(request).await.unwrap();
        let message = ana.get(&ana.inbox().await[0].message_id).await.unwrap();
        assert_eq!(message.subject, subject);
        let body = message.body.unwrap();
        assert_eq!((&*body.text, &*body.html), (text, &*html));
        assert!(
            !message.snippet.chars().any(char::is_control),
            "{:?}",
            message.snippet
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_have_no_place_in_a_line() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    for bad in [
        "a\r\nb",
        "a\nb",
        "a\rb",
        "a\0b",
        "\u{1b}[2J",
        "\u{7f}",
        "\u{85}",
        "\u{9b}",
    ] {
        refused_fields(ana.send(&[&ana], bad, "text").await, &["subject"]);
        let register = RegisterRequest {
            username: fresh_name(),
            password: fresh_password(),
            display_name: bad.into(),
            device_name: bad.into(),
        };
        let register = ana.client.auth().register(register).await;
        refused_fields(register, &["display_name", "device_name"]);
    }
    for (text, html, field) in [("a\0b", "", "body.text"), ("", "\0", "body.html")] {
        let body = Some(Body {
            text: text.into(),
            html: html.into(),
        });
        let request = SendMessageRequest {
            body,
            ..letter(&[&ana], "subject", "")
        };
        refused_fields(ana.send_request(request).await, &[field]);
    }
    assert!(ana.inbox().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_offending_field_is_named() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    let request = SendMessageRequest {
        request_id: "no-uuid".into(),
        to: vec![ana.name.clone(), "not a name".into()],
        cc: vec![String::new()],
        bcc: vec!["-".into()],
        subject: "x".repeat(999),
        body: Some(Body {
            text: "\0".into(),
            html: "x".repeat((1 << 20) + 1),
        }),
        in_reply_to: "7".into(),
        ..Default::default()
    };
    let status = ana.send_request(request).await;
    let status = refused(status, Code::InvalidArgument, "FIELD_INVALID");
    let mut named = fields(&status);
    named.sort();
    let expected = [
        "bcc[0]",
        "body.html",
        "body.text",
        "cc[0]",
        "in_reply_to",
        "request_id",
        "subject",
        "to[1]",
    ];
    assert_eq!(named, expected);

    let nobody = SendMessageRequest {
        subject: "to nobody".into(),
        ..Default::default()
    };
    refused_fields(ana.send_request(nobody).await, &["to"]);
    let nothing = letter(&[&ana], "", "");
    refused(
        ana.send_request(nothing).await,
        Code::InvalidArgument,
        "FIELD_INVALID",
    );
    let crowd = SendMessageRequest {
        to: (0..101).map(|n| format!("nobody-{n}")).collect(),
        subject: "to all".into(),
        ..Default::default()
    };
    refused(
        ana.send_request(crowd).await,
        Code::InvalidArgument,
        "FIELD_INVALID",
    );

    let register = RegisterRequest {
        username: "no".into(),
        password: "short".into(),
        display_name: "x".repeat(65),
        device_name: "\n".into(),
    };
    let register = ana.client.auth().register(register).await;
    refused_fields(
        register,
        &["username", "password", "display_name", "device_name"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_unknown_recipient_is_named_and_nothing_is_delivered() {
    let dev = Dev::start().await;
    let (ana, ben) = (dev.register_fresh().await, dev.register_fresh().await);
    let request = SendMessageRequest {
        to: vec![ben.name.clone(), "nobody-1".into()],
        cc: vec!["nobody-2".into(), ana.name.clone()],
        bcc: vec!["nobody-3".into()],
        ..letter(&[], "to some", "text")
    };
    let status = ana.send_request(request).await;
    let status = refused(status, Code::NotFound, "RECIPIENT_NOT_FOUND");
    let metadata = metadata(&status);
    assert_eq!(metadata["recipients"], "nobody-1,nobody-2,nobody-3");
    assert_eq!(metadata["count"], "3");
    assert!(ben.inbox().await.is_empty() && ana.inbox().await.is_empty());
    assert!(ana.list(FolderRole::Sent).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mebibyte_of_distinct_words_is_delivered() {
    let dev = Dev::start().await;
    let ana = dev.register_fresh().await;
    let mut text = String::new();
    for n in 0.. {
        if text.len() + 16 > 1 << 20 {
            break;
        }
        write!(text, "w{n:x}é ").unwrap();
    }
    let request = SendMessageRequest {
        request_id: Uuid::new_v4().to_string(),
        ..letter(&[&ana], "words", &text)
    };
    ana.send_request(request).await.unwrap();
    let received = ana.get(&ana.inbox().await[0].message_id).await.unwrap();
    assert_eq!(received.body.unwrap().text, text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mebibyte_of_password_is_refused_before_it_is_hashed() {
    let dev = Dev::start().await;
    let client = dev.client().await;
    let password = "Pw 1".repeat(1 << 18);
    refused_fields(
        client.register(&fresh_name(), &password).await,
        &["password"],
    );
    for huge in [&*password, &"x".repeat(257)] {
        refused_fields(client.log_in(&fresh_name(), huge).await, &["password"]);
    }
    // No hash at all is made in the time that these take, so that many are faster than few hashes.
    let long = "x".repeat(257);
    let began = Instant::now();
    for _ in 0..100 {
        client.log_in(&fresh_name(), &long).await.unwrap_err();
    }
    let refused = began.elapsed();
    let began = Instant::now();
    for _ in 0..20 {
        client
            .log_in(&fresh_name(), &long[..256])
            .await
            .unwrap_err();
    }
    let hashed = began.elapsed();
    assert!(
        refused < hashed,
        "100 refused in {refused:?}, 20 hashed in {hashed:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_easy_to_guess_is_refused_with_advice() {
    let dev = Dev::start().await;
    let client = dev.client().await;
    let name = fresh_name();
    for weak in ["password", "12345678", "qwertyuiop", &name] {
        let status = client.register(&name, weak).await;
        let status = refused(status, Code::InvalidArgument, "PASSWORD_TOO_WEAK");
        assert_eq!(fields(&status), ["password"]);
    }
}
