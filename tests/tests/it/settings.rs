//! The table of settings in `docs/operations.md` is what the programs say of themselves.

use std::{fmt::Write as _, fs, path::Path};

use turbomessage_tests::programs;

const PROGRAMS: [&str; 3] = ["gateway", "auth-service", "mail-service"];
const BEGIN: &str =
    "<!-- Made from the programs: UPDATE_DOCS=1 with the test `settings` writes it. -->\n";
const END: &str = "<!-- End of what is made from the programs. -->";

/// A setting as `--help` explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    flag: String,
    variable: String,
    default: String,
    meaning: String,
}

impl Setting {
    /// Reads the paragraph of one option.
    fn read(paragraph: &str) -> Option<Self> {
        let mut lines = paragraph.lines().map(str::trim);
        let flag = lines.next()?.strip_prefix("--")?;
        let (mut variable, mut default, mut meaning) = (None, String::new(), Vec::new());
        for line in lines.filter(|line| !line.is_empty()) {
            let value = |name: &str| line.strip_prefix(name)?.strip_suffix(']');
            if let Some(name) = value("[env: ") {
                variable = Some(name.trim_end_matches('=').to_owned());
            } else if let Some(value) = value("[default: ") {
                default = format!("`{value}`");
            } else if let Some((value, of_value)) = possible(line) {
                meaning.push(format!("<br>`{value}`: {of_value}"));
            } else if !line.starts_with("Possible values") {
                meaning.push(line.to_owned());
            }
        }
        Some(Self {
            flag: format!("--{flag}"),
            variable: variable?,
            default,
            meaning: meaning.join(" ").replace('|', "\\|"),
        })
    }

    fn row(&self) -> String {
        let Self {
            flag,
            variable,
            default,
            meaning,
        } = self;
        format!("| `{variable}`<br>`{flag}` | {default} | {meaning} |\n")
    }
}

/// One of several values that a setting may have, and what it means.
fn possible(line: &str) -> Option<(&str, &str)> {
    let (value, meaning) = line.strip_prefix("- ")?.split_once(':')?;
    Some((value, meaning.trim()))
}

async fn settings_of(program: &str) -> Vec<Setting> {
    let name = format!("turbomessage-{program}");
    let mut command = tokio::process::Command::new(programs::own(&name));
    let said = command.arg("--help").output().await.unwrap();
    let help = String::from_utf8(said.stdout).unwrap();
    let mut paragraphs = vec![String::new()];
    for line in help.lines() {
        let line_of_option = line.trim_start();
        if line_of_option.starts_with('-') && !line_of_option.starts_with("- ") {
            paragraphs.push(String::new());
        }
        let paragraph = paragraphs.last_mut().unwrap();
        paragraph.push_str(line);
        paragraph.push('\n');
    }
    let settings: Vec<Setting> = paragraphs.iter().filter_map(|p| Setting::read(p)).collect();
    let flags = help.matches("[env: ").count();
    assert_eq!(settings.len(), flags, "every setting of {program} was read");
    settings
}

fn table(title: &str, settings: &[&Setting]) -> String {
    let mut text = format!("### {title}\n\n| setting | default | meaning |\n|---|---|---|\n");
    for setting in settings {
        let _ = write!(text, "{}", setting.row());
    }
    text + "\n"
}

#[tokio::test]
async fn the_table_of_settings_is_true() {
    let [gateway, auth, mail] = [
        settings_of(PROGRAMS[0]).await,
        settings_of(PROGRAMS[1]).await,
        settings_of(PROGRAMS[2]).await,
    ];
    let is_common = |setting: &&Setting| auth.contains(setting) && mail.contains(setting);
    let common: Vec<&Setting> = gateway.iter().filter(is_common).collect();
    let mut text = table("All three", &common);
    for (program, settings) in PROGRAMS.iter().zip([&gateway, &auth, &mail]) {
        let own = settings.iter().filter(|setting| !common.contains(setting));
        text += &table(program, &own.collect::<Vec<_>>());
    }

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let document = fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once(BEGIN).expect("where it begins");
    let (written, after) = rest.split_once(END).expect("where it ends");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, [before, BEGIN, "\n", &text, END, after].concat()).unwrap();
        return;
    }
    assert!(
        written.trim() == text.trim(),
        "docs/operations.md is out of date: UPDATE_DOCS=1 with this test writes it anew:\n{text}"
    );
}
