//! The languages that errors are explained in.

/// A language of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English, for everybody who asks for none of the others.
    #[default]
    English,
    /// Spanish.
    Spanish,
}

impl Language {
    /// Every language of the catalogue.
    pub const ALL: [Self; 2] = [Self::English, Self::Spanish];

    /// The tag of BCP 47.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
        }
    }

    /// The best language for an `accept-language` header (RFC 9110, 12.5.4): the one of ours with
    /// the highest weight, the earlier on a tie; English if there is none.
    #[must_use]
    pub fn from_accept(header: &str) -> Self {
        let mut best = (0.0, Self::default());
        for range in header.split(',').take(32) {
            let mut parts = range.split(';');
            let tag = parts.next().unwrap_or_default().trim();
            let weight = parts
                .find_map(|p| p.trim().strip_prefix("q="))
                .map_or(1.0, |q| q.trim().parse::<f32>().unwrap_or(0.0));
            let primary = tag.split('-').next().unwrap_or_default();
            let known = Self::ALL
                .into_iter()
                .find(|l| primary.eq_ignore_ascii_case(l.tag()));
            if let Some(language) = known
                && weight > best.0
            {
                best = (weight, language);
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_known_language_wins() {
        for (header, expected) in [
            ("", Language::English),
            ("es", Language::Spanish),
            ("es-MX,en;q=0.5", Language::Spanish),
            ("fr, en;q=0.3, es;q=0.8", Language::Spanish),
            ("en, es", Language::English),
            ("es;q=0", Language::English),
            ("es;q=oops", Language::English),
            ("de", Language::English),
        ] {
            assert_eq!(Language::from_accept(header), expected, "{header:?}");
        }
    }
}
