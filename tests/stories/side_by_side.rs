//! An older instance lives beside this version: what it does not know is not taken until it has gone. And back again.

use crate::{
    cluster::{Cluster, breathe, old_program},
    http::Answer,
    person::Person,
    support::postgres::Postgres,
    wire::DEADLINE,
};
use hubbub::store::{Store, postgres::PostgresStore};
use hubbub_core::{
    limits,
    log::{
        entry::{Outcome, Proposal, Right},
        features::Features,
        kinds::{Changed, Content, Deleted, Edited, Joined, Message, Muted, Pinned, Reacted, ReactionWord, Text, What},
    },
    model::{
        access::Role,
        ids::{RoomId, UserId},
        seq::Seq,
        time::Timestamp,
    },
};
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
    time::{Instant, SystemTime},
};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// The version before the first one whose leases say what they know.
pub const BEFORE: &str = "cff403b";

/// A lease as another program keeps it.
struct Older {
    database: Client,
    schema: String,
    boot: Uuid,
}

impl Older {
    /// It lives, and says this of what it knows.
    async fn beside(cluster: &Cluster, knows: Option<&str>) -> Self {
        let (database, connection) =
            tokio_postgres::connect(&Postgres::shared().url(), NoTls).await.expect("the database");
        tokio::spawn(connection);
        let older = Self { database, schema: cluster.schema().to_owned(), boot: Uuid::new_v4() };
        let columns = if knows.is_some() { ", knows" } else { "" };
        let values = knows.map(|knows| format!(", '{knows}'")).unwrap_or_default();
        let insert = format!(
            "INSERT INTO {}.instances (boot, bus, expires_at{columns}) VALUES ('{}', true, 9999999999999{values})",
            older.schema, older.boot
        );
        older.database.batch_execute(&insert).await.expect("a lease");
        older
    }

    /// It has renewed its lease a moment ago, and dies.
    async fn dies(self) {
        let last = format!(
            "UPDATE {}.instances SET expires_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint + {}
              WHERE boot = '{}'",
            self.schema,
            limits::LEASE.as_millis(),
            self.boot
        );
        self.database.batch_execute(&last).await.expect("the last renewal");
    }
}

static SOMEBODY: AtomicU32 = AtomicU32::new(0);

/// Makes somebody new a moderator of the hall.
async fn makes_a_moderator(cluster: &Cluster, n: usize) -> Answer {
    let path = format!("/v1/rooms/hall/members/moderator-{}", SOMEBODY.fetch_add(1, Ordering::Relaxed));
    cluster.instances[n].api("PUT", &path, &json!({ "role": "moderator" })).await
}

/// Waits until what is new is taken there, or is not.
async fn until(cluster: &Cluster, n: usize, status: u16) {
    let asked = Instant::now();
    loop {
        let answer = makes_a_moderator(cluster, n).await;
        if answer.status == status {
            return;
        }
        assert!(answer.status == 200 || answer.status == 503, "{}", answer.text);
        assert!(asked.elapsed() < 3 * DEADLINE, "instance {n} never answers {status}: {}", answer.text);
        breathe().await;
    }
}

impl Person {
    /// Waits until the last features that she was told of are these.
    async fn is_told_of_features(&self, words: &Value) {
        self.waits_for(&words.to_string(), 3 * DEADLINE, |me| me.features().as_ref() == Some(words)).await;
    }
}

#[tokio::test]
async fn nothing_new_is_taken_while_an_older_instance_lives_and_then_it_is() {
    let cluster = Cluster::of(2).await;
    let all = json!(Features::all().words());
    cluster.room("hall", "private", &["ana", "ben"]).await;
    let (ana, ben) = (cluster.person("ana", 0).await, cluster.person("ben", 1).await);
    ana.follows("hall").await;
    ben.follows("hall").await;
    for person in [&ana, &ben] {
        assert_eq!(person.was_told()["features"], all, "{}", person.name);
    }
    let path = "/v1/rooms/hall/members/ben";
    let reader = json!({ "role": "reader" });
    assert_eq!(cluster.api("PUT", path, &reader).await.status, 200);

    let older = Older::beside(&cluster, None).await;
    for n in [0, 1] {
        until(&cluster, n, 503).await;
        let refused = makes_a_moderator(&cluster, n).await;
        let problem = refused.json();
        assert_eq!((refused.status, &problem["code"]), (503, &json!("not_yet")), "{problem}");
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("`roles`") && detail.contains("older instance"), "{problem}");
        // Nor may a room begin with it. One that is there is found as ever.
        let new = json!({ "id": "kitchen", "kind": "private", "members": [{ "user": "ana", "role": "reader" }] });
        let refused = cluster.instances[n].api("POST", "/v1/rooms", &new).await;
        assert_eq!((refused.status, &refused.json()["code"]), (503, &json!("not_yet")), "{}", refused.text);
        assert_eq!(cluster.instances[n].api("GET", "/v1/rooms/kitchen", &Value::Null).await.status, 404);
        let hall = json!({ "id": "hall", "kind": "private", "members": [{ "user": "ana", "role": "moderator" }] });
        assert_eq!(cluster.instances[n].api("POST", "/v1/rooms", &hall).await.status, 200);
        // Of two things together neither happens.
        let both = json!({ "name": "Bath", "settings": { "frozen": true } });
        assert_eq!(cluster.instances[n].api("PATCH", "/v1/rooms/hall", &both).await.status, 503);
        let room = cluster.instances[n].api("GET", "/v1/rooms/hall", &Value::Null).await.json();
        assert_ne!(room["name"], "Bath", "{room}");
        // What is so already is no news, and what every version knows is taken.
        assert_eq!(cluster.instances[n].api("PUT", path, &reader).await.status, 200);
        for (user, body) in [
            ("cem", json!({ "role": "member" })),
            ("dan", json!({ "role": "admin" })),
            ("cem", json!({ "role": "banned" })),
        ] {
            let path = format!("/v1/rooms/hall/members/{user}");
            let answer = cluster.instances[n].api("PUT", &path, &body).await;
            assert_eq!(answer.status, 200, "{user}: {}", answer.text);
        }
        ana.says("hall", &format!("meanwhile {n}")).await;
        ben.hears("hall", &format!("meanwhile {n}")).await;
        // What is there is read by everybody.
        let members = cluster.instances[n].api("GET", "/v1/rooms/hall/members", &Value::Null).await.json();
        let listed = members["members"].as_array().expect("members");
        assert!(listed.iter().any(|member| member["user"] == "ben" && member["role"] == "reader"), "{members}");
        assert_eq!(cluster.instances[n].counter("hubbub_features_off").await, Features::all().iter().count() as u64);
    }
    for person in [&ana, &ben] {
        person.is_told_of_features(&json!([])).await;
    }
    let late = cluster.person("late", 1).await;
    assert_eq!(late.was_told()["features"], json!([]));

    older.dies().await;
    for n in [0, 1] {
        until(&cluster, n, 200).await;
    }
    for person in [&ana, &ben, &late] {
        person.is_told_of_features(&all).await;
    }
    assert_eq!(cluster.instances[0].counter("hubbub_features_off").await, 0);
    ana.says("hall", "after").await;
    cluster.verify("hall", &[&ana, &ben]).await;
}

#[tokio::test]
async fn an_instance_that_knows_a_part_or_more_than_this_one_holds_back_the_rest_alone() {
    let cluster = Cluster::of(1).await;
    cluster.room("hall", "private", &["ana"]).await;
    let ana = cluster.person("ana", 0).await;
    // One of the next version, which knows all of this and words of its own.
    let next = Older::beside(&cluster, Some(&format!("{} shouts", Features::all()))).await;
    // And one of a version in between: it knows roles and reactions.
    let between = Older::beside(&cluster, Some("roles shouts reactions")).await;
    ana.is_told_of_features(&json!(["reactions", "roles"])).await;
    assert_eq!(makes_a_moderator(&cluster, 0).await.status, 200);
    between.dies().await;
    ana.is_told_of_features(&json!(Features::all().words())).await;
    next.dies().await;
}

#[tokio::test]
async fn what_was_taken_before_an_older_instance_came_is_answered_as_ever() {
    let cluster = Cluster::of(1).await;
    cluster.room("hall", "private", &["ana", "ben"]).await;
    let ana = cluster.person("ana", 0).await;
    let target = ana.says("hall", "first").await.seq;
    let calls = |n: u32| {
        [
            ("threads", "send", json!({ "room": "hall", "text": format!("reply {n}"), "thread": target })),
            ("mentions", "send", json!({ "room": "hall", "text": format!("ben {n}"), "mentions": ["ben"] })),
            ("edits", "edit", json!({ "room": "hall", "target": target, "text": format!("better {n}") })),
            ("reactions", "react", json!({ "room": "hall", "target": target, "reaction": format!("n{n}") })),
        ]
    };
    let call = async |n: u32, kind: &str, method: &str, mut data: Value| {
        data["key"] = format!("{kind} {n}").into();
        ana.calls(method, data).await
    };
    let mut before = Vec::new();
    for (kind, method, data) in calls(1) {
        let taken = call(1, kind, method, data).await;
        assert!(taken["rpc"]["data"]["seq"].is_u64(), "{kind}: {taken}");
        before.push(taken["rpc"]["data"]["seq"].clone());
    }
    let older = Older::beside(&cluster, None).await;
    ana.is_told_of_features(&json!([])).await;
    for ((kind, method, data), seq) in calls(1).into_iter().zip(before) {
        let again = call(1, kind, method, data).await;
        assert_eq!(again["rpc"]["data"]["seq"], seq, "{kind}: {again}");
    }
    for (kind, method, data) in calls(2) {
        let refused = call(2, kind, method, data).await["error"].clone();
        assert_eq!((&refused["code"], &refused["temporary"]), (&json!(503), &json!(true)), "{kind}: {refused}");
        let message = refused["message"].as_str().unwrap_or_default();
        assert!(message.starts_with("not yet: ") && message.contains(&format!("`{kind}`")), "{refused}");
    }
    // Who may not do it at all is told that.
    let pinned = ana.calls("pin", json!({ "room": "hall", "target": target })).await;
    assert_eq!(pinned["error"]["code"], 103, "{pinned}");
    older.dies().await;
    ana.is_told_of_features(&json!(Features::all().words())).await;
    for (kind, method, data) in calls(2) {
        let taken = call(2, kind, method, data).await;
        assert!(taken["rpc"]["data"]["seq"].is_u64(), "{kind}: {taken}");
    }
}

#[tokio::test]
async fn who_is_alone_knows_everything_from_the_first_moment() {
    let mut cluster = Cluster::of(1).await;
    cluster.room("hall", "private", &["ana"]).await;
    for _ in 0..3 {
        cluster.stop(0).await;
        cluster.restart(0).await;
        assert_eq!(makes_a_moderator(&cluster, 0).await.status, 200);
    }
    let directory = tempfile::tempdir().unwrap();
    let laptop = Cluster::laptop(directory.path()).await;
    laptop.room("hall", "private", &["ana"]).await;
    assert_eq!(makes_a_moderator(&laptop, 0).await.status, 200);
    let ana = laptop.person("ana", 0).await;
    assert_eq!(ana.was_told()["features"], json!(Features::all().words()));
}

/// Writes what is new as this version does.
struct Pen(PostgresStore);

impl Pen {
    async fn of(cluster: &Cluster) -> Self {
        Self(PostgresStore::connect(&Postgres::shared().url(), cluster.schema()).await.expect("the store"))
    }

    async fn writes(&self, from: &str, right: Right, what: What) -> Seq {
        let from = if from.is_empty() { UserId::backend() } else { UserId::parse(from).expect("a user") };
        let proposal = Proposal::new(RoomId::parse("hall").expect("a room"), from, None, what.clone(), right);
        let draft = proposal.draft(&self.0.identity().hash_key, Uuid::now_v7);
        let outcomes = self.0.append(&[draft]).await.expect("an answer");
        match outcomes.first() {
            Some(Outcome::Appended(place)) => place.seq,
            Some(Outcome::Filled { place, .. }) => place.seq,
            other => panic!("{what:?}: {other:?}"),
        }
    }
}

fn content(text: &str) -> Content {
    Content::text(Text::parse(text).expect("a text"))
}

fn role(user: &str, role: Role) -> What {
    What::Joined(Joined { user: UserId::parse(user).expect("a user"), role })
}

/// Replaces the program of an instance.
pub async fn becomes(cluster: &mut Cluster, n: usize, program: &Path) {
    cluster.stop(n).await;
    cluster.instances[n].program = program.to_owned();
    cluster.restart(n).await;
}

async fn role_of(cluster: &Cluster, n: usize, user: &str) -> Value {
    let members = cluster.instances[n].api("GET", "/v1/rooms/hall/members?limit=1000", &Value::Null).await.json();
    let listed = members["members"].as_array().expect("members");
    listed.iter().find(|member| member["user"] == user).map(|member| member["role"].clone()).unwrap_or_default()
}

/// `None`: it was taken.
async fn refusal(person: &Person, text: &str) -> Option<Value> {
    let answer = person.calls("send", json!({ "room": "hall", "text": text })).await;
    answer["error"]["code"].is_u64().then(|| answer["error"]["code"].clone())
}

#[tokio::test]
async fn the_version_before_beside_this_one_and_back_to_it() {
    if std::env::var_os("HUBBUB_LONG").is_none() {
        return println!("left to `make test-long`: it builds the program of an earlier version");
    }
    let (old, new) = (old_program(BEFORE), Path::new(env!("CARGO_BIN_EXE_hubbub")));
    let mut cluster = Cluster::running(2, &old).await;
    let people = ["ana", "ben", "mod", "eve", "reader", "muted"];
    cluster.room("hall", "private", &people).await;

    // Forwards: nothing new before the last old one has gone.
    becomes(&mut cluster, 0, new).await;
    let refused = makes_a_moderator(&cluster, 0).await;
    assert_eq!((refused.status, &refused.json()["code"]), (503, &json!("not_yet")), "{}", refused.text);
    becomes(&mut cluster, 1, new).await;
    for n in [0, 1] {
        until(&cluster, n, 200).await;
    }

    let pen = Pen::of(&cluster).await;
    let secret = pen.writes("ana", Right::Own, What::Message(Message::new(content("a secret").text, None, None))).await;
    let edited = pen.writes("ana", Right::Own, What::Message(Message::new(content("at first").text, None, None))).await;
    for (user, rank) in [("mod", Role::Moderator), ("eve", Role::Moderator), ("reader", Role::Reader)] {
        pen.writes("", Right::Backend, role(user, rank)).await;
    }
    let target = secret;
    pen.writes("ana", Right::Own, What::Edited(Edited { target, content: content("another secret") })).await;
    pen.writes("mod", Right::Own, What::Deleted(Deleted { target, of: None })).await;
    let target = edited;
    pen.writes("ana", Right::Own, What::Edited(Edited { target, content: content("in the end") })).await;
    let reaction = ReactionWord::parse("+1").expect("a reaction");
    pen.writes("ben", Right::Own, What::Reacted(Reacted { target, reaction, added: true })).await;
    pen.writes("mod", Right::Own, What::Pinned(Pinned { target, pinned: true })).await;
    let reply = Message { thread: Some(edited), ..Message::new(content("in a thread").text, None, None) };
    let reply = pen.writes("ben", Right::Own, What::Message(reply)).await;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time").as_millis() as i64;
    let until_later = Some(Timestamp(now + 3_600_000));
    let user = UserId::parse("muted").expect("a user");
    pen.writes("mod", Right::Own, What::Muted(Muted { user, until: until_later })).await;
    let frozen = serde_json::from_value(json!({ "frozen": true })).expect("settings");
    pen.writes("", Right::Backend, What::Changed(Changed::new(&frozen))).await;

    // Backwards: the old one carries what it does not know, and obeys what lies beside it.
    becomes(&mut cluster, 1, &old).await;
    until(&cluster, 0, 503).await;
    let page = cluster.instances[1].api("GET", "/v1/rooms/hall/messages?limit=1000", &Value::Null).await;
    assert!(!page.text.contains("secret"), "{}", page.text);
    let entries = page.json()["entries"].as_array().expect("entries").clone();
    let entry = |seq: Seq| entries[seq.get() as usize - 1].clone();
    assert_eq!((&entry(secret)["gone"], &entry(secret)["text"]), (&json!(true), &Value::Null));
    // What a rollback cannot show: the first text, and the edit as an entry of its own; a thread's reply in the room.
    assert_eq!(entry(edited)["text"], "at first");
    assert_eq!(entry(reply)["text"], "in a thread");
    for kind in ["edited", "deleted", "reacted", "pinned", "muted", "changed"] {
        assert!(entries.iter().any(|entry| entry["type"] == kind), "{kind} is not carried");
    }
    // What it cannot enforce: every new role is a member's, a mute and a freeze are not known.
    for name in ["mod", "reader"] {
        assert_eq!(role_of(&cluster, 1, name).await, "member");
    }
    for name in ["ana", "reader", "muted"] {
        let (there, here) = (cluster.person(name, 1).await, cluster.person(name, 0).await);
        assert_eq!(refusal(&there, "by the old one").await, None, "{name}");
        assert_eq!(refusal(&here, "by the new one").await, Some(json!(103)), "{name}");
    }
    // Somebody who was deleted from is heard of on both; a new subscriber gets no secret.
    for n in [0, 1] {
        let ben = cluster.person("ben", n).await;
        let beginning = json!({ "channel": "room:hall", "recover": true, "offset": secret.get() - 1 });
        let reply = ben.asks(json!({ "subscribe": beginning })).await.expect("an answer");
        assert_eq!(reply["subscribe"]["publications"][0]["data"]["gone"], true, "{reply}");
        assert!(!reply.to_string().contains("secret"), "{reply}");
    }
    // Where it changes how somebody stands, that holds, whatever they were before.
    let puts = async |cluster: &Cluster, user: &str, role: &str| {
        let path = format!("/v1/rooms/hall/members/{user}");
        let answer = cluster.instances[1].api("PUT", &path, &json!({ "role": role })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    puts(&cluster, "mod", "admin").await;
    assert_eq!(role_of(&cluster, 0, "mod").await, "admin");
    puts(&cluster, "eve", "banned").await;
    puts(&cluster, "eve", "member").await;
    assert_eq!(role_of(&cluster, 0, "eve").await, "member");

    // All the way back, and forwards again: what was written is there.
    becomes(&mut cluster, 0, &old).await;
    let ana = cluster.person("ana", 0).await;
    ana.follows("hall").await;
    ana.says("hall", "all are old").await;
    for n in [0, 1] {
        becomes(&mut cluster, n, new).await;
    }
    for n in [0, 1] {
        until(&cluster, n, 200).await;
    }
    assert_eq!(role_of(&cluster, 0, "reader").await, "reader");
    let ben = cluster.person("ben", 1).await;
    assert_eq!(refusal(&ben, "frozen still").await, Some(json!(103)));
    let again = pen.writes("", Right::Backend, What::Deleted(Deleted { target: edited, of: None })).await;
    assert!(again > reply);
    ana.has_read("hall", again.get()).await;
    assert_eq!(ana.with("hall", |followed| followed.faults.clone()), Vec::<String>::new());
}
