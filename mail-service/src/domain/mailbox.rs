//! The mailbox as a whole, and the points in its history.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use turbomessage_service_kit::{
    clock::Timestamp,
    problem::{Problem, Reason},
};
use uuid::Uuid;

/// Whether a mailbox can be used. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i16)]
pub enum MailboxState {
    /// In use.
    Active = 1,
    /// Its account was deleted. The row stays, so that nothing brings it back to life.
    Erased = 2,
}

/// A mailbox as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// Whose it is.
    pub owner_id: Uuid,
    /// Whether it can be used.
    pub state: MailboxState,
    /// Names this history of changes: a new one makes every state handed out before expire.
    pub epoch: Uuid,
    /// The number of the last change.
    pub last_change: i64,
    /// The history of changes is kept from after this number.
    pub oldest_change: i64,
    /// The last `receive_time` given out, in microseconds since the Unix epoch.
    pub last_receive_time: i64,
    /// Messages in all folders.
    pub message_count: i64,
    /// Bytes they take.
    pub used_bytes: i64,
    /// Messages there may be.
    pub quota_messages: i64,
    /// Bytes they may take.
    pub quota_bytes: i64,
    /// Messages that came up to this time are in the index of search.
    pub indexed_time: Timestamp,
}

impl Mailbox {
    /// Whether `messages` more with `bytes` together fit.
    #[must_use]
    pub fn has_room(&self, messages: i64, bytes: i64) -> bool {
        self.message_count.saturating_add(messages) <= self.quota_messages
            && self.used_bytes.saturating_add(bytes) <= self.quota_bytes
    }

    /// The point in history that this shows.
    #[must_use]
    pub fn point(&self) -> State {
        self.state_at(self.last_change)
    }

    /// The point in history right after `change`.
    #[must_use]
    pub fn state_at(&self, change: i64) -> State {
        State {
            epoch: self.epoch,
            change,
        }
    }

    /// Checks that everything that happened after `since` is known.
    ///
    /// # Errors
    /// `HISTORY_EXPIRED`, with the oldest state from which it is.
    pub fn check_history(&self, since: State) -> Result<(), Problem> {
        let known = self.oldest_change..=self.last_change;
        if since.epoch == self.epoch && known.contains(&since.change) {
            return Ok(());
        }
        let oldest = self.state_at(self.oldest_change).encode();
        Err(Problem::new(Reason::HistoryExpired).with("oldest_state", oldest))
    }
}

/// A point in a mailbox's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Which history.
    pub epoch: Uuid,
    /// The number of the last change before it.
    pub change: i64,
}

impl State {
    /// The opaque form that clients keep.
    #[must_use]
    pub fn encode(self) -> String {
        let mut bytes = [0; 24];
        bytes[..16].copy_from_slice(self.epoch.as_bytes());
        bytes[16..].copy_from_slice(&self.change.to_be_bytes());
        BASE64.encode(bytes)
    }

    /// The point that `state` names.
    ///
    /// # Errors
    /// `STATE_INVALID` if it is none that was ever handed out.
    pub fn decode(state: &str) -> Result<Self, Problem> {
        let invalid = || Problem::new(Reason::StateInvalid);
        let bytes = BASE64.decode(state).map_err(|_| invalid())?;
        let (epoch, change) = bytes.split_at_checked(16).ok_or_else(invalid)?;
        Ok(Self {
            epoch: Uuid::from_slice(epoch).map_err(|_| invalid())?,
            change: i64::from_be_bytes(change.try_into().map_err(|_| invalid())?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox() -> Mailbox {
        Mailbox {
            owner_id: Uuid::from_u128(1),
            state: MailboxState::Active,
            epoch: Uuid::from_u128(2),
            last_change: 9,
            oldest_change: 5,
            last_receive_time: 0,
            message_count: 0,
            used_bytes: 0,
            quota_messages: 1,
            quota_bytes: 1,
            indexed_time: Timestamp::from_micros(0),
        }
    }

    #[test]
    fn a_state_comes_back_and_damage_is_told() {
        let state = mailbox().point();
        assert_eq!(State::decode(&state.encode()).unwrap(), state);
        for bad in ["", "x", "\u{e9}", &state.encode()[1..]] {
            let problem = State::decode(bad).unwrap_err();
            assert_eq!(problem.reason(), Reason::StateInvalid, "{bad:?}");
        }
    }

    #[test]
    fn history_is_known_from_the_oldest_change_to_the_last_and_in_its_own_epoch() {
        let mailbox = mailbox();
        for change in 5..=9 {
            mailbox.check_history(mailbox.state_at(change)).unwrap();
        }
        let elsewhere = State {
            epoch: Uuid::nil(),
            change: 7,
        };
        for expired in [mailbox.state_at(4), mailbox.state_at(10), elsewhere] {
            let problem = mailbox.check_history(expired).unwrap_err();
            assert_eq!(problem.reason(), Reason::HistoryExpired);
            let oldest = problem.metadata("oldest_state").map(str::to_owned);
            assert_eq!(oldest, Some(mailbox.state_at(5).encode()));
        }
    }
}
