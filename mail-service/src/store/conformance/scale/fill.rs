//! Making a mailbox: messages of forty words each, in conversations of four.

use std::time::Duration;

use futures::future::join_all;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use uuid::Uuid;

use super::{
    super::letter::{Letter, letter},
    Filled, SENDERS, Scale,
};
use crate::domain::{Copy, FolderRole, State};

/// How many are sent at once.
const BATCH: usize = 100;
/// Words of a message, and different ones of a mailbox; how often each occurs follows Zipf's law.
const WORDS: usize = 40;
const VOCABULARY: f64 = 50_000.0;
/// As many messages of a mailbox, however large, have the word `rare`.
pub(super) const RARE: usize = 10;
/// How many messages a conversation has.
const CONVERSATION: usize = 4;
/// As many of the last changes are asked for.
const RECENT: i64 = 50;

impl Scale {
    /// A mailbox with so many messages in its Inbox (a multiple of 100), and the index of it. `progress`
    /// hears how many are there.
    pub async fn fill(&self, messages: usize, progress: impl Fn(usize)) -> Filled {
        let name = format!("owner{messages}");
        let owner = self.library.person(&name, &name).await;
        let mut random = StdRng::seed_from_u64(1);
        let mut sent: Vec<Copy> = Vec::new();
        for first in (0..messages).step_by(BATCH) {
            let letters: Vec<Letter> = (0..BATCH)
                .map(|place| {
                    let number = first + place;
                    let is_rare = number % (messages / RARE) == messages / RARE / 2;
                    let text = text(&mut random, number, is_rare);
                    let one = letter(self.senders[place % SENDERS], &[owner]);
                    let one = one
                        .with_subject(format!("Message {number}"))
                        .with_text(text);
                    // Each place of the batches is a row of conversations.
                    let begins = (first / BATCH + place).is_multiple_of(CONVERSATION);
                    match sent.get(place).filter(|_| !begins) {
                        Some(before) => one.answering(before),
                        None => one,
                    }
                })
                .collect();
            let office = &self.library.office;
            sent = join_all(letters.iter().map(|letter| office.send(letter))).await;
            office.clock.advance(Duration::from_secs(60));
            self.library.index(owner).await;
            progress(first + BATCH);
        }
        self.filled(owner, messages).await
    }

    async fn filled(&self, owner: Uuid, messages: usize) -> Filled {
        let office = &self.library.office;
        let inbox = office.folder(owner, FolderRole::Inbox).await;
        assert_eq!(inbox.total_count, i64::try_from(messages).unwrap());
        let query = format!("unique{}", messages / 2);
        let middle = self.library.pages(owner, &query, 2).await.unwrap();
        let [middle]: [Copy; 1] = middle.try_into().unwrap();
        let mailbox = office.mailbox(owner).await;
        Filled {
            owner,
            messages,
            inbox: inbox.folder_id,
            middle,
            recently: State {
                change: mailbox.last_change - RECENT,
                ..mailbox.point()
            },
        }
    }
}

/// Every message has the word `common` and one of its own.
fn text(random: &mut StdRng, number: usize, is_rare: bool) -> String {
    let mut words = vec!["common".to_owned(), format!("unique{number}")];
    words.extend(is_rare.then(|| "rare".to_owned()));
    words.extend((0..WORDS).map(|_| {
        let exponent: f64 = random.random_range(0.0..1.0);
        format!("word{:.0}", VOCABULARY.powf(exponent))
    }));
    words.join(" ")
}
