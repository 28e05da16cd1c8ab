//! Writing a message in the user's editor.

use std::{env, fs, process::Command};

use tempfile::NamedTempFile;

use super::text::utf8;
use crate::failure::Failure;

/// Opens the editor on an empty file that only its owner can read; answers with what was written,
/// and the file. Nothing written means that nothing is to be sent.
pub(super) fn write() -> Result<(String, NamedTempFile), Failure> {
    let editor = editor(|name| env::var(name).ok()).ok_or_else(|| {
        Failure::usage("no text to send")
            .hint("give it after the subject, with --file, on standard input, or set EDITOR")
    })?;
    let file = tempfile::Builder::new()
        .prefix("tm-")
        .suffix(".txt")
        .tempfile()
        .map_err(Failure::other)?;
    // The variable may hold options, such as `code --wait`: the shell takes it apart.
    let status = Command::new("sh")
        .args(["-c", &format!("{editor} \"$1\""), "tm"])
        .arg(file.path())
        .status()
        .map_err(|error| Failure::other(format!("cannot start {editor}: {error}")))?;
    if !status.success() {
        return Err(Failure::other(format!("{editor} failed: nothing was sent")));
    }
    // By its path: some editors put a new file in its place.
    let bytes = fs::read(file.path()).map_err(Failure::other)?;
    let text = utf8(bytes, "what you wrote")?;
    if text.trim().is_empty() {
        return Err(Failure::other("Nothing was written, so nothing was sent."));
    }
    Ok((text, file))
}

/// The editor that the user prefers, as POSIX programs ask for it.
fn editor(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let set = |name| variable(name).filter(|value| !value.trim().is_empty());
    set("VISUAL").or_else(|| set("EDITOR"))
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
}
