//! Sessions, and the secret that opens one.

use std::{fmt, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use sha2::{Digest, Sha256};
use turbomessage_service_kit::clock::Timestamp;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::DeviceName;

/// What every token begins with, so that one that leaked is recognised.
const PREFIX: &str = "tm_";
const TOKEN_BYTES: usize = 32;

/// The secret that a session's calls carry: 256 random bits.
#[derive(Clone)]
pub(crate) struct SessionToken(Zeroizing<String>);

impl SessionToken {
    /// A new token.
    pub(crate) fn generate() -> Self {
        let bits: Zeroizing<[u8; TOKEN_BYTES]> = Zeroizing::new(rand::random());
        Self(Zeroizing::new(format!("{PREFIX}{}", BASE64.encode(*bits))))
    }

    /// What somebody sent as a token, unless no token looks like that.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bits = BASE64.decode(text.strip_prefix(PREFIX)?).ok()?;
        (bits.len() == TOKEN_BYTES).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// What is kept of the token. It has 256 random bits, so that a plain hash is enough.
    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.as_bytes()).into())
    }

    /// The token itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(***)")
    }
}

/// SHA-256 of a session token: finds the session and opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash's bytes.
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// How long sessions last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lifetimes {
    /// Without being used.
    pub(crate) idle: Duration,
    /// However often it is used.
    pub(crate) absolute: Duration,
}

/// One login on one device.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_field_names,
    reason = "ids are called as in the contract"
)]
pub(crate) struct Session {
    /// Names the session and opens nothing.
    pub(crate) session_id: Uuid,
    /// Whose it is.
    pub(crate) account_id: Uuid,
    /// What the client calls itself.
    pub(crate) device_name: DeviceName,
    /// When it was opened.
    pub(crate) create_time: Timestamp,
    /// When it was last used, to about a minute.
    pub(crate) last_seen_time: Timestamp,
    /// When it ends if it is not used again.
    pub(crate) expire_time: Timestamp,
    /// When it ends at the latest.
    pub(crate) end_time: Timestamp,
}

impl Session {
    /// How old the note of a session's last use may become before it is written again.
    pub(crate) const TOUCH_AFTER: Duration = Duration::from_secs(60);

    /// A session that begins now.
    pub(crate) fn begin(
        session_id: Uuid,
        account_id: Uuid,
        device_name: DeviceName,
        lifetimes: Lifetimes,
        now: Timestamp,
    ) -> Self {
        let end_time = now.plus(lifetimes.absolute);
        Self {
            session_id,
            account_id,
            device_name,
            create_time: now,
            last_seen_time: now,
            expire_time: now.plus(lifetimes.idle).min(end_time),
            end_time,
        }
    }
}

/// A session that ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RevokedSession {
    /// Which session.
    pub(crate) session_id: Uuid,
    /// Whose it was.
    pub(crate) account_id: Uuid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_what_the_contract_says_and_never_the_same() {
        let token = SessionToken::generate();
        assert_eq!(token.expose().len(), 3 + 43);
        assert!(token.expose().starts_with("tm_"));
        assert_ne!(token.hash(), SessionToken::generate().hash());
        assert_eq!(
            SessionToken::parse(token.expose()).unwrap().hash(),
            token.hash()
        );
        assert_eq!(format!("{token:?}"), "SessionToken(***)");
    }

    #[test]
    fn what_no_token_looks_like_is_not_asked_about() {
        let token = SessionToken::generate();
        let body = &token.expose()[3..];
        for text in [
            "",
            "tm_",
            body,
            &format!("{}x", token.expose()),
            &format!("TM_{body}"),
        ] {
            assert!(SessionToken::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_session_never_outlasts_its_absolute_lifetime() {
        let lifetimes = Lifetimes {
            idle: Duration::from_secs(100),
            absolute: Duration::from_secs(50),
        };
        let now = Timestamp::from_micros(0);
        let device = DeviceName::parse("").unwrap();
        let session = Session::begin(Uuid::nil(), Uuid::nil(), device, lifetimes, now);
        assert_eq!(session.expire_time, now.plus(lifetimes.absolute));
    }
}
