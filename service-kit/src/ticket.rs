//! Tickets: what auth-service found out about a session, signed, so that mail-service need not ask
//! again. A ticket is a JWS in compact form (RFC 7515) signed with Ed25519 (RFC 8037); no other
//! algorithm is known here, so none can be asked for.

use std::time::Duration;

use anyhow::{Context, bail};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey, pkcs8::DecodePrivateKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::clock::Timestamp;

/// The header that carries a ticket to mail-service.
pub const HEADER: &str = "x-tm-ticket";
/// The audience of tickets for mail-service.
pub const AUDIENCE: &str = "mail";
/// How long a ticket is good.
pub const LIFETIME: Duration = Duration::from_secs(60);
/// How far the clocks of two machines may be apart.
const LEEWAY: Duration = Duration::from_secs(5);
const ALGORITHM: &str = "EdDSA";

/// What a ticket states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims {
    /// Whose call it is.
    pub account_id: Uuid,
    /// The session it is made in.
    pub session_id: Uuid,
    /// Until when the ticket is good.
    pub expire_time: Timestamp,
}

/// Why a ticket is refused. For the log: the caller hears `SESSION_INVALID` for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no ticket.
    #[error("the ticket cannot be read")]
    Malformed,
    /// It names a key that is not known.
    #[error("the ticket's key is not known")]
    UnknownKey,
    /// The signature is not by the key it names.
    #[error("the ticket's signature is wrong")]
    Forged,
    /// It is for somebody else.
    #[error("the ticket is for another audience")]
    WrongAudience,
    /// Its time is over, or has not come.
    #[error("the ticket is not good at this time")]
    WrongTime,
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    sub: Uuid,
    sid: Uuid,
    aud: String,
    /// Seconds since the Unix epoch.
    iat: i64,
    /// Seconds since the Unix epoch.
    exp: i64,
}

/// A key that signs tickets.
pub struct TicketKey {
    id: String,
    key: SigningKey,
}

impl std::fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TicketKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl TicketKey {
    /// A new random key, for one process alone.
    #[must_use]
    pub fn generate() -> Self {
        Self::new(SigningKey::from_bytes(&rand::random()))
    }

    /// The keys in a file of PEM blocks `PRIVATE KEY` (PKCS #8, as `openssl genpkey -algorithm
    /// ed25519` writes it). The first one signs; all of them are announced.
    ///
    /// # Errors
    /// There is no key, or a block is no Ed25519 key.
    pub fn from_pem(text: &str) -> anyhow::Result<Vec<Self>> {
        const END: &str = "-----END PRIVATE KEY-----";
        let keys: Vec<Self> = text
            .split_inclusive(END)
            .filter(|block| block.contains(END))
            .map(|block| {
                SigningKey::from_pkcs8_pem(block.trim())
                    .map(Self::new)
                    .context("a block is no Ed25519 key in PKCS #8")
            })
            .collect::<anyhow::Result<_>>()?;
        if keys.is_empty() {
            bail!("there is no `PRIVATE KEY` block");
        }
        Ok(keys)
    }

    fn new(key: SigningKey) -> Self {
        // Like a key's thumbprint: the same key has the same id on every replica.
        let id = hex::encode(&Sha256::digest(key.verifying_key().as_bytes())[..8]);
        Self { id, key }
    }

    /// The key's name in a ticket's header.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// A ticket for `account_id` in `session_id`, good from `now` for [`LIFETIME`], and what it
    /// states.
    #[must_use]
    pub fn sign(&self, account_id: Uuid, session_id: Uuid, now: Timestamp) -> (String, Claims) {
        let expire_time = Timestamp::from_micros(now.plus(LIFETIME).as_secs() * 1_000_000);
        let header = encode(&Header {
            alg: ALGORITHM.into(),
            kid: self.id.clone(),
        });
        let payload = encode(&Payload {
            sub: account_id,
            sid: session_id,
            aud: AUDIENCE.into(),
            iat: now.as_secs(),
            exp: expire_time.as_secs(),
        });
        let signed = format!("{header}.{payload}");
        let signature = BASE64.encode(self.key.sign(signed.as_bytes()).to_bytes());
        (
            format!("{signed}.{signature}"),
            Claims {
                account_id,
                session_id,
                expire_time,
            },
        )
    }
}

fn encode(part: &impl Serialize) -> String {
    // Strings, ids and numbers always become JSON.
    BASE64.encode(serde_json::to_vec(part).unwrap_or_default())
}

/// The public half of a key that tickets may be signed with.
#[derive(Debug, Clone)]
pub struct PublicKey {
    id: String,
    key: VerifyingKey,
}

impl PublicKey {
    /// The key `bytes` with the name `id`.
    ///
    /// # Errors
    /// `bytes` is no Ed25519 key.
    pub fn new(id: impl Into<String>, bytes: &[u8]) -> anyhow::Result<Self> {
        let bytes = <&[u8; 32]>::try_from(bytes).context("a key has 32 bytes")?;
        Ok(Self {
            id: id.into(),
            key: VerifyingKey::from_bytes(bytes)?,
        })
    }
}

/// Checks `ticket` against `keys` at the time `now`.
///
/// # Errors
/// Why it is refused.
pub fn verify(ticket: &str, keys: &[PublicKey], now: Timestamp) -> Result<Claims, Refused> {
    let (signed, signature) = ticket.rsplit_once('.').ok_or(Refused::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(Refused::Malformed)?;
    let header: Header = decode(header)?;
    if header.alg != ALGORITHM {
        return Err(Refused::Malformed);
    }
    let key = keys
        .iter()
        .find(|k| k.id == header.kid)
        .ok_or(Refused::UnknownKey)?;
    let signature = BASE64.decode(signature).map_err(|_| Refused::Malformed)?;
    let signature = Signature::from_slice(&signature).map_err(|_| Refused::Malformed)?;
    key.key
        .verify_strict(signed.as_bytes(), &signature)
        .map_err(|_| Refused::Forged)?;

    let payload: Payload = decode(payload)?;
    if payload.aud != AUDIENCE {
        return Err(Refused::WrongAudience);
    }
    let lifetime = payload.exp.saturating_sub(payload.iat);
    let from = Timestamp::from_micros(payload.iat.saturating_mul(1_000_000)).minus(LEEWAY);
    let until = Timestamp::from_micros(payload.exp.saturating_mul(1_000_000));
    if now < from || now >= until.plus(LEEWAY) || lifetime > LIFETIME.as_secs().cast_signed() {
        return Err(Refused::WrongTime);
    }
    Ok(Claims {
        account_id: payload.sub,
        session_id: payload.sid,
        expire_time: until,
    })
}

fn decode<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, Refused> {
    let bytes = BASE64.decode(part).map_err(|_| Refused::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| Refused::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn key_and_ticket() -> (TicketKey, Vec<PublicKey>, String) {
        let key = TicketKey::generate();
        let public = vec![PublicKey::new(key.id(), &key.public()).unwrap()];
        let (ticket, _) = key.sign(Uuid::from_u128(1), Uuid::from_u128(2), NOW);
        (key, public, ticket)
    }

    #[test]
    fn a_ticket_says_who_calls() {
        let (_, keys, ticket) = key_and_ticket();
        let claims = verify(&ticket, &keys, NOW).unwrap();
        assert_eq!(claims.account_id, Uuid::from_u128(1));
        assert_eq!(claims.session_id, Uuid::from_u128(2));
        assert_eq!(claims.expire_time, NOW.plus(LIFETIME));
    }

    #[test]
    fn a_ticket_is_good_for_its_time_only() {
        let (_, keys, ticket) = key_and_ticket();
        let refused = Err(Refused::WrongTime);
        assert_eq!(verify(&ticket, &keys, NOW.plus(LIFETIME + LEEWAY)), refused);
        assert_eq!(
            verify(&ticket, &keys, NOW.minus(Duration::from_secs(300))),
            refused
        );
        assert!(
            verify(&ticket, &keys, NOW.plus(LIFETIME)).is_ok(),
            "clocks differ a little"
        );
    }

    #[test]
    fn other_tickets_are_refused() {
        let (key, keys, ticket) = key_and_ticket();
        let (_, _, foreign) = key_and_ticket();
        assert_eq!(verify(&foreign, &keys, NOW), Err(Refused::UnknownKey));

        let parts: Vec<&str> = ticket.split('.').collect();
        let none = encode(&Header {
            alg: "none".into(),
            kid: key.id().into(),
        });
        assert_eq!(
            verify(&format!("{none}.{}.", parts[1]), &keys, NOW),
            Err(Refused::Malformed)
        );

        let forged = encode(&Payload {
            sub: Uuid::from_u128(9),
            sid: Uuid::from_u128(2),
            aud: AUDIENCE.into(),
            iat: NOW.as_secs(),
            exp: NOW.as_secs() + 60,
        });
        let forged = format!("{}.{forged}.{}", parts[0], parts[2]);
        assert_eq!(verify(&forged, &keys, NOW), Err(Refused::Forged));

        for text in ["", ".", "..", "a.b.c", "Bearer x"] {
            assert_eq!(
                verify(text, &keys, NOW),
                Err(Refused::Malformed),
                "{text:?}"
            );
        }
    }

    #[test]
    fn another_audience_and_a_long_life_are_refused() {
        let (key, keys, _) = key_and_ticket();
        let ticket = |aud: &str, exp: i64| {
            let header = encode(&Header {
                alg: ALGORITHM.into(),
                kid: key.id().into(),
            });
            let payload = encode(&Payload {
                sub: Uuid::from_u128(1),
                sid: Uuid::from_u128(2),
                aud: aud.into(),
                iat: NOW.as_secs(),
                exp,
            });
            let signed = format!("{header}.{payload}");
            let signature = BASE64.encode(key.key.sign(signed.as_bytes()).to_bytes());
            format!("{signed}.{signature}")
        };
        let soon = NOW.as_secs() + 60;
        assert!(verify(&ticket("mail", soon), &keys, NOW).is_ok());
        assert_eq!(
            verify(&ticket("billing", soon), &keys, NOW),
            Err(Refused::WrongAudience)
        );
        assert_eq!(
            verify(&ticket("mail", soon + 3600), &keys, NOW),
            Err(Refused::WrongTime)
        );
    }

    #[test]
    fn keys_come_from_pem() {
        assert!(TicketKey::from_pem("").is_err());
        assert!(
            TicketKey::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")
                .is_err()
        );
        // The example of RFC 8410, section 10.3.
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
        let keys = TicketKey::from_pem(&pem.repeat(2)).unwrap();
        assert_eq!(keys.len(), 2);
        assert_eq!(keys[0].id(), keys[1].id());
    }
}
