//! What a client keeps: pages as the server gave them, and the entries after them folded in by the core's own function.

use hubbub_core::{
    log::{
        body::Columns,
        effects::Effects,
        entry::Entry,
        fold::{FoldedPage, Hung, PageKind, ReactionShown, Replies, Shown},
        kinds::{Gone, ReactionWord, What},
    },
    model::{
        access::Role,
        ids::{Key, RoomId, UserId},
        seq::Seq,
        time::Timestamp,
    },
};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Members of every entry, those with a column of their own, and what hangs on a message.
const NOT_IN_BODY: [&str; 20] = [
    "type",
    "id",
    "room",
    "seq",
    "from",
    "at",
    "key",
    "text",
    "data",
    "reply_to",
    "target",
    "user",
    "name",
    "role",
    "thread",
    "in_room",
    "edited_at",
    "reactions",
    "replies",
    "pinned",
];

fn seq(value: &Value) -> Option<Seq> {
    value.as_u64().map(Seq::new)
}

fn user(value: &Value) -> UserId {
    UserId::parse(value.as_str().unwrap_or_default()).expect("a user")
}

fn time(value: &Value) -> Timestamp {
    Timestamp::parse(value.as_str().unwrap_or_default()).expect("a time")
}

fn users(value: &Value) -> Vec<UserId> {
    value.as_array().into_iter().flatten().map(user).collect()
}

/// An entry from its JSON.
pub fn entry(json: &Value) -> Entry {
    let text = |name: &str| json[name].as_str().unwrap_or_default();
    Entry {
        room: RoomId::parse(text("room")).expect("a room"),
        seq: seq(&json["seq"]).expect("a seq"),
        id: text("id").parse().expect("an id"),
        from: user(&json["from"]),
        at: time(&json["at"]),
        key: Key::parse(text("key")).expect("a key"),
        what: what(json),
    }
}

fn what(json: &Value) -> What {
    let word = json["type"].as_str().expect("a type");
    let target = seq(&json["target"]).or_else(|| seq(&json["reply_to"]));
    let (thread, in_room) = (seq(&json["thread"]), json["in_room"] == true);
    if json["gone"] == true {
        return What::Gone(Gone { word: word.into(), effects: Effects::default(), target, thread, in_room });
    }
    let mut body: Map<String, Value> = json.as_object().expect("an object").clone();
    // A deletion says of its target what a message says of itself.
    let is_said_of_another = word == "deleted";
    body.retain(|name, _| {
        !NOT_IN_BODY.contains(&&**name) || (is_said_of_another && ["thread", "in_room"].contains(&&**name))
    });
    let text = |name: &str| json[name].as_str().map(Cow::Borrowed);
    let role = json["role"].as_str().map(|word| Role::parse(word).expect("a role").stored());
    let columns = Columns {
        text: text("text"),
        data: (!json["data"].is_null()).then(|| json["data"].to_string().into()),
        target,
        subject: text("user").or_else(|| text("name")),
        role: role.map(|(role, _)| role.into()),
        rank: role.and_then(|(_, rank)| rank).map(Cow::Borrowed),
        thread: thread.filter(|_| !is_said_of_another),
        in_room: in_room && !is_said_of_another,
        body: (!body.is_empty()).then(|| Value::from(body).to_string().into()),
    };
    What::read(word, columns, Effects::default()).expect("an entry that is whole")
}

fn shown(json: &Value) -> Shown {
    let reaction = |one: &Value| ReactionShown {
        reaction: ReactionWord::parse(one["reaction"].as_str().unwrap_or_default()).expect("a reaction"),
        count: one["count"].as_u64().expect("a count"),
        me: one["me"] == true,
        users: users(&one["users"]),
    };
    let replies = &json["replies"];
    let hung = Hung {
        edited_at: (!json["edited_at"].is_null()).then(|| time(&json["edited_at"])),
        reactions: json["reactions"].as_array().into_iter().flatten().map(reaction).collect(),
        replies: replies.is_object().then(|| Replies {
            count: replies["count"].as_u64().expect("a count"),
            last: seq(&replies["last"]).expect("a seq"),
            last_at: time(&replies["last_at"]),
            users: users(&replies["users"]),
        }),
        pinned: json["pinned"] == true,
    };
    Shown { entry: entry(json), hung }
}

/// A newest page from the answer of a method.
pub fn page(kind: PageKind, me: &str, json: &Value) -> FoldedPage {
    let entries = json["entries"].as_array().expect("entries").iter().map(shown);
    FoldedPage {
        kind,
        me: UserId::parse(me).expect("a user"),
        as_of: seq(&json["as_of"]).expect("a head"),
        is_newest: true,
        entries: entries.map(|shown| (shown.entry.seq, shown)).collect(),
    }
}

/// What it shows from `first` on, as JSON.
pub fn shows(page: &FoldedPage, first: u64) -> Vec<Value> {
    let those = page.entries.iter().filter(|(seq, _)| seq.get() >= first);
    those.map(|(_, shown)| serde_json::from_str(&shown.json()).expect("JSON")).collect()
}
