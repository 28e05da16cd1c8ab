//! The file that keeps a session's token: nobody but its owner may read it, and it is never seen
//! half written.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;
use turbomessage_service_kit::settings::Secret;

use crate::{failure::Failure, output::Printer, places, server_address::ServerAddress};

/// The bits of a file's mode that let others than its owner at it.
const OTHERS: u32 = 0o077;

/// Where a token is kept.
#[derive(Debug)]
pub(crate) struct TokenFile(PathBuf);

impl TokenFile {
    /// The file that was asked for, or the one for `server` in the XDG state directory.
    pub(crate) fn find(wanted: Option<&Path>, server: &ServerAddress) -> Result<Self, Failure> {
        match wanted {
            Some(path) => Ok(Self(path.to_owned())),
            None => Ok(Self(
                places::state_dir()?.join("tokens").join(server.file_name()),
            )),
        }
    }

    /// The token; `None` if nobody is signed in. Warns if others can read it.
    pub(crate) fn read(&self, printer: &Printer) -> Result<Option<Secret>, Failure> {
        let text = match fs::read_to_string(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed("read", &error)),
        };
        if self.is_open_to_others() {
            let path = self.0.display();
            printer.warn(&format!(
                "others can read the token file {path}: `chmod 600` it, then sign in anew"
            ));
        }
        let token = text.trim();
        Ok((!token.is_empty()).then(|| Secret::new(token)))
    }

    /// Keeps `token`, in place of the one before.
    pub(crate) fn write(&self, token: &Secret) -> Result<(), Failure> {
        self.replace(token)
            .map_err(|error| self.failed("write", &error))
    }

    /// Forgets the token.
    pub(crate) fn remove(&self) -> Result<(), Failure> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(self.failed("remove", &error))
            }
            _ => Ok(()),
        }
    }

    fn replace(&self, token: &Secret) -> io::Result<()> {
        let parent = match self.0.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(parent)?;
        // Made with mode 0600, in the same directory so that the rename is atomic.
        let mut file = NamedTempFile::new_in(parent)?;
        writeln!(file, "{}", token.expose())?;
        file.as_file().sync_all()?;
        file.persist(&self.0)?;
        Ok(())
    }

    fn is_open_to_others(&self) -> bool {
        fs::metadata(&self.0).is_ok_and(|file| file.permissions().mode() & OTHERS != 0)
    }

    fn failed(&self, action: &str, error: &io::Error) -> Failure {
        let path = self.0.display();
        Failure::other(format!("cannot {action} the token file {path}: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_token_is_kept_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let file = TokenFile(dir.path().join("turbomessage/tokens/http_host_1"));
        file.write(&Secret::new("tm_one")).unwrap();
        assert_eq!(mode(&file.0), 0o600);
        assert_eq!(mode(file.0.parent().unwrap()), 0o700);
        assert!(!file.is_open_to_others());

        fs::set_permissions(&file.0, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(file.is_open_to_others());
        file.write(&Secret::new("tm_two")).unwrap();
        assert!(!file.is_open_to_others(), "a new token is a new file");

        let printer = Printer::for_tests();
        assert_eq!(file.read(&printer).unwrap().unwrap().expose(), "tm_two");
    }

    #[test]
    fn without_a_token_nobody_is_signed_in() {
        let dir = tempfile::tempdir().unwrap();
        let file = TokenFile(dir.path().join("token"));
        let printer = Printer::for_tests();
        assert!(file.read(&printer).unwrap().is_none());
        file.remove().unwrap();
        fs::write(&file.0, "\n").unwrap();
        assert!(file.read(&printer).unwrap().is_none());
        file.remove().unwrap();
        assert!(!file.0.exists());
    }
}
