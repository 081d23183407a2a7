//! The cases of the law that are kept for other languages.

use super::*;
use hubbub_core::log::encoded;
use std::path::PathBuf;

/// Logs that say something by themselves; the random ones find the rest.
fn stories() -> Vec<(&'static str, Log, u64)> {
    let says = |text: &str, thread: Option<u64>, in_room| {
        What::Message(Message { content: content(text), reply_to: None, thread: thread.map(Seq::new), in_room })
    };
    let edit = |target, text: &str| What::Edited(Edited { target: Seq::new(target), content: content(text) });
    let delete = |target| What::Deleted(Deleted { target: Seq::new(target), of: None });
    let react = |target, word: &str, added| {
        What::Reacted(Reacted { target: Seq::new(target), reaction: ReactionWord::parse(word).unwrap(), added })
    };
    let pin = |target, pinned| What::Pinned(Pinned { target: Seq::new(target), pinned });
    let log = |takes: Vec<(&str, What)>| {
        let mut log = Log::new();
        takes.into_iter().for_each(|(from, what)| assert!(log.take(from, what.clone()), "{from}: {what:?}"));
        log
    };
    vec![
        (
            "an edit after the page",
            log(vec![("ana", says("hi", None, false)), ("ana", edit(1, "hello")), ("ana", edit(1, "good morning"))]),
            1,
        ),
        (
            "a deletion after the page takes edits, reactions and the pin along",
            log(vec![
                ("cem", says("secret", None, false)),
                ("cem", edit(1, "still secret")),
                ("ana", react(1, "+1", true)),
                ("ben", pin(1, true)),
                ("cem", says("next", None, false)),
                ("ben", delete(1)),
            ]),
            3,
        ),
        (
            "a deleted message whose entry comes after the page is gone at once",
            log(vec![
                ("ana", says("hi", None, false)),
                ("cem", says("secret", None, false)),
                ("dan", react(2, "🎉", true)),
                ("cem", delete(2)),
            ]),
            1,
        ),
        (
            "a reaction that goes and comes back is last",
            log(vec![
                ("ana", says("hi", None, false)),
                ("ben", react(1, "+1", true)),
                ("ben", react(1, "🎉", true)),
                ("ana", react(1, "🎉", true)),
                ("ben", react(1, "+1", false)),
                ("ana", react(1, "+1", true)),
            ]),
            2,
        ),
        (
            "a thread counts its replies and leaves deleted ones out",
            log(vec![
                ("ana", says("root", None, false)),
                ("ben", says("one", Some(1), false)),
                ("cem", says("two", Some(1), true)),
                ("cem", delete(3)),
                ("dan", says("three", Some(1), false)),
            ]),
            2,
        ),
        (
            "a thread goes on under a root that is gone",
            log(vec![
                ("ana", says("root", None, false)),
                ("ben", says("one", Some(1), false)),
                ("ana", delete(1)),
                ("ben", delete(2)),
            ]),
            1,
        ),
        (
            "a pin that goes",
            log(vec![("ana", says("hi", None, false)), ("ben", pin(1, true)), ("ben", pin(1, false))]),
            2,
        ),
        (
            "who is muted is a line, a reaction is none",
            log(vec![
                ("ana", says("hi", None, false)),
                ("ben", What::Muted(Muted { user: user("cem"), until: Some(Timestamp(1_769_900_000_000)) })),
                ("dan", react(1, "+1", true)),
            ]),
            0,
        ),
    ]
}

fn page_json(page: &FoldedPage) -> serde_json::Value {
    let entries: Vec<serde_json::Value> =
        page.entries.values().map(|shown| serde_json::from_str(&shown.json()).unwrap()).collect();
    let mut json = serde_json::json!({ "as_of": page.as_of, "entries": entries });
    if let PageKind::Thread(root) = page.kind {
        json["thread"] = root.get().into();
    }
    json
}

fn vector(name: &str, log: &Log, kind: PageKind, k: Seq) -> serde_json::Value {
    let (me, n) = ("ana", log.head());
    let after = log.entries.iter().filter(|entry| entry.seq > k);
    let after: Vec<serde_json::Value> =
        after.map(|entry| serde_json::from_str(&encoded::encode(&log.read_at(entry, n))).unwrap()).collect();
    serde_json::json!({
        "name": name,
        "me": me,
        "page": page_json(&compared(&log.page(kind, me, k))),
        "log": after,
        "expected": page_json(&compared(&log.page(kind, me, n))),
    })
}

#[test]
fn the_vectors_for_other_languages_are_these() {
    let mut vectors = Vec::new();
    for (name, log, k) in stories() {
        for kind in kinds(&log) {
            vectors.push(vector(name, &log, kind, Seq::new(k)));
        }
    }
    for seed in 100..112 {
        let log = random_log(seed, 30);
        for (kind, k) in kinds(&log).into_iter().take(2).zip([8, 4]) {
            vectors.push(vector(&format!("random {seed}"), &log, kind, Seq::new(k)));
        }
    }
    let lines: Vec<String> = vectors.iter().map(ToString::to_string).collect();
    let json = format!("[\n{}\n]\n", lines.join(",\n"));
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/fold.json");
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &json).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == json, "tests/vectors/fold.json differs: UPDATE_VECTORS=1 writes it");
}

#[test]
fn the_shown_words_are_those_of_the_index() {
    let quoted: Vec<String> = What::shown_words().iter().map(|word| format!("'{word}'")).collect();
    let mut indexed = BTreeSet::new();
    for store in ["postgres", "sqlite"] {
        let path =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../migrations/{store}/additions/messages.sql"));
        let sql = std::fs::read_to_string(path).unwrap();
        let list = sql.split("kind IN (").nth(1).and_then(|rest| rest.split(')').next()).unwrap();
        indexed.extend(list.split(", ").map(ToOwned::to_owned));
    }
    assert_eq!(indexed, quoted.into_iter().collect());
}
