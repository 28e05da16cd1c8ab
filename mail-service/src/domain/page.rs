//! Pages of a list: keyset pages, so that mail that arrives meanwhile moves nothing.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde::Serialize;
use sha2::{Digest, Sha256};
use turbomessage_service_kit::{
    clock::Timestamp,
    problem::{Problem, Reason, Rule},
};
use uuid::Uuid;

use super::Copy;

const DEFAULT: i64 = 50;
const MOST: i64 = 500;

/// How many entries a page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(i64);

impl Default for PageSize {
    fn default() -> Self {
        Self(DEFAULT)
    }
}

impl PageSize {
    /// 0 means 50, more than 500 means 500.
    ///
    /// # Errors
    /// `Negative`.
    pub fn parse(size: i32) -> Result<Self, Rule> {
        match i64::from(size) {
            ..0 => Err(Rule::Negative),
            0 => Ok(Self(DEFAULT)),
            size => Ok(Self(size.min(MOST))),
        }
    }

    /// The number of entries.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

/// What a list of messages shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Whose messages.
    pub owner_id: Uuid,
    /// In which folder.
    pub folder_id: Uuid,
    /// Only those not read.
    pub unread_only: bool,
    /// Only favourites.
    pub starred_only: bool,
    /// Only those with this label.
    pub label: Option<String>,
}

/// A list that pages are made of: what makes a page token of one no token of another.
#[derive(Debug, Serialize)]
#[expect(
    missing_docs,
    reason = "the arguments of the methods they are named after"
)]
pub enum List<'a> {
    Messages {
        owner_id: Uuid,
        folder_id: Uuid,
        unread_only: bool,
        starred_only: bool,
        label: Option<&'a str>,
    },
    Threads {
        owner_id: Uuid,
        folder_id: Uuid,
    },
    Thread {
        owner_id: Uuid,
        thread_id: Uuid,
        full: bool,
    },
    Search {
        owner_id: Uuid,
        query: &'a str,
    },
}

impl Filter {
    /// The list that this describes.
    #[must_use]
    pub fn list(&self) -> List<'_> {
        List::Messages {
            owner_id: self.owner_id,
            folder_id: self.folder_id,
            unread_only: self.unread_only,
            starred_only: self.starred_only,
            label: self.label.as_deref(),
        }
    }
}

/// The entry after which a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Its time.
    pub time: Timestamp,
    /// Its id, for entries of the same time.
    pub id: Uuid,
}

impl Cursor {
    /// Before the first entry of a list that begins with the newest.
    pub const NEWEST: Self = Self {
        time: Timestamp::from_micros(i64::MAX),
        id: Uuid::max(),
    };
    /// Before the first entry of a list that begins with the oldest.
    pub const OLDEST: Self = Self {
        time: Timestamp::from_micros(i64::MIN),
        id: Uuid::nil(),
    };

    /// The place right after `copy`.
    #[must_use]
    pub fn after(copy: &Copy) -> Self {
        Self {
            time: copy.receive_time,
            id: copy.message_id,
        }
    }

    /// What places come in the order of.
    #[must_use]
    pub fn order(&self) -> (Timestamp, Uuid) {
        (self.time, self.id)
    }

    /// The opaque token that clients give back for `list`.
    #[must_use]
    pub fn encode(self, list: &List<'_>) -> String {
        token(self.to_bytes().to_vec(), list)
    }

    /// The place in `list` that a token names; none if it is empty.
    ///
    /// # Errors
    /// `PAGE_TOKEN_INVALID` if it is damaged or was made for another list.
    pub fn decode(token: &str, list: &List<'_>) -> Result<Option<Self>, Problem> {
        Ok(open(token, list)?.map(|bytes| Self::from_bytes(&bytes)))
    }

    fn to_bytes(self) -> [u8; PLACE_BYTES] {
        let mut bytes = [0; PLACE_BYTES];
        let (time, id) = bytes.split_at_mut(NUMBER_BYTES);
        time.copy_from_slice(&self.time.as_micros().to_be_bytes());
        id.copy_from_slice(self.id.as_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; PLACE_BYTES]) -> Self {
        let (time, id) = bytes.split_at(NUMBER_BYTES);
        Self {
            time: Timestamp::from_micros(number_in(time)),
            id: Uuid::from_slice(id).unwrap_or_default(),
        }
    }
}

impl From<(Uuid, i64)> for Cursor {
    /// An id and its time in microseconds, as a row has them.
    fn from((id, time): (Uuid, i64)) -> Self {
        let time = Timestamp::from_micros(time);
        Self { time, id }
    }
}

/// A walk through a list whose entries move up when mail arrives: every entry counts as standing where it stood when the
/// walk began, and so comes on one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk {
    /// When it began.
    pub began: Began,
    /// The entry after which the page begins.
    pub place: Cursor,
}

/// When a walk began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Began {
    /// The time of the newest entry then.
    pub time: Timestamp,
    /// The number of the mailbox's last change then.
    pub change: i64,
}

impl Walk {
    /// The opaque token that clients give back for `list`.
    #[must_use]
    pub fn encode(self, list: &List<'_>) -> String {
        let time = self.began.time.as_micros().to_be_bytes();
        let change = self.began.change.to_be_bytes();
        let place = self.place.to_bytes();
        token([&time[..], &change, &place].concat(), list)
    }

    /// The place in `list` that a token names; none if it is empty.
    ///
    /// # Errors
    /// `PAGE_TOKEN_INVALID` if it is damaged or was made for another list.
    pub fn decode(token: &str, list: &List<'_>) -> Result<Option<Self>, Problem> {
        let bytes: Option<[u8; 2 * NUMBER_BYTES + PLACE_BYTES]> = open(token, list)?;
        Ok(bytes.map(|bytes| {
            let (time, rest) = bytes.split_at(NUMBER_BYTES);
            let (change, place) = rest.split_at(NUMBER_BYTES);
            let place = place.try_into().unwrap_or(&[0; PLACE_BYTES]);
            Self {
                began: Began {
                    time: Timestamp::from_micros(number_in(time)),
                    change: number_in(change),
                },
                place: Cursor::from_bytes(place),
            }
        }))
    }
}

const NUMBER_BYTES: usize = 8;
const PLACE_BYTES: usize = NUMBER_BYTES + 16;
const SEAL_BYTES: usize = 8;

fn number_in(bytes: &[u8]) -> i64 {
    i64::from_be_bytes(bytes.try_into().unwrap_or_default())
}

/// What a token of `list` has in it, sealed.
fn token(mut bytes: Vec<u8>, list: &List<'_>) -> String {
    let seal = seal(&bytes, list);
    bytes.extend(seal);
    BASE64.encode(bytes)
}

/// What is in a token of `list`; none if it is empty.
fn open<const N: usize>(token: &str, list: &List<'_>) -> Result<Option<[u8; N]>, Problem> {
    if token.is_empty() {
        return Ok(None);
    }
    let invalid = || Problem::new(Reason::PageTokenInvalid);
    let bytes = BASE64.decode(token).map_err(|_| invalid())?;
    let (place, found) = bytes.split_at_checked(N).ok_or_else(invalid)?;
    if found != seal(place, list) {
        return Err(invalid());
    }
    place.try_into().map(Some).map_err(|_| invalid())
}

/// Tells damage and mistaken use. It needs no secret: the place in a forged token is one in the
/// forger's own mailbox.
fn seal(place: &[u8], list: &List<'_>) -> [u8; SEAL_BYTES] {
    let digest = Sha256::new()
        .chain_update(b"page 2")
        .chain_update(postcard::to_allocvec(list).unwrap_or_default())
        .chain_update(place)
        .finalize();
    let mut seal = [0; SEAL_BYTES];
    seal.copy_from_slice(&digest[..SEAL_BYTES]);
    seal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_sizes_are_bounded() {
        assert_eq!(PageSize::parse(0).unwrap().get(), 50);
        assert_eq!(PageSize::parse(7).unwrap().get(), 7);
        assert_eq!(PageSize::parse(501).unwrap().get(), 500);
        assert_eq!(PageSize::parse(-1), Err(Rule::Negative));
    }

    #[test]
    fn a_token_serves_its_own_list_only() {
        let [owner_id, folder_id, other] = [1, 2, 9].map(Uuid::from_u128);
        let filter = Filter {
            owner_id,
            folder_id,
            unread_only: false,
            starred_only: false,
            label: None,
        };
        let place = Cursor {
            time: Timestamp::from_micros(77),
            id: Uuid::from_u128(3),
        };
        let token = place.encode(&filter.list());
        let found = |list: &List<'_>| Cursor::decode(&token, list).ok().flatten();
        assert_eq!(found(&filter.list()), Some(place));
        assert_eq!(Cursor::decode("", &filter.list()).unwrap(), None);

        let with = |edit: fn(&mut Filter)| {
            let mut filter = filter.clone();
            edit(&mut filter);
            found(&filter.list())
        };
        assert_eq!(with(|f| f.owner_id = Uuid::from_u128(9)), None);
        assert_eq!(with(|f| f.folder_id = Uuid::from_u128(9)), None);
        assert_eq!(with(|f| f.unread_only = true), None);
        assert_eq!(with(|f| f.starred_only = true), None);
        assert_eq!(with(|f| f.label = Some(String::new())), None);
        let thread = |full| List::Thread {
            owner_id,
            thread_id: other,
            full,
        };
        let token_of_thread = place.encode(&thread(true));
        assert!(Cursor::decode(&token_of_thread, &thread(true)).is_ok());
        assert!(Cursor::decode(&token_of_thread, &thread(false)).is_err());
        let threads = List::Threads {
            owner_id,
            folder_id,
        };
        assert_eq!(found(&threads), None);

        let mut bytes = BASE64.decode(&token).unwrap();
        for n in 0..bytes.len() {
            bytes[n] ^= 1;
            assert!(
                Cursor::decode(&BASE64.encode(&bytes), &filter.list()).is_err(),
                "byte {n}"
            );
            bytes[n] ^= 1;
        }
        for garbage in ["x", "AAAA", "%%%", &token[1..], &format!("{token}AAAA")] {
            let problem = Cursor::decode(garbage, &filter.list()).unwrap_err();
            assert_eq!(problem.reason(), Reason::PageTokenInvalid);
        }
    }
}
