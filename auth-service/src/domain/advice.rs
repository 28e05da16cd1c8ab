//! zxcvbn's feedback in English and Spanish. The compiler proves that nothing is missing: a new
//! warning or suggestion of zxcvbn's does not compile until it has its texts.

use zxcvbn::feedback::{Suggestion, Warning};

/// What is wrong with a password, in English and Spanish.
pub(super) const fn warning(warning: Warning) -> (&'static str, &'static str) {
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess => (
            "straight rows of keys are easy to guess",
            "las filas seguidas de teclas son fáciles de adivinar",
        ),
        Warning::ShortKeyboardPatternsAreEasyToGuess => (
            "short keyboard patterns are easy to guess",
            "los dibujos cortos en el teclado son fáciles de adivinar",
        ),
        Warning::RepeatsLikeAaaAreEasyToGuess => (
            "repeats like \"aaa\" are easy to guess",
            "las repeticiones como «aaa» son fáciles de adivinar",
        ),
        Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => (
            "repeats like \"abcabcabc\" are hardly harder to guess than \"abc\"",
            "las repeticiones como «abcabcabc» son poco más difíciles de adivinar que «abc»",
        ),
        Warning::ThisIsATop10Password => (
            "this is one of the ten most common passwords",
            "es una de las diez contraseñas más comunes",
        ),
        Warning::ThisIsATop100Password => (
            "this is one of the hundred most common passwords",
            "es una de las cien contraseñas más comunes",
        ),
        Warning::ThisIsACommonPassword => (
            "this is a very common password",
            "es una contraseña muy común",
        ),
        Warning::ThisIsSimilarToACommonlyUsedPassword => (
            "this is similar to a commonly used password",
            "se parece a una contraseña de uso común",
        ),
        Warning::SequencesLikeAbcAreEasyToGuess => (
            "sequences like \"abc\" or \"6543\" are easy to guess",
            "las secuencias como «abc» o «6543» son fáciles de adivinar",
        ),
        Warning::RecentYearsAreEasyToGuess => (
            "recent years are easy to guess",
            "los años recientes son fáciles de adivinar",
        ),
        Warning::AWordByItselfIsEasyToGuess => (
            "a word by itself is easy to guess",
            "una palabra sola es fácil de adivinar",
        ),
        Warning::DatesAreOftenEasyToGuess => (
            "dates are often easy to guess",
            "las fechas suelen ser fáciles de adivinar",
        ),
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess => (
            "names and surnames by themselves are easy to guess",
            "los nombres y apellidos solos son fáciles de adivinar",
        ),
        Warning::CommonNamesAndSurnamesAreEasyToGuess => (
            "common names and surnames are easy to guess",
            "los nombres y apellidos comunes son fáciles de adivinar",
        ),
    }
}

/// What helps, in English and Spanish.
pub(super) const fn suggestion(suggestion: Suggestion) -> (&'static str, &'static str) {
    match suggestion {
        Suggestion::UseAFewWordsAvoidCommonPhrases => (
            "use a few words, avoid common phrases",
            "usa varias palabras y evita frases comunes",
        ),
        Suggestion::NoNeedForSymbolsDigitsOrUppercaseLetters => (
            "no need for symbols, digits or upper case",
            "no hacen falta símbolos, cifras ni mayúsculas",
        ),
        Suggestion::AddAnotherWordOrTwo => (
            "add another word or two, uncommon ones are better",
            "añade una o dos palabras más, mejor si son poco comunes",
        ),
        Suggestion::CapitalizationDoesntHelpVeryMuch => (
            "capital letters do not help very much",
            "las mayúsculas iniciales no ayudan mucho",
        ),
        Suggestion::AllUppercaseIsAlmostAsEasyToGuessAsAllLowercase => (
            "all upper case is almost as easy to guess as all lower case",
            "todo en mayúsculas es casi tan fácil de adivinar como todo en minúsculas",
        ),
        Suggestion::ReversedWordsArentMuchHarderToGuess => (
            "reversed words are not much harder to guess",
            "las palabras al revés no son mucho más difíciles de adivinar",
        ),
        Suggestion::PredictableSubstitutionsDontHelpVeryMuch => (
            "predictable substitutions like \"@\" for \"a\" do not help very much",
            "las sustituciones previsibles como «@» por «a» no ayudan mucho",
        ),
        Suggestion::UseALongerKeyboardPatternWithMoreTurns => (
            "use a longer keyboard pattern with more turns",
            "usa un dibujo más largo en el teclado, con más giros",
        ),
        Suggestion::AvoidRepeatedWordsAndCharacters => (
            "avoid repeated words and characters",
            "evita palabras y caracteres repetidos",
        ),
        Suggestion::AvoidSequences => ("avoid sequences", "evita las secuencias"),
        Suggestion::AvoidRecentYears => ("avoid recent years", "evita los años recientes"),
        Suggestion::AvoidYearsThatAreAssociatedWithYou => (
            "avoid years that have to do with you",
            "evita los años que tengan que ver contigo",
        ),
        Suggestion::AvoidDatesAndYearsThatAreAssociatedWithYou => (
            "avoid dates and years that have to do with you",
            "evita las fechas y los años que tengan que ver contigo",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_its_own_and_ends_without_a_stop() {
        use Suggestion as S;
        use Warning as W;
        let texts = [
            warning(W::StraightRowsOfKeysAreEasyToGuess),
            warning(W::ShortKeyboardPatternsAreEasyToGuess),
            warning(W::RepeatsLikeAaaAreEasyToGuess),
            warning(W::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess),
            warning(W::ThisIsATop10Password),
            warning(W::ThisIsATop100Password),
            warning(W::ThisIsACommonPassword),
            warning(W::ThisIsSimilarToACommonlyUsedPassword),
            warning(W::SequencesLikeAbcAreEasyToGuess),
            warning(W::RecentYearsAreEasyToGuess),
            warning(W::AWordByItselfIsEasyToGuess),
            warning(W::DatesAreOftenEasyToGuess),
            warning(W::NamesAndSurnamesByThemselvesAreEasyToGuess),
            warning(W::CommonNamesAndSurnamesAreEasyToGuess),
            suggestion(S::UseAFewWordsAvoidCommonPhrases),
            suggestion(S::NoNeedForSymbolsDigitsOrUppercaseLetters),
            suggestion(S::AddAnotherWordOrTwo),
            suggestion(S::CapitalizationDoesntHelpVeryMuch),
            suggestion(S::AllUppercaseIsAlmostAsEasyToGuessAsAllLowercase),
            suggestion(S::ReversedWordsArentMuchHarderToGuess),
            suggestion(S::PredictableSubstitutionsDontHelpVeryMuch),
            suggestion(S::UseALongerKeyboardPatternWithMoreTurns),
            suggestion(S::AvoidRepeatedWordsAndCharacters),
            suggestion(S::AvoidSequences),
            suggestion(S::AvoidRecentYears),
            suggestion(S::AvoidYearsThatAreAssociatedWithYou),
            suggestion(S::AvoidDatesAndYearsThatAreAssociatedWithYou),
        ];
        let mut seen = std::collections::HashSet::new();
        for text in texts
            .iter()
            .flat_map(|(english, spanish)| [english, spanish])
        {
            assert!(seen.insert(text), "{text:?} stands twice");
            assert!(!text.is_empty() && !text.ends_with('.'), "{text:?}");
        }
    }
}
