//! What the OpenAPI document says is what is served.

use crate::{
    chat::methods::{Edge, RestMethod, Route, RpcMethod, rest::NAME_PATTERN},
    features,
};
use hubbub_core::{
    limits,
    model::{access::Role, ids::RoomId},
    portal::PortalId,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn document() -> Value {
    serde_json::to_value(crate::server::openapi()).unwrap()
}

/// Every operation, by its id.
fn operations(document: &Value) -> Vec<(&str, &Value)> {
    let paths = document["paths"].as_object().unwrap().values();
    let all = paths.flat_map(|path| path.as_object().unwrap().values());
    all.map(|operation| (operation["operationId"].as_str().unwrap(), operation)).collect()
}

#[test]
fn every_refusal_is_a_problem_document_and_what_cannot_be_read_is_400() {
    let document = document();
    let operations = operations(&document);
    assert!(operations.len() > 40);
    // Health is text, and no API key opens it or what portals send.
    for (name, operation) in operations.into_iter().filter(|(_, operation)| operation["security"].is_null()) {
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.contains_key("400") && responses.contains_key("401"), "{name}");
        for (status, response) in responses {
            let kinds: Vec<_> = response["content"].as_object().into_iter().flatten().map(|(kind, _)| kind).collect();
            match (status.starts_with('2'), kinds.as_slice()) {
                (true, []) => {}
                (true, [kind]) => assert_eq!(*kind, "application/json", "{name} {status}"),
                (false, [kind]) => assert_eq!(*kind, "application/problem+json", "{name} {status}"),
                (_, kinds) => panic!("{name} {status}: {kinds:?}"),
            }
        }
    }
}

#[test]
fn limits_of_pages_and_mentions_are_those_that_hold() {
    let document = document();
    let mut pages = 0;
    for (name, operation) in operations(&document) {
        for parameter in operation["parameters"].as_array().into_iter().flatten().filter(|p| p["name"] == "limit") {
            pages += 1;
            let schema = &parameter["schema"];
            assert_eq!(
                (&schema["minimum"], &schema["maximum"]),
                (&json!(1), &json!(limits::PAGE_MAX)),
                "{name}: {schema}"
            );
        }
    }
    assert!(pages > 8, "{pages}");
    let schemas = &document["components"]["schemas"];
    for name in ["NewMessage", "NewContent"] {
        assert_eq!(schemas[name]["properties"]["mentions"]["maxItems"], limits::MENTIONS, "{name}");
    }
}

#[test]
fn words_are_enumerated_and_what_must_be_there_is_required() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let roles = [Role::Reader, Role::Member, Role::Moderator, Role::Admin].map(Role::word);
    let or_ban: Vec<_> = roles.into_iter().chain(["banned"]).collect();
    let words = |schema: &str, field: &str| schemas[schema]["properties"][field]["enum"].clone();
    for (schema, field, expected) in [
        ("NewRole", "role", json!(or_ban)),
        ("NewMembership", "role", json!(or_ban)),
        ("NewMember", "role", json!(roles)),
        ("MemberView", "role", json!(or_ban)),
        ("RoomView", "role", json!(roles)),
        ("RoomView", "kind", json!(["open", "private", "direct"])),
        ("NewRoom", "kind", json!(["open", "private", "direct"])),
        ("NewState", "state", json!(["open", "waiting", "closed"])),
    ] {
        assert_eq!(words(schema, field), expected, "{schema}.{field}");
    }
    for (schema, field, is_required) in [
        ("NewRole", "role", true),
        ("NewMembership", "role", true),
        ("NewMember", "role", false),
        ("NewMute", "until", true),
        ("NewRoom", "kind", true),
        ("NewMessage", "from", false),
        ("NewMessage", "data", false),
        ("RoomView", "role", false),
    ] {
        let required = schemas[schema]["required"].as_array().cloned().unwrap_or_default();
        assert_eq!(required.contains(&json!(field)), is_required, "{schema}.{field}: {required:?}");
    }
    // Any JSON.
    for (schema, field) in [("NewMessage", "data"), ("NewContent", "data"), ("Info", "info"), ("UserEvent", "event")] {
        let shown = &schemas[schema]["properties"][field];
        assert!(shown.is_object() && shown["type"].is_null() && shown["oneOf"].is_null(), "{schema}.{field}: {shown}");
    }
}

/// Every object in it.
fn objects<'a>(of: &'a Value, all: &mut Vec<&'a serde_json::Map<String, Value>>) {
    match of {
        Value::Object(object) => {
            all.push(object);
            object.values().for_each(|value| objects(value, all));
        }
        Value::Array(array) => array.iter().for_each(|value| objects(value, all)),
        _ => {}
    }
}

#[test]
fn generators_can_read_it() {
    let document = document();
    let operations = operations(&document);
    let names: BTreeSet<_> = operations.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), operations.len(), "an id stands there twice");
    for (name, operation) in operations {
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{name} {status}");
        }
    }
    let mut all = vec![];
    objects(&document, &mut all);
    for object in all {
        if let Some(Value::String(reference)) = object.get("$ref") {
            let there = document.pointer(reference.strip_prefix('#').unwrap());
            assert!(there.is_some(), "{reference}");
        }
        // It would end the comment that a generator makes of it.
        if let Some(Value::String(text)) = object.get("description") {
            assert!(!text.contains("*/"), "{text}");
        }
    }
    let tags: Vec<_> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    for (name, operation) in self::operations(&document) {
        assert!(tags.contains(&&operation["tags"][0]), "{name}");
    }
}

/// Where methods are, as they are listed.
struct Listed(Vec<Route>);

impl<On> Edge<On> for Listed {
    fn rpc<M: RpcMethod<On = On>>(&mut self) {}

    fn rest<M: RestMethod<On = On>>(&mut self) {
        self.0.push(M::ROUTE);
    }
}

/// Pages that are made of it show chapters and paths in its order.
#[test]
fn it_begins_with_what_is_needed_first() {
    let served = serde_json::to_string(&crate::server::openapi()).unwrap();
    let (values, mut listed) = (document(), Listed(Vec::new()));
    let chapters: Vec<_> = values["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    assert!(chapters.starts_with(&["rooms", "members", "messages"]), "{chapters:?}");
    assert!(chapters.ends_with(&["bulk", "audit", "server"]), "{chapters:?}");
    features::methods(&mut listed);
    // The values have lost the order of paths.
    let at = |path: &str| served.find(&format!("\"{path}\":{{")).unwrap();
    let mut paths: Vec<&str> = values["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    paths.sort_by_key(|path| at(path));
    let chapter_of = |path: &str| {
        let operations = values["paths"][path].as_object().unwrap().values();
        let all: BTreeSet<_> = operations.map(|operation| operation["tags"][0].as_str().unwrap().to_owned()).collect();
        assert_eq!(all.len(), 1, "{path} is of several chapters");
        all.into_iter().next().unwrap()
    };
    for chapter in &chapters {
        let rest = paths.iter().position(|path| chapter_of(path) != *chapter).unwrap_or(paths.len());
        let of_chapter: Vec<_> = paths.drain(..rest).collect();
        let mut wanted = Vec::new();
        for route in listed.0.iter().filter(|route| route.tag == *chapter) {
            if !wanted.contains(&route.path) {
                wanted.push(route.path);
            }
        }
        assert!(!of_chapter.is_empty() && of_chapter.starts_with(&wanted), "{chapter}: {of_chapter:?}, {wanted:?}");
    }
    assert!(paths.is_empty(), "not in the order of chapters: {paths:?}");
    assert!(served.contains(r#""paths":{"/v1/rooms":{"#), "making a room comes first");
    assert!(at("/v1/rooms/{room}/messages") < at("/v1/rooms/{room}/messages/{seq}"));
    assert!(at("/v1/rooms/{room}/messages/{seq}") < at("/v1/bulk/messages"));
}

#[test]
fn the_pattern_of_names_is_what_the_server_takes() {
    assert_eq!(NAME_PATTERN, "^[A-Za-z0-9._-]+$");
    for c in (0..0x300).filter_map(char::from_u32) {
        let (name, fits) = (c.to_string(), c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
        assert_eq!(PortalId::parse(&name).is_ok(), fits, "{c:?}");
        // A room is no step of a path either.
        assert_eq!(RoomId::parse(&name).is_ok(), fits, "{c:?}");
    }
    let document = document();
    for (at, longest) in [("/paths/~1v1~1rooms~1{room}/get", 64), ("/paths/~1v1~1portals~1{portal}/get", 32)] {
        let schema = &document.pointer(at).unwrap()["parameters"][0]["schema"];
        assert_eq!((&schema["maxLength"], &schema["pattern"]), (&json!(longest), &json!(NAME_PATTERN)), "{at}");
        assert!(RoomId::parse(&"x".repeat(64)).is_ok() && RoomId::parse(&"x".repeat(65)).is_err());
    }
}

#[test]
fn summaries_are_plain_and_descriptions_lead_to_no_place_of_another_page() {
    let document = document();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for operation in operations.as_object().unwrap().values() {
            let text = |member: &str| operation[member].as_str().unwrap_or_default();
            assert!(!text("summary").contains('`') && !text("description").contains("](#"), "{path}: {operation}");
        }
    }
}
