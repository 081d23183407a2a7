//! What `docs/protocol.md` has in tables and examples: what is told beside logs, codes and limits.

use super::render::{comment, many};
use hubbub_core::limits;
use serde_json::{Map, Value as Json};
use std::{collections::BTreeMap, fmt::Write};

/// What is told on a user's channel and, of no log, on a room's.
pub fn told(document: &str) -> String {
    let (mut hints, mut signals) = (Told::default(), Told::default());
    for line in document.lines().filter(|line| line.starts_with(r#"{"push":{"channel":""#)) {
        // Examples of entries have dots in them, where there is more.
        let Ok(push) = serde_json::from_str::<Json>(line) else { continue };
        let publication = &push["push"]["pub"];
        let (Some(data), None) = (publication["data"].as_object(), publication.get("offset")) else { continue };
        let is_of_user = push["push"]["channel"].as_str().is_some_and(|channel| channel.starts_with("user:"));
        if is_of_user { &mut hints } else { &mut signals }.add(data);
    }
    let hint = "What is told about the user, and is kept nowhere: it may be lost. Later versions have more types: pass over them.";
    let signal =
        "What is said in a room, and is kept nowhere: it may be lost. Later versions have more types: pass over them.";
    hints.show("Hint", hint, 15) + &signals.show("Signal", signal, 2)
}

/// By name, how often a member was seen and what it was.
type Members = BTreeMap<String, (usize, String)>;

/// Of each type, how often it was seen, and its members.
#[derive(Default)]
struct Told(BTreeMap<String, (usize, Members)>);

impl Told {
    fn add(&mut self, data: &Map<String, Json>) {
        let of = data["type"].as_str().expect("a type").to_owned();
        let (all, members) = self.0.entry(of).or_default();
        *all += 1;
        for (name, value) in data.iter().filter(|(name, _)| *name != "type") {
            let shown = shown(value);
            let (seen, of) = members.entry(name.clone()).or_insert((0, shown.clone()));
            *seen += 1;
            assert_eq!(*of, shown, "{name}");
        }
    }

    fn show(&self, name: &str, about: &str, least: usize) -> String {
        assert!(self.0.len() >= least, "{name}: {:?}", self.0.keys());
        let mut ts = format!("\n{}export type {name} =\n", comment(about, ""));
        for (of, (all, members)) in &self.0 {
            let _ = write!(ts, "    | {{ type: \"{of}\"");
            for (name, (seen, of)) in members {
                let _ = write!(ts, "; {name}{}: {of}", if seen == all { "" } else { "?" });
            }
            ts.push_str(" }\n");
        }
        ts.pop();
        ts + ";\n"
    }
}

fn shown(value: &Json) -> String {
    match value {
        Json::String(_) => "string".to_owned(),
        Json::Number(_) => "number".to_owned(),
        Json::Bool(_) => "boolean".to_owned(),
        Json::Array(all) => many(&all.first().map_or_else(|| "unknown".to_owned(), shown)),
        _ => "unknown".to_owned(),
    }
}

/// The rows of the table below a heading, or below a line that begins so: the first two cells.
fn rows<'a>(document: &'a str, below: &str) -> Vec<(&'a str, &'a str)> {
    let lines = document.lines().skip_while(|line| !line.starts_with(below));
    let table = lines.skip_while(|line| !line.starts_with("|---")).skip(1).take_while(|line| line.starts_with('|'));
    let cells = table.map(|line| {
        let mut cells = line.split('|').skip(1).map(str::trim);
        (cells.next().unwrap_or_default(), cells.next().unwrap_or_default())
    });
    cells.collect()
}

type Names = &'static [(&'static str, u32)];

const ERRORS: Names = &[
    ("internal", 100),
    ("unknown_room", 102),
    ("forbidden", 103),
    ("unknown_method", 104),
    ("already_subscribed", 105),
    ("limit", 106),
    ("bad_request", 107),
    ("not_available", 108),
    ("token_expired", 109),
    ("too_fast", 111),
    ("unrecoverable", 112),
    ("conflict", 409),
    ("gone", 410),
    ("busy", 429),
    ("unavailable", 503),
];

const DISCONNECTS: Names = &[
    ("shutdown", 3001),
    ("server_error", 3004),
    ("expired", 3005),
    ("slow", 3008),
    ("lost_commands", 3010),
    ("come_back", 3011),
    ("no_pong", 3012),
    ("too_many", 3013),
    ("invalid_token", 3500),
    ("bad_request", 3501),
    ("stale", 3502),
    ("logged_out", 3503),
    ("inappropriate", 3506),
];

const UNSUBSCRIBES: Names = &[("removed", 2000), ("room_deleted", 2001), ("history_gone", 2500)];

/// The codes that clients meet, by name.
pub fn codes(document: &str) -> String {
    let mut ts = String::new();
    for (name, about, below, names) in [
        ("ErrorCode", "Why a command was refused.", "## Errors", ERRORS),
        (
            "DisconnectCode",
            "Why the server has closed a connection. From 3500 on it is for good.",
            "## Disconnects",
            DISCONNECTS,
        ),
        ("UnsubscribeCode", "Why the server has ended a subscription.", "The client ends it with", UNSUBSCRIBES),
    ] {
        let rows = rows(document, below);
        let told: Vec<u32> = rows.iter().map(|(code, _)| code.parse().expect("a code")).collect();
        assert_eq!(told, names.iter().map(|(_, code)| *code).collect::<Vec<_>>(), "{name}");
        let _ = write!(ts, "\n/** {about} */\nexport const {name} = {{\n");
        for ((name, code), (_, meaning)) in names.iter().zip(rows) {
            let _ = writeln!(ts, "{}    {name}: {code},", comment(&plain(meaning), "    "));
        }
        let _ = write!(ts, "}} as const;\nexport type {name} = (typeof {name})[keyof typeof {name}];\n");
    }
    ts
}

/// A link's words alone: it leads nowhere from here.
fn plain(markdown: &str) -> String {
    let mut parts = markdown.split("](");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once(')').map_or("", |(_, rest)| rest)).replace('[', "")
}

macro_rules! values {
    ($($name:ident),* $(,)?) => {
        [$((stringify!($name), limits::$name as u64)),*]
    };
}

/// The limits that a client can look at before it asks.
pub fn limits(document: &str) -> String {
    let all = values![
        ROOM_ID_BYTES,
        USER_ID_BYTES,
        KEY_BYTES,
        ROOM_NAME_BYTES,
        ROOM_TOPIC_BYTES,
        ROOM_DATA_BYTES,
        TEXT_BYTES,
        DATA_BYTES,
        JSON_DEPTH,
        MENTIONS,
        REACTION_BYTES,
        REACTIONS_OF_MESSAGE,
        EDITS_OF_MESSAGE,
        PINS,
        FRAME_BYTES,
        SUBSCRIPTIONS,
        PAGE_DEFAULT,
        PAGE_MAX,
        MEMBERS_AT_ONCE,
        UNREAD_MAX,
        UNREAD_ROOMS,
        RECEIPTS_MEMBERS,
        PRESENT_MAX,
    ];
    let mut rows = rows(document, "## Limits").into_iter();
    let mut ts = String::new();
    for (name, value) in all {
        let about = rows.clone().find(|(row, _)| *row == format!("`{name}`")).map(|(_, about)| plain(about));
        let about = about.unwrap_or_else(|| panic!("{name} stands in docs/protocol.md"));
        let digits: String =
            about.chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(|c| *c != ',').collect();
        assert_eq!(digits, value.to_string(), "{name}");
        let _ = write!(ts, "\n{}export const {name} = {value};\n", comment(&about, ""));
    }
    assert!(rows.next().is_some());
    ts
}
