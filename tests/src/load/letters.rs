//! Texts to send: words by Zipf's law, as in natural language, always the same ones.

use std::sync::LazyLock;

/// Bytes of a body.
pub const BODY_BYTES: usize = 1536;
/// How many different ones there are.
const LETTERS: usize = 512;
/// How many words there are.
const WORDS: u64 = 20_000;

/// A subject and a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// A few words.
    pub subject: String,
    /// [`BODY_BYTES`] of words, in lines.
    pub body: String,
}

/// The letter with this number; they begin anew after some hundred.
pub fn letter(number: usize) -> &'static Letter {
    static ALL: LazyLock<Vec<Letter>> = LazyLock::new(|| {
        let mut dice = Dice(1);
        (0..LETTERS).map(|_| make(&mut dice)).collect()
    });
    &ALL[number % LETTERS]
}

/// A word by its rank: low ones are in nearly every letter, high ones in few.
pub fn word(rank: u64) -> String {
    const SYLLABLES: [&str; 32] = [
        "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "qui", "ro", "su",
        "ta", "ve", "wi", "xo", "yu", "za", "bre", "cli", "dro", "flu", "gra", "ple", "sti", "tro",
        "spu", "mar", "len",
    ];
    let (mut word, mut rest) = (String::new(), rank);
    loop {
        let syllable = usize::try_from(rest % 32).unwrap_or_default();
        word.push_str(SYLLABLES[syllable]);
        rest /= 32;
        if rest == 0 {
            return word;
        }
        rest -= 1;
    }
}

fn make(dice: &mut Dice) -> Letter {
    let mut subject = String::new();
    for _ in 0..5 {
        subject.push_str(&word(dice.rank()));
        subject.push(' ');
    }
    let mut body = String::new();
    let mut line = 0;
    while body.len() < BODY_BYTES {
        let word = word(dice.rank());
        line += word.len() + 1;
        body.push_str(&word);
        if line > 70 {
            body.push('\n');
            line = 0;
        } else {
            body.push(' ');
        }
    }
    body.truncate(BODY_BYTES);
    Letter {
        subject: subject.trim_end().to_owned(),
        body,
    }
}

/// Numbers that look random and are the same on every run (xorshift64*).
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    /// From 0 to 1, without 1.
    fn part(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        #[expect(clippy::cast_precision_loss, reason = "53 bits")]
        let part = number as f64 / (1_u64 << 53) as f64;
        part
    }

    /// Rank r comes about as often as 1/r.
    fn rank(&mut self) -> u64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank below WORDS"
        )]
        let rank = (WORDS as f64).powf(self.part()) as u64;
        rank - 1
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn letters_have_their_size_and_differ() {
        let all: HashSet<&str> = (0..LETTERS).map(|n| letter(n).body.as_str()).collect();
        assert_eq!(all.len(), LETTERS);
        assert!(all.iter().all(|body| body.len() == BODY_BYTES));
        assert_eq!(letter(3), letter(LETTERS + 3));
    }

    #[test]
    fn each_rank_has_a_word_of_its_own() {
        let words: HashSet<String> = (0..WORDS).map(word).collect();
        assert_eq!(words.len(), usize::try_from(WORDS).unwrap());
    }

    #[test]
    fn low_ranks_are_common_and_high_ones_rare() {
        let with = |rank| {
            let word = word(rank);
            let has = |n: &usize| letter(*n).body.split_whitespace().any(|w| w == word);
            (0..LETTERS).filter(has).count()
        };
        assert!(with(0) > LETTERS * 9 / 10, "{}", with(0));
        assert!(with(15_000) < 30, "{}", with(15_000));
    }
}
