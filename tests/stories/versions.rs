//! Two versions side by side: what a newer one writes is carried and obeyed, and the version before this one is understood.

use crate::{
    cluster::{Cluster, breathe, old_program},
    desk,
    person::Person,
    support::{
        portal::{Mood, Portal},
        postgres::Postgres,
    },
    wire::DEADLINE,
};
use hubbub_core::{limits, model::ids::RoomId};
use serde_json::{Value, json};
use std::time::Instant;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// The last version that refuses kinds it does not know.
const BEFORE: &str = "9d9c010";

/// Writes as an instance of a newer version would, with kinds that nobody else knows.
struct Newer<'a> {
    cluster: &'a Cluster,
    database: Client,
}

/// An entry of a kind that this version does not know.
#[derive(Default)]
struct Strange<'a> {
    kind: &'a str,
    target: Option<i64>,
    subject: Option<&'a str>,
    body: Option<&'a str>,
    effects: Option<&'a str>,
    /// What else changes in the same transaction, given the room's number as $1.
    also: &'a str,
}

impl<'a> Newer<'a> {
    async fn beside(cluster: &'a Cluster) -> Self {
        let (database, connection) =
            tokio_postgres::connect(&Postgres::shared().url(), NoTls).await.expect("the database");
        tokio::spawn(connection);
        Self { cluster, database }
    }

    /// Commits an entry; says its number.
    async fn commits(&mut self, room: &str, entry: &Strange<'_>) -> i64 {
        let schema = self.cluster.schema();
        let transaction = self.database.transaction().await.expect("a transaction");
        let lock = format!("SELECT no, head + 1 FROM {schema}.rooms WHERE id = $1 FOR UPDATE");
        let row = transaction.query_one(&lock, &[&room]).await.expect("the room");
        let (no, seq): (i64, i64) = (row.get(0), row.get(1));
        let insert = format!(
            "INSERT INTO {schema}.entries (room, seq, id, kind, author, at, key, target, subject, body, effects)
             VALUES ($1, $2, $3, $4, 'hubbub:api', 1769851800123, $5, $6, $7, $8, $9)"
        );
        let (id, Strange { kind, target, subject, body, effects, also }) = (Uuid::now_v7(), entry);
        let key = id.to_string();
        transaction
            .execute(&insert, &[&no, &seq, &id, kind, &key, target, subject, body, effects])
            .await
            .expect("the entry");
        let raise = format!("UPDATE {schema}.rooms SET head = $2 WHERE no = $1");
        transaction.execute(&raise, &[&no, &seq]).await.expect("the head");
        if !also.is_empty() {
            transaction.execute(&also.replace("hubbub.", &format!("{schema}.")), &[&no]).await.expect("what else");
        }
        transaction.commit().await.expect("a commit");
        seq
    }

    /// Announces it, as an instance of the newer version would: its JSON is what the committing instance wrote.
    async fn announces(&self, room: &str, seq: i64, entry: &Strange<'_>, members: &str) {
        let redis = self.cluster.redis.as_ref().expect("Redis");
        let lane = RoomId::parse(room).expect("a room").lane(limits::LANES);
        let epoch = self.cluster.api("GET", &format!("/v1/rooms/{room}"), &Value::Null).await.json()["epoch"].clone();
        let channels = redis.ask(&["PUBSUB", "CHANNELS", &format!("hubbub:*:lane:{lane}")]).await;
        let channel = channels.lines().find(|line| line.starts_with("hubbub:")).expect("a lane").trim().to_owned();
        let effects = entry.effects.map_or_else(String::new, |effects| format!(r#","effects":{effects}"#));
        let json = format!(
            r#"{{"type":"{}","id":"{}","room":"{room}","seq":{seq},"from":"hubbub:api","at":"2026-01-31T09:30:00.123Z","key":"{seq}"{members}}}"#,
            entry.kind,
            Uuid::now_v7(),
        );
        let wake = format!(
            "{}\n{{\"epoch\":{epoch},\"room\":\"{room}\",\"seq\":{seq}{effects},\"entry\":{json}}}",
            Uuid::new_v4()
        );
        redis.ask(&["PUBLISH", &channel, &wake]).await;
    }
}

const EXPEL_BEN: Strange<'_> = Strange {
    kind: "expelled",
    target: None,
    subject: Some("ben"),
    body: Some(r#"{"why":"spam","until":5}"#),
    effects: Some(r#"{"removes":"ben","lists":["members"],"hint":{"user":"ben","type":"removed"}}"#),
    also: "DELETE FROM hubbub.members WHERE room = $1 AND user_id = 'ben'",
};

impl Person {
    /// Waits for an entry of this kind; returns it.
    async fn meets(&self, room: &str, kind: &str) -> Value {
        let find = |me: &Person| {
            me.with(room, |followed| followed.entries.iter().rev().find(|entry| entry["type"] == kind).cloned())
        };
        self.waits_for(kind, DEADLINE, |me| find(me).is_some()).await;
        find(self).expect("just seen")
    }
}

#[tokio::test]
async fn a_kind_of_a_newer_version_is_carried_and_whom_it_removes_hears_nothing_more() {
    for announced in [true, false] {
        let cluster = Cluster::of(2).await;
        cluster.room("hall", "private", &["ana", "ben"]).await;
        let (ana, ben) = (cluster.person("ana", 0).await, cluster.person("ben", 1).await);
        ana.follows("hall").await;
        ben.follows("hall").await;
        ana.says("hall", "before").await;
        ben.hears("hall", "before").await;

        let mut newer = Newer::beside(&cluster).await;
        let seq = newer.commits("hall", &EXPEL_BEN).await;
        if announced {
            newer.announces("hall", seq, &EXPEL_BEN, r#","user":"ben","why":"spam","until":5"#).await;
        }
        assert_eq!(ben.is_unsubscribed("hall").await, 2000);
        if announced {
            // What is known by a wake alone; whoever was reached by the log asks for the list of rooms.
            ben.is_told_that(json!({ "type": "removed", "room": "hall" })).await;
        }
        for person in [&ana, &ben] {
            let entry = person.meets("hall", "expelled").await;
            assert_eq!((&entry["user"], &entry["why"], &entry["until"]), (&json!("ben"), &json!("spam"), &json!(5)));
        }
        ana.says("hall", "after").await;
        ana.hears("hall", "after").await;
        assert!(ben.with("hall", |followed| followed.entries.iter().all(|entry| entry["text"] != "after")));
        let refused = ben.calls("messages", json!({ "room": "hall" })).await;
        assert_eq!(refused["error"]["code"], 102, "{refused}");
        // Paged over REST as it lies.
        let stored = cluster.log("hall").await;
        let expelled = stored.iter().find(|entry| entry["type"] == "expelled").expect("it is paged");
        assert_eq!((&expelled["user"], &expelled["why"]), (&json!("ben"), &json!("spam")));
        assert_eq!(ana.with("hall", |followed| followed.faults.clone()), Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_a_newer_version_blanks_is_given_to_nobody_who_comes_later() {
    let cluster = Cluster::of(2).await;
    cluster.room("hall", "private", &["ana", "ben"]).await;
    let ana = cluster.person("ana", 0).await;
    ana.follows("hall").await;
    let secret = ana.says("hall", "a secret").await;
    ana.hears("hall", "a secret").await;
    let seq = i64::try_from(secret.seq).expect("a seq");
    let effects = format!(r#"{{"blanks":[{seq}]}}"#);
    let withdrawn = Strange {
        kind: "withdrawn",
        target: Some(seq),
        effects: Some(&effects),
        also: &format!("UPDATE hubbub.entries SET text = NULL, gone = true WHERE room = $1 AND seq = {seq}"),
        ..Strange::default()
    };
    let mut newer = Newer::beside(&cluster).await;
    let head = newer.commits("hall", &withdrawn).await;
    newer.announces("hall", head, &withdrawn, &format!(r#","target":{seq}"#)).await;
    assert_eq!(ana.meets("hall", "withdrawn").await["target"], seq);

    // From the ring of the instance that has it, and from the log on the other.
    for n in [0, 1] {
        let ben = cluster.person("ben", n).await;
        let beginning = json!({ "channel": "room:hall", "recover": true, "offset": secret.seq - 1 });
        let reply = ben.asks(json!({ "subscribe": beginning })).await.expect("an answer");
        let first = &reply["subscribe"]["publications"][0]["data"];
        assert_eq!((&first["seq"], &first["gone"]), (&json!(seq), &json!(true)), "{reply}");
        assert!(!reply.to_string().contains("a secret"), "{reply}");
    }
    let stored = cluster.log("hall").await;
    assert!(stored.iter().all(|entry| entry["text"] != "a secret"));
}

#[tokio::test]
async fn what_is_blanked_while_it_waits_for_a_portal_is_not_sent() {
    let cluster = Cluster::of_with(1, &["--portal-allow", "127.0.0.1"]).await;
    let portal = Portal::start().await;
    desk::make(&cluster, "desk", &portal, json!({})).await;
    desk::open(&cluster, "s1", "desk", "ana").await;
    let ana = cluster.person("ana", 0).await;
    ana.follows("s1").await;
    // All three are claimed together: the portal is sent nothing until they are there.
    cluster.api("POST", "/v1/portals/desk/pause", &Value::Null).await;
    ana.says("s1", "before").await;
    let secret = ana.says("s1", "a secret").await;
    ana.says("s1", "after").await;
    portal.is(Mood::Held);
    cluster.api("POST", "/v1/portals/desk/resume", &Value::Null).await;
    let asked = Instant::now();
    while portal.held() == 0 {
        assert!(asked.elapsed() < DEADLINE, "the portal is not asked");
        breathe().await;
    }
    let seq = i64::try_from(secret.seq).expect("a seq");
    let effects = format!(r#"{{"blanks":[{seq}]}}"#);
    let withdrawn = Strange {
        kind: "withdrawn",
        target: Some(seq),
        effects: Some(&effects),
        also: &format!("UPDATE hubbub.entries SET text = NULL, gone = true WHERE room = $1 AND seq = {seq}"),
        ..Strange::default()
    };
    let mut newer = Newer::beside(&cluster).await;
    let head = newer.commits("s1", &withdrawn).await;
    newer.announces("s1", head, &withdrawn, &format!(r#","target":{seq}"#)).await;
    ana.meets("s1", "withdrawn").await;
    portal.is(Mood::Well);
    desk::takes(&portal, "s1", &["before", "after"]).await;
    assert!(portal.arrivals().iter().all(|arrival| arrival.text() != "a secret"));
}

#[tokio::test]
async fn the_version_before_and_this_one_understand_each_other_and_a_newer_kind_harms_one_room() {
    if std::env::var_os("HUBBUB_LONG").is_none() {
        return println!("left to `make test-long`: it builds the program of an earlier version");
    }
    let mut cluster = Cluster::running(2, &old_program(BEFORE)).await;
    cluster.stop(1).await;
    cluster.instances[1].program = env!("CARGO_BIN_EXE_hubbub").into();
    cluster.restart(1).await;
    for room in ["hall", "other"] {
        cluster.room(room, "private", &["ana", "ben", "cem"]).await;
    }
    let (ana, ben) = (cluster.person("ana", 0).await, cluster.person("ben", 1).await);
    for room in ["hall", "other"] {
        ana.follows(room).await;
        ben.follows(room).await;
    }
    // Wakes carry entries both ways: nothing is read to deliver them.
    let reads = async |n: usize| cluster.instances[n].counter("hubbub_log_reads_total").await;
    let before = (reads(0).await, reads(1).await);
    for n in 0..20 {
        ana.says("other", &format!("old {n}")).await;
        ben.hears("other", &format!("old {n}")).await;
        ben.says("other", &format!("new {n}")).await;
        ana.hears("other", &format!("new {n}")).await;
    }
    assert_eq!((reads(0).await, reads(1).await), before);

    // A removal by either version ends the subscription at the other.
    let cem = cluster.person("cem", 0).await;
    cem.follows("other").await;
    let path = "/v1/rooms/other/members/cem";
    cluster.instances[1].api("DELETE", path, &Value::Null).await;
    assert_eq!(cem.is_unsubscribed("other").await, 2000);
    cem.is_told_that(json!({ "type": "removed", "room": "other" })).await;
    cluster.instances[0].api("PUT", path, &json!({})).await;
    cem.moves_to(cluster.at(1)).await;
    cem.follows("other").await;
    cluster.instances[0].api("DELETE", path, &Value::Null).await;
    assert_eq!(cem.is_unsubscribed("other").await, 2000);

    let mut newer = Newer::beside(&cluster).await;
    let seq = newer.commits("hall", &EXPEL_BEN).await;
    newer.announces("hall", seq, &EXPEL_BEN, r#","user":"ben","why":"spam","until":5"#).await;
    assert_eq!(ben.is_unsubscribed("hall").await, 2000, "this version obeys what it does not know");
    ben.meets("hall", "expelled").await;
    // The version before cannot read that room any more; its other rooms go on, both ways.
    let asked = Instant::now();
    while cluster.instances[0].api("GET", "/v1/rooms/hall/messages", &Value::Null).await.status != 503 {
        assert!(asked.elapsed() < DEADLINE, "the old version reads the new kind after all");
        breathe().await;
    }
    for n in 0..20 {
        ana.says("other", &format!("still old {n}")).await;
        ben.hears("other", &format!("still old {n}")).await;
        ben.says("other", &format!("still new {n}")).await;
        ana.hears("other", &format!("still new {n}")).await;
    }
    for person in [&ana, &ben] {
        assert_eq!(person.with("other", |followed| followed.faults.clone()), Vec::<String>::new());
    }
}
