//! Bodies of several shapes, and in several wrappings.

use super::*;
use serde_json::{Value, json};

fn mappings(all: Value) -> Vec<Mapping> {
    let all: Vec<Mapping> = serde_json::from_value(all).unwrap();
    all.iter().for_each(|mapping| mapping.check().unwrap());
    all
}

fn said(mappings: &[Mapping], body: &Value) -> (Vec<(usize, String)>, usize) {
    let mapped = read(mappings, Some("application/json"), body.to_string().as_bytes(), false).unwrap();
    (mapped.events.into_iter().map(|event| (event.mapping, event.text)).collect(), mapped.passed_over)
}

fn says(all: &[(usize, &str)], passed_over: usize) -> (Vec<(usize, String)>, usize) {
    (all.iter().map(|(n, text)| (*n, (*text).to_owned())).collect(), passed_over)
}

#[test]
fn the_first_mapping_whose_filters_match_takes_an_event() {
    let two = mappings(json!([
        {"external": "/conversation/id", "text": "/text", "require": {"/kind": ["note", "reply"]}, "forbid": ["/conversation/bot"]},
        {"external": "/ticket", "html": "/comment/html", "require": {"/kind": ["comment", "reply"]}},
    ]));
    for (body, expected) in [
        (json!({"kind": "reply", "conversation": {"id": 1}, "text": "a"}), says(&[(0, "a")], 0)),
        (json!({"kind": "comment", "ticket": 7, "comment": {"html": "<b>b</b>"}}), says(&[(1, "b")], 0)),
        (
            json!({"kind": "reply", "conversation": {"bot": true}, "ticket": 7, "comment": {"html": "c"}}),
            says(&[(1, "c")], 0),
        ),
        (json!({"kind": "ping"}), says(&[], 1)),
        (json!({}), says(&[], 1)),
    ] {
        assert_eq!(said(&two, &body), expected, "{body}");
    }
    // Whose filters match is meant, also where something is missing.
    let body = json!({"kind": "reply", "text": "x", "ticket": 7, "comment": {"html": "x"}});
    let refused = read(&two, None, body.to_string().as_bytes(), false).unwrap_err();
    assert_eq!(refused.to_string(), "`/conversation/id` finds nothing");
}

#[test]
fn events_of_one_array_may_have_several_shapes_and_keep_their_order() {
    let all = mappings(json!([
        {"each": "/events", "external": "/c", "text": "/text", "require": {"/type": ["text"]}},
        {"each": "/events", "external": "/c", "text": "/caption?", "attachments": "/media", "require": {"/type": ["image"]}},
        {"session": "/s", "text": "/t", "require": {"/type": ["single"]}},
    ]));
    let body = json!({"events": [
        {"type": "text", "c": 1, "text": "one"}, {"type": "image", "c": 1, "media": {"url": "u"}}, {"type": "typing"},
        {"type": "text", "c": 1, "text": "two"}, {"type": "image", "c": 1, "caption": "three", "media": {"url": "v"}},
    ]});
    assert_eq!(said(&all, &body), says(&[(0, "one"), (1, ""), (0, "two"), (1, "three")], 1));
    assert_eq!(said(&all, &json!({"type": "single", "s": 1, "t": "x"})), says(&[(2, "x")], 0));
    assert_eq!(said(&all, &json!({"events": [{"type": "image", "c": 1, "media": "u"}]})), says(&[(1, "")], 0));
    assert_eq!(said(&all, &json!({"events": [{"type": "x"}, {"type": "y"}]})), says(&[], 2));
    let many = vec![json!({"type": "text", "c": 1, "text": "x"}); 60];
    let more = vec![json!({"type": "image", "c": 1, "media": "u"}); 41];
    let both = [many, more].concat();
    let body = json!({ "events": both }).to_string();
    assert_eq!(read(&all, None, body.as_bytes(), false), Err(Unmapped::TooMany(101)), "all that is ours counts");
    let explained = read(&all, None, json!({"events": [{"type": "x"}]}).to_string().as_bytes(), true).unwrap();
    let why: Vec<_> = explained.refusals.iter().map(|one| (one.event, one.mapping, one.why.as_str())).collect();
    let each = |n| (Some(0), n, "`require`: `/type` of event 0 finds \"x\"");
    assert_eq!(why, [each(0), each(1), (None, 2, "`require`: `/type` finds nothing")]);
}

#[test]
fn filters_come_before_the_array_is_missed() {
    // Filters of events alone: where there are no events, none of them can match.
    let one = |json| mappings(json!([json]));
    let of_events =
        one(json!({"each": "/data/parts", "session": "/s", "text": "/t", "require": {"/kind": ["comment"]}}));
    for body in
        [json!({"topic": "ping"}), json!({"data": {"parts": {"type": "list"}}}), json!({"data": null}), json!([])]
    {
        assert_eq!(said(&of_events, &body), says(&[], 1), "{body}");
    }
    let of_body = one(
        json!({"each": "/messages", "session": "#/visitor/token", "text": "/msg", "require": {"#/type": ["Message"]},
        "equals_false": ["#/draft"]}),
    );
    for body in [
        json!({"type": "LivechatSessionStart", "messages": null}),
        json!({"type": "Message", "draft": 1}),
        json!("x"),
        json!(null),
    ] {
        assert_eq!(said(&of_body, &body), says(&[], 1), "{body}");
    }
    // It is meant, and not as it should be.
    let refused = |mappings: &[Mapping], body: &Value| {
        read(mappings, None, body.to_string().as_bytes(), false).unwrap_err().to_string()
    };
    assert_eq!(refused(&of_body, &json!({"type": "Message"})), "`/messages` finds nothing");
    let without = one(json!({"each": "/messages", "session": "/s", "text": "/t"}));
    assert_eq!(refused(&without, &json!({})), "`/messages` finds nothing", "nothing says which bodies are meant");
    // Beside another that takes it, it is none of the first.
    let two = mappings(json!([{"each": "/messages", "session": "/s", "text": "/t"}, {"session": "/s", "text": "/t"}]));
    assert_eq!(said(&two, &json!({"s": 1, "t": "x"})), says(&[(1, "x")], 0));
}

#[test]
fn bodies_of_several_formats_and_json_within_json() {
    let all = mappings(json!([
        {"external": "/ConversationSid", "text": "/Body", "format": "form", "require": {"/EventType": ["onMessageAdded"]}},
        {"external": "/c", "text": "/t", "format": {"json_at": "/Message"}, "require": {"/kind": ["chat"]}},
        {"external": "/c", "text": "/t"},
    ]));
    let taken = |kind: &str, body: &str| {
        let mapped = read(&all, Some(kind), body.as_bytes(), false);
        mapped.map(|mapped| mapped.events.into_iter().map(|event| (event.mapping, event.text)).collect::<Vec<_>>())
    };
    let form = "EventType=onMessageAdded&ConversationSid=CH1&Body=hi+there";
    assert_eq!(taken("application/x-www-form-urlencoded; charset=UTF-8", form), Ok(says(&[(0, "hi there")], 0).0));
    let sns =
        json!({"Type": "Notification", "Message": r#"{"kind":"chat","c":9007199254740993,"t":"hello"}"#}).to_string();
    assert_eq!(taken("text/plain; charset=UTF-8", &sns), Ok(says(&[(1, "hello")], 0).0));
    assert_eq!(taken("application/json", r#"{"c":1,"t":"plain"}"#), Ok(says(&[(2, "plain")], 0).0));
    assert_eq!(taken("application/x-www-form-urlencoded", "EventType=onConversationRemoved"), Ok(vec![]));
    assert!(matches!(taken("text/html", "<p>"), Err(Unmapped::ContentType { .. })));
    let only = &all[1..2];
    for (body, status) in
        [(r#"{"Message":"no json"}"#, 400), (r#"{"Message":{}}"#, 422), (r#"{"Type":"x"}"#, 422), ("[", 400)]
    {
        assert_eq!(read(only, None, body.as_bytes(), false).unwrap_err().status(), status, "{body}");
    }
}

#[test]
fn a_charset_is_believed_where_the_bytes_are_not_utf_8() {
    let native = [Mapping::default()];
    let text =
        |kind: &str, body: &[u8]| read(&native, Some(kind), body, false).map(|mapped| mapped.events[0].text.clone());
    let latin = b"{\"sessionId\":\"s\",\"message\":\"gr\xfc\xdfe\"}";
    let utf8 = "{\"sessionId\":\"s\",\"message\":\"grüße\"}";
    assert_eq!(text("application/json; charset=ISO-8859-1", latin), Ok("grüße".into()));
    assert_eq!(text("application/json; charset=iso-8859-1", utf8.as_bytes()), Ok("grüße".into()), "JSON is UTF-8");
    let western = b"{\"sessionId\":\"s\",\"message\":\"5 \x80 \x96 it\x92s \x84fein\x93, \xe9t\xe9\"}";
    let form = [Mapping { format: BodyFormat::Form, ..Mapping::default() }];
    let form =
        |kind: &str, body: &[u8]| read(&form, Some(kind), body, false).map(|mapped| mapped.events[0].text.clone());
    let kind = "application/x-www-form-urlencoded";
    for (kind, body, said) in [
        (format!("{kind}; charset=ISO-8859-1"), &b"sessionId=s&message=gr%FC%DFe+%80%261%3D1"[..], "grüße €&1=1"),
        (format!("{kind}; charset=ISO-8859-1"), b"sessionId=s&message=gr\xfc\xdfe&&x", "grüße"),
        (format!("{kind}; charset=windows-1252"), b"sessionId=s&message=gr%C3%BC%C3%9Fe", "grüße"),
        (kind.to_owned(), b"sessionId=s&message=gr%C3%BC%C3%9Fe", "grüße"),
        (kind.to_owned(), b"sessionId=s&message=gr%FCn", "gr\u{fffd}n"),
    ] {
        assert_eq!(form(&kind, body), Ok(said.into()), "{kind}");
    }
    for charset in ["windows-1252", "\"ISO-8859-1\"", "cp1252"] {
        let read = text(&format!("text/plain; Charset={charset}"), western);
        assert_eq!(read, Ok("5 € – it’s „fein“, été".into()), "{charset}");
    }
    assert_eq!(text("text/plain; charset=\"utf-8\"", utf8.as_bytes()), Ok("grüße".into()));
    assert_eq!(text("application/json", format!("\u{feff}{utf8}").as_bytes()), Ok("grüße".into()));
    assert_eq!(text("application/json; charset=utf-8", latin).unwrap_err().status(), 400);
    let refused = text("application/json; charset=utf-16", b"\xff\xfe{\0").unwrap_err();
    assert_eq!((refused.status(), refused.to_string().contains("charset=utf-16")), (415, true), "{refused}");
}

#[test]
fn attachments_may_be_at_several_places() {
    let desk = mappings(
        json!([{"session": "/s", "text": "/t?", "attachments": ["/MediaUrl0", "/files/*/url", "/files/*/thumbs", "#/more"]}]),
    );
    let data = |body: Value| {
        let mapped = read(&desk, None, body.to_string().as_bytes(), false);
        mapped.map(|mapped| mapped.events[0].data.clone()).map_err(|why| why.to_string())
    };
    let body = json!({"s": 1, "MediaUrl0": "a", "files": [{"url": "b", "thumbs": ["c", null, ""]}, {"url": null}, {"x": 1}], "more": {"d": 1}});
    assert_eq!(data(body), Ok(Some(r#"{"attachments":["a","b","c",{"d":1}]}"#.into())));
    assert_eq!(data(json!({"s": 1, "t": "x", "MediaUrl0": "", "files": [], "more": null})), Ok(None));
    assert_eq!(data(json!({"s": 1, "t": "x", "files": {"url": "b"}})), Ok(None));
    let large = "x".repeat(20_000);
    let kept = data(json!({"s": 1, "t": "text", "MediaUrl0": large, "files": [{"url": "b"}]}));
    assert_eq!(kept, Ok(Some(r#"{"attachments":["b"],"attachments_left_out":1}"#.into())));
    assert_eq!(data(json!({"s": 1, "MediaUrl0": large})), Err("`/MediaUrl0`: 20002 bytes; the limit is 16384".into()));
    // One pointer is written as it was.
    let one: Mapping = serde_json::from_value(json!({"session": "/s", "text": "/t", "attachments": "/files"})).unwrap();
    assert_eq!(serde_json::to_value(&one).unwrap()["attachments"], "/files");
}

#[test]
fn mrkdwn_is_read_where_it_is_mapped() {
    let slack = mappings(json!([{"external": "/channel", "mrkdwn": "/text?", "attachments": "/files"}]));
    assert_eq!(said(&slack, &json!({"channel": "C1", "text": "<@U1|ada> &lt;3"})), says(&[(0, "@ada <3")], 0));
    assert_eq!(said(&slack, &json!({"channel": "C1", "text": "", "files": [{"id": "F1"}]})), says(&[(0, "")], 0));
}

#[test]
fn events_may_be_in_arrays_of_arrays() {
    // As Meta has them.
    let meta: Mapping = serde_json::from_value(json!({
        "each": "/entry/*/changes/*/value/messages", "require": {"#/object": ["whatsapp"], "/type": ["text"]},
        "external": "/from", "text": "/text/body", "message_id": "/id"
    }))
    .unwrap();
    meta.check().unwrap();
    let says = |id: u64, text: &str| json!({"from": 1234567890123456789_u64, "id": id, "type": "text", "text": {"body": text}});
    let changes =
        |all: Vec<Value>| json!({"changes": all.into_iter().map(|value| json!({"value": value})).collect::<Vec<_>>()});
    let body = json!({"object": "whatsapp", "entry": [
        changes(vec![json!({"messages": [says(1, "one"), {"type": "image"}]}), json!({"statuses": [{"id": 1}]})]),
        changes(vec![]),
        changes(vec![json!({"messages": null}), json!({"messages": [says(2, "two")]})]),
    ]});
    let found = read(std::slice::from_ref(&meta), None, body.to_string().as_bytes(), false).unwrap();
    let texts: Vec<_> = found.events.iter().map(|event| (event.index, event.text.as_str())).collect();
    assert_eq!((texts, found.passed_over), (vec![(Some(0), "one"), (Some(2), "two")], 1));
    assert_eq!(found.events[0].external.as_deref(), Some("1234567890123456789"));
    // Without one of these arrays there is nothing to do; without the outer one it is another body.
    for (body, expected) in [
        (json!({"object": "whatsapp", "entry": [changes(vec![json!({"statuses": []})])]}), Ok(0)),
        (json!({"object": "whatsapp", "entry": []}), Ok(0)),
        (json!({"object": "whatsapp"}), Err(422)),
        (json!({"object": "whatsapp", "entry": [{"changes": 1}]}), Ok(0)),
        (json!({"object": "whatsapp", "entry": [changes(vec![json!({"messages": 1})])]}), Err(422)),
        (json!({"object": "page", "entry": 1}), Ok(0)),
    ] {
        let found = read(std::slice::from_ref(&meta), None, body.to_string().as_bytes(), false);
        assert_eq!(found.map(|found| found.events.len()).map_err(|why| why.status()), expected, "{body}");
    }
    // A body that is an array; a name that is a star.
    for (each, body) in
        [("", json!([{"s": 1, "t": "x"}])), ("/a/*/b", json!({"a": {"*": {"b": [{"s": 1, "t": "x"}]}}}))]
    {
        let mapping: Mapping = serde_json::from_value(json!({"each": each, "session": "/s", "text": "/t"})).unwrap();
        assert_eq!(read(&[mapping], None, body.to_string().as_bytes(), false).unwrap().events.len(), 1, "{each}");
    }
}
