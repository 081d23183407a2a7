//! The methods that can be called: what the table of methods and the OpenAPI document that is made of it say of each.

use super::schema::{self, Schema};
use crate::{
    chat::methods::{Doc, Edge, RestMethod, Route, RpcMethod, Verb},
    features, server,
};
use serde_json::Value;
use std::time::Duration;

/// See the module.
pub struct Methods {
    /// Those that REST has, in the order of documents.
    pub all: Vec<Callable>,
    /// Names of those that clients alone have, by `rpc`.
    pub of_clients: Vec<&'static str>,
    document: Value,
}

/// A method.
pub struct Callable {
    /// Its one name.
    pub name: &'static str,
    /// What is said of it.
    pub doc: Doc,
    /// Where it is.
    pub route: Route,
    /// How long the server may take.
    pub patience: Duration,
    /// What may be said in a call of it.
    pub members: Vec<Member>,
    /// What kind of body it has.
    pub body: Body,
    /// What it answers; `None` for nothing.
    pub answer: Option<Value>,
}

/// What kind of body there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// None.
    None,
    /// The members that stand nowhere else, as an object; left out where there are none, unless it is needed.
    Members {
        /// Whether it is needed.
        is_needed: bool,
    },
    /// Anything, of this content type if no other is said.
    Bytes(String),
}

/// Where a member stands in the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In braces.
    Path,
    /// Behind `?`.
    Query,
    /// In the object.
    Body,
}

impl Place {
    /// What it is called.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Body => "body",
        }
    }
}

/// A member.
pub struct Member {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// Whether there is no call without it.
    pub is_needed: bool,
    /// What is said of it.
    pub description: String,
    /// What it is.
    pub schema: Value,
}

/// The names, in order.
#[derive(Default)]
struct Named {
    by_rest: Vec<(&'static str, Doc, Route, Duration)>,
    by_rpc: Vec<&'static str>,
}

impl<On> Edge<On> for Named {
    fn rpc<M: RpcMethod<On = On>>(&mut self) {
        self.by_rpc.push(M::NAME);
    }

    fn rest<M: RestMethod<On = On>>(&mut self) {
        self.by_rest.push((M::NAME, M::DOC, M::ROUTE, M::PATIENCE));
    }
}

impl Methods {
    /// All there are.
    pub fn read() -> Self {
        let mut named = Named::default();
        features::methods(&mut named);
        let document = serde_json::to_value(server::openapi()).unwrap_or_default();
        let describe = |(name, doc, route, patience): (&'static str, Doc, Route, Duration)| {
            let operation = &document["paths"][route.path][route.verb.word().to_lowercase()];
            let (members, body) = members(&document, operation);
            let answered = &operation["responses"][route.success[0].to_string()];
            let answer = &answered["content"]["application/json"]["schema"];
            let answer = (!answer.is_null()).then(|| answer.clone());
            Callable { name, doc, route, patience, members, body, answer }
        };
        let all: Vec<_> = named.by_rest.into_iter().map(describe).collect();
        let of_clients = named.by_rpc.into_iter().filter(|name| all.iter().all(|one| one.name != *name)).collect();
        Self { all, of_clients, document }
    }

    /// That of this name.
    pub fn named(&self, name: &str) -> Option<&Callable> {
        self.all.iter().find(|method| method.name == name)
    }

    /// The chapters of the document, in its order.
    pub fn chapters(&self) -> impl Iterator<Item = &str> {
        let tags = self.document["tags"].as_array().into_iter().flatten();
        tags.filter_map(|tag| tag["name"].as_str())
    }

    /// What a part of a description says.
    pub const fn schema<'a>(&'a self, of: &'a Value) -> Schema<'a> {
        Schema::new(&self.document, of)
    }
}

/// What may be said in a call. What has two places is said in the first of them.
fn members(document: &Value, operation: &Value) -> (Vec<Member>, Body) {
    let mut members: Vec<Member> = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let place = match parameter["in"].as_str() {
            Some("path") => Place::Path,
            Some("query") => Place::Query,
            _ => continue,
        };
        members.push(Member {
            name: schema::text(&parameter["name"]),
            place,
            is_needed: parameter["required"] == true,
            description: schema::text(&parameter["description"]),
            schema: parameter["schema"].clone(),
        });
    }
    let body = &operation["requestBody"];
    let Some((kind, content)) = body["content"].as_object().and_then(|kinds| kinds.iter().next()) else {
        return (members, Body::None);
    };
    if kind != "application/json" {
        return (members, Body::Bytes(kind.clone()));
    }
    for property in Schema::new(document, &content["schema"]).properties() {
        if members.iter().all(|member| member.name != property.name) {
            members.push(Member {
                name: property.name.to_owned(),
                place: Place::Body,
                is_needed: property.is_needed,
                description: Schema::new(document, property.schema).description(),
                schema: property.schema.clone(),
            });
        }
    }
    (members, Body::Members { is_needed: body["required"] == true })
}

impl Callable {
    /// Whether it only reads.
    pub fn reads(&self) -> bool {
        self.route.verb == Verb::Get
    }

    /// The member of this name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// Those there is no call without.
    pub fn needed(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.is_needed)
    }
}
