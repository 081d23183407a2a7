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
    assert_eq!((edit.repeat_key(None), edit.repeat_key(Some("w-1"))), (None, Some("h:w-1".into())));
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
    assert_eq!((edit.means, edit.mapping, edit.repeat_key(None).as_deref()), (Meaning::Edit, 1, Some("e:9")));
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
    for name in
        [long.as_str(), "e:1", "h:m:1:a:b", "m:", "m:x:a:b", "m:9:a:b", "m:1:ab:c", "m:99999999999999999999:a:b"]
    {
        assert_eq!(message_id_in(name), None, "{name}");
    }
}
