//! The methods that the product's backend has over REST: their routes, and the OpenAPI document that follows from them.
//!
//! One handler serves all of them. It takes a request apart, has the method put the parts together, and writes its answer.

use super::extract::{Path, Query, body, numbers};
use crate::{
    chat::{
        ChatError,
        methods::{
            Edge, Provides, QueryNames, RestBody, RestMethod, RestRequest, RpcMethod, Verb,
            rest::{Schemas, schema_of},
        },
    },
    metrics::MethodMetrics,
    problem::{PROBLEM, Problem},
};
use axum::{
    Json, RequestPartsExt, Router,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodFilter, on as on_verb},
};
use hubbub_core::limits;
use std::sync::Arc;
use utoipa::{
    IntoParams,
    openapi::{
        ContentBuilder, HttpMethod, KnownFormat, ObjectBuilder, OpenApi, Ref, RefOr, Required, Response as Described,
        ResponseBuilder, ResponsesBuilder, Schema, SchemaFormat, Type,
        path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
        schema::SchemaType,
    },
};

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

impl<On: Send + Sync + 'static, P: Provides<On>> Edge<On> for RestTable<'_, P> {
    fn rpc<M: RpcMethod<On = On>>(&mut self) {}

    fn rest<M: RestMethod<On = On>>(&mut self) {
        let filter = match M::ROUTE.verb {
            Verb::Get => MethodFilter::GET,
            Verb::Post => MethodFilter::POST,
            Verb::Put => MethodFilter::PUT,
            Verb::Patch => MethodFilter::PATCH,
            Verb::Delete => MethodFilter::DELETE,
        };
        let (on, outcomes) = (self.on.provide(), self.metrics.of(M::NAME));
        let names = Arc::new(QueryNames::of::<M>());
        let serve = move |request: Request| {
            let (on, outcomes, names) = (on.clone(), outcomes.clone(), names.clone());
            async move {
                let answered = handle::<M>(&on, &names, request).await;
                outcomes.count(answered.as_ref().map(|_| ()).map_err(Problem::is_failure));
                answered
            }
        };
        self.router = std::mem::take(&mut self.router).route(M::ROUTE.path, on_verb(filter, serve));
    }
}

/// The OpenAPI document of methods.
pub struct ApiDocument(OpenApi);

impl ApiDocument {
    /// The document of the methods that `list` names; `frame` has what is so of all of them.
    pub fn new(frame: OpenApi, list: impl FnOnce(&mut Self)) -> Self {
        let mut document = Self(frame);
        list(&mut document);
        document
    }

    /// The document.
    pub fn finish(self) -> OpenApi {
        self.0
    }
}

impl<On> Edge<On> for ApiDocument {
    fn rpc<M: RpcMethod<On = On>>(&mut self) {}

    fn rest<M: RestMethod<On = On>>(&mut self) {
        describe::<M>(&mut self.0);
    }
}

async fn handle<M: RestMethod>(on: &M::On, names: &QueryNames, request: Request) -> Result<Response, Problem> {
    let (by, request) = M::translate(take_apart::<M>(names, request).await?)?;
    // Whatever it needs of the store, and however often: the times do not add up.
    let ran = tokio::time::timeout(M::PATIENCE, M::run(on, &by, request)).await;
    let output = ran.unwrap_or_else(|_| Err(ChatError::Unavailable.into()))?;
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

/// How many of a list are asked for.
const PAGE_SIZE: &str = "limit";

/// Adds a method to the document.
fn describe<M: RestMethod>(document: &mut OpenApi) {
    let verb = match M::ROUTE.verb {
        Verb::Get => HttpMethod::Get,
        Verb::Post => HttpMethod::Post,
        Verb::Put => HttpMethod::Put,
        Verb::Patch => HttpMethod::Patch,
        Verb::Delete => HttpMethod::Delete,
    };
    let (route, doc) = (M::ROUTE, M::DOC);
    let mut schemas = Schemas::new();
    let mut responses = ResponsesBuilder::new();
    for status in route.success {
        let shown = (!route.is_silent).then(|| schema_of::<M::Output>(&mut schemas));
        responses = responses.response(status.to_string(), response("application/json", shown));
    }
    // What cannot be read, before it is known whose a request is, and while the server is busy, starts or goes.
    let to_any = [400, 401, 408, 413, 429, 503];
    let everywhere = to_any.iter().filter(|status| !route.problems.contains(status));
    for status in route.problems.iter().chain(everywhere) {
        responses = responses.response(status.to_string(), response(PROBLEM, Some(schema_of::<Problem>(&mut schemas))));
    }
    let operation = OperationBuilder::new()
        .operation_id(Some(M::NAME))
        .tag(route.tag)
        .summary(Some(doc.summary))
        .description((!doc.more.is_empty()).then_some(doc.more))
        .parameters(Some(parameters::<M>()).filter(|parameters| !parameters.is_empty()))
        .request_body(M::Body::describe(&mut schemas))
        .responses(responses.build());
    document.paths.add_path_operation(route.path, vec![verb], operation);
    document.components.get_or_insert_default().schemas.extend(schemas);
}

fn response(content_type: &str, shown: Option<Ref>) -> Described {
    match shown {
        Some(schema) => {
            let content = ContentBuilder::new().schema(Some(schema)).build();
            ResponseBuilder::new().content(content_type, content).build()
        }
        None => ResponseBuilder::new().build(),
    }
}

fn parameters<M: RestMethod>() -> Vec<Parameter> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let number = || {
        let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
        number.format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
    };
    let of_path = M::ROUTE.params.iter().map(|param| {
        let schema = if param.is_number { number() } else { text() };
        let example = match param.example.parse::<u64>() {
            Ok(number) if param.is_number => number.into(),
            _ => param.example.into(),
        };
        ParameterBuilder::new()
            .name(param.name)
            .parameter_in(ParameterIn::Path)
            .description(Some(param.description))
            .required(Required::True)
            .schema(Some(schema))
            .example(Some(example))
            .build()
    });
    let key = M::ROUTE.idempotency_key.then(|| {
        let schema = ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null]));
        ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .description(Some("What makes it happen once"))
            .required(Required::False)
            .schema(Some(schema))
            .build()
    });
    let of_query = M::Query::into_params(|| Some(ParameterIn::Query)).into_iter().map(with_limits);
    of_path.chain(of_query).chain(key).collect()
}

/// What a parameter is to say of its limits: those of pages are alike everywhere.
fn with_limits(mut parameter: Parameter) -> Parameter {
    if let (PAGE_SIZE, Some(RefOr::T(Schema::Object(schema)))) = (&*parameter.name, &mut parameter.schema) {
        schema.minimum = Some(1_usize.into());
        schema.maximum = Some(limits::PAGE_MAX.into());
    }
    parameter
}
