//! Searching real text: licences and READMEs of this machine, and some Spanish.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use super::{letter::letter, office::people, search::Library};
use crate::store::SharedStore;

const MOST_FILES: usize = 40;
const MOST_BYTES: u64 = 128 * 1024;
/// What is asked of each text.
const PHRASES: usize = 3;

const SPANISH: &[&str] = &[
    "Estimada señora Muñoz:\n\nLe escribo para confirmar la reunión del próximo miércoles a las diez de la \
     mañana. Tráigase, por favor, el informe de los años 2023 y 2024; sin él no podremos decidir qué \
     camino seguir. ¿Podría además avisar al señor Ibáñez? Un cordial saludo.",
    "El pingüino y el ñandú no vuelan, pero corren: aquél hacia el mar, éste por la pampa. «Así —dijo el \
     niño— da gusto ser pájaro», y se quedó mirando cómo caía la nieve sobre las montañas.",
    "¡ATENCIÓN! LA FACTURA DEL ÚLTIMO TRIMESTRE ESTÁ PENDIENTE DE PAGO. Si ya la ha pagado, no haga caso \
     de este aviso; si no, hágalo antes del día 15. La información de su cuenta está en la página web.",
    "Mañana será otro día. Mañana iremos a la playa, comeremos paella y, si el tiempo acompaña, \
     volveremos andando por el paseo marítimo, que de noche está precioso.",
];

/// Texts of which everybody can say what their words are.
fn texts() -> Vec<String> {
    let home = |name: &str| env::var_os(name).map(PathBuf::from);
    let cargo = home("CARGO_HOME").or_else(|| Some(home("HOME")?.join(".cargo")));
    let mut files = entries(Path::new("/usr/share/common-licenses"));
    for registry in entries(&cargo.unwrap_or_default().join("registry/src")) {
        let packages = entries(&registry).into_iter();
        let inside = packages.flat_map(|package| entries(&package));
        files.extend(inside.filter(|file| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("README") || name.starts_with("LICENSE")
        }));
    }
    files.sort_by_key(|file| file.file_name().map(ToOwned::to_owned));
    files.retain(|file| fs::metadata(file).is_ok_and(|m| m.is_file() && m.len() <= MOST_BYTES));
    let step = files.len().div_ceil(4 * MOST_FILES).max(1);
    let read = files.into_iter().step_by(step);
    let read: BTreeSet<String> = read
        .filter_map(|file| fs::read_to_string(file).ok())
        .collect();
    let read = read.into_iter().filter(|text| is_plain(text));
    let spanish = SPANISH.iter().map(|text| (*text).to_owned());
    spanish.chain(read.take(MOST_FILES)).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut entries: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    entries.sort();
    entries
}

fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_ascii() && c != '\0' || "«»—“”’‘–".contains(c);
    text.chars().all(plain) && words(text).len() > PHRASES
}

/// The words of a text, without regard to case and accents.
fn words(text: &str) -> Vec<String> {
    let plain = |c: char| match c {
        'á' => 'a',
        'é' => 'e',
        'í' => 'i',
        'ó' => 'o',
        'ú' | 'ü' => 'u',
        'ñ' => 'n',
        c => c,
    };
    let text: String = text.to_lowercase().chars().map(plain).collect();
    let words = text.split(|c: char| !c.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    words.map(ToOwned::to_owned).collect()
}

/// Three words that follow each other in the text of this number.
fn phrase(words: &[String], text: usize, number: usize) -> &[String] {
    let place = (text * 7919 + number * 104_729) % (words.len() - 2);
    &words[place..place + 3]
}

pub(super) async fn a_phrase_is_found_in_the_texts_that_have_it(store: SharedStore) {
    let library = Library::new(store);
    let [ana, ben] = people();
    let texts = texts();
    assert!(texts.len() > SPANISH.len(), "this machine has no text");
    for (number, text) in texts.iter().enumerate() {
        let letter = letter(ana, &[ben]).with_subject(format!("text{number}"));
        library.office.send(&letter.with_text(text)).await;
    }
    let words: Vec<Vec<String>> = texts.iter().map(|text| words(text)).collect();
    for indexed in [false, true] {
        if indexed {
            // Something more, should the texts not be worth a segment.
            for _ in 0..64 {
                library.office.send(&letter(ana, &[ben])).await;
            }
            library.index(ben).await;
            assert!(library.segments(ben).await > 0);
        }
        let step = if indexed { 1 } else { 4 };
        for (number, of_text) in words.iter().enumerate().step_by(step) {
            for asked in (0..PHRASES).map(|n| phrase(of_text, number, n)) {
                let has = |words: &Vec<String>| words.windows(3).any(|found| found == asked);
                let with = words
                    .iter()
                    .enumerate()
                    .rev()
                    .filter(|(_, words)| has(words));
                let expected: Vec<String> = with.map(|(n, _)| format!("text{n}")).collect();
                let query = format!("\"{}\"", asked.join(" "));
                let found = library.subjects(ben, &query).await;
                assert_eq!(found, expected, "{query}, indexed: {indexed}");
            }
        }
    }
}
