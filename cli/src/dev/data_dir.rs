//! The directory that `tm dev` keeps its files in, one `tm dev` at a time.

use std::{
    fs::{DirBuilder, File, TryLockError},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

const LOCK_FILE: &str = "tm-dev.lock";

/// A directory that is this process's own until it ends, however it ends.
#[derive(Debug)]
pub(super) struct DataDir {
    path: PathBuf,
    /// The system takes the lock off when the process ends.
    _lock: File,
}

impl DataDir {
    /// Takes the directory at `path`, making it if it is not there.
    ///
    /// # Errors
    /// It cannot be made or written to, or another `tm dev` has it.
    pub(super) fn take(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("--data-dir: cannot make {shown}"))?;
        let path = path
            .canonicalize()
            .with_context(|| format!("--data-dir: cannot use {shown}"))?;
        let lock = File::options()
            .create(true)
            .append(true)
            .open(path.join(LOCK_FILE))
            .with_context(|| format!("--data-dir: cannot write to {shown}"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "--data-dir: another `tm dev` is using {shown}: stop it, or name another directory"
                )
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("--data-dir: cannot lock {shown}"))
            }
        }
    }

    /// Where it is, as an absolute path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn a_new_directory_is_its_owners_alone() {
        let parent = tempfile::tempdir().unwrap();
        let taken = DataDir::take(&parent.path().join("a/b")).unwrap();
        let mode = fs::metadata(taken.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_directory_serves_one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDir::take(dir.path()).unwrap();
        let error = DataDir::take(dir.path()).unwrap_err();
        assert!(error.to_string().contains("another `tm dev`"), "{error:#}");
        drop(first);
        DataDir::take(dir.path()).unwrap();
    }

    #[test]
    fn what_is_no_directory_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(DataDir::take(file.path()).is_err());
    }
}
