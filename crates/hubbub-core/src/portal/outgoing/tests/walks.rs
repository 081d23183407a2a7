//! The calls of one event, one after another.

use super::{Call, Picked, Said, call};
use crate::{
    delivery::progress::Progress,
    log::{
        content::Content,
        kinds::{Deleted, Edited, Text, What},
    },
    model::seq::Seq,
    portal::outgoing::walk::{Step, Walk},
};
use serde_json::json;

const BASE: &str = "https://api.vendor.example";

fn find_make_send() -> Vec<Call> {
    vec![
        call(json!({ "name": "find", "method": "GET", "unless": "/session/external", "path": "/c",
            "query": { "q": "{/session/id}" }, "found": "/0/id", "pick": { "external": "/0/id" } })),
        call(json!({ "name": "make", "unless": "/session/external", "path": "/c", "json": { "s": "{/session/id}" },
            "pick": { "external": "/id", "source": "/source" } })),
        call(json!({ "name": "send", "for": ["message.created"], "path": "/c/{/session/external}/m",
            "json": { "t": "{/message/text}", "n": "{/message/part}/{/message/parts}" },
            "message_id": "/id", "text_limit": 16, "long_text": "split" })),
        call(json!({ "name": "close", "for": ["session.closed"], "path": "/c/{/session/external}/close" })),
    ]
}

fn walk<'a>(said: &'a Said, calls: &'a [Call], progress: Option<Progress>) -> Walk<'a> {
    Walk::new(BASE, calls, said.event("message.created"), said.picked.clone(), progress)
}

fn next<'a>(walk: &mut Walk<'a>) -> Option<Step<'a>> {
    walk.next_call().unwrap()
}

#[test]
fn a_conversation_is_looked_for_then_made_then_written_into() {
    let (said, calls) = (Said::new("Hi"), find_make_send());
    let mut on = walk(&said, &calls, None);
    let find = next(&mut on).unwrap();
    assert_eq!(
        (find.shown().as_str(), find.request.url.as_str()),
        ("find", "https://api.vendor.example/c?q=order-4711")
    );
    assert_eq!(on.made(&find, b"[]", &[]).picked, Picked::default());
    let make = next(&mut on).unwrap();
    assert_eq!(make.call.name, "make");
    on.made(&make, br#"{"id":7,"source":"s"}"#, &[]);
    assert_eq!((on.picked().external.as_deref(), on.picked().refs["source"].as_str()), (Some("7"), "s"));
    let send = next(&mut on).unwrap();
    assert_eq!(send.request.url, "https://api.vendor.example/c/7/m");
    assert_eq!(on.made(&send, br#"{"id":"m"}"#, &[]).message_id.as_deref(), Some("m"));
    assert!(next(&mut on).is_none());
    assert_eq!(on.progress().done, ["find", "make", "send", "close"]);
}

#[test]
fn what_is_known_is_neither_looked_for_nor_made() {
    let (said, calls) = (Said::new("Hi").external("9"), find_make_send());
    let mut on = walk(&said, &calls, None);
    assert_eq!(next(&mut on).unwrap().call.name, "send");
    let mut found = Said::new("Hi");
    found.picked.external = Some(String::new());
    assert_eq!(next(&mut walk(&found, &calls, None)).unwrap().call.name, "find", "what is empty is nothing");
    let mut closed = Walk::new(BASE, &calls, said.event("session.closed"), said.picked.clone(), None);
    let close = next(&mut closed).unwrap();
    assert_eq!((close.call.name.as_str(), close.request.body.as_deref()), ("close", None));
}

#[test]
fn whoever_goes_on_makes_no_call_again() {
    let (said, calls) = (Said::new("Where is my parcel? It is late."), find_make_send());
    let (mut made, mut kept): (Vec<(String, String)>, Option<Progress>) = (vec![], None);
    // Somebody else goes on after every call but a search, with what was kept.
    loop {
        let mut on = walk(&said, &calls, kept.take());
        let Some(mut step) = next(&mut on) else { break };
        while step.call.is_search() {
            on.made(&step, b"[]", &[]);
            step = next(&mut on).unwrap();
        }
        made.push((step.shown(), step.request.body.clone().unwrap_or_default()));
        on.made(&step, br#"{"id":7}"#, &[]);
        let json = serde_json::to_string(on.progress()).unwrap();
        kept = serde_json::from_str(&json).unwrap();
    }
    let body = |text: &str, part: &str| json!({ "t": text, "n": part }).to_string();
    assert_eq!(
        made,
        [
            ("make".to_owned(), r#"{"s":"order-4711"}"#.to_owned()),
            ("send (1 of 3)".to_owned(), body("Where is my ", "1/3")),
            ("send (2 of 3)".to_owned(), body("parcel? It is ", "2/3")),
            ("send (3 of 3)".to_owned(), body("late.", "3/3")),
        ]
    );
}

#[test]
fn what_was_looked_for_is_looked_for_again_before_something_is_made() {
    let (said, calls) = (Said::new("Hi"), find_make_send());
    let mut on = walk(&said, &calls, None);
    let find = next(&mut on).unwrap();
    on.made(&find, b"[]", &[]);
    assert_eq!(next(&mut on).unwrap().call.name, "make", "whose answer is lost");
    let mut on = walk(&said, &calls, Some(on.progress().clone()));
    let find = next(&mut on).unwrap();
    assert_eq!(find.call.name, "find");
    on.made(&find, br#"[{"id":7}]"#, &[]);
    assert_eq!(next(&mut on).unwrap().request.url, "https://api.vendor.example/c/7/m", "it was made");
}

#[test]
fn settings_that_change_between_two_parts_lose_nothing_of_the_text() {
    let (said, calls) = (Said::new("Where is my parcel? It is late."), find_make_send());
    let said = said.external("7");
    let mut on = walk(&said, &calls, None);
    let first = next(&mut on).unwrap();
    on.made(&first, b"{}", &[]);
    let mut wider = find_make_send();
    wider[2].text_limit = Some(1_000);
    let mut on = walk(&said, &wider, Some(on.progress().clone()));
    let rest = next(&mut on).unwrap();
    assert_eq!(
        (rest.part, rest.request.body.unwrap()),
        ((2, 2), json!({ "t": "parcel? It is late.", "n": "2/2" }).to_string())
    );
}

#[test]
fn progress_of_another_entry_is_none() {
    let (said, calls) = (Said::new("Hi").external("9"), find_make_send());
    let other = Progress { seq: 2, done: vec!["send".into()], ..Progress::default() };
    assert_eq!(next(&mut walk(&said, &calls, Some(other))).unwrap().call.name, "send");
}

#[test]
fn a_call_that_cannot_be_made_is_named() {
    let calls = vec![call(json!({ "name": "send", "path": "/c/{/session/external}/m" }))];
    let why = walk(&Said::new("Hi"), &calls, None).next_call().unwrap_err().to_string();
    assert_eq!(why, "call `send`: path: `/session/external` finds nothing");
}

fn update_and_delete() -> Vec<Call> {
    vec![
        call(
            json!({ "name": "update", "for": ["message.edited"], "when": "/message/external", "path": "/m/{/message/external}",
            "method": "PATCH", "json": { "t": "{/message/text}", "ours": "{/message/id}", "seq": "{/message/seq}" } }),
        ),
        call(json!({ "name": "again", "for": ["message.edited"], "unless": "/message/external", "path": "/m",
            "json": { "t": "Edited: {/message/text}" } })),
        call(json!({ "name": "note", "for": ["message.deleted"], "path": "/n", "json": { "s": "{/message/seq}" } })),
        call(json!({ "name": "delete", "for": ["message.deleted"], "when": "/message/external", "method": "DELETE",
            "path": "/m/{/message/external}" })),
    ]
}

fn edited() -> What {
    What::Edited(Edited { target: Seq::new(2), content: Content::text(Text::parse("so").unwrap()) })
}

fn deleted() -> What {
    What::Deleted(Deleted { target: Seq::new(2), of: None })
}

/// The calls of an event, and that none of them is made again by whoever goes on after each.
fn all(said: &Said, kind: &str, calls: &[Call]) -> Vec<String> {
    let (mut made, mut kept) = (vec![], None);
    loop {
        let mut on = Walk::new(BASE, calls, said.event(kind), said.picked.clone(), kept);
        let Some(step) = next(&mut on) else { return made };
        let request = &step.request;
        let path = request.url.trim_start_matches(BASE);
        made.push(format!("{} {path} {}", request.method.word(), request.body.as_deref().unwrap_or("-")));
        on.made(&step, b"{}", &[]);
        kept = Some(on.progress().clone());
    }
}

#[test]
fn an_edit_goes_to_the_message_as_the_portal_has_it_or_is_said_anew() {
    let calls = update_and_delete();
    let one = Said::new("").changes(&["17.1"], edited());
    let ours = "00000000-0000-0000-0000-00000000002a";
    let update = format!(r#"PATCH /m/17.1 {{"ours":"{ours}","seq":2,"t":"so"}}"#);
    assert_eq!(all(&one, "message.edited", &calls), [update]);
    for unknown in [&[][..], &["17.1", "17.2"]] {
        let said = Said::new("").changes(unknown, edited());
        assert_eq!(all(&said, "message.edited", &calls), [r#"POST /m {"t":"Edited: so"}"#], "{unknown:?}");
    }
}

#[test]
fn what_went_out_in_parts_is_deleted_part_by_part() {
    let calls = update_and_delete();
    let deletion = |externals: &[&str]| all(&Said::new("").changes(externals, deleted()), "message.deleted", &calls);
    assert_eq!(deletion(&[]), [r#"POST /n {"s":2}"#], "it never went out, or nobody knows as what");
    assert_eq!(deletion(&["a"]), [r#"POST /n {"s":2}"#, "DELETE /m/a -"]);
    assert_eq!(deletion(&["a", "b", "c"]), [r#"POST /n {"s":2}"#, "DELETE /m/a -", "DELETE /m/b -", "DELETE /m/c -",]);
    // A deletion has no text: what wants one is not sent an empty one.
    let said = Said::new("").changes(&["a"], deleted());
    let calls = [call(json!({ "name": "say", "path": "/m", "json": { "t": "{/message/text}" } }))];
    let why = Walk::new(BASE, &calls, said.event("message.deleted"), Picked::default(), None).next_call().unwrap_err();
    assert!(why.to_string().contains("/message/text"), "{why}");
}
