//! Writing in the user's editor.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::NamedTempFile;

use super::text::utf8;
use crate::failure::Failure;

/// What was written in the editor, and the file it was written in, which goes with this value
/// unless it is kept.
#[derive(Debug)]
pub(crate) struct Written {
    text: String,
    file: NamedTempFile,
}

impl Written {
    /// Opens the editor on `begin`, in a file that only its owner can read.
    pub(crate) fn ask(begin: &str) -> Result<Self, Failure> {
        check()?;
        let mut file = tempfile::Builder::new()
            .prefix("tm-")
            .suffix(".txt")
            .tempfile()
            .map_err(Failure::other)?;
        file.write_all(begin.as_bytes()).map_err(Failure::other)?;
        edit(file.path())?;
        // By its path: some editors put a new file in its place.
        let bytes = fs::read(file.path()).map_err(Failure::other)?;
        match utf8(bytes, "what you wrote") {
            Ok(text) => Ok(Self { text, file }),
            Err(failure) => Err(kept(file, failure)),
        }
    }

    /// What was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Keeps what was written, and says where.
    pub(crate) fn keep(self) -> Option<PathBuf> {
        let (_, path) = self.file.keep().ok()?;
        Some(path)
    }
}

fn kept(file: NamedTempFile, failure: Failure) -> Failure {
    match file.keep() {
        Ok((_, path)) => failure.hint(format!("your text is kept in {}", path.display())),
        Err(_) => failure,
    }
}

/// Fails if there is no editor.
pub(crate) fn check() -> Result<(), Failure> {
    preferred().map(drop)
}

/// Opens the editor on the file at `path`, until it is closed.
pub(crate) fn edit(path: &Path) -> Result<(), Failure> {
    open(&preferred()?, path)
}

fn preferred() -> Result<String, Failure> {
    editor(|name| env::var(name).ok()).ok_or_else(|| {
        Failure::usage("there is no text, and no editor to write it in").hint(
            "set EDITOR, such as to nano or vi; a command also takes the text as an argument or from standard input",
        )
    })
}

fn open(editor: &str, path: &Path) -> Result<(), Failure> {
    // The variable may hold options, such as `code --wait`: the shell takes it apart.
    let status = Command::new("sh")
        .args(["-c", &format!("{editor} \"$1\""), "tm"])
        .arg(path)
        .status()
        .map_err(|error| Failure::other(format!("cannot start {editor}: {error}")))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::other(format!(
            "{editor} failed: nothing was done."
        )))
    }
}

/// The editor that the user prefers, as POSIX programs ask for it.
fn editor(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let set = |name| variable(name).filter(|value| !value.trim().is_empty());
    set("VISUAL").or_else(|| set("EDITOR"))
}

#[cfg(test)]
impl Written {
    /// As if `text` had been written.
    pub(super) fn for_tests(text: &str) -> Self {
        Self {
            text: text.into(),
            file: NamedTempFile::new().unwrap(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_visual_editor_comes_first() {
        let both = |name: &str| Some(name.to_lowercase());
        assert_eq!(editor(both).as_deref(), Some("visual"));
        let one = |name: &str| (name == "EDITOR").then(|| "vi".to_owned());
        assert_eq!(editor(one).as_deref(), Some("vi"));
        assert_eq!(editor(|_| Some(" ".into())), None);
    }

    #[test]
    fn the_editor_may_have_options_and_the_path_is_one_word() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a letter.txt");
        open("cp -f /dev/null", &path).unwrap();
        assert!(path.exists());
    }

    #[test]
    fn an_editor_that_fails_ends_it() {
        assert_eq!(open("false", Path::new("x")).unwrap_err().exit_code(), 1);
    }
}
