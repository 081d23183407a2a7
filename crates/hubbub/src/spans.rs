//! Spans for traces: how long a request or a command, the commit it was part of, and its way onto the bus took.
//!
//! They say how much and how long, never what: nobody's text, data, token or key is an attribute, nor the id of a room
//! or a user. Without the feature `otel`, or where no collector is named, there are none.

use std::sync::atomic::{AtomicBool, Ordering};
use tracing::{Span, field::Empty, info_span};
use uuid::Uuid;

/// The target of all of them, by which they are told from what is logged.
pub const TARGET: &str = "hubbub::trace";

static EXPORTED: AtomicBool = AtomicBool::new(false);

/// From now on there are spans: somebody takes them.
pub fn begin() {
    EXPORTED.store(true, Ordering::Relaxed);
}

fn are_exported() -> bool {
    cfg!(feature = "otel") && EXPORTED.load(Ordering::Relaxed)
}

/// A REST request, as part of the trace that its headers name (W3C Trace Context). `route` is the template of its path.
pub fn request<'a>(method: &str, route: Option<&str>, header: impl Fn(&str) -> Option<&'a str>) -> Span {
    if !are_exported() {
        return Span::none();
    }
    // A caller's own word would be an attribute of its making.
    let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    let method = known.into_iter().find(|known| *known == method).unwrap_or("_OTHER");
    let name = route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
    let span = info_span!(
        target: TARGET,
        "request",
        otel.name = name,
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
    );
    #[cfg(feature = "otel")]
    onward::follow(&span, header);
    #[cfg(not(feature = "otel"))]
    drop(header);
    span
}

/// The request was answered with this status.
pub fn answered(span: &Span, status: u16) {
    span.record("http.response.status_code", status);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}

/// A client's command, from when it is understood to its reply.
pub fn command(kind: &'static str, connection: &Uuid) -> Span {
    if !are_exported() {
        return Span::none();
    }
    info_span!(target: TARGET, "command", otel.name = kind, otel.kind = "server", connection = %connection)
}

/// A client's call of a method by `rpc`.
pub fn call(method: &'static str, connection: &Uuid) -> Span {
    if !are_exported() {
        return Span::none();
    }
    info_span!(target: TARGET, "command", otel.name = format!("rpc {method}"), otel.kind = "server", connection = %connection)
}

/// A batch on its way into the store, answered and told. It goes on the trace of the first draft of which traces are kept,
/// and is linked to those of the others.
pub fn commit<'a>(drafts: usize, rooms: impl FnOnce() -> usize, from: impl Iterator<Item = &'a Onward>) -> Span {
    if !are_exported() {
        return Span::none();
    }
    let span = info_span!(target: TARGET, parent: None, "commit", drafts, rooms = rooms());
    #[cfg(feature = "otel")]
    onward::join(&span, from);
    #[cfg(not(feature = "otel"))]
    drop(from);
    span
}

/// Wakes on their way to the bus, in one payload for each lane.
pub fn publish(lanes: usize) -> Span {
    if !are_exported() {
        return Span::none();
    }
    info_span!(target: TARGET, "publish", otel.kind = "producer", lanes)
}

/// A point in a trace that goes on in another task.
#[derive(Debug, Default)]
pub struct Onward(#[cfg(feature = "otel")] Option<Box<opentelemetry::trace::SpanContext>>);

impl Onward {
    /// Where the work under way is.
    pub fn here() -> Self {
        if are_exported() { Self::current() } else { Self::default() }
    }

    #[cfg(not(feature = "otel"))]
    fn current() -> Self {
        Self::default()
    }
}

#[cfg(feature = "otel")]
mod onward {
    use super::{Onward, Span};
    use opentelemetry::{
        Context,
        propagation::{Extractor, TextMapPropagator},
        trace::{SpanContext, TraceContextExt},
    };
    use opentelemetry_sdk::propagation::TraceContextPropagator;
    use std::marker::PhantomData;
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    impl Onward {
        pub(super) fn current() -> Self {
            let here = Context::map_current(|context| context.span().span_context().clone());
            Self(Some(here).filter(SpanContext::is_valid).map(Box::new))
        }
    }

    struct Headers<'a, F>(F, PhantomData<&'a str>);

    impl<'a, F: Fn(&str) -> Option<&'a str>> Extractor for Headers<'a, F> {
        fn get(&self, key: &str) -> Option<&str> {
            (self.0)(key)
        }

        fn keys(&self) -> Vec<&str> {
            Vec::new()
        }
    }

    pub(super) fn follow<'a>(span: &Span, header: impl Fn(&str) -> Option<&'a str>) {
        let caller = TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(header, PhantomData));
        if caller.span().span_context().is_valid() {
            // It fails only where the span is kept by nobody.
            let _ = span.set_parent(caller);
        }
    }

    pub(super) fn join<'a>(span: &Span, from: impl Iterator<Item = &'a Onward>) {
        let mut from: Vec<_> = from.filter_map(|onward| onward.0.as_deref()).collect();
        if from.is_empty() {
            return;
        }
        let first = from.iter().position(|context| context.is_sampled()).unwrap_or_default();
        let parent = from.swap_remove(first).clone();
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
        from.into_iter().for_each(|context| span.add_link(context.clone()));
    }
}
