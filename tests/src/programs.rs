//! Programs that the tests run: the workspace's own, and real clients.

use std::{env, path::PathBuf};

/// A program of this workspace, which is beside the test's own executable.
#[must_use]
pub fn own(name: &str) -> PathBuf {
    let test = env::current_exe().expect("the path of this test");
    // The test is in `deps`, a folder below the programs.
    let folder = test
        .parent()
        .and_then(|deps| deps.parent())
        .expect("a folder above");
    let program = folder.join(name);
    assert!(
        program.is_file(),
        "{} is not there: build it with `cargo build --workspace --bins --locked`",
        program.display()
    );
    program
}

/// A client that `.ci/run` installs, if it is on the PATH or in the cache. Without it the test is
/// skipped, which it says loudly; where `CI=true`, the test fails.
#[must_use]
pub fn installed(name: &str) -> Option<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")));
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path)
        .chain(cache.map(|cache| cache.join("turbomessage/bin")))
        .map(|folder| folder.join(name))
        .find(|program| program.is_file());
    if found.is_none() {
        skip(&format!("{name} is not installed: `.ci/run` installs it"));
    }
    found
}

/// Says loudly that a test is skipped, and why; fails where `CI=true`.
pub fn skip(why: &str) {
    assert!(
        env::var_os("CI").is_none_or(|ci| ci != "true"),
        "CI=true allows no skipping: {why}"
    );
    eprintln!("!!!!!!!!!! SKIPPED: {why}");
}
