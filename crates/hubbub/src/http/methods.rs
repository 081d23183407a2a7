//! The methods that the product's backend has over REST: their routes.
//!
//! One handler serves all of them. It takes a request apart, has the method put the parts together, and writes its answer.

use super::extract::{Path, Query, body, numbers};
use crate::{
    chat::{
        Chat, ChatError,
        methods::{Edge, Provides, QueryNames, RestBody, RestMethod, RestRequest, RpcMethod, Verb},
    },
    metrics::MethodMetrics,
    problem::{Json, Problem},
};
use axum::{
    RequestPartsExt, Router,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodFilter, on as on_verb},
};
use hubbub_core::model::ids::UserId;
use std::{sync::Arc, time::Instant};

/// The routes of methods.
pub struct RestTable<'a, P> {
    on: &'a P,
    metrics: &'a MethodMetrics,
    router: Router,
}

impl<'a, P> RestTable<'a, P> {
    /// The routes of the methods that `list` names. They run on what `on` has.
    pub fn router(on: &'a P, metrics: &'a MethodMetrics, list: impl FnOnce(&mut Self)) -> Router {
        let mut table = Self { on, metrics, router: Router::new() };
        list(&mut table);
        table.router
    }
}

impl<On: Send + Sync + 'static, P: Provides<On> + Provides<Chat>> Edge<On> for RestTable<'_, P> {
    fn rpc<M: RpcMethod<On = On>>(&mut self) {}

    fn rest<M: RestMethod<On = On>>(&mut self) {
        let filter = match M::ROUTE.verb {
            Verb::Get => MethodFilter::GET,
            Verb::Post => MethodFilter::POST,
            Verb::Put => MethodFilter::PUT,
            Verb::Patch => MethodFilter::PATCH,
            Verb::Delete => MethodFilter::DELETE,
        };
        let on: Arc<On> = self.on.provide();
        let chat: Arc<Chat> = self.on.provide();
        let (outcomes, seconds) = (self.metrics.of(M::NAME), self.metrics.http(M::NAME));
        let names = Arc::new(QueryNames::of::<M>());
        let serve = move |request: Request| {
            let (on, chat, names) = (on.clone(), chat.clone(), names.clone());
            let (outcomes, seconds) = (outcomes.clone(), seconds.clone());
            async move {
                let began = Instant::now();
                let answered = handle::<M>(&on, &chat, &names, request).await;
                seconds.observe(began.elapsed().as_secs_f64());
                outcomes.count(answered.as_ref().map(|_| ()).map_err(Problem::is_failure));
                answered
            }
        };
        self.router = std::mem::take(&mut self.router).route(M::ROUTE.path, on_verb(filter, serve));
    }
}

async fn handle<M: RestMethod>(
    on: &M::On,
    chat: &Chat,
    names: &QueryNames,
    request: Request,
) -> Result<Response, Problem> {
    let subject = M::ROUTE.audited.then(|| request.uri().path().to_owned());
    let (by, request) = M::translate(take_apart::<M>(names, request).await?)?;
    let run = async {
        // Whatever it needs of the store, and however often: the times do not add up.
        let ran = tokio::time::timeout(M::PATIENCE, M::run(on, &by, request)).await;
        ran.unwrap_or_else(|_| Err(ChatError::Unavailable.into()))
    };
    let output = match subject {
        Some(subject) => chat.audited(&UserId::backend(), M::NAME, subject, run).await?,
        None => run.await?,
    };
    let status = StatusCode::from_u16(M::status(&output)).unwrap_or(StatusCode::OK);
    Ok(if M::ROUTE.is_silent { status.into_response() } else { (status, Json(output)).into_response() })
}

/// The parts of a request, read in the order in which they are written.
async fn take_apart<M: RestMethod>(names: &QueryNames, request: Request) -> Result<RestRequest<M>, Problem> {
    let (mut parts, rest) = request.into_parts();
    numbers(&mut parts, M::ROUTE.params).await?;
    let Path(path) = parts.extract::<Path<M::Path>>().await?;
    let Query(asked) = parts.extract::<Query<Vec<(String, String)>>>().await?;
    names.check(asked.iter().map(|(name, _)| name.as_str()))?;
    let Query(query) = parts.extract::<Query<M::Query>>().await?;
    let header = |headers: &HeaderMap, name: &str| headers.get(name).map(|value| value.as_bytes().to_vec());
    let idempotency_key = if M::ROUTE.idempotency_key { header(&parts.headers, "idempotency-key") } else { None };
    let content_type = header(&parts.headers, header::CONTENT_TYPE.as_str());
    let content_type = content_type.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok());
    let bytes = if M::Body::IS_READ { body(Request::from_parts(parts, rest)).await? } else { bytes::Bytes::new() };
    Ok(RestRequest { path, query, body: M::Body::read(bytes, content_type)?, idempotency_key })
}
