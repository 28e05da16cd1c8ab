//! `tm completions`.

use clap::Args;
use clap_complete::Shell;

use crate::{args, failure::Failure};

/// Options of `tm completions`.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  tm completions bash > ~/.local/share/bash-completion/completions/tm
  tm completions zsh > ~/.zfunc/_tm
  tm completions fish > ~/.config/fish/completions/tm.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell to write for.
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes the script.
pub(crate) fn run(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut args::command(), "tm", &mut script);
    std::io::Write::write_all(&mut std::io::stdout().lock(), &script)?;
    Ok(())
}
