//! Real text from files, through `tm` and back, byte for byte.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, process::Command};
use turbomessage_tests::{Dev, Edge, programs};

const MOST_BYTES: u64 = 1024 * 1024;
const MOST_FILES: usize = 60;

/// `tm` for one person: its token is kept in a folder of their own.
struct Tm {
    server: String,
    home: TempDir,
}

impl Tm {
    fn new(edge: &Edge) -> Self {
        let home = tempfile::tempdir().unwrap();
        Self {
            server: format!("http://{}", edge.address),
            home,
        }
    }

    async fn run(&self, args: &[&str], input: &str) -> Output {
        let mut child = Command::new(programs::own("tm"))
            .args(args)
            .env("TM_SERVER", &self.server)
            .env("TM_TOKEN_FILE", self.home.path().join("token"))
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that reads nothing may be gone already.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = child.wait_with_output().await.unwrap();
        assert!(output.status.success(), "tm {args:?}: {output:?}");
        output
    }
}

/// The licences of the system and the READMEs of this workspace and its dependencies.
fn texts() -> Vec<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let cargo_home = std::env::var_os("CARGO_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cargo"),
        PathBuf::from,
    );
    let mut found = files_in(Path::new("/usr/share/common-licenses"));
    found.push(workspace.join("README.md"));
    for registry in folders_in(&cargo_home.join("registry/src")) {
        for package in folders_in(&registry) {
            found.extend(files_in(&package).into_iter().filter(|file| {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                name.starts_with("README") || name.starts_with("LICENSE")
            }));
        }
    }
    let mut seen = HashSet::new();
    found.retain(|file| {
        let small = fs::metadata(file).is_ok_and(|m| m.is_file() && m.len() <= MOST_BYTES);
        let text = if small {
            fs::read_to_string(file).unwrap_or_default()
        } else {
            String::new()
        };
        !text.is_empty() && !text.contains('\0') && seen.insert(text)
    });
    found.sort_by_key(|file| file.file_name().map(ToOwned::to_owned));
    let step = found.len().div_ceil(MOST_FILES).max(1);
    found.into_iter().step_by(step).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    entries(folder)
        .into_iter()
        .filter(|path| path.is_file())
        .collect()
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    entries(folder)
        .into_iter()
        .filter(|path| path.is_dir())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn licences_and_readmes_come_back_byte_for_byte() {
    let dev = Dev::start().await;
    let (writer, reader) = (Tm::new(&dev), Tm::new(&dev));
    let password = "amber-kettle-17-walks-north\n";
    for (tm, name) in [(&writer, "writer"), (&reader, "reader")] {
        tm.run(&["register", name, "--password-stdin"], password)
            .await;
    }
    let files = texts();
    assert!(!files.is_empty(), "this machine has no text");
    let mut sent = 0;
    for file in &files {
        let path = file.to_str().unwrap();
        writer
            .run(&["send", "reader", "-s", "a text", "--file", path], "")
            .await;
        let read = reader.run(&["read", "--raw"], "").await;
        assert!(
            read.stdout == fs::read(file).unwrap(),
            "{path} came back different"
        );
        sent += 1;
    }
    eprintln!("{sent} texts came back byte for byte");
}
