//! Traces, to an OpenTelemetry collector: spans of [`spans::TARGET`] and nothing else of what is traced or logged.
//!
//! What can be set is set by OpenTelemetry's own variables (`OTEL_EXPORTER_OTLP_ENDPOINT` and others), which its SDK reads.

use crate::spans;
use anyhow::Context;
use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracerProvider, Tracer},
};
use std::{env, sync::OnceLock};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};

const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Begins to export, where a collector is named; `label` is this instance's.
///
/// # Errors
/// Which variable is wrong.
pub(super) fn start(label: &str) -> anyhow::Result<Option<Tracer>> {
    let named = |variable: &&str| env::var_os(variable).is_some_and(|value| !value.is_empty());
    let Some(variable) = ENDPOINTS.iter().find(|variable| named(variable)) else { return Ok(None) };
    crate::crypto::install();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .build()
        .with_context(|| format!("{variable}: http://HOST:PORT of a collector is expected"))?;
    let mut resource = Resource::builder().with_attribute(KeyValue::new("service.instance.id", label.to_owned()));
    if env::var_os("OTEL_SERVICE_NAME").is_none_or(|name| name.is_empty()) {
        resource = resource.with_service_name("hubbub");
    }
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build();
    let tracer = provider.tracer("hubbub");
    let _ = PROVIDER.set(provider);
    spans::begin();
    Ok(Some(tracer))
}

/// What takes the spans in.
pub(super) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(tracer: Tracer) -> impl Layer<S> {
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(Targets::new().with_target(spans::TARGET, LevelFilter::INFO))
}

/// Hands over what has not been exported yet; it takes 5 s at most.
pub(super) fn end() {
    if let Some(Err(error)) = PROVIDER.get().map(SdkTracerProvider::shutdown) {
        tracing::warn!(%error, "the last spans could not be exported");
    }
}
