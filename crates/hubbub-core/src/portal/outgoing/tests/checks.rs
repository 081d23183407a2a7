//! What is refused when settings are written.

use crate::portal::settings::PortalSettings;
use serde_json::{Value, json};

fn settings(settings: &Value) -> Result<(), String> {
    let read: PortalSettings = serde_json::from_value(settings.clone()).map_err(|why| why.to_string())?;
    read.check().map_err(|why| why.to_string())
}

/// A call among settings that are good without it.
fn with(call: Value) -> Result<(), String> {
    settings(&json!({ "url": "https://api.vendor.example", "vars": { "app": "5f", "empty": "" }, "calls": [call] }))
}

#[test]
fn calls_that_can_be_made_are_taken() {
    for call in [
        json!({ "name": "send" }),
        json!({ "name": "send", "for": ["message.created", "session.closed"], "unless": "/session/external",
            "when": "/customer/info/email", "method": "PUT", "path": "/v2/apps/{/vars/app}/c/{/session/id}%20x/",
            "query": { "echo": "{/event/id}" }, "headers": { "Intercom-Version": "2.11", "Content-Type": "application/json" },
            "json": { "a": ["{/entry/whatever/there/is?}", { "b": "{/vars/empty?}" }] },
            "success": { "status": [200, 404], "require": { "/ok": [true] }, "throttled": { "/error": ["ratelimited"] } },
            "found": "/0/id", "pick": { "external": "/0/id", "contact-2": "" }, "message_id": "/messages/0/id" }),
        json!({ "name": "s", "form": { "Body": "{/message/text}" }, "text_limit": 1600, "long_text": "split" }),
        json!({ "name": "s", "path": "/x", "text": "{/vars/empty|/vars/app}" }),
    ] {
        assert_eq!(with(call.clone()), Ok(()), "{call}");
    }
}

#[test]
fn what_cannot_be_is_refused_with_the_field() {
    for (call, why) in [
        (json!({ "name": "" }), "calls: call 0: name: empty"),
        (json!({ "name": "x".repeat(33) }), "calls: call 0: name: 33 bytes; the limit is 32"),
        (json!({ "name": "a b" }), "calls: call 0: name: only A-Z a-z 0-9 _ - are allowed"),
        (json!({ "name": "x", "for": ["message.read"] }), "for: `message.read` is none of message.created"),
        (json!({ "name": "x", "unless": "session" }), "unless: `session` is no JSON Pointer"),
        (json!({ "name": "x", "when": "/sessions/id" }), "when: `/sessions/id` is nowhere in an event"),
        (json!({ "name": "x", "path": "m" }), "path: it begins with /"),
        (json!({ "name": "x", "path": "@evil.example/" }), "path: it begins with /"),
        (json!({ "name": "x", "path": "{/session/id}" }), "path: it begins with /"),
        (json!({ "name": "x", "path": "/a/../b" }), "path: `..` cannot stand in a path"),
        (json!({ "name": "x", "path": "/a/%2E%2e/b" }), "path: `%2E%2e` cannot stand in a path"),
        (json!({ "name": "x", "path": "/a/./b" }), "path: `.` cannot stand in a path"),
        (json!({ "name": "x", "path": "/a?b=1" }), "path: `?` cannot stand in a path as it is; the query has a field"),
        (json!({ "name": "x", "path": "/a\\b" }), "path: `\\` cannot stand"),
        (json!({ "name": "x", "path": "/a b" }), "path: ` ` cannot stand"),
        (json!({ "name": "x", "path": "/{{a}}" }), "path: a brace is written %7B"),
        (json!({ "name": "x", "path": "/{/session/external?}" }), "path: what stands in a path may not find nothing"),
        (json!({ "name": "x", "headers": { "Host": "a" } }), "headers: `Host` is not for a call to say"),
        (json!({ "name": "x", "headers": { "authorization": "Bearer x" } }), "`auth` says what authorises"),
        (json!({ "name": "x", "headers": { "Transfer-Encoding": "chunked" } }), "is not for a call to say"),
        (json!({ "name": "x", "headers": { "X-{/session/id}": "a" } }), "is no name of a header; names are literal"),
        (json!({ "name": "x", "headers": { "X-A\r\nX-B": "a" } }), "is no name of a header"),
        (json!({ "name": "x", "headers": { "X-A": "a\r\nb" } }), "headers, `X-A`: a control character"),
        (json!({ "name": "x", "headers": { "X-A": "a", "x-a": "b" } }), "is there twice"),
        (
            json!({ "name": "x", "headers": { "X-A": "{/env/HOME}" } }),
            "headers, `X-A`: `/env/HOME` is nowhere in an event",
        ),
        (json!({ "name": "x", "json": { "a": [{ "b": "{" }] } }), "json: a { is not closed"),
        (
            json!({ "name": "x", "json": "{/portal/secrets}" }),
            "json: `/portal/secrets` is nowhere in an event: `/portal` has id",
        ),
        (
            json!({ "name": "x", "json": "{/message/txt}" }),
            "json: `/message/txt` is nowhere in an event: `/message` has id",
        ),
        (json!({ "name": "x", "json": "{/vars/nope}" }), "json: `/vars/nope` finds nothing: `vars` has to say"),
        (json!({ "name": "x", "json": "{/vars/empty}" }), "json: `/vars/empty` finds nothing"),
        (
            json!({ "name": "x", "text": "{/session/refs/contact}" }),
            "text: `/session/refs/contact` finds nothing: no call picks",
        ),
        (json!({ "name": "x", "form": { "B": "{x}" } }), "form, `B`: `{x}`: after { stands a pointer"),
        (json!({ "name": "x", "json": {}, "text": "" }), "json, form, text: one of them"),
        (json!({ "name": "x", "method": "GET", "json": {} }), "method: a GET has no body"),
        (json!({ "name": "x", "text": "x".repeat(8_193) }), "text: 8193 bytes; the limit of a template is 8192"),
        (json!({ "name": "x", "success": { "status": [99] } }), "success, status: 99; it is 200 to 599"),
        (json!({ "name": "x", "success": { "require": { "/ok": [] } } }), "success, require: `/ok` has no value"),
        (
            json!({ "name": "x", "success": { "throttled": { "ok": [1] } } }),
            "success, throttled: `ok` is no JSON Pointer",
        ),
        (json!({ "name": "x", "pick": { "a b": "/id" } }), "pick: `a b`: only A-Z"),
        (json!({ "name": "x", "pick": { "a": "id" } }), "pick, `a`: `id` is no JSON Pointer"),
        (json!({ "name": "x", "message_id": "id" }), "message_id: `id` is no JSON Pointer"),
        (json!({ "name": "x", "found": "/0" }), "found: a search of which nothing is picked"),
        (json!({ "name": "x", "long_text": "split" }), "long_text: only with a text_limit"),
        (json!({ "name": "x", "text_limit": 15, "text": "{/message/text}" }), "text_limit: 15; it is 16 to 8192"),
        (json!({ "name": "x", "text_limit": 160 }), "text_limit: no template of the call holds /message/text"),
        (
            json!({ "name": "x", "text_limit": 160, "text": "{/message/text|base64}" }),
            "text_limit: in base64 the text has other characters",
        ),
        (json!({ "name": "x", "method": "TRACE" }), "unknown variant `TRACE`"),
        (json!({ "name": "x", "url": "https://evil.example" }), "unknown field `url`"),
    ] {
        let refused = with(call.clone()).unwrap_err();
        assert!(refused.contains(why), "{call}: {refused}");
    }
    let deep = serde_json::from_str(&format!("{}1{}", "[".repeat(17), "]".repeat(17))).unwrap();
    let deep: Value = deep;
    assert!(with(json!({ "name": "x", "json": deep })).unwrap_err().contains("json: nested deeper than 16 levels"));
    let headers: serde_json::Map<_, _> = (0..33).map(|n| (format!("X-{n}"), "a".into())).collect();
    let refused = with(json!({ "name": "x", "headers": headers })).unwrap_err();
    assert_eq!(refused, "calls: `x`: headers: 33 of them; the limit is 32");
}

#[test]
fn calls_fit_together_and_with_the_rest() {
    let url = "https://api.vendor.example";
    let named = |name: &str| json!({ "name": name });
    let nine: Vec<Value> = (0..9).map(|n| named(&format!("c{n}"))).collect();
    let vars: serde_json::Map<_, _> = (0..65).map(|n| (format!("v{n}"), "a".into())).collect();
    for (given, why) in [
        (json!({ "calls": [named("a")] }), "url: missing; calls need one"),
        (json!({ "url": url, "calls": nine }), "calls: 9 of them; the limit is 8"),
        (json!({ "url": url, "calls": [named("a"), named("a")] }), "calls: `a`: name: two calls have it"),
        (json!({ "url": url, "answer_external": "/id", "calls": [named("a")] }), "answer_external: with calls"),
        (json!({ "url": "https://{/vars/host}/", "calls": [named("a")] }), "url: it is literal"),
        (json!({ "url": format!("{url}/{{/session/id}}"), "calls": [named("a")] }), "url: it is literal"),
        (json!({ "url": format!("{url}?to={{/customer/id}}"), "calls": [named("a")] }), "url: it is literal"),
        (json!({ "url": format!("{url}?a=1"), "calls": [{ "name": "a", "path": "/b" }] }), "url: it has a query"),
        (json!({ "vars": { "a b": "x" } }), "vars: `a b`: only A-Z"),
        (json!({ "vars": { "a": "x".repeat(1_025) } }), "vars: `a`: 1025 bytes; the limit is 1024"),
        (json!({ "vars": vars }), "vars: 65 of them; the limit is 64"),
    ] {
        let refused = settings(&given).unwrap_err();
        assert!(refused.contains(why), "{given}: {refused}");
    }
    // What one call picks, the next may use.
    let find = json!({ "name": "find", "pick": { "contact": "/id" } });
    let send = json!({ "name": "send", "path": "/{/session/refs/contact}" });
    assert_eq!(settings(&json!({ "url": url, "calls": [find, send] })), Ok(()));
    assert_eq!(settings(&json!({ "url": format!("{url}/t?a=1"), "calls": [named("hook")] })), Ok(()));
}
