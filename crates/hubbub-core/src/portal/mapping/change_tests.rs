//! Bodies that are an edit or a deletion of a message.

use super::*;
use crate::portal::settings::PortalSettings;
use serde_json::{Value, json};

fn read_one(settings: &PortalSettings, body: &Value) -> Result<Event, String> {
    let mapped = settings.read(Some("application/json"), body.to_string().as_bytes(), false);
    let mut mapped = mapped.map_err(|why| format!("{} {why}", why.status()))?;
    assert_eq!((mapped.events.len(), mapped.passed_over), (1, 0), "{body}");
    Ok(mapped.events.remove(0))
}

fn settings(mappings: Value) -> PortalSettings {
    let settings: PortalSettings = serde_json::from_value(json!({ "mappings": mappings })).unwrap();
    settings.check().unwrap();
    settings
}

#[test]
fn the_native_contract_edits_and_deletes_by_a_type_and_the_messages_id() {
    let native = PortalSettings::default();
    let said = read_one(&native, &json!({ "sessionId": "s1", "message": "hi", "messageId": "a-17" })).unwrap();
    assert_eq!((said.means, said.mapping), (Meaning::Message, 0));
    let edit =
        json!({ "type": "message.edited", "sessionId": "s1", "messageId": "a-17", "message": "hello", "agent": "Ada" });
    let edit = read_one(&native, &edit).unwrap();
    assert_eq!((edit.means, edit.text.as_str(), edit.agent.as_deref()), (Meaning::Edit, "hello", Some("Ada")));
    assert_eq!(edit.targets(), [said.repeat_key(None).unwrap()]);
    let named = edit.repeat_key(Some("w-1")).unwrap();
    assert!(edit.repeat_key(None).is_none() && named.starts_with("c:edit:h:0:3:w-1:m:"), "{named}");
    let deletion =
        json!({ "type": "message.deleted", "sessionId": "s1", "messageId": 17, "message": "of no interest" });
    let deletion = read_one(&native, &deletion).unwrap();
    assert_eq!((deletion.means, deletion.text.as_str()), (Meaning::Deletion, ""));
    assert_eq!(deletion.targets(), ["m:2:s1:17"]);
    // What is nothing of ours is a message, as ever; what lacks something is refused with its name.
    let other = json!({ "type": "note", "sessionId": "s1", "message": "hi" });
    assert_eq!(read_one(&native, &other).unwrap().means, Meaning::Message);
    for (body, why) in [
        (json!({ "type": "message.edited", "sessionId": "s1", "message": "x" }), "422 `/messageId` finds nothing"),
        (json!({ "type": "message.edited", "sessionId": "s1", "messageId": "a" }), "422 `/message` finds nothing"),
        (json!({ "type": "message.deleted", "sessionId": "s1" }), "422 `/messageId` finds nothing"),
        (json!({ "type": "message.deleted", "messageId": "a" }), "422 `/sessionId` finds nothing"),
    ] {
        assert_eq!(read_one(&native, &body).unwrap_err(), why, "{body}");
    }
    // Who has a mapping of their own says it there.
    let own = PortalSettings { mapping: Mapping { agent: None, ..Mapping::default() }, ..PortalSettings::default() };
    let body = json!({ "type": "message.edited", "sessionId": "s1", "messageId": "a", "message": "x" });
    assert_eq!(read_one(&own, &body).unwrap().means, Meaning::Message);
}

#[test]
fn a_mapping_says_what_is_an_edit_and_what_a_deletion() {
    let vendor = settings(json!([
        { "require": { "/op": ["new"] }, "session": "/ours", "external": "/thread", "text": "/text", "message_id": "/id" },
        { "means": "edit", "require": { "/op": ["change"] }, "session": "/ours", "external": "/thread", "text": "/text",
          "message_id": "/id", "event_id": "/event", "attachments": "/files" },
        { "means": "deletion", "require": { "/op": ["gone"] }, "external": "/thread", "message_id": ["/channel", "/id"] },
    ]));
    let new = json!({ "op": "new", "thread": "t1", "ours": "s1", "id": "m1", "text": "a" });
    let change =
        json!({ "op": "change", "thread": "t1", "ours": "s1", "id": "m1", "text": "b", "event": 9, "files": [1] });
    let edit = read_one(&vendor, &change).unwrap();
    let named = edit.repeat_key(Some("w"));
    assert_eq!((edit.means, edit.mapping, named.as_deref()), (Meaning::Edit, 1, Some("c:edit:e:0:1:9:m:2:t1:m1")));
    assert_eq!(edit.data.as_deref(), Some(r#"{"attachments":[1]}"#));
    // By what the message brought its conversation is called, and by our own id of it.
    assert_eq!(edit.targets(), ["m:2:t1:m1", "m:2:s1:m1"]);
    assert_eq!(edit.targets()[0], read_one(&vendor, &new).unwrap().repeat_key(None).unwrap());
    let gone = read_one(&vendor, &json!({ "op": "gone", "thread": "t1", "channel": "c", "id": 1 })).unwrap();
    assert_eq!((gone.means, gone.targets()), (Meaning::Deletion, vec!["m:2:t1:c:1".to_owned()]));
    for (mapping, why) in [
        (
            json!({ "means": "edit", "session": "/s", "text": "/t" }),
            "message_id: missing; an edit or a deletion is about a message",
        ),
        (
            json!({ "means": "deletion", "session": "/s" }),
            "message_id: missing; an edit or a deletion is about a message",
        ),
        (
            json!({ "means": "edit", "session": "/s", "message_id": "/m" }),
            "text: missing; there must be one, or html, or mrkdwn",
        ),
        (json!({ "means": "deletion", "message_id": "/m" }), "session: missing; there must be one, or external"),
    ] {
        let mapping: Mapping = serde_json::from_value(mapping).unwrap();
        assert_eq!(mapping.check().unwrap_err().to_string(), why);
    }
    assert!(serde_json::from_value::<Mapping>(json!({ "means": "unsaid", "session": "/s", "text": "/t" })).is_err());
}

#[test]
fn settings_that_say_nothing_of_changes_are_read_by_a_version_that_knows_none() {
    let written = serde_json::to_string(&PortalSettings::default()).unwrap();
    assert!(!written.contains("means") && !written.contains("edits"), "{written}");
}

/// One webhook, each of whose events comes with the id of the webhook.
#[test]
fn changes_of_one_webhook_have_names_of_their_own_and_keep_them_when_it_comes_again() {
    let mapping = |means: &str, op: &str| {
        let mut mapping = json!({ "means": means, "each": "/all", "external": "/c", "message_id": "/m", "event_id": "#/id",
            "require": { "/op": [op] } });
        if means != "deletion" {
            mapping["text"] = "/t".into();
        }
        mapping
    };
    let mut mappings = vec![mapping("edit", "edit"), mapping("deletion", "gone")];
    // A message that no id tells.
    mappings.push(
        json!({ "each": "/all", "external": "/c", "text": "/t", "event_id": "#/id", "require": { "/op": ["new"] } }),
    );
    let vendor = settings(json!(mappings));
    let body = |id: u64| {
        json!({ "id": id, "all": [
            { "op": "gone", "c": "c1", "m": 1 },
            { "op": "gone", "c": "c1", "m": 2 },
            { "op": "gone", "c": "c2", "m": 1 },
            { "op": "edit", "c": "c1", "m": 1, "t": "a" },
            { "op": "edit", "c": "c1", "m": 1, "t": "b" },
            { "op": "edit", "c": "c1", "m": 1, "t": "a" },
            { "op": "new", "c": "c1", "t": "x" },
            { "op": "new", "c": "c1", "t": "x" },
        ] })
    };
    let names = |body: &Value, header: Option<&str>| -> Vec<String> {
        let read = vendor.read(None, body.to_string().as_bytes(), false).unwrap();
        read.events.iter().map(|event| event.repeat_key(header).unwrap()).collect()
    };
    let distinct = |names: &[String]| names.iter().collect::<std::collections::BTreeSet<_>>().len();
    let first = names(&body(7), None);
    assert_eq!((first.len(), distinct(&first)), (8, 8), "{first:?}");
    assert_eq!(first, names(&body(7), Some("another try")), "it is the same webhook");
    assert!(names(&body(8), None).iter().all(|name| !first.contains(name)), "this is another one");

    // Without any id in the body, by the webhook's own: a message and what becomes of it have one.
    let plain = json!([
        { "session": "/s", "text": "/t", "exclude": { "/op": ["edit", "gone"] } },
        { "means": "edit", "session": "/s", "text": "/t", "message_id": "/m", "require": { "/op": ["edit"] } },
        { "means": "deletion", "session": "/s", "message_id": "/m", "require": { "/op": ["gone"] } },
    ]);
    let plain = settings(plain);
    let ops = ["new", "edit", "gone"].map(|op| json!({ "op": op, "s": "s1", "m": "w", "t": "x" }));
    let by_header: Vec<String> =
        ops.iter().map(|body| read_one(&plain, body).unwrap().repeat_key(Some("w")).unwrap()).collect();
    assert_eq!(by_header, ["h:w", "c:edit:h:0:1:w:m:2:s1:w", "c:deletion:h:0:1:w:m:2:s1:w"]);
    // Where the id ends and the message begins is told by the length.
    let of = |id: &str, m: &str| {
        let body = json!({ "op": "gone", "s": "s1", "m": m });
        read_one(&plain, &body).unwrap().repeat_key(Some(id)).unwrap()
    };
    assert_ne!(of("w:m:2:s1:1", "2"), of("w", "1:m:2:s1:2"));
    let long = of(&"y".repeat(9_000), "1");
    assert!(long.starts_with("C:") && long.len() < 80, "{long}");
}

#[test]
fn the_portals_id_is_found_in_the_name_of_its_event() {
    let named = |external: &str, id: &str| {
        let event = Event { external: Some(external.into()), message_id: Some(id.into()), ..Event::default() };
        event.repeat_key(None).unwrap()
    };
    for (external, id) in [("c1", "17"), ("a:b:c", "x:y"), ("1:2", ""), ("\u{e4}\u{1f642}", "17.000100")] {
        assert_eq!(message_id_in(&named(external, id)), Some(id), "{external} {id}");
    }
    let long = named(&"x".repeat(256), &"y".repeat(256));
    assert!(long.starts_with("M:"), "{long}");
    for name in [
        long.as_str(),
        "e:1",
        "c:edit:h:0:1:w:m:2:s1:w",
        "h:m:1:a:b",
        "m:",
        "m:x:a:b",
        "m:9:a:b",
        "m:1:ab:c",
        "m:99999999999999999999:a:b",
    ] {
        assert_eq!(message_id_in(name), None, "{name}");
    }
}
