//! How a method looks over REST: a description without a transport.

use super::{MethodError, RestMethod};
use bytes::Bytes;
use hubbub_core::{
    limits,
    model::{
        ids::{Invalid, Key},
        misread,
    },
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        ContentBuilder, Object, ObjectBuilder, Ref, RefOr, Required, Schema, Type,
        path::{Parameter, ParameterIn},
        request_body::{RequestBody, RequestBodyBuilder},
    },
};

/// The verb of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Reads.
    Get,
    /// Makes, or does.
    Post,
    /// Sets, as a whole.
    Put,
    /// Changes a part.
    Patch,
    /// Takes away.
    Delete,
}

impl Verb {
    /// As it is written in a request.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A variable part of a path.
#[derive(Debug, Clone, Copy)]
pub struct PathParam {
    /// Its name in the template.
    pub name: &'static str,
    /// What it is.
    pub description: &'static str,
    /// Whether it is a number, and not a text.
    pub is_number: bool,
    /// An example.
    pub example: &'static str,
    /// The most bytes of a text.
    pub max: usize,
    /// The characters of a text, as a regular expression; `None` where documents cannot say it so.
    pub pattern: Option<&'static str>,
}

impl PathParam {
    /// A text of at most `max` bytes.
    pub const fn text(name: &'static str, description: &'static str, example: &'static str, max: usize) -> Self {
        Self { name, description, is_number: false, example, max, pattern: None }
    }

    /// The same, of the characters of [`NAME_PATTERN`].
    pub const fn name(name: &'static str, description: &'static str, example: &'static str, max: usize) -> Self {
        Self { pattern: Some(NAME_PATTERN), ..Self::text(name, description, example, max) }
    }

    /// A number.
    pub const fn number(name: &'static str, description: &'static str, example: &'static str) -> Self {
        Self { is_number: true, ..Self::text(name, description, example, 0) }
    }
}

/// The characters of ids that this program gives out or asks for: those of rooms, sessions and portals.
pub const NAME_PATTERN: &str = "^[A-Za-z0-9._-]+$";

/// `{room}` in a path.
pub const ROOM: PathParam = PathParam::name("room", "The room's id", "general", limits::ROOM_ID_BYTES);

/// `{user}` in a path.
pub const USER: PathParam = PathParam::text("user", "The user's id", "ben", limits::USER_ID_BYTES);

/// `{seq}` in a path.
pub const MESSAGE: PathParam = PathParam::number("seq", "The message's number in its room", "42");

/// `{reaction}` in a path.
pub const REACTION: PathParam = PathParam::text("reaction", "The emoji or word", "👍", limits::REACTION_BYTES);

/// Where a method is, and what it may answer.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The verb.
    pub verb: Verb,
    /// The path, with its variable parts in braces.
    pub path: &'static str,
    /// Those parts, in order.
    pub params: &'static [PathParam],
    /// Whether an `Idempotency-Key` is heeded.
    pub idempotency_key: bool,
    /// The chapter of the OpenAPI document.
    pub tag: &'static str,
    /// Statuses of answers; the first is the usual one.
    pub success: &'static [u16],
    /// Whether an answer has no body.
    pub is_silent: bool,
    /// Whether who asked for it is kept: it is done, and no room's log says so.
    pub audited: bool,
    /// Statuses of refusals that are this method's own.
    pub problems: &'static [u16],
    /// An example of a body or a query; may be empty.
    pub example: &'static str,
}

impl Route {
    /// A route that answers 200.
    pub const fn new(verb: Verb, path: &'static str, params: &'static [PathParam]) -> Self {
        Self {
            verb,
            path,
            params,
            idempotency_key: false,
            tag: "",
            success: &[200],
            is_silent: false,
            audited: false,
            problems: &[],
            example: "",
        }
    }
}

/// The parts of a request.
pub struct RestRequest<M: RestMethod> {
    /// The variable parts of the path.
    pub path: M::Path,
    /// The query.
    pub query: M::Query,
    /// The body.
    pub body: M::Body,
    /// `Idempotency-Key`, as it came.
    pub idempotency_key: Option<Vec<u8>>,
}

impl<M: RestMethod> RestRequest<M> {
    /// The `Idempotency-Key`, which plays the part of a send's `key`.
    ///
    /// # Errors
    /// Where it is no key.
    pub fn key(&self) -> Result<Option<Key>, Invalid> {
        const FIELD: &str = "Idempotency-Key";
        let Some(bytes) = &self.idempotency_key else { return Ok(None) };
        let text = std::str::from_utf8(bytes).map_err(|_| Invalid::new(FIELD, "not UTF-8"))?;
        // The draft standard writes it as a quoted string; many clients do not.
        let text = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
        Key::parse_as(FIELD, text).map(Some)
    }
}

/// No query.
#[derive(Debug)]
pub struct NoQuery;

impl<'de> Deserialize<'de> for NoQuery {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl IntoParams for NoQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        Vec::new()
    }
}

/// What the query of a request may name.
#[derive(Debug, Clone)]
pub struct QueryNames(Vec<String>);

impl QueryNames {
    /// Those of a method.
    pub fn of<M: RestMethod>() -> Self {
        Self(M::Query::into_params(|| Some(ParameterIn::Query)).into_iter().map(|param| param.name).collect())
    }

    /// Whether there is this one.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|known| known == name)
    }

    /// Whether there is no other: what is not understood must not be taken for done.
    ///
    /// # Errors
    /// 400, which names it, and those that there are.
    pub fn check<'a>(&self, mut asked: impl Iterator<Item = &'a str>) -> Result<(), MethodError> {
        let Some(unknown) = asked.find(|name| !self.has(name)) else { return Ok(()) };
        let why = match unknown {
            "from" if self.has("by") => "in whose name something is read is said by `by`".to_owned(),
            "by" if self.has("from") => "in whose name something is done is said by `from`".to_owned(),
            _ if self.0.is_empty() => "this request takes no query".to_owned(),
            _ => format!("known are `{}`", self.0.join("`, `")),
        };
        let unknown: String = unknown.chars().take(64).collect();
        Err(MethodError::bad_request(format!("query: unknown field `{unknown}`; {why}")))
    }
}

/// What a body is read as.
pub trait RestBody: Sized + Send {
    /// Whether there is a body to be read.
    const IS_READ: bool = true;

    /// Reads it.
    ///
    /// # Errors
    /// 400, with what is wrong and where.
    fn read(bytes: Bytes, content_type: Option<&str>) -> Result<Self, MethodError>;

    /// How the OpenAPI document shows it, and the schemas this takes.
    fn describe(schemas: &mut Schemas) -> Option<RequestBody>;
}

/// Schemas by name.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

/// Adds the schema of `T` and of everything within it, and says where it is to be found.
pub fn schema_of<T: ToSchema>(schemas: &mut Schemas) -> Ref {
    let type_name = std::any::type_name::<T>();
    let name = if type_name.contains('<') { schema_name(type_name) } else { T::name().into_owned() };
    T::schemas(schemas);
    schemas.push((name.clone(), <T as PartialSchema>::schema()));
    Ref::from_schema_name(name)
}

/// One of these words, as the OpenAPI document shows it. What is said of the field itself is not taken along.
pub fn words(about: &str, words: &[&str]) -> Object {
    let words = words.iter().map(|word| (*word).to_owned());
    ObjectBuilder::new().schema_type(Type::String).description(Some(about)).enum_values(Some(words)).build()
}

/// One of the roles.
pub fn role() -> Object {
    words("As what; in what is asked, a member where nothing is said", &["reader", "member", "moderator", "admin"])
}

/// One of the kinds of rooms.
pub fn room_kind() -> Object {
    words("What kind of room", &["open", "private", "direct"])
}

/// `a::Part<b::Room>` as `Part_Room`.
fn schema_name(type_name: &str) -> String {
    let parts = type_name.split(['<', '>']).filter(|part| !part.is_empty());
    let names: Vec<_> = parts.map(|part| part.rsplit("::").next().unwrap_or(part)).collect();
    names.join("_")
}

/// No body: whatever is sent is not read.
#[derive(Debug)]
pub struct NoBody;

impl RestBody for NoBody {
    const IS_READ: bool = false;

    fn read(_: Bytes, _: Option<&str>) -> Result<Self, MethodError> {
        Ok(Self)
    }

    fn describe(_: &mut Schemas) -> Option<RequestBody> {
        None
    }
}

/// A JSON object.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned + ToSchema + Send> RestBody for JsonBody<T> {
    fn read(bytes: Bytes, _: Option<&str>) -> Result<Self, MethodError> {
        // An array would be taken for the fields in their order.
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(MethodError::bad_request("body: a JSON object is expected"));
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| MethodError::bad_request("body: not UTF-8"))?;
        misread::read("body", text).map(Self).map_err(MethodError::bad_request)
    }

    fn describe(schemas: &mut Schemas) -> Option<RequestBody> {
        let content = ContentBuilder::new().schema(Some(schema_of::<T>(schemas))).build();
        Some(RequestBodyBuilder::new().content("application/json", content).required(Some(Required::True)).build())
    }
}

/// A JSON object that may be left out.
#[derive(Debug)]
pub struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned + ToSchema + Default + Send> RestBody for OptionalJson<T> {
    fn read(bytes: Bytes, content_type: Option<&str>) -> Result<Self, MethodError> {
        // Callers that know of no body may send an empty one, or null.
        if matches!(bytes.trim_ascii(), b"" | b"null") {
            return Ok(Self(T::default()));
        }
        JsonBody::read(bytes, content_type).map(|JsonBody(body)| Self(body))
    }

    fn describe(schemas: &mut Schemas) -> Option<RequestBody> {
        let content = ContentBuilder::new().schema(Some(schema_of::<T>(schemas))).build();
        Some(RequestBodyBuilder::new().content("application/json", content).required(Some(Required::False)).build())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_of_a_generic_type_is_named_without_paths() {
        assert_eq!(schema_name("hubbub::a::Part<hubbub::b::Room>"), "Part_Room");
    }

    #[test]
    fn a_body_is_an_object() {
        #[derive(Debug, Deserialize, ToSchema)]
        struct Only {
            #[serde(rename = "n")]
            _n: u8,
        }
        let read = |body: &'static str| JsonBody::<Only>::read(Bytes::from_static(body.as_bytes()), None);
        assert!(read(r#" {"n":1}"#).is_ok());
        assert_eq!(read("[1]").unwrap_err().to_string(), "body: a JSON object is expected");
        assert!(read(r#"{"n":"x"}"#).unwrap_err().to_string().starts_with("body: n: a string"));
        let invalid = JsonBody::<Only>::read(Bytes::from_static(b"{\"n\":1,\"\xff\":2}"), None);
        assert_eq!(invalid.unwrap_err().to_string(), "body: not UTF-8");
    }

    #[test]
    fn an_unknown_name_in_a_query_is_told_along_with_those_that_are_known() {
        let names = |known: &[&str]| QueryNames(known.iter().map(ToString::to_string).collect());
        for (known, asked, why) in [
            (&["before", "limit", "by"][..], "beforre", "unknown field `beforre`; known are `before`, `limit`, `by`"),
            (&["by"], "from", "unknown field `from`; in whose name something is read is said by `by`"),
            (&["from"], "by", "unknown field `by`; in whose name something is done is said by `from`"),
            (&["from"], "form", "unknown field `form`; known are `from`"),
            (&[], "from", "unknown field `from`; this request takes no query"),
        ] {
            let refused = names(known).check(["limit", asked].into_iter().filter(|name| *name == asked));
            assert_eq!(refused.unwrap_err().to_string(), format!("query: {why}"));
        }
        assert_eq!(names(&["before", "by"]).check(["by", "before", "by"].into_iter()), Ok(()));
    }
}
