//! `tm`: the TurboMessage client, and the whole of TurboMessage in one process (`tm dev`).

use std::process::ExitCode;

fn main() -> ExitCode {
    turbomessage_cli::run()
}
