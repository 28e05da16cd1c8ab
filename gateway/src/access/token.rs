//! What a client shows for its session.

use http::{HeaderMap, header::AUTHORIZATION};
use sha2::{Digest, Sha256};
use turbomessage_service_kit::settings::Secret;

/// What every session token begins with.
const PREFIX: &str = "tm_";
/// Longer ones are none, whatever they hold.
const MAX_BYTES: usize = 128;

/// What a token is remembered by.
pub(super) type Fingerprint = [u8; 32];

/// A session token. Its `Debug` shows nothing of it.
#[derive(Debug, Clone)]
pub(crate) struct Token(Secret);

impl Token {
    /// The token in the one `authorization: Bearer …` header, if there is exactly one and it could
    /// be a token. The scheme's case does not matter (RFC 9110, 11.1).
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (value, None) = (values.next()?, values.next()) else {
            return None;
        };
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        let token = token.trim_matches(' ');
        let sensible = scheme.eq_ignore_ascii_case("bearer")
            && token.starts_with(PREFIX)
            && token.len() <= MAX_BYTES
            && token.bytes().all(|b| b.is_ascii_graphic());
        sensible.then(|| Self(Secret::new(token)))
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        Sha256::digest(self.0.expose()).into()
    }

    /// The token itself, to ask auth-service about.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        Token::from_headers(&headers).map(|t| t.expose().to_owned())
    }

    #[test]
    fn the_scheme_may_be_written_in_any_case() {
        for scheme in ["Bearer", "bearer", "BEARER"] {
            assert_eq!(read(&[&format!("{scheme} tm_x")]).unwrap(), "tm_x");
        }
    }

    #[test]
    fn what_cannot_be_a_token_is_none() {
        let long = format!("Bearer tm_{}", "x".repeat(MAX_BYTES));
        for values in [
            &[][..],
            &[""],
            &["tm_x"],
            &["Basic tm_x"],
            &["Bearer"],
            &["Bearer "],
            &["Bearer x"],
            &["Bearer tm_x y"],
            &["Bearer tm_x", "Bearer tm_x"],
            &[&long],
        ] {
            assert_eq!(read(values), None, "{values:?}");
        }
    }
}
