//! What is read, and how long it takes.

use std::time::{Duration, Instant};

use super::{Filled, Scale, fill::RARE};
use crate::{
    domain::{Cursor, PageSize},
    mail::parse_query,
    store::conformance::office::filter,
};

/// One thing that is read, by the use case that a call has behind it.
#[derive(Debug, Clone, Copy)]
pub enum Reading {
    /// The 50 newest messages of the Inbox.
    NewestPage,
    /// 50 messages from the middle of the Inbox.
    DeepPage,
    /// All folders with their counts.
    Folders,
    /// The 50 conversations of the Inbox with the newest messages.
    Threads,
    /// 50 conversations from the middle of the Inbox.
    DeepThreads,
    /// A message with its text.
    Message,
    /// The last 50 changes.
    Changes,
    /// The first page of what a query finds: what it is, the query, and how many that are.
    Search(&'static str, &'static str, usize),
}

/// Everything that is measured.
pub const READINGS: &[Reading] = &[
    Reading::NewestPage,
    Reading::DeepPage,
    Reading::Folders,
    Reading::Threads,
    Reading::DeepThreads,
    Reading::Message,
    Reading::Changes,
    Reading::Search("a word that is nowhere", "absent", 0),
    Reading::Search("a word of one message", "unique499", 1),
    Reading::Search("a rare word, in ten messages", "rare", RARE),
    Reading::Search("a common word, in every message", "common", 50),
    Reading::Search("a rare and a common word", "rare common", RARE),
    Reading::Search("a phrase of common words", "\"word1 word2\"", 50),
    Reading::Search("a prefix of many words", "word1*", 50),
    Reading::Search("a common word, unread only", "common is:unread", 50),
    Reading::Search("no word, from one sender", "from:sender3", 50),
];

impl std::fmt::Display for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NewestPage => "the newest page of 50",
            Self::DeepPage => "a page from the middle",
            Self::Folders => "folders with counts",
            Self::Threads => "the newest 50 conversations",
            Self::DeepThreads => "50 conversations from the middle",
            Self::Message => "a message with its text",
            Self::Changes => "the last 50 changes",
            Self::Search(what, ..) => return write!(f, "search: {what}"),
        })
    }
}

impl Scale {
    /// How long `reading` takes in each of `mailboxes`, `rounds` times, one after the other in turns, so that
    /// whatever else the machine does hits all of them alike.
    pub async fn measure(
        &self,
        reading: Reading,
        mailboxes: &[Filled],
        rounds: usize,
    ) -> Vec<Vec<Duration>> {
        let mut times = vec![Vec::new(); mailboxes.len()];
        for round in 0..=rounds {
            for (mailbox, times) in mailboxes.iter().zip(&mut times) {
                let begun = Instant::now();
                let found = self.read(reading, mailbox).await;
                let took = begun.elapsed();
                assert_eq!(
                    found,
                    expected(reading),
                    "{reading} of {}",
                    mailbox.messages
                );
                // The first round finds everything in its place for the others.
                if round > 0 {
                    times.push(took);
                }
            }
        }
        times
    }

    /// Reads; answers how much was found.
    async fn read(&self, reading: Reading, mailbox: &Filled) -> usize {
        let (mail, owner) = (&self.library.mail, mailbox.owner);
        let (list, size) = (filter(owner, mailbox.inbox), PageSize::default());
        match reading {
            Reading::NewestPage => {
                let page = mail.list(&list, Cursor::NEWEST, size).await.unwrap();
                page.entries.len()
            }
            Reading::DeepPage => {
                let page = mail.list(&list, mailbox.deep(), size).await.unwrap();
                page.entries.len()
            }
            Reading::Folders => mail.folders(owner).await.unwrap().len(),
            Reading::Threads => {
                let threads = mail.threads(owner, mailbox.inbox, None, size);
                threads.await.unwrap().1.len()
            }
            Reading::DeepThreads => {
                let threads = mail.threads(owner, mailbox.inbox, Some(mailbox.deep_walk()), size);
                threads.await.unwrap().1.len()
            }
            Reading::Message => {
                let message = mail.get(owner, mailbox.middle.message_id, true);
                usize::from(message.await.unwrap().1.is_some())
            }
            Reading::Changes => {
                let history = mail.history(owner, mailbox.recently, 50).await.unwrap();
                usize::from(history.state != mailbox.recently)
            }
            Reading::Search(_, query, _) => {
                let query = parse_query(query).unwrap();
                let mut found = 0;
                let mut cursor = Cursor::NEWEST;
                // A page that is not full may go on.
                loop {
                    let page = mail.search(owner, &query, cursor, size).await.unwrap();
                    found += page.copies.len();
                    match page.next {
                        Some(next) if found < 50 => cursor = next,
                        _ => return found,
                    }
                }
            }
        }
    }
}

fn expected(reading: Reading) -> usize {
    match reading {
        Reading::NewestPage | Reading::DeepPage | Reading::Threads | Reading::DeepThreads => 50,
        Reading::Folders => 7,
        Reading::Message | Reading::Changes => 1,
        Reading::Search(_, _, found) => found,
    }
}
