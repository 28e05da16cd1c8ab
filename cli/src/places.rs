//! The directories of the XDG Base Directory Specification.

use std::{env, path::PathBuf};

use crate::failure::Failure;

/// Where data is kept that matters to its owner: `$XDG_DATA_HOME/turbomessage`.
pub(crate) fn data_dir() -> Result<PathBuf, Failure> {
    place("XDG_DATA_HOME", ".local/share")
}

/// Where state is kept that can be made again, such as by signing in:
/// `$XDG_STATE_HOME/turbomessage`.
pub(crate) fn state_dir() -> Result<PathBuf, Failure> {
    place("XDG_STATE_HOME", ".local/state")
}

fn place(variable: &str, under_home: &str) -> Result<PathBuf, Failure> {
    resolve(
        env::var_os(variable).map(PathBuf::from),
        env::home_dir(),
        under_home,
    )
    .ok_or_else(|| Failure::usage(format!("set HOME or {variable} to an absolute path")))
}

/// The specification says to ignore relative paths.
fn resolve(wanted: Option<PathBuf>, home: Option<PathBuf>, under_home: &str) -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let base = wanted
        .filter(absolute)
        .or_else(|| home.filter(absolute).map(|home| home.join(under_home)))?;
    Some(base.join("turbomessage"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_wins_over_the_home_directory_if_absolute() {
        let resolve = |wanted: Option<&str>, home: Option<&str>| {
            resolve(
                wanted.map(PathBuf::from),
                home.map(PathBuf::from),
                ".local/state",
            )
        };
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(
            resolve(Some("/s"), Some("/home/ana")),
            path("/s/turbomessage")
        );
        assert_eq!(
            resolve(Some("s"), Some("/home/ana")),
            path("/home/ana/.local/state/turbomessage")
        );
        assert_eq!(resolve(None, Some("")), None);
    }
}
