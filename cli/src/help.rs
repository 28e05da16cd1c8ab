//! The help of `tm` itself: its commands in groups, for a list of forty says little.

use std::fmt::Write as _;

use clap::Command;

/// Every command, by what it is for.
const GROUPS: &[(&str, &[&str])] = &[
    (
        "Read",
        &["inbox", "sent", "list", "read", "thread", "search", "watch"],
    ),
    ("Write", &["send", "reply", "forward", "undo", "draft"]),
    (
        "Tidy up",
        &[
            "mark", "star", "unstar", "move", "delete", "label", "labels", "folder", "folders",
        ],
    ),
    (
        "Account",
        &[
            "register",
            "login",
            "logout",
            "whoami",
            "sessions",
            "passwd",
            "mailbox",
            "delete-account",
        ],
    ),
    ("More", &["dev", "doctor", "completions", "help"]),
];

/// `command` with a help that shows its commands in groups.
pub(crate) fn grouped(command: Command) -> Command {
    let mut built = command.clone();
    built.build();
    let groups = groups(&built);
    let header = *built.get_styles().get_header();
    command.help_template(format!(
        "{{about-with-newline}}\n{{before-help}}{{usage-heading}} {{usage}}\n\n{groups}\
         {header}Options:{header:#}\n{{options}}{{after-help}}"
    ))
}

fn groups(built: &Command) -> String {
    let styles = built.get_styles();
    let (header, literal) = (styles.get_header(), styles.get_literal());
    let mut text = String::new();
    for (title, names) in GROUPS {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{header}{title}:{header:#}");
        for name in *names {
            let about = built.find_subcommand(name).and_then(Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(text, "  {literal}{name:<14}{literal:#}  {about}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::args;

    #[test]
    fn every_command_is_in_one_group() {
        let mut command = args::command();
        command.build();
        let known: Vec<String> = command
            .get_subcommands()
            .map(|c| c.get_name().to_owned())
            .collect();
        let mut grouped: Vec<&str> = super::GROUPS
            .iter()
            .flat_map(|(_, names)| names.iter().copied())
            .collect();
        grouped.sort_unstable();
        let mut sorted: Vec<&str> = known.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        assert_eq!(grouped, sorted);
    }

    #[test]
    fn the_commands_fit_a_terminal() {
        let help = args::command().render_help().to_string();
        let (_, commands) = help.split_once("Read:").unwrap();
        let (commands, _) = commands.split_once("Options:").unwrap();
        for line in commands.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
