//! Whether a password is hard enough to guess, and what to do if it is not, in both languages.

use turbomessage_service_kit::problem::{Problem, Reason, Rule, Violation};
use zxcvbn::{
    Score,
    feedback::{Feedback, Suggestion},
    zxcvbn,
};

use super::{
    Password,
    advice::{suggestion, warning},
};

/// Refuses a password that is too easy to guess by somebody who knows `known`, such as the
/// username. It takes milliseconds of work: zxcvbn itself looks at 100 characters at most.
///
/// # Errors
/// `PASSWORD_TOO_WEAK`, with advice on `field`.
pub(crate) fn check_strength(
    password: &Password,
    known: &[&str],
    field: &'static str,
) -> Result<(), Problem> {
    let estimate = zxcvbn(password.expose(), known);
    if estimate.score() >= Score::Three {
        return Ok(());
    }
    let violation = Violation {
        field: field.into(),
        rule: advice(estimate.feedback()),
    };
    Err(Problem::new(Reason::PasswordTooWeak).with_violations(vec![violation]))
}

/// The estimate's feedback as a rule: what is wrong, then what helps.
fn advice(feedback: Option<&Feedback>) -> Rule {
    let warning = feedback.and_then(Feedback::warning).map(warning);
    let suggestions = feedback.map_or(&[][..], Feedback::suggestions);
    let texts: Vec<_> = warning
        .into_iter()
        .chain(suggestions.iter().copied().map(suggestion))
        .collect();
    if texts.is_empty() {
        let (english, spanish) = suggestion(Suggestion::AddAnotherWordOrTwo);
        return rule(english, spanish);
    }
    let join = |pick: fn(&(&'static str, &'static str)) -> &'static str| {
        texts.iter().map(pick).collect::<Vec<_>>().join("; ")
    };
    rule(&join(|t| t.0), &join(|t| t.1))
}

/// The texts follow the field's name in a sentence.
fn rule(english: &str, spanish: &str) -> Rule {
    Rule::Advice {
        english: format!("needs to be harder to guess ({english})"),
        spanish: format!("debe ser más difícil de adivinar ({spanish})"),
    }
}

#[cfg(test)]
mod tests {
    use turbomessage_service_kit::language::Language;

    use super::*;

    fn refusal(password: &str, known: &[&str]) -> Option<Problem> {
        let password = Password::given(password.into()).unwrap();
        check_strength(&password, known, "password").err()
    }

    #[test]
    fn strong_passwords_pass() {
        for password in [
            "correct horse battery staple",
            "vT9#qLw2!zRx",
            "ñandú volador de Marte",
        ] {
            assert!(refusal(password, &["ada"]).is_none(), "{password}");
        }
    }

    #[test]
    fn weak_passwords_are_refused_with_advice_in_both_languages() {
        for password in [
            "password",
            "qwertyuiop",
            "aaaaaaaaaaaa",
            "abcabcabcabc",
            "abcdefghijkl",
            "19871987",
            "jennifer1",
            "p@ssw0rd",
            "DROWSSAP",
            "12/03/1987",
            "drowssap",
            "trustno1",
        ] {
            let problem = refusal(password, &[]).unwrap_or_else(|| panic!("{password} passed"));
            assert_eq!(problem.reason(), Reason::PasswordTooWeak);
            let [violation] = problem.violations() else {
                panic!("one violation")
            };
            assert_eq!(violation.field, "password");
            let texts = Language::ALL.map(|l| violation.rule.text(l));
            assert_ne!(texts[0], texts[1], "{password}");
        }
    }

    #[test]
    fn what_everybody_knows_of_a_person_makes_no_password() {
        let known = ["wolfgang.amadeus", "Wolfgang Amadeus"];
        assert!(
            refusal("wolfgang.amadeus", &[]).is_none(),
            "strong for others"
        );
        assert!(refusal("wolfgang.amadeus", &known).is_some());
    }

    #[test]
    fn a_password_of_full_length_is_judged_in_bounded_time() {
        let began = std::time::Instant::now();
        refusal(&"aB1!".repeat(64), &["someone"]);
        refusal(&"correct horse ".repeat(18), &["someone"]);
        assert!(began.elapsed() < std::time::Duration::from_secs(5));
    }
}
