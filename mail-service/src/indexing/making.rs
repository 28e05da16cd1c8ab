//! Messages as search sees them, and segments made of them.

use std::collections::BTreeSet;

use turbomessage_service_kit::clock::Timestamp;
use uuid::Uuid;

use crate::{
    domain::{Participant, Participants},
    search::{self, Block, Document},
    store::Unindexed,
};

/// A segment that was made.
pub(super) struct Made {
    pub(super) blocks: Vec<Block>,
    pub(super) people: BTreeSet<Uuid>,
    pub(super) messages: i64,
    /// None if all messages are gone.
    pub(super) oldest: Option<Timestamp>,
}

pub(super) fn make(messages: &[Unindexed]) -> Made {
    let people: Vec<Vec<(Uuid, search::Role)>> = messages
        .iter()
        .map(|message| people(&message.participants))
        .collect();
    let documents = messages.iter().zip(&people);
    let documents: Vec<Document<'_>> = documents
        .map(|(message, people)| document(message, people))
        .collect();
    Made {
        blocks: search::build(&documents),
        people: people.iter().flatten().map(|(id, _)| *id).collect(),
        messages: i64::try_from(messages.len()).unwrap_or(i64::MAX),
        oldest: messages.first().map(|message| message.receive_time),
    }
}

/// A message as search sees it.
pub(crate) fn document<'a>(
    message: &'a Unindexed,
    people: &'a [(Uuid, search::Role)],
) -> Document<'a> {
    Document {
        time: message.receive_time.as_micros(),
        subject: &message.subject,
        text: &message.body.text,
        html: &message.body.html,
        people,
    }
}

/// Who is named in a message, by id.
pub(crate) fn people(participants: &Participants) -> Vec<(Uuid, search::Role)> {
    use search::Role::{Bcc, Cc, From, To};
    let lists = [
        (From, std::slice::from_ref(&participants.from)),
        (To, participants.to.as_slice()),
        (Cc, &participants.cc),
        (Bcc, &participants.bcc),
    ];
    let all = lists.into_iter();
    let all = all.flat_map(|(role, list)| list.iter().map(move |person| (person, role)));
    all.filter_map(|(person, role)| match person {
        Participant::Account(id) => Some((*id, role)),
        Participant::System => Some((SYSTEM, role)),
        Participant::External { .. } => None,
    })
    .collect()
}

/// The system among the people of a search.
pub(crate) const SYSTEM: Uuid = Uuid::nil();
