//! `tm doctor`: what stands between this client and the server, step by step.

mod checks;

use std::time::Duration;

use serde_json::{Value, json};

use self::checks::Checks;
use crate::{
    connection::Connection,
    context::Context,
    failure::Failure,
    output::{Screen, Style, one_line},
};

/// How long each step may take.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// As it should.
    Good,
    /// It works, and somebody should know about it.
    Warning,
    /// It does not work.
    Bad,
}

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Bad => "failed",
        }
    }

    const fn style(self) -> Style {
        match self {
            Self::Good => Style::Plain,
            Self::Warning => Style::Yellow,
            Self::Bad => Style::Red,
        }
    }
}

/// What a step found out.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    step: &'static str,
    verdict: Verdict,
    /// In one sentence or less.
    detail: String,
}

impl Finding {
    fn new(step: &'static str, verdict: Verdict, detail: impl Into<String>) -> Self {
        // What a server says is not to be trusted with a terminal.
        let detail = one_line(&detail.into());
        Self {
            step,
            verdict,
            detail,
        }
    }

    fn json(&self) -> Value {
        json!({"step": self.step, "verdict": self.verdict.name(), "detail": self.detail})
    }

    fn line(&self, screen: &Screen) -> String {
        let verdict = format!("{:<8}", self.verdict.name());
        let verdict = screen.paint(self.verdict.style(), &verdict);
        format!("{:<11} {verdict} {}\n", self.step, self.detail)
    }
}

/// Tries everything, and says how it went. Fails if anything did.
pub(crate) async fn run(context: &Context) -> Result<(), Failure> {
    let findings = examine(context).await;
    let bad = findings.iter().find(|f| f.verdict == Verdict::Bad);
    let json = json!({
        "server": context.global.server.to_string(),
        "healthy": bad.is_none(),
        "findings": findings.iter().map(Finding::json).collect::<Vec<_>>(),
    });
    context.printer.print(&json, |screen| {
        findings
            .iter()
            .map(|finding| finding.line(screen))
            .collect()
    })?;
    match bad {
        None => Ok(()),
        Some(Finding { step, detail, .. }) => {
            Err(Failure::unreachable(format!("{step}: {detail}.")))
        }
    }
}

async fn examine(context: &Context) -> Vec<Finding> {
    let server = &context.global.server;
    let mut findings = vec![checks::address(server).await];
    if findings[0].verdict == Verdict::Bad {
        return findings;
    }
    let opened = Connection::open(server, context.global.ca_file.as_deref(), None).await;
    findings.push(checks::encryption(server, opened.as_ref().err()));
    let Ok(connection) = opened else {
        return findings;
    };
    let checks = Checks { connection };
    let (health, head) = checks.health().await;
    findings.extend([
        health,
        checks.reflection().await,
        checks::versions(&head),
        checks::clocks(&head, context.clock.now()),
    ]);
    findings
}
