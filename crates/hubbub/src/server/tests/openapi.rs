//! What the OpenAPI document says is what is served.

use hubbub_core::{limits, model::access::Role};
use serde_json::{Value, json};

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
    for (name, operation) in operations {
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
        ("MemberView", "role", json!(roles)),
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
