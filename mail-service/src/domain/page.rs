//! Pages of a list: keyset pages, so that mail that arrives meanwhile moves nothing.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    /// Whose messages.
    pub owner_id: Uuid,
    /// In which folder.
    pub folder_id: Uuid,
    /// Only those not read.
    pub unread_only: bool,
    /// Only favourites.
    pub starred_only: bool,
}

/// The entry after which a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Its time.
    pub receive_time: Timestamp,
    /// Its id, for entries of the same time.
    pub message_id: Uuid,
}

impl Cursor {
    /// Before the first entry.
    pub const START: Self = Self {
        receive_time: Timestamp::from_micros(i64::MAX),
        message_id: Uuid::max(),
    };

    /// The place right after `copy`.
    #[must_use]
    pub fn after(copy: &Copy) -> Self {
        Self {
            receive_time: copy.receive_time,
            message_id: copy.message_id,
        }
    }

    /// The opaque token that clients give back for the list that `filter` describes.
    #[must_use]
    pub fn encode(self, filter: &Filter) -> String {
        let mut bytes = Vec::with_capacity(32);
        bytes.extend(self.receive_time.as_micros().to_be_bytes());
        bytes.extend(self.message_id.as_bytes());
        let seal = seal(&bytes, filter);
        bytes.extend(seal);
        BASE64.encode(bytes)
    }

    /// The place a token names; the start if it is empty.
    ///
    /// # Errors
    /// `PAGE_TOKEN_INVALID` if it is damaged or was made for another list.
    pub fn decode(token: &str, filter: &Filter) -> Result<Self, Problem> {
        if token.is_empty() {
            return Ok(Self::START);
        }
        let invalid = || Problem::new(Reason::PageTokenInvalid);
        let bytes = BASE64.decode(token).map_err(|_| invalid())?;
        let (place, found) = bytes.split_at_checked(24).ok_or_else(invalid)?;
        if found != seal(place, filter) {
            return Err(invalid());
        }
        let (time, id) = place.split_at(8);
        let time = time.try_into().map_err(|_| invalid())?;
        Ok(Self {
            receive_time: Timestamp::from_micros(i64::from_be_bytes(time)),
            message_id: Uuid::from_slice(id).map_err(|_| invalid())?,
        })
    }
}

/// Tells damage and mistaken use. It needs no secret: the place in a forged token is one in the
/// forger's own mailbox.
fn seal(place: &[u8], filter: &Filter) -> [u8; 8] {
    let digest = Sha256::new()
        .chain_update(b"page 1")
        .chain_update(filter.owner_id)
        .chain_update(filter.folder_id)
        .chain_update([u8::from(filter.unread_only), u8::from(filter.starred_only)])
        .chain_update(place)
        .finalize();
    let mut seal = [0; 8];
    seal.copy_from_slice(&digest[..8]);
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
        let filter = Filter {
            owner_id: Uuid::from_u128(1),
            folder_id: Uuid::from_u128(2),
            unread_only: false,
            starred_only: false,
        };
        let place = Cursor {
            receive_time: Timestamp::from_micros(77),
            message_id: Uuid::from_u128(3),
        };
        let token = place.encode(&filter);
        assert_eq!(Cursor::decode(&token, &filter).unwrap(), place);
        assert_eq!(Cursor::decode("", &filter).unwrap(), Cursor::START);

        for other in [
            Filter {
                owner_id: Uuid::from_u128(9),
                ..filter
            },
            Filter {
                folder_id: Uuid::from_u128(9),
                ..filter
            },
            Filter {
                unread_only: true,
                ..filter
            },
            Filter {
                starred_only: true,
                ..filter
            },
        ] {
            assert!(Cursor::decode(&token, &other).is_err());
        }
        let mut bytes = BASE64.decode(&token).unwrap();
        for n in 0..bytes.len() {
            bytes[n] ^= 1;
            assert!(
                Cursor::decode(&BASE64.encode(&bytes), &filter).is_err(),
                "byte {n}"
            );
            bytes[n] ^= 1;
        }
        for garbage in ["x", "AAAA", "%%%", &token[1..], &format!("{token}AAAA")] {
            let problem = Cursor::decode(garbage, &filter).unwrap_err();
            assert_eq!(problem.reason(), Reason::PageTokenInvalid);
        }
    }
}
