//! What `tm dev` prints: where it is, and lines that work when they are pasted in their order.

use std::{
    env,
    ffi::OsStr,
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// A password that is hard enough to guess, and that every shell leaves as it is.
const PASSWORD: &str = "amber-kettle-17-walks-north";
const AUTH: &str = "turbomessage.auth.v1.AuthService";
const MAIL: &str = "turbomessage.mail.v1.MailService";
/// Where clients look for a server unless they are told otherwise.
const DEFAULT_ADDRESS: &str = "127.0.0.1:50051";

/// What to print.
pub(super) struct Banner<'a> {
    /// How to call this program from a shell.
    pub(super) program: &'a str,
    /// Where the server can be reached.
    pub(super) address: SocketAddr,
    /// Whether the environment may lead clients to another server.
    pub(super) names_server: bool,
    /// Where data is kept.
    pub(super) data_dir: &'a Path,
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (address, data_dir) = (self.address, self.data_dir.display());
        writeln!(
            f,
            "TurboMessage is listening on {address} (gRPC and gRPC-Web)."
        )?;
        writeln!(f, "Its data is in {data_dir}")?;
        writeln!(
            f,
            "Ctrl-C stops it; what it stored is there after a restart."
        )?;
        writeln!(
            f,
            "\nPaste this into another terminal to send and read a first message:\n"
        )?;
        self.tm_lines(f)?;
        writeln!(f, "\nThe same with grpcurl:\n")?;
        self.grpcurl_lines(f)?;
        writeln!(f, "\n`{} --help` shows the rest.", self.program)
    }
}

impl Banner<'_> {
    fn tm_lines(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tm, address) = (self.program, self.address);
        if self.names_server || address.to_string() != DEFAULT_ADDRESS {
            writeln!(f, "export TM_SERVER=http://{address}")?;
        }
        for name in ["ana", "ben"] {
            writeln!(f, "echo {PASSWORD} | {tm} register {name} --password-stdin")?;
        }
        writeln!(
            f,
            "{tm} send ana -s 'Hello, Ana' 'This is the first message.'"
        )?;
        writeln!(f, "echo {PASSWORD} | {tm} login ana --password-stdin")?;
        writeln!(f, "{tm} inbox")?;
        writeln!(f, "{tm} read")
    }

    fn grpcurl_lines(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address;
        for name in ["carla", "dani"] {
            let data = format!(r#"{{"username":"{name}","password":"{PASSWORD}"}}"#);
            writeln!(
                f,
                "grpcurl -plaintext -d '{data}' {address} {AUTH}/Register"
            )?;
        }
        let data = r#"{"to":["dani"],"subject":"Hello, Dani","body":{"text":"Sent by grpcurl."}}"#;
        self.log_in(f, "carla")?;
        self.call(f, &format!("'{data}'"), "SendMessage")?;
        self.log_in(f, "dani")?;
        let inbox = r#"'{"folder_role":"FOLDER_ROLE_INBOX"}'"#;
        self.call(f, inbox, "ListMessages")?;
        write!(f, "ID=$(")?;
        self.call_part(f, inbox, "ListMessages")?;
        writeln!(f, " | {} | head -n 1)", value_of("messageId"))?;
        self.call(f, r#""{\"message_id\":\"$ID\"}""#, "GetMessage")
    }

    /// Puts a session's token into a variable of the shell.
    fn log_in(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        let (address, token) = (self.address, value_of("sessionToken"));
        let data = format!(r#"{{"username":"{name}","password":"{PASSWORD}"}}"#);
        writeln!(
            f,
            "TOKEN=$(grpcurl -plaintext -d '{data}' {address} {AUTH}/Login | {token})"
        )
    }

    fn call(&self, f: &mut fmt::Formatter<'_>, data: &str, method: &str) -> fmt::Result {
        self.call_part(f, data, method)?;
        writeln!(f)
    }

    fn call_part(&self, f: &mut fmt::Formatter<'_>, data: &str, method: &str) -> fmt::Result {
        let address = self.address;
        write!(
            f,
            "grpcurl -plaintext -H \"authorization: Bearer $TOKEN\" -d {data} {address} {MAIL}/{method}"
        )
    }
}

/// A filter that finds the value of a field in JSON, for want of a better tool on every machine.
fn value_of(field: &str) -> String {
    format!(r#"sed -n 's/.*"{field}": *"\([^"]*\)".*/\1/p'"#)
}

/// How to call this program: `tm` if that is what the shell finds, else by its path.
pub(super) fn program(own: Option<PathBuf>, path: Option<&OsStr>) -> String {
    let Some(own) = own else {
        return "tm".into();
    };
    let found = path
        .into_iter()
        .flat_map(env::split_paths)
        .map(|dir| dir.join("tm"))
        .find(|candidate| candidate.is_file());
    let same = |found: &Path| found.canonicalize().ok() == own.canonicalize().ok();
    if found.is_some_and(|found| same(&found)) {
        "tm".into()
    } else {
        quoted(&own.to_string_lossy())
    }
}

fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    if path.chars().all(plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(address: &str, names_server: bool) -> String {
        let banner = Banner {
            program: "tm",
            address: address.parse().unwrap(),
            names_server,
            data_dir: Path::new("/data"),
        };
        banner.to_string()
    }

    #[test]
    fn pasted_lines_lead_to_this_server() {
        assert!(!text(DEFAULT_ADDRESS, false).contains("TM_SERVER"));
        let export = "export TM_SERVER=http://127.0.0.1:50051\n";
        assert!(text(DEFAULT_ADDRESS, true).contains(export));
        let elsewhere = text("127.0.0.1:6000", false);
        assert!(elsewhere.contains("export TM_SERVER=http://127.0.0.1:6000\n"));
        assert!(!elsewhere.contains("50051"));
    }

    #[test]
    fn the_program_is_called_tm_only_if_the_shell_finds_it() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("tm");
        std::fs::write(&own, "").unwrap();
        let path = |dir: &'_ tempfile::TempDir| Some(dir.path().as_os_str().to_owned());
        assert_eq!(program(Some(own.clone()), path(&dir).as_deref()), "tm");

        let by_path = own.display().to_string();
        assert_eq!(program(Some(own.clone()), None), by_path);
        let other = tempfile::tempdir().unwrap();
        std::fs::write(other.path().join("tm"), "").unwrap();
        assert_eq!(program(Some(own), path(&other).as_deref()), by_path);
        assert_eq!(quoted("/a b/tm"), "'/a b/tm'");
        assert_eq!(quoted("/a'b/tm"), r"'/a'\''b/tm'");
    }
}
