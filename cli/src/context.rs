//! What every command is given: the global options, the printer, the clock, ways to the server.

use turbomessage_service_kit::clock::{SharedClock, SystemClock};

use crate::{
    args::Global, connection::Connection, failure::Failure, output::Printer, token_file::TokenFile,
};

/// The surroundings of a command.
pub(crate) struct Context {
    /// The global options.
    pub(crate) global: Global,
    /// Where results go.
    pub(crate) printer: Printer,
    /// Where the time comes from.
    pub(crate) clock: SharedClock,
}

impl Context {
    /// The surroundings that `global` asks for.
    pub(crate) fn new(global: Global) -> Self {
        let clock = SystemClock::shared();
        let printer = Printer::new(global.output, global.color, clock.now());
        Self {
            global,
            printer,
            clock,
        }
    }

    /// The file that keeps the token for the server.
    pub(crate) fn token_file(&self) -> Result<TokenFile, Failure> {
        TokenFile::find(self.global.token_file.as_deref(), &self.global.server)
    }

    /// A connection on which nobody is signed in.
    pub(crate) async fn connect(&self) -> Result<Connection, Failure> {
        let ca_file = self.global.ca_file.as_deref();
        Connection::open(&self.global.server, ca_file, None).await
    }

    /// A connection in the kept session. Fails before the server is asked if there is none.
    pub(crate) async fn connect_signed_in(&self) -> Result<Connection, Failure> {
        let Some(token) = self.token_file()?.read(&self.printer)? else {
            let server = &self.global.server;
            return Err(Failure::not_signed_in(format!(
                "Nobody is signed in to {server}."
            )));
        };
        let ca_file = self.global.ca_file.as_deref();
        Connection::open(&self.global.server, ca_file, Some(&token)).await
    }

    /// The surroundings of a test, at the time `now`.
    #[cfg(test)]
    pub(crate) fn for_tests(now: turbomessage_service_kit::clock::Timestamp) -> Self {
        use clap::Parser as _;
        let cli = crate::args::Cli::parse_from(["tm", "--output", "json", "folders"]);
        Self {
            clock: turbomessage_service_kit::clock::ManualClock::at(now),
            ..Self::new(cli.global)
        }
    }
}
