//! Delivering mail by LMTP (RFC 2033).

use anyhow::{bail, ensure};

use super::wire::Wire;
use crate::load::{drive::Worker, letters::letter};

/// Delivers to two mailboxes, over and over, in one session.
#[derive(Debug)]
pub struct Deliverer {
    wire: Wire,
    mailboxes: usize,
    delivered: usize,
}

impl Deliverer {
    /// Opens a session with a server that has so many mailboxes (see [`mailbox`]).
    ///
    /// # Errors
    /// The server does not greet.
    pub async fn open(server: (&str, u16), mailboxes: usize) -> anyhow::Result<Self> {
        let mut wire = Wire::connect(server).await?;
        expect(&mut wire, "220").await?;
        wire.send("LHLO generator\r\n").await?;
        expect(&mut wire, "250").await?;
        Ok(Self {
            wire,
            mailboxes,
            delivered: rand::random_range(0..1_000_000),
        })
    }

    /// Delivers a message to these mailboxes: one transaction of the protocol, with its commands sent
    /// together as PIPELINING allows.
    ///
    /// # Errors
    /// The server refused a command.
    pub async fn deliver(&mut self, to: [usize; 2]) -> anyhow::Result<()> {
        self.delivered += 1;
        let [first, second] = to.map(mailbox);
        let commands = format!(
            "MAIL FROM:<{first}@example.org>\r\nRCPT TO:<{first}@example.org>\r\nRCPT \
             TO:<{second}@example.org>\r\nDATA\r\n"
        );
        self.wire.send(&commands).await?;
        for code in ["250", "250", "250", "354"] {
            expect(&mut self.wire, code).await?;
        }
        let text = message(&first, &second, self.delivered);
        self.wire.send(&text).await?;
        for _ in to {
            expect(&mut self.wire, "250").await?;
        }
        Ok(())
    }
}

impl Worker for Deliverer {
    async fn step(&mut self) -> (&'static str, Result<(), String>) {
        let from = rand::random_range(0..self.mailboxes);
        let to = (from + rand::random_range(1..self.mailboxes)) % self.mailboxes;
        let result = self.deliver([from, to]).await;
        ("deliver", result.map_err(|error| error.to_string()))
    }
}

/// The name of a mailbox by its number.
pub fn mailbox(number: usize) -> String {
    format!("user{number}")
}

/// A letter as RFC 5322 has it, and the dot that ends it; no line of a letter begins with one.
fn message(from: &str, to: &str, number: usize) -> String {
    let letter = letter(number);
    let body = letter.body.replace('\n', "\r\n");
    format!(
        "From: {from} <{from}@example.org>\r\nTo: {to} <{to}@example.org>\r\nSubject: {}\r\nDate: Thu, 26 Nov \
         2026 12:00:00 +0000\r\nMessage-ID: <{number}.{}@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: \
         text/plain; charset=utf-8\r\n\r\n{body}\r\n.\r\n",
        letter.subject,
        rand::random::<u64>(),
    )
}

/// Reads an answer, of several lines perhaps, that has to have this code.
async fn expect(wire: &mut Wire, code: &str) -> anyhow::Result<()> {
    loop {
        let line = wire.line().await?;
        if !line.starts_with(code) {
            bail!("{line}");
        }
        ensure!(line.len() >= 4, "{line}");
        if line.as_bytes()[3] == b' ' {
            return Ok(());
        }
    }
}
