//! Lines of the log: what happened, and in which call.
//!
//! What a call is comes from its context and not from its span: spans would have to be written down for every
//! call, and most calls leave no line.

use std::{
    fmt::{self, Write as _},
    io::{self, IsTerminal as _},
};

use anyhow::Context as _;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt as _, LevelFilter, filter_fn},
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

use crate::{
    context::{self, RequestContext},
    settings::{LogArgs, LogFormat},
};

/// What writes lines to standard error, as `args` say.
///
/// # Errors
/// The filter cannot be used.
pub(super) fn layer<S>(args: &LogArgs) -> anyhow::Result<Box<dyn Layer<S> + Send + Sync>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let filter = EnvFilter::try_new(&args.log)
        .with_context(|| format!("--log: `{}` is no filter", args.log))?;
    // Without the hint every trace event of every library would be looked at: a flood of frames, each of which leaves
    // dozens of them, would take the time of everybody else.
    let most = filter.max_level_hint().unwrap_or(LevelFilter::TRACE);
    let filter = filter.and(filter_fn(is_event).with_max_level_hint(most));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    Ok(match args.log_format {
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .map_event_format(|format| InCall {
                format,
                write: write_json,
            })
            .with_filter(filter)
            .boxed(),
        LogFormat::Pretty => lines
            .compact()
            .with_target(false)
            .with_ansi(has_colour())
            .map_event_format(|format| InCall {
                format: format.with_ansi(has_colour()),
                write: write_text,
            })
            .with_filter(filter)
            .boxed(),
    })
}

fn is_event(metadata: &Metadata<'_>) -> bool {
    metadata.is_event()
}

/// Lines in some format, with the call that they are about.
struct InCall<F> {
    format: F,
    /// Adds the call to a line without its end.
    write: fn(&mut String, &RequestContext) -> fmt::Result,
}

impl<S, N, F> FormatEvent<S, N> for InCall<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(call) = context::current() else {
            return self.format.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.format
            .format_event(context, Writer::new(&mut line), event)?;
        line.truncate(line.trim_end().len());
        (self.write)(&mut line, &call)?;
        writeln!(writer, "{line}")
    }
}

fn write_json(line: &mut String, call: &RequestContext) -> fmt::Result {
    if line.pop() != Some('}') {
        return Err(fmt::Error);
    }
    // The id is the client's, and may have quotes in it.
    let id = serde_json::to_string(&*call.request_id).map_err(|_| fmt::Error)?;
    write!(line, r#","rpc.method":"{}","request_id":{id}"#, call.method)?;
    if let Some(trace_id) = call.trace_id() {
        write!(line, r#","trace_id":"{trace_id}""#)?;
    }
    line.push('}');
    Ok(())
}

fn write_text(line: &mut String, call: &RequestContext) -> fmt::Result {
    write!(
        line,
        " rpc.method={} request_id={}",
        call.method, call.request_id
    )?;
    match call.trace_id() {
        Some(trace_id) => write!(line, " trace_id={trace_id}"),
        None => Ok(()),
    }
}

/// Whether lines for people may have colours: on a terminal, unless `NO_COLOR` is set.
fn has_colour() -> bool {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !no_colour
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::Instant;

    use super::*;
    use crate::{context::SpanContext, language::Language};

    #[test]
    fn a_line_says_which_call_it_is_about() {
        let call = RequestContext {
            language: Language::default(),
            request_id: Arc::from(r#"a"b"#),
            method: "p.S/M",
            trace: SpanContext::NONE,
            deadline: Instant::now(),
        };
        let mut line = r#"{"message":"x"}"#.to_owned();
        write_json(&mut line, &call).unwrap();
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["message"], "x");
        assert_eq!(line["request_id"], r#"a"b"#);
        assert_eq!(line["rpc.method"], "p.S/M");
        let mut line = "x".to_owned();
        write_text(&mut line, &call).unwrap();
        assert_eq!(line, r#"x rpc.method=p.S/M request_id=a"b"#);
    }
}
