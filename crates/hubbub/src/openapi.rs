//! The OpenAPI document: the methods that the product's backend has, as their files describe them, and the few paths beside them.

use crate::{
    chat::methods::{
        Edge, RestBody, RestMethod, RpcMethod, Verb,
        rest::{PathParam, ROOM, Schemas, schema_of},
    },
    problem::{PROBLEM, Problem},
};
use hubbub_core::limits;
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::collections::BTreeSet;
use utoipa::{
    IntoParams, Modify, OpenApi as _,
    openapi::{
        ContentBuilder, Header, HttpMethod, KnownFormat, ObjectBuilder, OpenApi, Ref, RefOr, Required,
        Response as Described, ResponseBuilder, ResponsesBuilder, Schema, SchemaFormat, Type,
        path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem},
        request_body::RequestBody,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Hubbub", description = "The API for a product's backend. Errors are problem documents (RFC 9457). Numbers such as 103 or 106 in a description are the codes of `rpc`; here the `code` of a problem says the same in a word."),
    servers((url = "/", description = "The instance, or the balancer before it, that serves this document.")),
    modifiers(&BearerKey),
    security(("api_key" = [])),
    tags(
        (name = "rooms", description = "Rooms, and what is kept with them."),
        (name = "members", description = "Who is in a room, and as what."),
        (name = "messages", description = "What is said in a room, and what becomes of it."),
        (name = "users", description = "A user's rooms, connections and what the product says about them."),
        (name = "invites", description = "Invitations into rooms, which wait for an answer."),
        (name = "reports", description = "Messages that people have reported to moderators."),
        (name = "sessions", description = "Support sessions: rooms of a customer whose agents answer through a portal."),
        (name = "portals", description = "Third parties whose agents answer, what waits for them and what was given up on."),
        (name = "bulk", description = "Many rooms, memberships or messages with one request, such as when chats are brought over from another system."),
        (name = "audit", description = "What was done outside of any room's log."),
        (name = "server", description = "Health and metrics of an instance."),
    )
)]
struct Frame;

struct BearerKey;

impl Modify for BearerKey {
    fn modify(&self, document: &mut OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API key")).build();
        document.components.get_or_insert_default().add_security_scheme("api_key", SecurityScheme::Http(scheme));
    }
}

/// See the module. Written as JSON it is the document, which begins with what is needed first.
pub struct ApiDocument {
    parts: OpenApi,
    /// Paths, as they came.
    paths: Vec<String>,
}

impl ApiDocument {
    /// The document of the methods that `list` names.
    pub fn new(list: impl FnOnce(&mut Self)) -> Self {
        let mut document = Self { parts: Frame::openapi(), paths: Vec::new() };
        list(&mut document);
        document
    }

    /// Adds a path that no API key opens.
    pub fn open_path(&mut self, verb: Verb, path: &str, schemas: Schemas, operation: OperationBuilder) {
        let operation = operation.securities(Some([SecurityRequirement::default()]));
        self.add(verb, path, schemas, operation.build());
    }

    /// Says that all paths are below this one: empty, or `/chat`. Who makes a client from the document, or tries a method out in the
    /// reference, asks there.
    pub fn is_served_below(&mut self, base_path: &str) {
        for server in self.parts.servers.iter_mut().flatten().filter(|_| !base_path.is_empty()) {
            base_path.clone_into(&mut server.url);
        }
    }

    fn add(&mut self, verb: Verb, path: &str, schemas: Schemas, mut operation: Operation) {
        // A description is Markdown, a summary is plain text (OpenAPI 3.1, Operation Object).
        operation.summary = operation.summary.map(|summary| summary.replace('`', ""));
        operation.description = operation.description.map(without_links);
        let verb = match verb {
            Verb::Get => HttpMethod::Get,
            Verb::Post => HttpMethod::Post,
            Verb::Put => HttpMethod::Put,
            Verb::Patch => HttpMethod::Patch,
            Verb::Delete => HttpMethod::Delete,
        };
        if !self.paths.iter().any(|known| known == path) {
            self.paths.push(path.to_owned());
        }
        self.parts.paths.add_path_operation(path, vec![verb], operation);
        self.parts.components.get_or_insert_default().schemas.extend(schemas);
    }

    /// In the order of their chapters, and within a chapter in the order in which methods are listed.
    fn in_order(&self) -> impl Iterator<Item = (&String, &PathItem)> {
        let chapters: Vec<&str> = self.parts.tags.iter().flatten().map(|tag| tag.name.as_str()).collect();
        let items = self.paths.iter().filter_map(|path| Some((path, self.parts.paths.paths.get(path)?)));
        let mut items: Vec<_> = items.collect();
        items.sort_by_key(|(_, item)| {
            let mut operations = [&item.get, &item.put, &item.post, &item.delete, &item.patch].into_iter().flatten();
            let chapter = operations.next().and_then(|operation| operation.tags.as_ref()?.first());
            chapters.iter().position(|name| Some(*name) == chapter.map(String::as_str))
        });
        items.into_iter()
    }
}

impl Serialize for ApiDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// Paths as an object, whose members stand in order.
        struct Paths<'a>(&'a ApiDocument);

        impl Serialize for Paths<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(self.0.in_order())
            }
        }

        let OpenApi { openapi, info, servers, components, security, tags, .. } = &self.parts;
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("openapi", openapi)?;
        members.serialize_entry("info", info)?;
        members.serialize_entry("servers", servers)?;
        members.serialize_entry("tags", tags)?;
        members.serialize_entry("paths", &Paths(self))?;
        members.serialize_entry("components", components)?;
        members.serialize_entry("security", security)?;
        members.end()
    }
}

impl<On> Edge<On> for ApiDocument {
    fn rpc<M: RpcMethod<On = On>>(&mut self) {}

    fn rest<M: RestMethod<On = On>>(&mut self) {
        let mut schemas = Schemas::new();
        let operation = describe::<M>(&mut schemas);
        self.add(M::ROUTE.verb, M::ROUTE.path, schemas, operation);
    }
}

/// `[word](#place)` becomes `word`: the texts are those of `docs/protocol.md`, and such a place is on that page alone.
fn without_links(mut text: String) -> String {
    while let Some(end) = text.find("](#")
        && let Some(begin) = text[..end].rfind('[')
        && let Some(length) = text[end..].find(')')
    {
        text = format!("{}{}{}", &text[..begin], &text[begin + 1..end], &text[end + length + 1..]);
    }
    text
}

/// What cannot be read, before it is known whose a request is, and while the server is busy, starts or goes.
const TO_ANY: [u16; 6] = [400, 401, 408, 413, 429, 503];

fn describe<M: RestMethod>(schemas: &mut Schemas) -> Operation {
    let (route, doc) = (M::ROUTE, M::DOC);
    let mut responses = ResponsesBuilder::new();
    for status in route.success {
        let shown = (!route.is_silent).then(|| schema_of::<M::Output>(schemas));
        responses = responses.response(status.to_string(), success(*status, shown));
    }
    for status in problems::<M>() {
        responses = responses.response(status.to_string(), problem(status, schemas));
    }
    let body = M::Body::describe(schemas).map(|body| with_example(body, route.example));
    OperationBuilder::new()
        .operation_id(Some(M::NAME))
        .tag(route.tag)
        .summary(Some(doc.summary))
        .description((!doc.more.is_empty()).then_some(doc.more))
        .parameters(Some(parameters::<M>()).filter(|parameters| !parameters.is_empty()))
        .request_body(body)
        .responses(responses.build())
        .build()
}

/// The statuses of a method's refusals: its own, those of any, and those of what it names.
fn problems<M: RestMethod>() -> BTreeSet<u16> {
    let named = M::ROUTE.params.iter().filter(|param| !param.is_number);
    let of_room = named.clone().any(|param| param.name == ROOM.name);
    let has_fields = named.count() > 0 || M::Body::IS_READ || !M::Query::into_params(|| None).is_empty();
    let fields = [422].into_iter().filter(|_| has_fields);
    let deleted = [404, 410].into_iter().filter(|_| of_room);
    M::ROUTE.problems.iter().copied().chain(TO_ANY).chain(fields).chain(deleted).collect()
}

/// A body's example is JSON that is sent; a query's is shown in documents only.
fn with_example(mut body: RequestBody, example: &str) -> RequestBody {
    if let Ok(example) = serde_json::from_str(example)
        && let Some(RefOr::T(content)) = body.content.get_mut("application/json")
    {
        content.example = Some(example);
    }
    body
}

/// An answer: JSON, or nothing.
pub fn success(status: u16, shown: Option<Ref>) -> Described {
    let about = match (status, &shown) {
        (201, _) => "It was made.",
        (202, _) => "It was taken, and is done soon.",
        (_, None) => "It was done, or was so already.",
        (_, Some(_)) => "The answer.",
    };
    let response = ResponseBuilder::new().description(about);
    match shown {
        Some(schema) => response.content("application/json", ContentBuilder::new().schema(Some(schema)).build()),
        None => response,
    }
    .build()
}

/// A refusal: a problem document.
pub fn problem(status: u16, schemas: &mut Schemas) -> Described {
    let about = match status {
        400 => "The request cannot be read; `detail` says where.",
        401 => "There is no API key, or none that is known.",
        403 => "Whoever it is done for may not do it; `code` says why.",
        404 => "There is no such thing.",
        405 => "The path has other methods.",
        408 => "The request did not come to its end in time.",
        409 => "It contradicts what is there; `code` says what.",
        410 => "It was there and is no more.",
        413 => "The body is too long; `detail` says how long it may be.",
        415 => "The body is packed or of another type than expected.",
        422 => "A field is not what it must be; `detail` names it and its limit.",
        429 => "Too much at a time. The same may be asked again later.",
        503 => {
            "The store cannot be reached, or this instance is starting, stopping or full. The same may be asked again later."
        }
        _ => "It was refused.",
    };
    let shown = ContentBuilder::new().schema(Some(schema_of::<Problem>(schemas))).build();
    let response = ResponseBuilder::new().description(about).content(PROBLEM, shown);
    match status {
        401 => response.header("WWW-Authenticate", header("`Bearer`.", Type::String)),
        429 | 503 => response.header("Retry-After", header("After how many seconds.", Type::Integer)),
        _ => response,
    }
    .build()
}

fn header(about: &str, of: Type) -> Header {
    let mut header = Header::new(ObjectBuilder::new().schema_type(of));
    header.description = Some(about.to_owned());
    header
}

/// How many of a list are asked for.
const PAGE_SIZE: &str = "limit";

/// A variable part of a path.
pub fn of_path(param: &PathParam) -> Parameter {
    let text = || {
        let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(param.max));
        text.pattern(param.pattern)
    };
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
}

fn number() -> ObjectBuilder {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    number.format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
}

fn parameters<M: RestMethod>() -> Vec<Parameter> {
    let key = M::ROUTE.idempotency_key.then(|| {
        let schema = ObjectBuilder::new().schema_type(Type::String);
        let schema = schema.min_length(Some(1)).max_length(Some(limits::KEY_BYTES));
        ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .description(Some("Has the request done once, however often it is sent: make one for each, and keep it for every attempt."))
            .required(Required::False)
            .schema(Some(schema))
            .example(Some("0198c0de-4711".into()))
            .build()
    });
    let of_query = M::Query::into_params(|| Some(ParameterIn::Query)).into_iter().map(with_limits);
    M::ROUTE.params.iter().map(of_path).chain(of_query).chain(key).collect()
}

/// What a parameter is to say of its limits: those of pages are alike everywhere.
fn with_limits(mut parameter: Parameter) -> Parameter {
    if let (PAGE_SIZE, Some(RefOr::T(Schema::Object(schema)))) = (&*parameter.name, &mut parameter.schema) {
        schema.minimum = Some(1_usize.into());
        schema.maximum = Some(limits::PAGE_MAX.into());
    }
    parameter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_within_the_page_becomes_its_word_and_another_stays() {
        assert_eq!(without_links("a [b](#c), [d](#e) and [f](g)".into()), "a b, d and [f](g)");
        assert_eq!(without_links("](#a) and [b](#".into()), "](#a) and [b](#");
    }
}
