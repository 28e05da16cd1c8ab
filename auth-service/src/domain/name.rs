//! Names that people give themselves and their devices.

use turbomessage_service_kit::{
    fields::{self, line},
    problem::Rule,
};

/// Most characters of a display name or a device name.
const MOST_CHARACTERS: usize = 64;

/// The name others write to: 3 to 32 of `a-z 0-9 . _ -`, starting and ending with a letter or
/// digit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Username(String);

impl Username {
    /// Reads a username; ASCII upper case is folded.
    ///
    /// # Errors
    /// `Required` if empty, else `Username`.
    pub(crate) fn parse(text: &str) -> Result<Self, Rule> {
        fields::username(text).map(Self)
    }

    /// A name that the store kept: it was checked on its way in.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    /// The name as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name others see: 1 to 64 characters, one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DisplayName(String);

impl DisplayName {
    /// Reads a display name.
    ///
    /// # Errors
    /// `Required`, `TooLong` or `ControlCharacter`.
    pub(crate) fn parse(text: &str) -> Result<Self, Rule> {
        if text.is_empty() {
            return Err(Rule::Required);
        }
        line(text, MOST_CHARACTERS)?;
        Ok(Self(text.to_owned()))
    }

    /// A name that the store kept: it was checked on its way in.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    /// The name as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&Username> for DisplayName {
    fn from(username: &Username) -> Self {
        Self(username.0.clone())
    }
}

/// What a client calls itself: at most 64 characters, one line; may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeviceName(String);

impl DeviceName {
    /// Reads a device name.
    ///
    /// # Errors
    /// `TooLong` or `ControlCharacter`.
    pub(crate) fn parse(text: &str) -> Result<Self, Rule> {
        line(text, MOST_CHARACTERS)?;
        Ok(Self(text.to_owned()))
    }

    /// A name that the store kept: it was checked on its way in.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    /// The name as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use turbomessage_service_kit::problem::Unit;

    use super::*;

    #[test]
    fn a_username_is_folded_and_nothing_else_is_changed() {
        assert_eq!(Username::parse("Ada.L-99").unwrap().as_str(), "ada.l-99");
    }

    #[test]
    fn other_usernames_are_refused() {
        assert_eq!(Username::parse(""), Err(Rule::Required));
        let long = "a".repeat(33);
        for text in [
            "ab",
            &long,
            ".ada",
            "ada-",
            "a da",
            "adä",
            "ada\n",
            "ada@x",
            "ＡＤＡ",
        ] {
            assert_eq!(Username::parse(text), Err(Rule::Username), "{text:?}");
        }
        assert!(Username::parse(&long[1..]).is_ok());
    }

    #[test]
    fn a_display_name_is_one_line_of_any_script() {
        assert_eq!(
            DisplayName::parse("Ada 李 👩🏽‍🚀").unwrap().as_str(),
            "Ada 李 👩🏽‍🚀"
        );
        assert!(DisplayName::parse(&"é".repeat(64)).is_ok());
        let long = DisplayName::parse(&"é".repeat(65));
        assert_eq!(long, Err(Rule::TooLong(64, Unit::Characters)));
        assert_eq!(DisplayName::parse(""), Err(Rule::Required));
        assert_eq!(DisplayName::parse("a\r\nb"), Err(Rule::ControlCharacter));
    }

    #[test]
    fn a_device_name_may_be_empty() {
        assert!(DeviceName::parse("").is_ok());
        assert_eq!(DeviceName::parse("a\0b"), Err(Rule::ControlCharacter));
    }
}
