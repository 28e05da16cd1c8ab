//! The rules that fields can break, and how each is put into words.

use crate::language::Language;

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of UTF-8.
    Bytes,
    /// Unicode scalar values.
    Characters,
    /// Elements of a list.
    Items,
}

/// A rule that a field breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// It must be given.
    Required,
    /// It is longer than the most allowed.
    TooLong(usize, Unit),
    /// It is shorter than the least allowed.
    TooShort(usize, Unit),
    /// It is no UUID.
    NotUuid,
    /// It has control characters or line breaks where there must be none.
    ControlCharacter,
    /// It has a NUL character.
    Nul,
    /// It is below zero.
    Negative,
    /// It is no value of its enumeration, or not one that may be asked for.
    UnknownValue,
    /// It has white space at its beginning or end.
    SpaceAround,
    /// It is no point in time.
    NotATime,
    /// It is more than a year ahead.
    TooFarAhead,
    /// It is no possible username.
    Username,
    /// It excludes the other field, which is there too.
    NotTogether(&'static str),
    /// It stands only with exactly one element in the other field.
    OnlyWithOne(&'static str),
    /// Advice that a library gives, in both languages.
    Advice {
        /// The advice in English.
        english: String,
        /// The advice in Spanish.
        spanish: String,
    },
}

impl Rule {
    /// A name for programs: the `reason` of the `BadRequest.FieldViolation`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Required => "REQUIRED",
            Self::TooLong(..) => "TOO_LONG",
            Self::TooShort(..) => "TOO_SHORT",
            Self::NotUuid => "NOT_A_UUID",
            Self::ControlCharacter => "CONTROL_CHARACTER",
            Self::Nul => "NUL",
            Self::Negative => "NEGATIVE",
            Self::UnknownValue => "UNKNOWN_VALUE",
            Self::SpaceAround => "SPACE_AROUND",
            Self::NotATime => "NOT_A_TIME",
            Self::TooFarAhead => "TOO_FAR_AHEAD",
            Self::Username => "USERNAME",
            Self::NotTogether(_) => "NOT_TOGETHER",
            Self::OnlyWithOne(_) => "ONLY_WITH_ONE",
            Self::Advice { .. } => "ADVICE",
        }
    }

    /// What is wrong and what to do, without a full stop: it follows the field's name.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        use Language::{English, Spanish};
        match (self, language) {
            (Self::Required, English) => "must be given".into(),
            (Self::Required, Spanish) => "es obligatorio".into(),
            (Self::TooLong(most, unit), English) => {
                format!("may have at most {most} {}", unit.text(English))
            }
            (Self::TooLong(most, unit), Spanish) => {
                format!("puede tener como máximo {most} {}", unit.text(Spanish))
            }
            (Self::TooShort(least, unit), English) => {
                format!("must have at least {least} {}", unit.text(English))
            }
            (Self::TooShort(least, unit), Spanish) => {
                format!("debe tener al menos {least} {}", unit.text(Spanish))
            }
            (Self::NotUuid, English) => "must be a UUID".into(),
            (Self::NotUuid, Spanish) => "debe ser un UUID".into(),
            (Self::ControlCharacter, English) => {
                "must be one line without control characters".into()
            }
            (Self::ControlCharacter, Spanish) => {
                "debe ser una sola línea sin caracteres de control".into()
            }
            (Self::Nul, English) => "must not contain the NUL character".into(),
            (Self::Nul, Spanish) => "no debe contener el carácter NUL".into(),
            (Self::Negative, English) => "must not be negative".into(),
            (Self::Negative, Spanish) => "no debe ser negativo".into(),
            (Self::UnknownValue, English) => "has a value that is not known here".into(),
            (Self::UnknownValue, Spanish) => "tiene un valor que aquí no se conoce".into(),
            (Self::SpaceAround, English) => "must not begin or end with white space".into(),
            (Self::SpaceAround, Spanish) => "no debe empezar ni terminar con espacios".into(),
            (Self::NotATime, English) => "must be a point in time".into(),
            (Self::NotATime, Spanish) => "debe ser un momento".into(),
            (Self::TooFarAhead, English) => "must be at most a year ahead".into(),
            (Self::TooFarAhead, Spanish) => "debe ser como máximo dentro de un año".into(),
            (Self::Username, English) => "must be a username: 3 to 32 of a-z, 0-9, '.', '_', '-', \
                 starting and ending with a letter or digit"
                .into(),
            (Self::Username, Spanish) => "debe ser un nombre de usuario: de 3 a 32 de a-z, 0-9, \
                 '.', '_', '-', empezando y terminando con letra o cifra"
                .into(),
            (Self::NotTogether(other), English) => format!("cannot be given together with {other}"),
            (Self::NotTogether(other), Spanish) => format!("no puede darse junto con {other}"),
            (Self::OnlyWithOne(other), English) => {
                format!("can be given only with exactly one element in {other}")
            }
            (Self::OnlyWithOne(other), Spanish) => {
                format!("solo puede darse con exactamente un elemento en {other}")
            }
            (Self::Advice { english, .. }, English) => english.clone(),
            (Self::Advice { spanish, .. }, Spanish) => spanish.clone(),
        }
    }
}

impl Unit {
    const fn text(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Bytes, _) => "bytes",
            (Self::Characters, Language::English) => "characters",
            (Self::Characters, Language::Spanish) => "caracteres",
            (Self::Items, Language::English) => "entries",
            (Self::Items, Language::Spanish) => "elementos",
        }
    }
}
