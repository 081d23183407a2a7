//! What may not be done to messages and people: each is told which field and which limit, and nothing has changed.

use crate::{cluster::Cluster, person::Person};
use serde_json::{Value, json};

/// A room with somebody of each role, and two who are nobody there.
pub struct House {
    pub cluster: Cluster,
    pub ana: Person,
    pub mo: Person,
    pub ben: Person,
    pub cem: Person,
    pub rea: Person,
    pub eve: Person,
}

impl House {
    /// Each of them is connected to another instance than the one before.
    pub async fn new(cluster: Cluster) -> Self {
        let members = json!([
            { "user": "ana", "role": "admin" },
            { "user": "mo", "role": "moderator" },
            { "user": "ben" },
            { "user": "cem", "role": "member" },
            { "user": "rea", "role": "reader" },
        ]);
        let room = json!({ "id": "general", "kind": "private", "members": members });
        let made = cluster.api("POST", "/v1/rooms", &room).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let n = cluster.instances.len();
        Self {
            ana: cluster.person("ana", 0).await,
            mo: cluster.person("mo", 1 % n).await,
            ben: cluster.person("ben", 2 % n).await,
            cem: cluster.person("cem", 3 % n).await,
            rea: cluster.person("rea", 4 % n).await,
            eve: cluster.person("eve", 5 % n).await,
            cluster,
        }
    }

    pub async fn head(&self) -> u64 {
        let room = self.cluster.api("GET", "/v1/rooms/general", &Value::Null).await.json();
        room["head"].as_u64().expect("a head")
    }
}

/// `data` with the room.
fn in_room(mut data: Value) -> Value {
    data["room"] = "general".into();
    data
}

/// Does something, and says where it went; `None`: things were so already.
pub async fn does(who: &Person, method: &str, data: Value) -> Option<u64> {
    let answer = who.calls(method, in_room(data.clone())).await;
    assert_eq!(answer["rpc"]["data"]["room"], "general", "{} {method} {data}: {answer}", who.name);
    answer["rpc"]["data"]["seq"].as_u64()
}

/// Tries something, and says what it was told.
pub async fn told(who: &Person, method: &str, data: Value) -> (u64, String) {
    let answer = who.calls(method, in_room(data.clone())).await;
    let code = answer["error"]["code"].as_u64().unwrap_or_else(|| panic!("{} {method} {data}: {answer}", who.name));
    (code, answer["error"]["message"].as_str().expect("a message").to_owned())
}

/// Says something with these fields, and says where it went.
pub async fn says(who: &Person, data: Value) -> u64 {
    does(who, "send", data).await.expect("a seq")
}

const NO_MESSAGE: &str = "bad request: target: no such message in this room";
const NOT_MODERATOR: &str = "only a moderator of this room may do this";
const NOT_ADMIN: &str = "only an admin of this room may do this";
const OF_TWO: &str =
    "a direct room is of its people: nobody joins, leaves or is muted there, and nothing of it is changed";
const READ_ONLY: &str = "a reader of this room does not write there";
const OUTRANKED: &str = "user: this member's role is as high as yours, or higher";
const LAST: &str = "the last admin does not leave the others without one; make somebody else an admin first";
const WHEN: &str = "bad request: until: between now and 366 days from now is expected";

async fn refusals_of(house: &House) {
    let House { ana, mo, ben, cem, rea, eve, .. } = house;
    let of_ana = says(ana, json!({ "text": "by ana" })).await;
    let of_ben = says(ben, json!({ "text": "by ben", "mentions": ["cem", "ana"], "mention_all": true })).await;
    let reply = says(cem, json!({ "text": "in a thread", "thread": of_ben, "reply_to": of_ben })).await;
    let shown = says(cem, json!({ "text": "in the room, too", "thread": of_ben, "in_room": true })).await;
    let gone = says(ben, json!({ "text": "gone soon" })).await;
    does(ben, "react", json!({ "target": gone, "reaction": "+1" })).await.expect("a reaction");
    let edit = does(ben, "edit", json!({ "target": of_ben, "text": "by ben, again" })).await.expect("an edit");
    let deletion = does(ben, "delete", json!({ "target": gone })).await.expect("a deletion");
    for (who, method, data) in [
        (ben, "delete", json!({ "target": gone })),
        (ben, "unreact", json!({ "target": gone, "reaction": "+1" })),
        (mo, "unpin", json!({ "target": gone })),
    ] {
        assert_eq!(does(who, method, data).await, None, "{method}: nothing is left to be done");
    }
    let beyond = 9_007_199_254_740_991_u64;
    let in_reply = format!("bad request: thread: this message is in a thread itself; name its root, {of_ben}");
    let crowd: Vec<String> = (0..51).map(|n| format!("u{n}")).collect();
    let cases = [
        // Another's, a gone one, and what is none.
        (ben, "edit", json!({ "target": of_ana, "text": "x" }), 103, "target: only its author may do this"),
        (mo, "edit", json!({ "target": of_ben, "text": "x" }), 103, "target: only its author may do this"),
        (ana, "edit", json!({ "target": of_ben, "text": "x" }), 103, "target: only its author may do this"),
        (ben, "edit", json!({ "target": gone, "text": "x" }), 410, "target: this message was deleted"),
        (ben, "edit", json!({ "target": 0, "text": "x" }), 107, NO_MESSAGE),
        (ben, "edit", json!({ "target": 1, "text": "x" }), 107, NO_MESSAGE),
        (ben, "edit", json!({ "target": edit, "text": "x" }), 107, NO_MESSAGE),
        (ben, "edit", json!({ "target": beyond, "text": "x" }), 107, NO_MESSAGE),
        (ben, "edit", json!({ "target": of_ben }), 107, "bad request: text: missing"),
        (ben, "edit", json!({ "text": "x" }), 107, "bad request: target: missing"),
        (cem, "delete", json!({ "target": of_ben }), 103, NOT_MODERATOR),
        (cem, "delete", json!({ "target": of_ana }), 103, NOT_MODERATOR),
        (mo, "delete", json!({ "target": deletion }), 107, NO_MESSAGE),
        (ben, "delete", json!({ "target": beyond }), 107, NO_MESSAGE),
        // Threads and replies.
        (ben, "send", json!({ "text": "x", "thread": reply }), 107, &*in_reply),
        (ben, "send", json!({ "text": "x", "thread": shown }), 107, &*in_reply),
        (ben, "send", json!({ "text": "x", "thread": gone }), 410, "thread: this message was deleted"),
        (ben, "send", json!({ "text": "x", "thread": 2 }), 107, "bad request: thread: no such message in this room"),
        (ben, "send", json!({ "text": "x", "thread": 0 }), 107, "bad request: thread: no such message in this room"),
        (
            ben,
            "send",
            json!({ "text": "x", "reply_to": 3 }),
            107,
            "bad request: reply_to: no such message in this room",
        ),
        (
            ben,
            "send",
            json!({ "text": "x", "reply_to": beyond }),
            107,
            "bad request: reply_to: no such message in this room",
        ),
        (
            ben,
            "send",
            json!({ "text": "x", "in_room": true }),
            107,
            "bad request: in_room: only a message in a thread has it; thread is missing",
        ),
        // Reactions.
        (ben, "react", json!({ "target": 1, "reaction": "+1" }), 107, NO_MESSAGE),
        (ben, "react", json!({ "target": beyond, "reaction": "+1" }), 107, NO_MESSAGE),
        (ben, "react", json!({ "target": gone, "reaction": "+1" }), 410, "target: this message was deleted"),
        (
            ben,
            "react",
            json!({ "target": of_ana, "reaction": "é".repeat(32) + "x" }),
            107,
            "bad request: reaction: 65 bytes; the limit is 64",
        ),
        (
            ben,
            "react",
            json!({ "target": of_ana, "reaction": "a\nb" }),
            107,
            "bad request: reaction: control characters are not allowed",
        ),
        (ben, "react", json!({ "target": of_ana, "reaction": "" }), 107, "bad request: reaction: empty"),
        (ben, "react", json!({ "target": of_ana }), 107, "bad request: reaction: missing"),
        // Mentions.
        (
            ben,
            "send",
            json!({ "text": "x", "mentions": ["cem", "eve"] }),
            107,
            "bad request: mentions: eve is not a member of this room",
        ),
        (
            ben,
            "edit",
            json!({ "target": of_ben, "text": "x", "mentions": ["nobody"] }),
            107,
            "bad request: mentions: nobody is not a member of this room",
        ),
        (
            ben,
            "send",
            json!({ "text": "x", "mentions": crowd }),
            107,
            "bad request: mentions: 51 named; the limit is 50",
        ),
        // Pins.
        (ben, "pin", json!({ "target": of_ben }), 103, NOT_MODERATOR),
        (cem, "unpin", json!({ "target": of_ben }), 103, NOT_MODERATOR),
        (mo, "pin", json!({ "target": gone }), 410, "target: this message was deleted"),
        (mo, "pin", json!({ "target": edit }), 107, NO_MESSAGE),
        // Roles.
        (mo, "mute", json!({ "user": "ana", "until": soon() }), 103, OUTRANKED),
        (mo, "mute", json!({ "user": "mo", "until": soon() }), 103, OUTRANKED),
        (mo, "unmute", json!({ "user": "ana" }), 103, OUTRANKED),
        (mo, "remove_member", json!({ "user": "ana" }), 103, OUTRANKED),
        (mo, "set_role", json!({ "user": "ana", "role": "banned" }), 103, OUTRANKED),
        (mo, "set_role", json!({ "user": "ana", "role": "member" }), 103, NOT_ADMIN),
        (mo, "set_role", json!({ "user": "mo", "role": "admin" }), 103, NOT_ADMIN),
        (mo, "set_role", json!({ "user": "eve", "role": "member" }), 103, NOT_ADMIN),
        (mo, "change_room", json!({ "settings": { "frozen": true } }), 103, NOT_ADMIN),
        (mo, "change_room", json!({ "name": "Mine" }), 103, NOT_ADMIN),
        (ben, "mute", json!({ "user": "rea", "until": soon() }), 103, NOT_MODERATOR),
        (ben, "remove_member", json!({ "user": "rea" }), 103, NOT_MODERATOR),
        (ben, "members", json!({ "banned": true }), 103, NOT_MODERATOR),
        (ben, "set_role", json!({ "user": "ben", "role": "moderator" }), 103, NOT_ADMIN),
        (rea, "send", json!({ "text": "x" }), 103, READ_ONLY),
        (rea, "react", json!({ "target": of_ben, "reaction": "+1" }), 103, READ_ONLY),
        (rea, "delete", json!({ "target": of_ben }), 103, NOT_MODERATOR),
        (ana, "leave", json!({}), 103, LAST),
        (ana, "set_role", json!({ "user": "ana", "role": "moderator" }), 103, LAST),
        (ana, "set_role", json!({ "user": "ana", "role": "banned" }), 103, LAST),
        (ana, "remove_member", json!({ "user": "ana" }), 103, LAST),
        (
            ana,
            "set_role",
            json!({ "user": "ben", "role": "king" }),
            107,
            "bad request: role: one of reader, member, moderator, admin, banned",
        ),
        // Mutes.
        (
            mo,
            "mute",
            json!({ "user": "ben" }),
            107,
            "bad request: until: missing; a mute ends, 366 days from now at the latest",
        ),
        (mo, "mute", json!({ "user": "ben", "until": "2020-01-31T09:30:00Z" }), 107, WHEN),
        (mo, "mute", json!({ "user": "ben", "until": "9999-01-31T09:30:00Z" }), 107, WHEN),
        (
            mo,
            "mute",
            json!({ "user": "ben", "until": "never" }),
            107,
            "bad request: until: a time like 2026-01-31T09:30:00Z is expected, between now and 366 days from now",
        ),
        (
            mo,
            "mute",
            json!({ "user": "eve", "until": soon() }),
            107,
            "bad request: user: eve is not a member of this room",
        ),
        // Who may not see the room.
        (eve, "edit", json!({ "target": of_ben, "text": "x" }), 102, "unknown room"),
        (eve, "delete", json!({ "target": of_ben }), 102, "unknown room"),
        (eve, "react", json!({ "target": of_ben, "reaction": "+1" }), 102, "unknown room"),
        (eve, "pin", json!({ "target": of_ben }), 102, "unknown room"),
        (eve, "mute", json!({ "user": "ben", "until": soon() }), 102, "unknown room"),
        (eve, "set_role", json!({ "user": "ben", "role": "member" }), 102, "unknown room"),
        (eve, "remove_member", json!({ "user": "ben" }), 102, "unknown room"),
        (eve, "change_room", json!({ "settings": {} }), 102, "unknown room"),
    ];
    let before = house.head().await;
    for (who, method, data, code, message) in cases {
        let heard = told(who, method, data.clone()).await;
        assert_eq!(heard, (code, message.to_owned()), "{} {method} {data}", who.name);
        if let Some((verb, path, body)) = over_rest(&who.name, method, &data) {
            let answer = house.cluster.api(verb, &path, &body).await;
            let why = message.trim_start_matches("bad request: ");
            let refused = (400..500).contains(&answer.status);
            assert!(refused && answer.json()["detail"] == why, "{verb} {path} {body}: {}", answer.text);
        }
        assert_eq!(house.head().await, before, "{} {method} {data} has written something", who.name);
    }
}

/// The same in the name of a user over REST, where it can be said.
fn over_rest(who: &str, method: &str, data: &Value) -> Option<(&'static str, String, Value)> {
    let message = || Some(format!("messages/{}", data["target"].as_u64()?));
    let user = || Some(format!("members/{}", data["user"].as_str()?));
    let mut body = data.clone();
    let members = body.as_object_mut()?;
    ["target", "user", "reaction"].iter().for_each(|field| _ = members.remove(*field));
    let (verb, path) = match method {
        "send" => {
            members.insert("from".into(), who.into());
            return Some(("POST", "/v1/rooms/general/messages".into(), body));
        }
        "edit" => ("PATCH", message()?),
        "delete" => ("DELETE", message()?),
        "react" | "unreact" => {
            let word = data["reaction"].as_str().filter(|word| !word.is_empty())?;
            let word: String = word.bytes().map(|byte| format!("%{byte:02x}")).collect();
            (if method == "react" { "PUT" } else { "DELETE" }, format!("{}/reactions/{word}", message()?))
        }
        "pin" => ("PUT", format!("{}/pin", message()?)),
        "unpin" => ("DELETE", format!("{}/pin", message()?)),
        "mute" => ("PUT", format!("{}/mute", user()?)),
        "unmute" => ("DELETE", format!("{}/mute", user()?)),
        "set_role" => ("PUT", user()?),
        "remove_member" => ("DELETE", user()?),
        "leave" => ("DELETE", format!("members/{who}")),
        "change_room" => return Some(("PATCH", format!("/v1/rooms/general?from={who}"), body)),
        _ => return None,
    };
    Some((verb, format!("/v1/rooms/general/{path}?from={who}"), body))
}

/// In an hour.
pub fn soon() -> String {
    in_seconds(3_600)
}

/// In so many seconds.
pub fn in_seconds(seconds: i64) -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time");
    hubbub_core::model::time::Timestamp(since.as_millis() as i64 + seconds * 1_000).to_string()
}

#[tokio::test]
async fn what_may_not_be_is_told_by_field_and_limit_and_nothing_has_changed() {
    let directory = tempfile::tempdir().unwrap();
    for cluster in [Cluster::laptop(directory.path()).await, Cluster::of(2).await] {
        refusals_of(&House::new(cluster).await).await;
    }
}

#[tokio::test]
async fn so_many_reactions_are_on_a_message_and_so_many_pins_in_a_room() {
    let directory = tempfile::tempdir().unwrap();
    for cluster in [Cluster::laptop(directory.path()).await, Cluster::of(2).await] {
        let house = House::new(cluster).await;
        let House { mo, ben, cem, .. } = &house;
        let target = says(ben, json!({ "text": "react to this" })).await;
        for n in 0..50 {
            let reaction = json!({ "target": target, "reaction": format!("r{n}") });
            assert!(does(ben, "react", reaction.clone()).await.is_some());
            assert_eq!(does(ben, "react", reaction).await, None, "once per person");
        }
        let one_more = json!({ "target": target, "reaction": "one more" });
        let full = "reaction: there are 50 different reactions on this message already; that is the limit";
        assert_eq!(told(cem, "react", one_more.clone()).await, (106, full.into()));
        // One that is there already is no different one; and one that was taken back makes room.
        assert!(does(cem, "react", json!({ "target": target, "reaction": "r7" })).await.is_some());
        assert!(does(ben, "unreact", json!({ "target": target, "reaction": "r9" })).await.is_some());
        assert_eq!(does(ben, "unreact", json!({ "target": target, "reaction": "r9" })).await, None);
        assert!(does(cem, "react", one_more).await.is_some());

        let mut pinned = Vec::new();
        for n in 0..=100 {
            pinned.push(says(ben, json!({ "text": format!("pin {n}") })).await);
        }
        for target in &pinned[..100] {
            assert!(does(mo, "pin", json!({ "target": target })).await.is_some());
        }
        let full = "target: there are 100 pinned messages in this room already; that is the limit";
        assert_eq!(told(mo, "pin", json!({ "target": pinned[100] })).await, (106, full.into()));
        assert_eq!(does(mo, "pin", json!({ "target": pinned[3] })).await, None, "pinned already");
        // A deletion unpins.
        assert!(does(ben, "delete", json!({ "target": pinned[3] })).await.is_some());
        assert!(does(mo, "pin", json!({ "target": pinned[100] })).await.is_some());
    }
}

#[tokio::test]
async fn roles_are_given_and_bind_moderators_and_admins() {
    let directory = tempfile::tempdir().unwrap();
    for cluster in [Cluster::laptop(directory.path()).await, Cluster::of(2).await] {
        let house = House::new(cluster).await;
        let House { ana, mo, ben, cem, eve, .. } = &house;
        // A moderator keeps order among lower roles.
        let of_ben = says(ben, json!({ "text": "nonsense" })).await;
        assert!(does(mo, "delete", json!({ "target": of_ben })).await.is_some());
        assert!(does(mo, "set_role", json!({ "user": "cem", "role": "banned" })).await.is_some());
        assert_eq!(told(cem, "send", json!({ "text": "x" })).await.0, 102);
        let banned =
            mo.calls("members", json!({ "room": "general", "banned": true })).await["rpc"]["data"]["members"].take();
        assert_eq!(banned[0]["user"], "cem", "{banned}");
        assert_eq!((&banned[0]["role"], &banned[1]), (&json!("banned"), &Value::Null), "{banned}");
        let by_rest = house.cluster.api("GET", "/v1/rooms/general/members?banned=true", &Value::Null).await.json();
        assert_eq!(by_rest["members"], banned);
        assert_eq!(told(cem, "members", json!({ "banned": true })).await.0, 102);
        assert!(does(mo, "remove_member", json!({ "user": "cem" })).await.is_some(), "the ban is lifted");
        assert_eq!(does(mo, "remove_member", json!({ "user": "cem" })).await, None);
        // Members add people where the room says so, and give no roles.
        let eve_joins = json!({ "user": "eve", "role": "member" });
        assert_eq!(told(ben, "set_role", eve_joins.clone()).await, (103, NOT_ADMIN.into()));
        let may = json!({ "settings": { "members_may": { "invite": true, "pin": true, "mention_all": false } } });
        assert!(does(ana, "change_room", may.clone()).await.is_some());
        assert_eq!(does(ana, "change_room", may).await, None, "they are so already");
        assert!(does(ben, "set_role", eve_joins.clone()).await.is_some());
        assert_eq!(does(ben, "set_role", eve_joins).await, None, "she is in already");
        assert_eq!(told(ben, "set_role", json!({ "user": "cem", "role": "admin" })).await, (103, NOT_ADMIN.into()));
        let target = says(eve, json!({ "text": "hello", "mentions": ["ben"] })).await;
        assert!(does(ben, "pin", json!({ "target": target })).await.is_some());
        let to_all = json!({ "text": "everybody!", "mention_all": true });
        let refused = "mention_all: only a moderator of this room may do this";
        assert_eq!(told(ben, "send", to_all.clone()).await, (103, refused.into()));
        says(mo, to_all).await;
        // An admin steps down once there is another; who joins again stays what they are.
        assert!(does(ana, "set_role", json!({ "user": "mo", "role": "admin" })).await.is_some());
        assert_eq!(does(ana, "join", json!({})).await, None);
        assert!(does(ana, "set_role", json!({ "user": "ana", "role": "reader" })).await.is_some());
        assert_eq!(told(ana, "send", json!({ "text": "x" })).await, (103, READ_ONLY.into()));
        assert_eq!(told(mo, "leave", json!({})).await, (103, LAST.into()));
        let members = house.cluster.api("GET", "/v1/rooms/general/members", &Value::Null).await.json();
        let roles: Vec<_> = members["members"].as_array().unwrap().iter().map(|m| (&m["user"], &m["role"])).collect();
        let expected = [("ana", "reader"), ("ben", "member"), ("eve", "member"), ("mo", "admin"), ("rea", "reader")];
        assert_eq!(json!(roles), json!(expected));
    }
}

#[tokio::test]
async fn the_two_of_a_direct_room_are_alike() {
    let directory = tempfile::tempdir().unwrap();
    for cluster in [Cluster::laptop(directory.path()).await, Cluster::of(2).await] {
        let (ana, ben) = (cluster.person("ana", 0).await, cluster.person("ben", cluster.instances.len() - 1).await);
        let made = ana.calls("create_room", json!({ "kind": "direct", "with": "ben" })).await;
        let room = made["rpc"]["data"]["id"].as_str().expect("an id").to_owned();
        let calls = async |who: &Person, method: &str, mut data: Value| {
            data["room"] = room.as_str().into();
            let answer = who.calls(method, data).await;
            let refused = answer["error"]["message"].as_str().unwrap_or_default().to_owned();
            (answer["rpc"]["data"]["seq"].as_u64(), refused)
        };
        let (said, _) = calls(&ana, "send", json!({ "text": "hi", "mentions": ["ben"] })).await;
        for (who, method, data) in [
            (&ben, "react", json!({ "target": said, "reaction": "👋" })),
            (&ben, "pin", json!({ "target": said })),
            (&ana, "unpin", json!({ "target": said })),
            (&ben, "send", json!({ "text": "in a thread", "thread": said })),
            (&ana, "edit", json!({ "target": said, "text": "hi, Ben" })),
        ] {
            let (seq, refused) = calls(who, method, data).await;
            assert!(seq.is_some(), "{method}: {refused}");
        }
        for (method, data, why) in [
            ("delete", json!({ "target": said }), "target: only its author may do this"),
            ("edit", json!({ "target": said, "text": "x" }), "target: only its author may do this"),
            ("mute", json!({ "user": "ana", "until": soon() }), OF_TWO),
            ("remove_member", json!({ "user": "ana" }), OF_TWO),
            ("set_role", json!({ "user": "eve", "role": "member" }), OF_TWO),
            ("set_role", json!({ "user": "ben", "role": "admin" }), OF_TWO),
            ("change_room", json!({ "name": "ours", "settings": { "frozen": true } }), OF_TWO),
        ] {
            assert_eq!(calls(&ben, method, data).await, (None, why.to_owned()), "{method}");
        }
        assert!(calls(&ana, "delete", json!({ "target": said })).await.0.is_some());
    }
}
