//! What an import says of what is missing, what others changed meanwhile and what was mended since.

use crate::{Place, room, user};
use hubbub::store::Store;
use hubbub_core::{
    log::{
        entry::{Outcome, Proposal},
        kinds::{Joined, What},
        situation::Right,
    },
    model::{access::Role, ids::UserId},
};
use std::{
    io::{BufRead, BufReader, Read, Write},
    process::Stdio,
    sync::Arc,
};
use uuid::Uuid;

pub fn private(id: &str, name: &str) -> String {
    format!(r#"{{"type":"room","room":"{id}","kind":"private","name":"{name}"}}"#)
}

pub fn joins(id: &str, who: &str) -> String {
    format!(r#"{{"type":"joined","room":"{id}","user":"{who}","at":"2024-01-01T00:00:00Z"}}"#)
}

/// What an import of these lines says to standard error; it must end with this code. They come from a pipe: nothing is looked at before.
pub fn piped(place: &Place, lines: &[String], code: i32) -> String {
    let mut importing = place.importing();
    let text = lines.join("\n");
    importing.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("written");
    let output = importing.wait_with_output().expect("an end");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(code), "{said}");
    said
}

pub async fn adds(store: &Arc<dyn Store>, to: &str, who: &str) {
    let joined = What::Joined(Joined { user: user(who), role: Role::Member });
    let draft = Proposal::new(room(to), UserId::backend(), None, joined, Right::Backend)
        .draft(&store.identity().hash_key, Uuid::now_v7);
    let outcome = store.append(&[draft]).await.expect("an answer").remove(0);
    assert!(matches!(outcome, Outcome::Appended(_)), "{outcome:?}");
}

async fn rooms_whose_ids_were_kept_are_opened_beside_others(place: Place) {
    let mut lines = Vec::new();
    for id in ["a", "b", "c", "d"] {
        lines.extend([private(id, id), joins(id, "ana"), joins(id, "ben")]);
    }
    let mut broken = lines.clone();
    broken.push("{".into());
    piped(&place, &broken, 1);

    // Closed, it is no company either; and somebody changes the rooms that keep two of the ids.
    let store = place.open().await;
    let (ana, ben) = (user("ana"), user("ben"));
    assert!(store.who_shares_a_room(&ana, std::slice::from_ref(&ben)).await.expect("an answer").is_empty());
    adds(&store, "b", "eva").await;
    store.delete_room(&room("c")).await.expect("an answer").expect("the room that keeps the id");
    drop(store);

    let file = place.file("rooms.ndjson", &lines.join("\n"));
    let output = place.run(&["import", &file]);
    let (out, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(out.contains(" 2 rooms opened"), "{out}");
    for id in ["b", "c"] {
        let why = format!("room {id} stays closed: the room that kept its id was changed or deleted meanwhile");
        assert!(said.contains(&why), "{said}");
    }
    assert_eq!(said.matches("stays closed").count(), 2, "{said}");
    for id in ["a", "d"] {
        assert_eq!(place.does(&["export", "--room", id]).lines().count(), 3);
    }
    assert!(place.fails(&["export", "--room", "c"]).contains("there is no such room"));
    let store = place.open().await;
    assert_eq!(store.who_shares_a_room(&ana, std::slice::from_ref(&ben)).await.expect("an answer"), [ben]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_room_that_stays_closed_stops_no_other_in_sqlite() {
    rooms_whose_ids_were_kept_are_opened_beside_others(Place::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_room_that_stays_closed_stops_no_other_in_postgres() {
    rooms_whose_ids_were_kept_are_opened_beside_others(Place::postgres()).await;
}

/// Somebody who did nothing, and was added and removed by others, is told of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_to_somebody_is_exported_for_them() {
    let place = Place::sqlite();
    let left = r#"{"type":"left","room":"a","user":"eva","from":"hubbub:api","at":"2024-01-02T00:00:00Z"}"#;
    let lines =
        [private("a", "A"), joins("a", "ana"), joins("a", "eva"), left.into(), private("b", "B"), joins("b", "ana")];
    place.does(&["import", &place.file("rooms.ndjson", &lines.join("\n"))]);
    let of_eva = place.does(&["export", "--user", "eva"]);
    let kinds: Vec<&str> = of_eva.lines().map(|line| line.split('"').nth(3).expect("a type")).collect();
    assert_eq!(kinds, ["room", "joined", "left"], "{of_eva}");
    assert!(!of_eva.contains("ana") && !of_eva.contains(r#""B""#), "{of_eva}");
}

fn a_room_is_mended_until_it_has_entries(place: &Place) {
    let with = |name: &str, rest: &str| private("a", name).replace('}', &format!("{rest}}}"));
    let slip = with("slip", r#","topic":"x","data":1,"settings":{"frozen":true},"at":"2023-01-01T00:00:00Z""#);
    piped(place, &[slip, "{".into()], 1);
    let right = with("Right", r#","data":2,"at":"2023-02-01T00:00:00Z""#);
    piped(place, &[right.clone(), joins("a", "ana"), "{".into()], 1);
    // With entries, another line is a fault.
    for (other, field) in [
        (with("Other", r#","data":2"#), "name"),
        (with("Right", r#","data":2,"topic":"y""#), "topic"),
        (with("Right", r#","data":3"#), "data"),
        (with("Right", r#","data":2,"settings":{"frozen":true}"#), "settings"),
        (with("Right", r#","data":2,"session":"open""#), "session"),
        (with("Right", r#","data":2,"at":"2023-03-01T00:00:00Z""#), "at"),
    ] {
        let said = piped(place, &[other, joins("a", "ana")], 1);
        assert!(said.contains(&format!("line 1: {field}: another than when a was begun")), "{said}");
    }
    // What the log changed is no matter of the line any more.
    let renamed = r#"{"type":"renamed","room":"a","from":"ana","at":"2024-01-02T00:00:00Z","name":"Later"}"#.to_owned();
    piped(place, &[right.clone(), joins("a", "ana"), renamed.clone(), "{".into()], 1);
    piped(place, &[right, joins("a", "ana"), renamed], 0);
    let exported = place.does(&["export"]);
    let line = exported.lines().next().unwrap_or_default();
    assert_eq!(
        line,
        r#"{"type":"room","room":"a","kind":"private","name":"Later","data":2,"at":"2023-02-01T00:00:00.000Z"}"#
    );
}

#[test]
fn a_room_that_has_no_entries_yet_is_mended_in_sqlite() {
    a_room_is_mended_until_it_has_entries(&Place::sqlite());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_has_no_entries_yet_is_mended_in_postgres() {
    a_room_is_mended_until_it_has_entries(&Place::postgres());
}

#[test]
fn what_is_missing_at_the_end_opens_nothing() {
    let place = Place::sqlite();
    let direct = r#"{"type":"room","direct":["ana","ben"],"kind":"direct"}"#.to_owned();
    let joins_it =
        |who: &str| format!(r#"{{"type":"joined","direct":["ana","ben"],"user":"{who}","at":"2024-01-01T00:00:00Z"}}"#);
    let mut lines = vec![private("a", "A"), joins("a", "ana"), direct, joins_it("ben")];
    let file = place.file("direct.ndjson", &lines.join("\n"));
    let fault = "line 3: direct: ana has not joined direct.";
    let checked = place.run(&["import", "--check", &file]);
    let found = String::from_utf8(checked.stdout).expect("UTF-8");
    assert_eq!(checked.status.code(), Some(1), "{found}");
    assert!(found.contains(fault) && found.contains(" 1 wrong"), "{found}");
    assert!(place.fails(&["import", &file]).contains(fault));
    assert!(!place.database().exists(), "a store was made");
    // From a pipe all is written, and nothing is opened.
    let said = piped(&place, &lines, 1);
    assert!(said.contains(fault) && said.contains("no room was opened"), "{said}");
    assert_eq!(place.does(&["export"]), "");
    lines.push(joins_it("ana"));
    piped(&place, &lines, 0);
    assert_eq!(place.does(&["export"]).lines().count(), 5);
}

#[test]
fn what_is_before_a_room_that_is_taken_is_kept_and_faults_are_plain_text() {
    let place = Place::sqlite();
    let taken = place.file("taken.ndjson", &[private("taken", "Taken"), joins("taken", "ana")].join("\n"));
    place.does(&["import", &taken]);
    let mut lines = vec![private("a", "A"), joins("a", "ana"), joins("a", "ben")];
    let mut other = lines.clone();
    other.push(r#"{"type":"room","room":"taken","kind":"open"}"#.into());
    let said = piped(&place, &other, 1);
    assert!(said.contains("line 4: kind: an import made taken before"), "{said}");
    let file = place.file("a.ndjson", &lines.join("\n"));
    let done = place.does(&["import", &file]);
    assert!(done.starts_with("0 entries written, 2 were there already"), "{done}");
    // A line may hold a terminal's commands, and may be too long.
    lines.push(r#"{"type":"user","\u001b[2J":1}"#.into());
    lines.push(" ".repeat(1 << 20));
    let file = place.file("signs.ndjson", &lines.join("\n"));
    for said in [
        String::from_utf8(place.run(&["import", "--check", &file]).stdout).expect("UTF-8"),
        place.fails(&["import", &file]),
    ] {
        assert!(said.contains("line 4: ") && !said.contains('\u{1b}'), "{said:?}");
        assert!(said.contains("line 5: line: longer than 262144 bytes"), "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_is_deleted_while_it_is_exported_is_an_error() {
    let place = Place::postgres();
    let mut lines = vec![private("a", "A"), joins("a", "ana")];
    let text = "x".repeat(1_000);
    lines.extend((0..2_000).map(|n| {
        format!(
            r#"{{"type":"message","room":"a","from":"ana","at":"2024-01-02T00:00:00Z","key":"k{n}","text":"{text}"}}"#
        )
    }));
    let file = place.file("long.ndjson", &lines.join("\n"));
    place.does(&["import", &file]);
    let mut exporting = place
        .command(&["export"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut stdout = BufReader::new(exporting.stdout.take().expect("a pipe"));
    let mut first = String::new();
    stdout.read_line(&mut first).expect("a line");
    assert!(first.contains(r#""room":"a""#), "{first}");
    // Nobody reads on: it waits, for a pipe holds far less than the room.
    let store = place.open().await;
    store.delete_room(&room("a")).await.expect("an answer").expect("the room");
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).expect("the rest");
    let output = exporting.wait_with_output().expect("an end");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(rest.lines().count() < lines.len() - 1, "all of it was exported");
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("room a: it was deleted while it was exported"), "{said}");
    assert!(!said.contains("goes on"), "{said}");
}
