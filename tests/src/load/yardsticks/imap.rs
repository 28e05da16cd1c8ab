//! Reading mail by IMAP (RFC 3501).

use anyhow::bail;

use super::{lmtp::mailbox, wire::Wire};
use crate::load::{drive::Worker, letters};

/// What a reader does again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Fetches what a list shows of the 50 newest messages.
    Headers,
    /// Fetches a whole message.
    Body,
    /// Looks for a word anywhere.
    Search,
}

/// Reads in one mailbox, in one session.
#[derive(Debug)]
pub struct Reader {
    wire: Wire,
    command: Command,
    messages: u64,
    tag: u64,
}

impl Reader {
    /// Logs in, and selects the mailbox with this number.
    ///
    /// # Errors
    /// The server refused.
    pub async fn open(
        server: (&str, u16),
        number: usize,
        command: Command,
    ) -> anyhow::Result<Self> {
        let mut wire = Wire::connect(server).await?;
        wire.line().await?;
        let mut reader = Self {
            wire,
            command,
            messages: 0,
            tag: 0,
        };
        let login = format!("LOGIN {} secret", mailbox(number));
        reader.ask(&login).await?;
        reader.ask("SELECT INBOX").await?;
        Ok(reader)
    }

    /// How many messages the mailbox had when it was selected.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Sends a command and reads until it is answered; answers with how many messages came.
    async fn ask(&mut self, command: &str) -> anyhow::Result<usize> {
        self.tag += 1;
        let tag = format!("a{} ", self.tag);
        self.wire.send(&format!("{tag}{command}\r\n")).await?;
        let mut fetched = 0;
        loop {
            let line = self.wire.line().await?;
            if let Some(ending) = line.strip_prefix(&tag) {
                if ending.starts_with("OK") {
                    return Ok(fetched);
                }
                bail!("{command}: {ending}");
            }
            if line.starts_with("* ") && line.contains(" FETCH ") {
                fetched += 1;
            }
            let exists = line
                .strip_prefix("* ")
                .and_then(|line| line.strip_suffix(" EXISTS"));
            let exists = exists.and_then(|number| number.parse().ok());
            let literal = literal(line);
            self.messages = exists.unwrap_or(self.messages);
            if let Some(bytes) = literal {
                self.wire.skip(bytes).await?;
            }
        }
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        let (command, expected) = match self.command {
            Command::Headers => {
                let first = self.messages.saturating_sub(49).max(1);
                let items = "UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE)]";
                let expected = self.messages.min(50);
                (format!("FETCH {first}:* ({items})"), Some(expected))
            }
            Command::Body => {
                let number = rand::random_range(1..=self.messages.max(1));
                (format!("FETCH {number} BODY.PEEK[]"), Some(1))
            }
            Command::Search => {
                let rank = 1_u64 << rand::random_range(0..14);
                (format!("SEARCH TEXT {}", letters::word(rank)), None)
            }
        };
        let fetched = self.ask(&command).await?;
        match expected {
            Some(expected) if u64::try_from(fetched)? != expected => {
                bail!("{fetched} messages for {expected}")
            }
            _ => Ok(()),
        }
    }
}

impl Worker for Reader {
    async fn step(&mut self) -> (&'static str, Result<(), String>) {
        let what = match self.command {
            Command::Headers => "headers",
            Command::Body => "body",
            Command::Search => "search",
        };
        let result = self.read().await;
        (what, result.map_err(|error| error.to_string()))
    }
}

/// How many bytes follow a line that ends with `{n}`.
fn literal(line: &str) -> Option<u64> {
    let (_, length) = line.strip_suffix('}')?.rsplit_once('{')?;
    length.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_announced_at_the_end_of_a_line() {
        assert_eq!(literal("* 1 FETCH (BODY[] {1536}"), Some(1536));
        assert_eq!(literal("* 1 FETCH (FLAGS ())"), None);
        assert_eq!(literal("* OK {x}"), None);
    }
}
