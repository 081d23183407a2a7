//! What the guide to portals says of calls is so.

use super::{Said, call};
use crate::portal::{access::Auth, mapping::Meaning, settings::PortalSettings, verify::Verify};
use serde_json::{Value, json};

const GUIDE: &str = include_str!("../../../../../../docs/portals.md");

fn chapter() -> &'static str {
    called("A portal with an API of its own")
}

fn called(name: &str) -> &'static str {
    let from = GUIDE.split_once(&format!("\n## {name}\n")).expect("the chapter").1;
    from.split_once("\n## ").expect("the next one").0
}

#[test]
fn the_settings_that_are_shown_can_be() {
    let chapters = [called("One file, both directions"), chapter()];
    let blocks = chapters.map(|chapter| chapter.split("```json\n").skip(1).filter_map(|from| from.split_once("```")));
    let blocks: Vec<_> = blocks.into_iter().flatten().collect();
    assert!(blocks.len() > 1);
    for (json, _) in blocks {
        let settings: PortalSettings = serde_json::from_str(json).unwrap_or_else(|why| panic!("{why}: {json}"));
        assert_eq!(settings.check().map_err(|why| why.to_string()), Ok(()), "{json}");
    }
}

#[test]
fn the_schemes_that_are_shown_can_be() {
    let shown = |chapter: &'static str| chapter.split('`').filter(|code| code.starts_with(r#"{"scheme""#));
    let mut count = 0;
    for json in shown(called("What comes in")) {
        let verify: Verify = serde_json::from_str(json).unwrap_or_else(|why| panic!("{why}: {json}"));
        verify.check().unwrap_or_else(|why| panic!("{why}: {json}"));
        count += 1;
    }
    for json in shown(called("What goes out")) {
        serde_json::from_str::<Auth>(json).unwrap_or_else(|why| panic!("{why}: {json}"));
        count += 1;
    }
    assert!(count > 12, "{count}");
}

#[test]
fn the_templates_that_are_shown_become_what_is_shown() {
    let info = json!({ "name": "Ana", "email": "ana@example.com", "vip": true });
    assert!(chapter().contains(r#"{"name":"Ana","email":"ana@example.com","vip":true}"#));
    let document = Said::new("Is 3 < 4?").info(&info).document();
    let code = |cell: &str| {
        let text = cell.trim().strip_prefix('`').and_then(|cell| cell.strip_suffix('`'));
        text.map(|text| text.replace("\\|", "|"))
    };
    let mut rows = 0;
    for row in chapter().lines().skip_while(|line| !line.starts_with("| as a value in `json`")).skip(2) {
        // A bar within a cell is written \\|.
        let row = row.replace("\\|", "\u{1}");
        let cells: Vec<String> = row.split('|').map(|cell| cell.replace('\u{1}', "\\|")).collect();
        let [_, template, becomes, ..] = cells.as_slice() else { break };
        let template: Value = serde_json::from_str(&code(template).expect("a template")).expect("a text");
        let it = call(json!({ "name": "x", "json": { "value": template } }));
        let body = it.request("https://x.example", &document).expect("a request").body.expect("a body");
        let made: Value = serde_json::from_str(&body).expect("JSON");
        let shown: Option<Value> = code(becomes).map(|json| serde_json::from_str(&json).expect("JSON"));
        assert_eq!(made.get("value"), shown.as_ref(), "{template}");
        rows += 1;
    }
    assert!(rows > 10, "{rows} rows");
}

#[test]
fn every_place_of_an_event_is_in_the_guide() {
    for (first, below) in super::event::SEEN {
        let row = chapter().lines().find(|line| line.starts_with('|') && line.contains(&format!("`/{first}`")));
        let row = row.unwrap_or_else(|| panic!("/{first} is not in the guide"));
        for name in below.iter().filter(|name| **name != "*") {
            assert!(row.contains(&format!("`{name}`")), "/{first}/{name} is not in the guide");
        }
    }
}

/// The examples in JSON of a chapter.
fn examples(name: &str) -> Vec<&'static str> {
    let blocks = called(name).split("```json\n").skip(1);
    blocks.filter_map(|from| Some(from.split_once("```")?.0)).collect()
}

#[test]
fn the_examples_of_messages_that_change_are_taken() {
    let shown = examples("Messages that change");
    let calls: Value = serde_json::from_str(shown[1]).expect("JSON");
    let mappings: Value = serde_json::from_str(shown[2]).expect("JSON");
    let settings = json!({ "url": "https://x.example", "calls": calls, "mappings": mappings["mappings"],
        "forward": ["messages", "edits", "deletions"] });
    let settings: PortalSettings = serde_json::from_value(settings).expect("settings");
    settings.check().expect("good ones");
    let native = examples("In five minutes");
    let bodies = native.iter().find(|block| block.contains("message.edited")).expect("the changes");
    let read =
        |body: &str| PortalSettings::default().read(None, body.as_bytes(), false).expect("a body").events.remove(0);
    let events: Vec<_> = bodies.lines().map(read).collect();
    assert_eq!(events.iter().map(|event| event.means).collect::<Vec<_>>(), [Meaning::Edit, Meaning::Deletion]);
    assert_eq!(events[0].targets(), events[1].targets());
}
