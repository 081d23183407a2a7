//! Logs, to standard error: what is said, how it is written, and changing the former while running.
//!
//! No token, key, secret, text or data of anybody is logged, at any level. What others wrote is [`plain`] in every line, and
//! what strangers can cause is told [`Seldom`].

use clap::ValueEnum;
use plain::{PlainFields, PlainJson};
use serde::Deserialize;
use std::{
    io::{self, IsTerminal},
    sync::OnceLock,
};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer, Registry, filter::filter_fn, fmt::format::DefaultFields, layer::SubscriberExt,
    registry::LookupSpan, reload, util::SubscriberInitExt,
};

#[cfg(feature = "otel")]
use tracing_subscriber::filter::FilterExt;

#[cfg(feature = "otel")]
mod otel;
mod plain;
mod seldom;
mod summary;

pub use plain::{is_hidden, plain};
pub use seldom::Seldom;
pub use summary::Summary;

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// What is said where nothing else was asked for.
pub const DEFAULT: &str = "info,async_nats=off,rskafka=off";

static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Reads what is to be logged, like `info,hubbub::store=debug`.
///
/// # Errors
/// What is wrong with it.
pub fn parse(filter: &str) -> anyhow::Result<EnvFilter> {
    EnvFilter::builder().parse(filter).map_err(|error| {
        anyhow::anyhow!("--log {filter}: {error}; a level (error, warn, info, debug, trace) or a list like info,hubbub::store=debug is expected")
    })
}

/// Whether a line may be there, whatever was asked for. Below `info` libraries tell what they carry: a database's tells each
/// statement with its values, which are texts and keys.
fn may_be_told(line: &Metadata<'_>) -> bool {
    let own = |crate_name: &str| line.target().split("::").next() == Some(crate_name);
    *line.level() <= Level::INFO || own("hubbub") || own("hubbub_core")
}

/// Begins to log. A filter that cannot be read is the default: whoever reads the configuration says what is wrong with it.
/// With a label, spans are exported under it too, where a collector is named (feature `otel`).
///
/// # Errors
/// When spans cannot be exported as they ought to be; what is logged is logged.
pub fn init(filter: &str, format: LogFormat, traced: Option<&str>) -> anyhow::Result<()> {
    let filter = parse(filter).unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let (filter, handle) = reload::Layer::new(filter);
    let _ = FILTER.set(handle);
    #[cfg(feature = "otel")]
    if let Some(tracer) = traced.map(otel::start).transpose()?.flatten() {
        // Each has a filter of its own: lines do not show spans, and whatever is logged, spans are exported.
        let logged = filter_fn(|about| about.target() != crate::spans::TARGET && may_be_told(about)).and(filter);
        tracing_subscriber::registry().with(lines(format).with_filter(logged)).with(otel::layer(tracer)).init();
        return Ok(());
    }
    #[cfg(not(feature = "otel"))]
    let _ = traced;
    tracing_subscriber::registry().with(filter).with(filter_fn(may_be_told)).with(lines(format)).init();
    Ok(())
}

fn lines<S: Subscriber + for<'a> LookupSpan<'a>>(format: LogFormat) -> impl Layer<S> {
    lines_to(format, io::stderr().is_terminal(), io::stderr)
}

fn lines_to<S, W, M>(format: LogFormat, colours: bool, to: M) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: io::Write + 'static,
    M: Fn() -> W + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer();
    match format {
        LogFormat::Text => {
            lines.fmt_fields(PlainFields(DefaultFields::new())).with_ansi(colours).with_writer(to).boxed()
        }
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_current_span(true).with_span_list(false);
            lines.with_writer(move || PlainJson(to())).boxed()
        }
    }
}

/// Hands over the spans that have not been exported yet. Waits for that, so it is not for a task.
pub fn end() {
    #[cfg(feature = "otel")]
    otel::end();
}

/// Says more or less from now on.
///
/// # Errors
/// When the filter cannot be read.
pub fn set_filter(filter: &str) -> anyhow::Result<()> {
    let filter = parse(filter)?;
    if let Some(handle) = FILTER.get() {
        handle.reload(filter)?;
    }
    Ok(())
}
