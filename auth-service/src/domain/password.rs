//! Passwords and what is kept of them.

use std::fmt;

use turbomessage_service_kit::problem::{Rule, Unit};
use zeroize::Zeroizing;

const LEAST_BYTES: usize = 8;
const MOST_BYTES: usize = 256;

/// A password, never truncated, never shown, wiped from memory when it is dropped.
#[derive(Clone)]
pub(crate) struct Password(Zeroizing<String>);

impl Password {
    /// A password that somebody wants from now on: 8 to 256 bytes.
    ///
    /// # Errors
    /// `Required`, `TooShort` or `TooLong`.
    pub(crate) fn chosen(text: String) -> Result<Self, Rule> {
        let password = Self::given(text)?;
        if password.0.len() < LEAST_BYTES {
            return Err(Rule::TooShort(LEAST_BYTES, Unit::Bytes));
        }
        Ok(password)
    }

    /// A password that somebody claims to have. Whether it can be one at all is not said: a short
    /// one is as wrong as any other. A huge one is refused before any work is done on it.
    ///
    /// # Errors
    /// `Required` or `TooLong`.
    pub(crate) fn given(text: String) -> Result<Self, Rule> {
        let text = Zeroizing::new(text);
        match text.len() {
            0 => Err(Rule::Required),
            1..=MOST_BYTES => Ok(Self(text)),
            _ => Err(Rule::TooLong(MOST_BYTES, Unit::Bytes)),
        }
    }

    /// The password itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

/// What is kept of a password: a hash in the PHC string format, with its salt and parameters.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PasswordHash(String);

impl PasswordHash {
    /// A hash in the PHC string format.
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The hash as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_chosen_password_counts_in_bytes() {
        assert!(Password::chosen("12345678".into()).is_ok());
        assert!(Password::chosen("ñandú-é".into()).is_ok(), "10 bytes");
        assert!(Password::chosen("x".repeat(256)).is_ok());
        let refused = |text: String| Password::chosen(text).err();
        assert_eq!(refused(String::new()), Some(Rule::Required));
        assert_eq!(
            refused("1234567".into()),
            Some(Rule::TooShort(8, Unit::Bytes))
        );
        assert_eq!(
            refused("x".repeat(257)),
            Some(Rule::TooLong(256, Unit::Bytes))
        );
    }

    #[test]
    fn a_password_shows_nothing_of_itself() {
        let password = Password::given("hunter2".into()).unwrap();
        assert_eq!(format!("{password:?}"), "Password(***)");
    }
}
