use super::*;
use crate::limits::{EXTERNAL_BYTES, TEXT_BYTES};
use serde_json::{Value, json};

impl Mapping {
    fn read(&self, content_type: Option<&str>, body: &[u8]) -> Result<Mapped, Unmapped> {
        read(std::slice::from_ref(self), content_type, body, false)
    }
}

fn mapping(json: Value) -> Mapping {
    let mapping: Mapping = serde_json::from_value(json).unwrap();
    mapping.check().unwrap();
    mapping
}

fn events(mapping: &Mapping, body: &Value) -> (Vec<Event>, usize) {
    match mapping.read(Some("application/json"), body.to_string().as_bytes()) {
        Ok(Mapped { events, passed_over, .. }) => (events, passed_over),
        other => panic!("{other:?}"),
    }
}

fn one(mapping: &Mapping, body: &Value) -> Event {
    let (mut events, passed_over) = events(mapping, body);
    assert_eq!((events.len(), passed_over), (1, 0), "{body}");
    events.remove(0)
}

fn refused(mapping: &Mapping, body: &Value) -> (u16, String) {
    let unmapped = mapping.read(None, body.to_string().as_bytes()).unwrap_err();
    (unmapped.status(), unmapped.to_string())
}

#[test]
fn the_native_contract_needs_no_mapping() {
    let native = Mapping::default();
    native.check().unwrap();
    let event = one(&native, &json!({"sessionId": "s1", "message": "Hello"}));
    assert_eq!((event.session.as_deref(), event.text.as_str()), (Some("s1"), "Hello"));
    assert_eq!(event.repeat_key(None), None, "two equal texts are two messages");
    let full =
        json!({"sessionId": "s1", "message": "Hi", "messageId": 0, "agent": "Ada", "attachments": [{"u": 1.50}]});
    let event = one(&native, &full);
    assert_eq!(event.repeat_key(Some("w1")).as_deref(), Some("m:2:s1:0"));
    assert_eq!(event.agent.as_deref(), Some("Ada"));
    for (body, why) in [
        (json!({"message": "Hi"}), "`/sessionId` finds nothing"),
        (json!({"sessionId": "s1"}), "`/message` finds nothing"),
        (json!({"sessionId": "s1", "message": null}), "`/message` finds nothing"),
        (json!({"sessionId": "s1", "message": ""}), "`/message` finds an empty text, and nothing is attached"),
        (json!({"sessionId": "s1", "message": {}}), "`/message` finds something that is not a text"),
        (json!({"sessionId": true, "message": "x"}), "`/sessionId` finds something that is not a text or a number"),
        (
            json!({"sessionId": "s1", "message": "a\u{0}"}),
            "`/message` finds the character U+0000, which is not allowed",
        ),
        (
            json!({"sessionId": "s\u{0}", "message": "a"}),
            "`/sessionId` finds the character U+0000, which is not allowed",
        ),
        (json!([]), "`/sessionId` finds nothing"),
    ] {
        assert_eq!(refused(&native, &body), (422, why.to_owned()), "{body}");
    }
    let long = json!({"sessionId": "s1", "message": "x".repeat(TEXT_BYTES + 1)});
    assert_eq!(refused(&native, &long), (422, "`/message` finds 8193 bytes; the limit is 8192".into()));
    let two = mapping(json!({"session": "/s", "text": ["/a", "/b"]}));
    let long = json!({"s": 1, "a": "x".repeat(TEXT_BYTES + 1), "b": "x"});
    assert_eq!(refused(&two, &long).1, "`/a` finds 8193 bytes; the limit is 8192");
    let long = json!({"sessionId": "x".repeat(EXTERNAL_BYTES + 1), "message": "x"});
    assert_eq!(refused(&native, &long), (422, "`/sessionId` finds 257 bytes; the limit is 256".into()));
}

#[test]
fn what_is_no_json_or_says_it_is_none_is_refused() {
    let native = Mapping::default();
    let body = br#"{"sessionId":"s1","message":"x"}"#;
    for (kind, good) in [
        (None, true),
        (Some("application/json"), true),
        (Some("Application/JSON; charset=utf-8"), true),
        (Some("application/cloudevents+json"), true),
        (Some("application/json;charset=\"UTF-8\""), true),
        (Some("text/plain; charset=UTF-8"), true),
        (Some("text/json"), true),
        (Some("application/vnd.api+json; charset=utf-8"), true),
        (Some("text/html"), false),
        (Some("application/xml"), false),
        (Some("multipart/form-data; boundary=x"), false),
        (Some("application/x-www-form-urlencoded"), false),
        (Some(""), false),
    ] {
        let status = native.read(kind, body).err().map(|unmapped| unmapped.status());
        assert_eq!(status, if good { None } else { Some(415) }, "{kind:?}");
    }
    let deep = |levels: usize| {
        let message = format!("{}1{}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        format!(r#"{{"sessionId":"s1","message":"x","more":{message}}}"#)
    };
    assert!(native.read(None, deep(64).as_bytes()).is_ok());
    assert_eq!(native.read(None, deep(65).as_bytes()), Err(Unmapped::TooDeep));
    assert_eq!(native.read(None, "[".repeat(250_000).as_bytes()), Err(Unmapped::TooDeep));
    for body in ["", "{", "nil", "{}}", "]]]]"] {
        assert_eq!(native.read(None, body.as_bytes()).unwrap_err().status(), 400, "{body}");
    }
    assert_eq!(native.read(None, b"{\"message\":\"\xff\"}").unwrap_err().status(), 400);
}

#[test]
fn an_answer_with_json_that_others_cannot_read_is_mended_and_taken() {
    let native = Mapping { attachments: Some(OneOrMore::One("/more".into())), ..Mapping::default() };
    let body = br#"{"sessionId":"s1","message":"cut \ud83d","more":[1e999,"\udc00"],"a":1e999}"#;
    let Ok(Mapped { events, .. }) = native.read(None, body) else { panic!("not taken") };
    assert_eq!(events[0].text, "cut \u{fffd}");
    assert_eq!(events[0].data.as_deref(), Some(r#"{"attachments":["1e999","\ufffd"]}"#));
}

#[test]
fn a_conversation_may_be_known_by_several_ids_together() {
    let desk = mapping(json!({"external": ["/channel", "/thread?"], "text": "/text", "message_id": "/ts"}));
    for (body, external) in [
        (json!({"channel": "C1", "thread": "7", "text": "x"}), "C1:7"),
        (json!({"channel": "C1", "text": "x"}), "C1"),
        (json!({"channel": "C1", "thread": null, "text": "x"}), "C1"),
        (json!({"channel": 0, "thread": 118, "text": "x"}), "0:118"),
    ] {
        assert_eq!(one(&desk, &body).external.as_deref(), Some(external));
    }
    assert_eq!(refused(&desk, &json!({"thread": "7", "text": "x"})).1, "`/channel` finds nothing");
    assert_eq!(refused(&desk, &json!({"channel": "", "text": "x"})).1, "`/channel` finds nothing");
    // What is written is kept to the last digit, though no number of 64 bits holds it.
    let body = r#"{"channel":12345678901234567890123,"text":"x","ts":1355517523.0000050}"#;
    let Ok(Mapped { events, .. }) = desk.read(None, body.as_bytes()) else { panic!("it is a message") };
    assert_eq!(events[0].external.as_deref(), Some("12345678901234567890123"));
    assert_eq!(events[0].message_id.as_deref(), Some("1355517523.0000050"));
}

#[test]
fn several_events_in_a_body_stay_in_order_and_are_named_by_their_number() {
    let each = mapping(json!({
        "each": "/events", "external": "#/room", "text": "/text", "event_id": "/id", "require": {"/type": ["say", 1]}
    }));
    let body = json!({"room": "r1", "events": [
        {"type": "say", "text": "one", "id": "a"}, {"type": "join"}, {"type": 1, "text": "two", "id": "b"},
        {"type": "1", "text": "not this"}
    ]});
    let (found, passed_over) = events(&each, &body);
    let texts: Vec<_> = found.iter().map(|event| event.text.as_str()).collect();
    assert_eq!((texts, passed_over), (vec!["one", "two"], 2));
    assert_eq!(found[1].external.as_deref(), Some("r1"), "a pointer with # begins at the body");
    assert_eq!(found[1].repeat_key(Some("w")).as_deref(), Some("e:b"));
    let bad = json!({"room": "r1", "events": [{"type": "say", "text": "one"}, {"type": "say"}]});
    assert_eq!(refused(&each, &bad), (422, "`/text` of event 1 finds nothing".into()));
    let no_room = json!({"events": [{"type": "say", "text": "one"}]});
    assert_eq!(refused(&each, &no_room), (422, "`#/room` finds nothing".into()));
    let many = |count: usize| json!({"room": 1, "events": vec![json!({"type": "say", "text": "x"}); count]});
    assert_eq!(events(&each, &many(100)).0.len(), 100);
    assert_eq!(refused(&each, &many(101)), (422, "101 events; the limit is 100".into()));
    let others = [vec![json!({"type": "join"}); 300], vec![json!({"type": "say", "text": "x"}); 100]].concat();
    let (found, passed_over) = events(&each, &json!({"room": 1, "events": others}));
    assert_eq!((found.len(), passed_over), (100, 300), "only what is ours counts");
    let all = mapping(json!({"each": "/events", "external": "#/room", "text": "/text"}));
    assert_eq!(refused(&all, &json!({})), (422, "`/events` finds nothing".into()));
    assert_eq!(refused(&all, &json!({"events": 1})), (422, "`/events` finds something that is not an array".into()));
    assert_eq!(events(&each, &json!({"events": []})), (vec![], 0));
}

#[test]
fn filters_come_before_anything_is_demanded() {
    let desk = mapping(json!({
        "session": "/s", "text": "/t", "require": {"/kind": ["out", null]}, "forbid": ["/bot"], "equals_false": ["/private"]
    }));
    for (body, wanted) in [
        (json!({"s": 1, "t": "x", "kind": "out"}), true),
        (json!({"s": 1, "t": "x", "kind": null}), true),
        (json!({"kind": "in"}), false),
        (json!({}), false),
        (json!({"s": 1, "t": "x", "kind": "out", "bot": ""}), true),
        (json!({"s": 1, "t": "x", "kind": "out", "bot": false, "private": false}), true),
        (json!({"s": 1, "t": "x", "kind": "out", "bot": null, "private": null}), true),
        (json!({"kind": "out", "bot": "B1"}), false),
        (json!({"kind": "out", "bot": 0}), false),
        (json!({"kind": "out", "private": true}), false),
        (json!({"kind": "out", "private": "false"}), false),
        (json!({"kind": "out", "private": 0}), false),
    ] {
        let (found, passed_over) = events(&desk, &body);
        assert_eq!((found.len(), passed_over), if wanted { (1, 0) } else { (0, 1) }, "{body}");
    }
}

#[test]
fn what_is_excluded_is_passed_over_and_what_is_not_there_is_not_excluded() {
    let desk = mapping(json!({
        "session": "/s", "text": "/t", "exclude": {"/kind": ["private", "note"], "/by/type": ["user"], "/n": [3, null]}
    }));
    for (body, wanted) in [
        (json!({"s": 1, "t": "x"}), true),
        (json!({"s": 1, "t": "x", "kind": "normal", "by": {"type": "agent"}, "n": 4}), true),
        (json!({"s": 1, "t": "x", "kind": ""}), true),
        (json!({"s": 1, "t": "x", "kind": null}), true),
        (json!({"kind": "private"}), false),
        (json!({"kind": "note"}), false),
        (json!({"s": 1, "t": "x", "by": {"type": "user"}}), false),
        (json!({"n": 3}), false),
        (json!({"n": null}), false),
    ] {
        let (found, passed_over) = events(&desk, &body);
        assert_eq!((found.len(), passed_over), if wanted { (1, 0) } else { (0, 1) }, "{body}");
    }
    let explained = super::read(&[desk], None, br#"{"kind":"note"}"#, true).unwrap();
    assert_eq!(explained.refusals[0].why, r#"`exclude`: `/kind` finds "note""#);
    let without = serde_json::to_string(&Mapping::default()).unwrap();
    assert!(!without.contains("exclude"), "{without}");
}

#[test]
fn what_must_be_there_is_there_or_the_event_is_passed_over() {
    let slack = mapping(json!({ "external": "/thread", "text": "/t", "present": ["/thread", "#/team"] }));
    for (body, taken) in [
        (json!({ "thread": "1.5", "t": "hi", "team": "T" }), 1),
        (json!({ "thread": 0, "t": "hi", "team": {} }), 1),
        (json!({ "t": "hi", "team": "T" }), 0),
        (json!({ "thread": null, "t": "hi", "team": "T" }), 0),
        (json!({ "thread": "", "team": "T" }), 0),
        (json!({ "thread": "1.5", "t": "hi", "team": false }), 0),
    ] {
        let (found, passed_over) = events(&slack, &body);
        assert_eq!((found.len(), passed_over), (taken, 1 - taken), "{body}");
    }
    let wrong: Mapping = serde_json::from_value(json!({ "session": "/s", "text": "/t", "present": ["s"] })).unwrap();
    assert!(wrong.check().unwrap_err().to_string().starts_with("present: `s` is no JSON Pointer"));
}

#[test]
fn a_body_that_is_not_meant_need_not_have_the_array() {
    let desk = mapping(json!({
        "each": "/data/parts", "external": "#/data/id", "text": "/body",
        "require": {"#/topic": ["replied"], "/type": ["comment"]}, "forbid": ["#/test"], "equals_false": ["#/draft"]
    }));
    for body in [
        json!({"topic": "ping", "data": {"message": "hello"}}),
        json!({}),
        json!([1]),
        json!({"topic": "replied", "test": "yes"}),
        json!({"topic": "replied", "draft": true, "data": {"parts": "none"}}),
    ] {
        assert_eq!(events(&desk, &body), (vec![], 1), "{body}");
    }
    let lacks = json!({"topic": "replied", "data": {}});
    assert_eq!(refused(&desk, &lacks), (422, "`/data/parts` finds nothing".into()));
}

#[test]
fn a_mapping_of_a_challenge_alone_has_no_messages() {
    let only = mapping(json!({"challenge": {"when": {"/type": ["verify"]}, "reply": "/challenge"}}));
    assert_eq!(events(&only, &json!({"type": "message", "text": "x"})), (vec![], 1));
}

#[test]
fn what_is_attached_is_kept_as_it_was_written() {
    let desk = mapping(json!({"session": "/s", "text": "/t?", "attachments": "/files"}));
    let data = |files: &str| {
        let body = format!(r#"{{"s":1,"files":{files}}}"#);
        match desk.read(None, body.as_bytes()) {
            Ok(Mapped { events, .. }) if !events.is_empty() => events[0].data.clone().unwrap(),
            Ok(other) => panic!("{other:?}"),
            Err(unmapped) => unmapped.to_string(),
        }
    };
    assert_eq!(data(r#"[ {"b": 1.50, "a": "x y"} ]"#), r#"{"attachments":[{"b":1.50,"a":"x y"}]}"#);
    assert_eq!(data(r#"{"url":"u"}"#), r#"{"attachments":[{"url":"u"}]}"#);
    assert_eq!(data("[]"), "`/t` finds nothing");
    let deep = format!("{}1{}", "[".repeat(16), "]".repeat(16));
    assert_eq!(data(&deep), "`/files`: nested deeper than 16 levels");
    assert_eq!(data(&format!("\"{}\"", "x".repeat(20_000))), "`/files`: 20002 bytes; the limit is 16384");
}

#[test]
fn a_text_is_taken_whatever_is_attached_to_it() {
    let desk = mapping(json!({"session": "/s", "text": "/t", "attachments": "/files"}));
    let data = |files: Value| one(&desk, &json!({"s": 1, "t": "see these", "files": files})).data;
    let large = "x".repeat(20_000);
    let half = "y".repeat(9_000);
    for (files, kept) in [
        (json!(large), json!({"attachments": [], "attachments_left_out": 1})),
        (json!(["a", large, "b"]), json!({"attachments": ["a", "b"], "attachments_left_out": 1})),
        (json!([half, half, "b"]), json!({"attachments": [half, "b"], "attachments_left_out": 1})),
        (json!(vec!["z".repeat(1_000); 20]), {
            json!({"attachments": vec!["z".repeat(1_000); 16], "attachments_left_out": 4})
        }),
    ] {
        let data = data(files).unwrap();
        assert!(data.len() <= crate::limits::DATA_BYTES);
        assert_eq!(serde_json::from_str::<Value>(&data).unwrap(), kept);
    }
    let deep: Value = serde_json::from_str(&format!("{}1{}", "[".repeat(20), "]".repeat(20))).unwrap();
    let kept = data(json!([deep, {"url": "u"}])).unwrap();
    assert_eq!(kept, r#"{"attachments":[{"url":"u"}],"attachments_left_out":1}"#);
}

#[test]
fn keys_of_repeats_never_meet_and_are_bounded() {
    let event = |external: Option<&str>, message: Option<&str>, event: Option<&str>| Event {
        session: Some("s".into()),
        external: external.map(Into::into),
        message_id: message.map(Into::into),
        event_id: event.map(Into::into),
        ..Event::default()
    };
    let long = "x".repeat(EXTERNAL_BYTES);
    let keys = [
        event(Some("a:b"), Some("c"), None).repeat_key(None),
        event(Some("a"), Some("b:c"), None).repeat_key(None),
        event(None, Some("c"), Some("e")).repeat_key(Some("h")),
        event(None, None, Some("c")).repeat_key(Some("h")),
        event(None, None, None).repeat_key(Some("c")),
        event(Some(&long), Some(&long), None).repeat_key(None),
        event(None, None, None).repeat_key(Some(&"y".repeat(9_000))),
        event(None, None, None).repeat_key(Some(&"y".repeat(9_001))),
    ];
    let distinct: std::collections::BTreeSet<_> = keys.iter().flatten().collect();
    assert_eq!(distinct.len(), keys.len());
    assert!(distinct.iter().all(|key| key.len() <= 2 * EXTERNAL_BYTES));
    let kinds: Vec<_> = keys[5..].iter().flatten().map(|key| &key[..2]).collect();
    assert_eq!(kinds, ["M:", "H:", "H:"]);
    assert_eq!(event(None, None, None).repeat_key(Some("")), None);
    let empty = mapping(json!({"session": "/s", "text": "/t", "message_id": "/m", "event_id": "/e"}));
    assert_eq!(one(&empty, &json!({"s": 1, "t": "x", "m": "", "e": ""})).repeat_key(None), None);
}

#[test]
fn a_mapping_that_cannot_work_is_refused() {
    for (json, why) in [
        (json!({}), "session: missing; there must be one, or external"),
        (json!({"session": "/s"}), "text: missing; there must be one, or html, or mrkdwn"),
        (json!({"session": "s", "text": "/t"}), "session: `s` is no JSON Pointer (RFC 6901): it begins with /"),
        (
            json!({"session": "/s~2", "text": "/t"}),
            "session: `/s~2` is no JSON Pointer (RFC 6901): after ~ stands 0 or 1",
        ),
        (json!({"session": "/s", "text": []}), "text: no pointer"),
        (json!({"session": "/s", "text": "/t", "require": {"/x": []}}), "require: `/x` has no value that would do"),
        (json!({"session": "/s", "text": "/t", "exclude": {"/x": []}}), "exclude: `/x` has no value that would do"),
        (
            json!({"session": "/s", "text": "/t", "format": {"form_field": ""}}),
            "format: the name of the form's field is empty",
        ),
        (json!({"challenge": {"when": {}, "reply": "/c"}}), "challenge: `when` names nothing: every body would be one"),
    ] {
        let mapping: Mapping = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(mapping.check().unwrap_err().to_string(), why, "{json}");
    }
    let again: Mapping = serde_json::from_value(serde_json::to_value(Mapping::default()).unwrap()).unwrap();
    assert_eq!(again, Mapping::default());
}
