//! What answers mean, and what is picked from them.

use super::{Said, call};
use crate::delivery::retry::Class;
use serde_json::{Value, json};

fn says(success: Value, status: u16, body: &str) -> Option<Class> {
    call(json!({ "name": "x", "path": "/c/{/session/id}", "success": success })).says(status, body.as_bytes())
}

#[test]
fn an_answer_may_say_that_the_portal_does_not_work_just_now() {
    // GraphQL: every answer is 200.
    let graphql = json!({ "require": { "/data/send/error": [null] },
        "credentials": { "/errors/0/extensions/code": ["UNAUTHENTICATED"], "/data/send/error/type": ["FORBIDDEN"] },
        "down": { "/data/send/error/type": ["INTERNAL"], "/errors/0/extensions/code": ["INTERNAL_SERVER_ERROR"] } });
    for (status, body, class) in [
        (200, r#"{"data":{"send":{"id":1,"error":null}}}"#, Some(Class::Taken)),
        (200, r#"{"data":{"send":{"error":{"type":"VALIDATION"}}}}"#, Some(Class::Refused)),
        (200, r#"{"data":{"send":{"error":{"type":"INTERNAL"}}}}"#, Some(Class::Down)),
        (200, r#"{"data":{"send":{"error":{"type":"FORBIDDEN"}}}}"#, Some(Class::Credentials)),
        (200, r#"{"errors":[{"extensions":{"code":"INTERNAL_SERVER_ERROR"}}],"data":null}"#, Some(Class::Down)),
        (400, r#"{"errors":[{"extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}"#, Some(Class::Down)),
        (200, r#"{"errors":[{"message":"x"}],"data":null}"#, Some(Class::Refused)),
    ] {
        assert_eq!(says(graphql.clone(), status, body), class, "{status} {body}");
    }
    let without = serde_json::to_string(&call(json!({ "name": "x", "success": { "status": [200] } }))).unwrap();
    assert!(
        !without.contains("down"),
        "settings that do not say it are read by programs that do not know it: {without}"
    );
    let only = call(json!({ "name": "x", "success": { "down": { "/busy": [true] } } }));
    assert!(only.reads_answer());
}

#[test]
fn success_is_judged_by_status_and_by_body() {
    let slack = json!({ "require": { "/ok": [true] }, "throttled": { "/error": ["ratelimited"] },
        "credentials": { "/error": ["invalid_auth", "token_revoked"] } });
    for (status, body, class) in [
        (200, r#"{"ok":true,"ts":"1"}"#, Some(Class::Taken)),
        (200, r#"{"ok":false,"error":"channel_not_found"}"#, Some(Class::Refused)),
        (200, r#"{"ok":false,"error":"ratelimited"}"#, Some(Class::Throttled)),
        (200, r#"{"ok":false,"error":"token_revoked"}"#, Some(Class::Credentials)),
        (200, r#"{"ok":"true"}"#, Some(Class::Refused)),
        (200, "<html>", Some(Class::Refused)),
        (200, "", Some(Class::Refused)),
        (400, r#"{"error":"invalid_auth"}"#, Some(Class::Credentials)),
        (500, r#"{"ok":true}"#, None),
        (429, "", None),
        (410, "", None),
    ] {
        assert_eq!(says(slack.clone(), status, body), class, "{status} {body}");
    }
    // Without a word about it, any 2xx is; with one, no other.
    assert_eq!(says(json!({}), 204, ""), Some(Class::Taken));
    assert_eq!(says(json!({ "status": [201] }), 201, ""), Some(Class::Taken));
    assert_eq!(says(json!({ "status": [201] }), 200, ""), Some(Class::Refused));
    assert_eq!(says(json!({ "status": [200, 404] }), 404, ""), Some(Class::Taken));
    assert_eq!(says(json!({ "status": [200, 409] }), 409, "{}"), Some(Class::Taken));
    let bomb = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(says(slack, 200, &bomb), Some(Class::Refused));
}

#[test]
fn a_404_where_the_event_has_no_part_in_the_path_is_the_settings_fault() {
    let says = |it: Value| call(it).says(404, b"{}");
    assert_eq!(says(json!({ "name": "x" })), Some(Class::Credentials));
    assert_eq!(says(json!({ "name": "x", "path": "/apps/{/vars/app}/m" })), Some(Class::Credentials));
    assert_eq!(says(json!({ "name": "x", "path": "/c/{/session/external}" })), None);
}

#[test]
fn what_is_picked_is_a_text_or_a_number_as_it_was_written() {
    let it = call(
        json!({ "name": "x", "pick": { "external": "/c/id", "source": "/source", "none": "/no", "list": "/list" },
        "message_id": "/m/0/id" }),
    );
    let answer = br#"{"c":{"id":12345678901234567890123},"source":"s-1","list":[1],"m":[{"id":"m-1"}]}"#;
    let told = it.tells(answer, &[], &Said::new("x").document()).unwrap();
    assert_eq!(told.picked.external.as_deref(), Some("12345678901234567890123"));
    assert_eq!(told.picked.refs, [("source".to_owned(), "s-1".to_owned())].into());
    assert_eq!(told.message_id.as_deref(), Some("m-1"));
    for answer in [&b"<html>"[..], b"", b"[]", b"{\"c\":{\"id\":\"\"}}", b"\xff"] {
        assert_eq!(it.tells(answer, &[], &Said::new("x").document()).unwrap(), super::answer::Told::default());
    }
}

#[test]
fn a_search_that_finds_nothing_picks_nothing_and_is_no_failure() {
    let search = call(json!({ "name": "x", "found": "/0/id", "pick": { "external": "/0/id", "status": "/0/status" } }));
    let tells = |answer: &str| search.tells(answer.as_bytes(), &[], &Said::new("x").document()).unwrap().picked;
    assert_eq!(tells(r#"[{"id":7,"status":"open"}]"#).external.as_deref(), Some("7"));
    for nothing in ["[]", "{}", r#"[{"id":null,"status":"open"}]"#, r#"[{"id":"","status":"open"}]"#] {
        assert_eq!(tells(nothing), super::Picked::default(), "{nothing}");
        assert_eq!(search.says(200, nothing.as_bytes()), Some(Class::Taken));
    }
    // What it found is not known: made once more, something would be there twice.
    assert_eq!(search.says(200, b"{\"id\":"), Some(Class::Refused));
    let listed = call(json!({ "name": "x", "each": "/conversations", "where": { "/meta/session": "{/session/id}" },
        "found": "/id", "pick": { "external": "/id" } }));
    let answer =
        br#"{"conversations":[{"id":1},{"id":2,"meta":{"session":"other"}},{"id":3,"meta":{"session":"order-4711"}}]}"#;
    let document = Said::new("x").document();
    assert_eq!(listed.tells(answer, &[], &document).unwrap().picked.external.as_deref(), Some("3"));
    assert_eq!(listed.tells(br#"{"conversations":[]}"#, &[], &document).unwrap().picked.external, None);
    assert_eq!(listed.tells(b"{}", &[], &document).unwrap().picked.external, None);
}

#[test]
fn an_id_may_be_in_a_header_of_the_answer() {
    let headers: Vec<(String, String)> =
        [("resource-id", "4711"), ("location", "/v2/conversations/4711"), ("x-empty", "")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
    let document = Said::new("x").document();
    let made = call(
        json!({ "name": "make", "pick": { "external": "header:Resource-ID", "none": "header:X-Empty", "b": "/b" },
        "message_id": "header:resource-id" }),
    );
    for (body, b) in [("", None), (r#"{"b":1}"#, Some("1")), ("<html>", None)] {
        let told = made.tells(body.as_bytes(), &headers, &document).unwrap();
        assert_eq!(told.picked.external.as_deref(), Some("4711"));
        assert_eq!(told.message_id.as_deref(), Some("4711"));
        assert_eq!(
            (told.picked.refs.get("b").map(String::as_str), told.picked.refs.len()),
            (b, usize::from(b.is_some()))
        );
        assert_eq!(made.tells(body.as_bytes(), &[], &document).unwrap().picked.external, None);
    }
    let long = vec![("resource-id".to_owned(), "x".repeat(crate::limits::EXTERNAL_BYTES + 1))];
    assert_eq!(made.tells(b"", &long, &document).unwrap().picked.external, None);
    // A search that has found nothing picks nothing.
    let search = call(json!({ "name": "find", "found": "/id", "pick": { "external": "header:Resource-ID" } }));
    assert_eq!(search.tells(b"{}", &headers, &document).unwrap().picked.external, None);
    assert_eq!(search.tells(br#"{"id":1}"#, &headers, &document).unwrap().picked.external.as_deref(), Some("4711"));
}
