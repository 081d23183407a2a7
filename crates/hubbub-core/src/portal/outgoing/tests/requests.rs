//! Calls that become requests, and what a template can never do.

use super::{Call, Said, call};
use crate::portal::outgoing::render::Request;
use serde_json::{Value, json};

const BASE: &str = "https://api.vendor.example/base";

fn request(said: &Said, it: Value) -> Result<Request, String> {
    call(it).request(BASE, &said.document()).map_err(|why| why.0)
}

fn path(said: &Said, path: &str) -> Result<String, String> {
    request(said, json!({ "name": "x", "path": path })).map(|request| request.url)
}

#[test]
fn json_stays_json_whatever_is_filled_in() {
    let nasty = "\",\"admin\":true,\"x\":\"\\ \n\u{2028}{/vars/x}";
    let said = Said::new(nasty).data(r#"{"n":12345678901234567890123,"o":{"a":[1]}}"#).info(&json!({ "vip": true }));
    let it = json!({ "name": "x", "json": {
        "text": "{/message/text}",
        "inside": "said: {/message/text}!",
        "{/message/text}": "names are literal",
        "number": "{/message/data/n}",
        "object": "{/message/data/o}",
        "as_text": "{/message/data/o|json}",
        "bool": "{/customer/info/vip}",
        "left_out": "{/session/external?}",
        "empty": "{/session/external?}{/session/external?}",
        "list": ["{/session/external?}", "{/message/seq}", 1, null, "plain", "{{}}"],
        "first": { "left_out": "{/session/external?}" },
    } });
    let body = request(&said, it).unwrap().body.unwrap();
    assert!(body.contains(r#""number":12345678901234567890123"#), "{body}");
    let mut read: Value = serde_json::from_str(&body).unwrap();
    read.as_object_mut().unwrap().remove("number");
    assert_eq!(
        read,
        json!({
            "text": nasty,
            "inside": format!("said: {nasty}!"),
            "{/message/text}": "names are literal",
            "object": { "a": [1] },
            "as_text": r#"{"a":[1]}"#,
            "bool": true,
            "empty": "",
            "list": [3, 1, null, "plain", "{}"],
            "first": {},
        })
    );
}

/// Null is nothing where it is pointed at, and null where it is within something; numbers keep their digits.
#[test]
fn null_and_numbers_are_what_they_were() {
    let said = Said::new("x").data(
        r#"{"null":null,"deep":{"null":null,"n":[1.0,-0,1e5]},"zero":0,"no":false,"big":0.1000000000000000055511151231257827,"word":"null"}"#,
    );
    let body = |json: Value| request(&said, json!({ "name": "x", "json": json })).map(|made| made.body.unwrap());
    for (json, written) in [
        (json!({ "a": "{/message/data/null?}", "b": null }), Ok(r#"{"b":null}"#)),
        (json!(["{/message/data/null?}", "{/message/data/deep}"]), Ok(r#"[{"null":null,"n":[1.0,-0,1e5]}]"#)),
        (json!("{/message/data/null?}"), Ok("null")),
        (json!("{/message/data/null|/message/data/zero}"), Ok("0")),
        (json!("{/message/data/deep/n/1}{/message/data/deep/n/2}"), Ok(r#""-01e5""#)),
        (json!("{/message/data/deep/n/0|json}"), Ok(r#""1.0""#)),
        (json!(["{/message/data/zero}", "{/message/data/no}", "{/message/data/word}"]), Ok(r#"[0,false,"null"]"#)),
        (json!("{/message/data/big}"), Ok("0.1000000000000000055511151231257827")),
        (json!({ "n": "{/message/data/null}" }), Err("json: `/message/data/null` finds nothing")),
        (json!("{/message/data/deep/n/3}"), Err("json: `/message/data/deep/n/3` finds nothing")),
        (json!("{/message/data/deep/n/01}"), Err("json: `/message/data/deep/n/01` finds nothing")),
    ] {
        assert_eq!(body(json.clone()).as_deref().map_err(String::as_str), written, "{json}");
    }
    let form = json!({ "name": "x", "form": { "a": "{/message/data/zero}", "b": null, "c": 7, "d": "{/message/data/null?}",
        "Ä ": "{/message/data/no}", "e": ["{/message/data/deep/null?}", "ß"] } });
    let body = request(&said, form).unwrap().body.unwrap();
    assert_eq!(body, "a=0&b=null&c=7&e=%5B%22%C3%9F%22%5D&%C3%84+=false");
}

#[test]
fn a_form_and_a_query_hold_one_value_in_each_field() {
    let said = Said::new("a&b=c d+ü\r\n%").external("ü&x=1#?");
    let it = json!({
        "name": "x",
        "path": "/m",
        "query": { "echo id": "{/session/external}", "none": "{/message/reply_to?}", "some": "[{/message/reply_to?}]" },
        "form": { "Body": "{/message/text}", "Attributes": { "id": "{/event/id}", "t": "{/message/text}" }, "None": "{/message/reply_to?}" },
    });
    let made = request(&said, it).unwrap();
    assert_eq!(made.url, format!("{BASE}/m?echo%20id=%C3%BC%26x%3D1%23%3F&some=%5B%5D"));
    assert_eq!(made.headers, [("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())]);
    let body = made.body.unwrap();
    let read: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(read, [field("Attributes", r#"{"id":"msg_1","t":"a&b=c d+ü\r\n%"}"#), field("Body", "a&b=c d+ü\r\n%")]);
}

#[test]
fn what_is_filled_into_a_path_stays_in_its_step() {
    for (external, url) in [
        ("c-1", "/c/c-1/m"),
        ("a/b", "/c/a%2Fb/m"),
        ("../x", "/c/..%2Fx/m"),
        ("..\\x", "/c/..%5Cx/m"),
        ("%2e%2e", "/c/%252e%252e/m"),
        ("a?b#c@d:e", "/c/a%3Fb%23c%40d%3Ae/m"),
        ("//evil.example", "/c/%2F%2Fevil.example/m"),
        ("ü ~", "/c/%C3%BC%20~/m"),
        ("...", "/c/.../m"),
    ] {
        let said = Said::new("x").external(external);
        assert_eq!(path(&said, "/c/{/session/external}/m"), Ok(format!("{BASE}{url}")), "{external}");
    }
    for (external, why) in [
        ("", "finds an empty text"),
        (".", "finds `.`"),
        ("..", "finds `..`"),
        ("a\nb", "a control character"),
        ("a\0", "a control character"),
        ("\u{85}", "a control character"),
    ] {
        let refused = path(&Said::new("x").external(external), "/c/{/session/external}/m").unwrap_err();
        assert!(refused.starts_with("path: ") && refused.contains(why), "{external:?}: {refused}");
    }
    // Two halves that are harmless alone.
    let refused = path(&Said::new("x").external("."), "/c/{/session/external}").unwrap_err();
    assert!(refused.contains("cannot stand in a path"), "{refused}");
    for (template, text) in [("/c/.{/message/text}/m", "%"), ("/c/{/message/text}{/message/text}", "a")] {
        assert!(path(&Said::new(text), template).is_ok());
    }
    for template in ["/c/%2e{/message/data/dot}", "/c/.{/message/data/dot}", "/c/{/message/data/dot}."] {
        let said = Said::new("x").data(r#"{"dot":"%2e"}"#);
        assert!(path(&said, template).is_ok(), "percent signs are encoded: {template}");
        let said = Said::new("x").data(r#"{"dot":"."}"#);
        assert!(path(&said, template).is_err(), "{template}");
    }
    let missing = path(&Said::new("x"), "/c/{/session/external}").unwrap_err();
    assert_eq!(missing, "path: `/session/external` finds nothing");
}

#[test]
fn the_host_is_the_settings_whatever_stands_in_the_event() {
    for text in ["@evil.example/", ":8080", "evil.example", "//evil.example", "\\\\evil.example", "?x", "#x"] {
        let url = path(&Said::new(text), "/{/message/text}").unwrap();
        assert!(url.starts_with("https://api.vendor.example/base/"), "{url}");
    }
    // Without a path it is the URL itself, with its own query.
    let hook = call(json!({ "name": "x", "query": { "b": "{/message/seq}" } }));
    let document = Said::new("x").document();
    let url = hook.request("https://hooks.example/t/1?a=%20", &document).unwrap().url;
    assert_eq!(url, "https://hooks.example/t/1?a=%20&b=3");
    let url = call(json!({ "name": "x", "path": "/m" })).request("https://x.example", &document).unwrap().url;
    assert_eq!(url, "https://x.example/m");
    let long = "x".repeat(2_100);
    assert!(path(&Said::new(&long), "/{/message/text}").unwrap_err().contains("the limit is 2048"));
}

#[test]
fn a_header_is_one_line_or_is_not_sent() {
    let header =
        |text: &str| request(&Said::new(text), json!({ "name": "x", "headers": { "X-Who": "{/message/text}" } }));
    assert_eq!(header("Änne, 7").unwrap().headers, [("x-who".to_owned(), "Änne, 7".to_owned())]);
    for text in ["a\r\nX-Admin: 1", "a\nb", "a\rb", "a\u{85}b", "\u{7f}", "tab\there"] {
        let refused = header(text).unwrap_err();
        assert!(refused.starts_with("headers, `X-Who`: the control character U+"), "{text:?}: {refused}");
    }
    let long = header(&"x".repeat(4_097)).unwrap_err();
    assert_eq!(long, "headers, `X-Who`: 4097 bytes; the limit is 4096");
    let left_out = request(&Said::new("x"), json!({ "name": "x", "headers": { "X-Reply": "{/message/reply_to?}" } }));
    assert_eq!(left_out.unwrap().headers, []);
}

#[test]
fn a_body_says_what_it_is_unless_the_call_does() {
    let text = request(&Said::new("hi"), json!({ "name": "x", "text": "> {/message/text}" })).unwrap();
    assert_eq!(text.body.as_deref(), Some("> hi"));
    assert_eq!(text.headers, [("content-type".to_owned(), "text/plain; charset=utf-8".to_owned())]);
    let headers = json!({ "Content-Type": "application/vnd.api+json" });
    let own = request(&Said::new("hi"), json!({ "name": "x", "json": {}, "headers": headers })).unwrap();
    assert_eq!(own.headers, [("content-type".to_owned(), "application/vnd.api+json".to_owned())]);
    let none = request(&Said::new("hi"), json!({ "name": "x", "method": "GET" })).unwrap();
    assert_eq!((none.body, none.headers.len(), none.method.word()), (None, 0, "GET"));
    let large = json!({ "name": "x", "text": "{/message/text|base64|base64|base64}".repeat(14) });
    let refused = request(&Said::new(&"x".repeat(8_192)), large).unwrap_err();
    assert!(refused.starts_with("the body has ") && refused.ends_with("; the limit is 262144"), "{refused}");
}

#[test]
fn a_long_text_is_split_cut_or_refused_as_configured_and_never_silently() {
    let it = |how: Option<&str>, template: &str| {
        let mut it = json!({ "name": "x", "text_limit": 16, "json": { "t": template } });
        if let Some(how) = how {
            it["long_text"] = how.into();
        }
        call(it)
    };
    let plain = "{/message/text}";
    let texts = |it: &Call, text: &str| -> Vec<String> {
        it.texts(text).unwrap().into_iter().map(|(_, text)| text.into_owned()).collect()
    };
    let text = "Where is my parcel? It is late.";
    assert_eq!(texts(&it(Some("split"), plain), text), ["Where is my ", "parcel? It is ", "late."]);
    assert_eq!(texts(&it(Some("cut"), plain), text), ["Where is my par…"]);
    for refuses in [it(Some("refuse"), plain), it(None, plain)] {
        let refused = refuses.texts(text).unwrap_err().0;
        assert_eq!(refused, "the text has 31 characters; the limit of this call is 16");
        assert_eq!(refuses.texts("ÄÖÜäöüÄÖÜäöüÄÖÜä").unwrap().len(), 1, "16 characters, whatever bytes");
    }
    // What the portal gets is what counts.
    assert_eq!(texts(&it(Some("split"), "{/message/text|html}"), "<<<<<<<<"), ["<<<<", "<<<<"]);
    let quoted = it(Some("split"), "{/message/text|json}");
    assert_eq!(texts(&quoted, "\"\n\t\\\"\n\u{1}"), ["\"\n\t\\\"\n", "\u{1}"]);
    assert_eq!(texts(&call(json!({ "name": "x", "text": plain })), text), [text]);
}

#[test]
fn whether_a_call_goes_by_the_event_is_told_by_where_it_goes() {
    for (it, by_event) in [
        (json!({ "name": "x" }), false),
        (json!({ "name": "x", "path": "/apps/{/vars/app}/x", "json": { "t": "{/message/text}" } }), false),
        (json!({ "name": "x", "path": "/c/{/session/external}" }), true),
        (json!({ "name": "x", "path": "/c", "query": { "id": "{/customer/id}" } }), true),
        (json!({ "name": "x", "path": "/c/{/vars/a|/session/id}" }), true),
    ] {
        assert_eq!(call(it.clone()).goes_by_event(), by_event, "{it}");
    }
}
