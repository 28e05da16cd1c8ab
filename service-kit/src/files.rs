//! Files that are nobody else's business.

use std::{fs, io, os::unix::fs::OpenOptionsExt, path::Path};

/// Makes the file and its folder if they are not there, for its owner alone to read and write.
///
/// # Errors
/// The file cannot be made or written.
pub fn make_private(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    Ok(())
}
