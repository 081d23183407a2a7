//! Edits and deletions, from portals and to them: found by the portal's id, in order, once; and what was deleted is not sent.

use crate::{
    cluster::{Cluster, breathe},
    desk::{self, Desk},
    support::{
        portal::{self, Mood, Portal},
        postgres::Postgres,
    },
    wire::DEADLINE,
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long a claim of an instance that was killed lasts, and what comes after it.
const AFTER_A_KILL: Duration = Duration::from_secs(90);

/// What people see in a session: who, and what it says now; nothing where it is gone.
async fn shown(server: &Cluster, session: &str) -> Vec<(String, Option<String>)> {
    let path = format!("/v1/rooms/{session}/messages?limit=1000");
    let page = server.api("GET", &path, &Value::Null).await.json();
    let entries = page["entries"].as_array().expect("entries").iter().filter(|entry| entry["type"] == "message");
    let text = |entry: &Value| entry["text"].as_str().filter(|_| entry["gone"] != true).map(ToOwned::to_owned);
    entries.map(|entry| (entry["from"].as_str().unwrap_or_default().to_owned(), text(entry))).collect()
}

async fn shows(server: &Cluster, session: &str, texts: &[Option<&str>]) {
    let began = Instant::now();
    loop {
        let now: Vec<_> = shown(server, session).await.into_iter().map(|(_, text)| text).collect();
        if now.iter().map(Option::as_deref).eq(texts.iter().copied()) {
            return;
        }
        assert!(began.elapsed() < 3 * DEADLINE, "{session} shows {now:?}, not {texts:?}");
        breathe().await;
    }
}

/// The types of the webhooks that a portal has taken of a session, each id once, with what they say and of which message.
fn told(portal: &Portal, session: &str) -> Vec<(String, Option<String>, u64)> {
    let told = portal.taken(session).into_iter().map(|arrival| {
        let body = arrival.json();
        let of = body["data"]["messageSeq"].as_u64().unwrap_or_else(|| arrival.seq());
        let text = body["data"]["message"].as_str().map(ToOwned::to_owned);
        (body["type"].as_str().unwrap_or_default().to_owned(), text, of)
    });
    told.collect()
}

fn of(all: &[(&str, Option<&str>, u64)]) -> Vec<(String, Option<String>, u64)> {
    all.iter().map(|(kind, text, seq)| ((*kind).to_owned(), text.map(ToOwned::to_owned), *seq)).collect()
}

async fn is_told(portal: &Portal, session: &str, all: &[(&str, Option<&str>, u64)], within: Duration) {
    let began = Instant::now();
    while told(portal, session) != of(all) {
        assert!(began.elapsed() < within, "{session}: {:?}, not {:?}", told(portal, session), of(all));
        breathe().await;
    }
}

/// Somebody whom no instance hears blanks the content of an entry, as a deletion does.
async fn blanks_unheard(cluster: &Cluster, session: &str, seq: u64) {
    let (database, connection) =
        tokio_postgres::connect(&Postgres::shared().url(), tokio_postgres::NoTls).await.expect("the database");
    tokio::spawn(connection);
    let schema = cluster.schema();
    let blank = format!(
        "UPDATE {schema}.entries SET text = NULL, gone = true FROM {schema}.rooms
         WHERE rooms.id = $1 AND entries.room = rooms.no AND entries.seq = $2"
    );
    let seq = i64::try_from(seq).expect("a seq");
    assert_eq!(database.execute(&blank, &[&session, &seq]).await.expect("an entry"), 1);
}

fn edit(id: &str, text: &str) -> Value {
    json!({ "type": "message.edited", "sessionId": "s1", "messageId": id, "message": text, "agent": "Ada" })
}

fn deletion(id: &str) -> Value {
    json!({ "type": "message.deleted", "sessionId": "s1", "messageId": id, "agent": "Ada" })
}

fn says(id: &str, text: &str) -> Value {
    json!({ "sessionId": "s1", "messageId": id, "message": text, "agent": "Ada" })
}

#[tokio::test]
async fn an_agents_edits_and_deletions_are_entries_by_the_agent_and_each_outcome_is_clear() {
    let desk = Desk::with(json!({ "forward": ["messages", "edits", "deletions"] })).await;
    desk.session("s1", "ana").await;
    let ana = desk.server.person("ana", 0).await;
    ana.follows("s1").await;
    let asked = ana.says("s1", "Where is it?").await;
    desk.takes("s1", &["Where is it?"]).await;
    assert_eq!(desk.answers("w1", &says("a-1", "Tomorow")).await.0, 200);
    assert_eq!(desk.answers("w2", &says("a-2", "Wrong window")).await.0, 200);
    let fixed = desk.answers("w3", &edit("a-1", "Tomorrow")).await;
    assert_eq!(fixed.0, 200, "{}", fixed.1);
    let seq = fixed.1["messages"][0]["seq"].as_u64().expect("a seq");
    shows(&desk.server, "s1", &[Some("Where is it?"), Some("Tomorrow"), Some("Wrong window")]).await;
    // The same webhook again, the same text by another webhook, and another text by the same one.
    assert_eq!(desk.answers("w3", &edit("a-1", "Tomorrow")).await, fixed);
    assert_eq!(desk.answers("w3", &edit("a-1", "Never")).await, fixed);
    let same = desk.answers("w4", &edit("a-1", "Tomorrow")).await;
    assert_eq!((same.0, &same.1["unchanged"], &same.1["messages"]), (200, &json!(["unchanged"]), &json!([])));
    assert_eq!(desk.answers("w5", &deletion("a-2")).await.0, 200);
    shows(&desk.server, "s1", &[Some("Where is it?"), Some("Tomorrow"), None]).await;
    for (id, body, why) in [("w6", deletion("a-2"), "unchanged"), ("w7", edit("a-2", "too late"), "gone")] {
        let late = desk.answers(id, &body).await;
        assert_eq!((late.0, &late.1["unchanged"]), (200, &json!([why])), "{}", late.1);
    }
    let log = desk.server.log("s1").await;
    let of: Vec<(&Value, &Value)> =
        log[seq as usize - 1..].iter().map(|entry| (&entry["type"], &entry["from"])).collect();
    let ada = json!("portal:desk/Ada");
    assert_eq!(of, [(&json!("edited"), &ada), (&json!("deleted"), &ada)]);
    assert!(!json!(log).to_string().contains("Wrong window"), "{log:?}");

    // Of a session that there is not, and of nothing.
    let nowhere = json!({ "type": "message.deleted", "sessionId": "s9", "messageId": "a-1" });
    let answer = desk.answers("w8", &nowhere).await;
    assert!(answer.0 == 404 && answer.1["code"] == "unknown_session", "{}", answer.1);
    let nothing = desk.answers("w9", &json!({ "type": "message.edited", "sessionId": "s1", "message": "x" })).await;
    assert!(nothing.0 == 422 && nothing.1.to_string().contains("/messageId"), "{}", nothing.1);

    // Out of order: the changes wait for their message, in their order, and one more behind them.
    for (id, body) in [("w10", edit("a-3", "half")), ("w11", edit("a-3", "whole")), ("w12", deletion("a-4"))] {
        for _ in 0..2 {
            let early = desk.answers(id, &body).await;
            assert!(early.0 == 202 && early.1["awaited"] == 1, "{} {}", early.0, early.1);
        }
    }
    assert_eq!(desk.answers("w13", &says("a-3", "h")).await.0, 200);
    shows(&desk.server, "s1", &[Some("Where is it?"), Some("Tomorrow"), None, Some("whole")]).await;
    assert_eq!(desk.answers("w14", &says("a-4", "a slip")).await.0, 200);
    shows(&desk.server, "s1", &[Some("Where is it?"), Some("Tomorrow"), None, Some("whole"), None]).await;
    assert_eq!(desk.answers("w10", &edit("a-3", "half")).await.0, 200, "it has been done");
    shows(&desk.server, "s1", &[Some("Where is it?"), Some("Tomorrow"), None, Some("whole"), None]).await;
    // Nothing of it went back to where it came from.
    ana.edits("s1", asked.seq, "Where is my parcel?").await;
    let mine = [
        ("message.created", Some("Where is it?"), asked.seq),
        ("message.edited", Some("Where is my parcel?"), asked.seq),
    ];
    is_told(&desk.portal, "s1", &mine, 6 * DEADLINE).await;
}

#[tokio::test]
async fn a_customers_edits_and_deletions_go_out_to_who_has_asked_for_them() {
    for asks in [true, false] {
        let forward = if asks { json!(["messages", "edits", "deletions"]) } else { json!(["messages"]) };
        let desk = Desk::with(json!({ "forward": forward })).await;
        desk.session("s1", "ana").await;
        let ana = desk.server.person("ana", 0).await;
        ana.follows("s1").await;
        let first = ana.says("s1", "one").await.seq;
        ana.edits("s1", first, "uno").await;
        let second = ana.says("s1", "two").await.seq;
        ana.calls("react", json!({ "room": "s1", "target": first, "reaction": "+1" })).await;
        ana.calls("pin", json!({ "room": "s1", "target": first })).await;
        ana.deletes("s1", second).await;
        ana.says("s1", "three").await;
        let last = desk.server.log("s1").await.len() as u64;
        let created = |text, seq| ("message.created", Some(text), seq);
        // The second may be deleted before its turn: then it is not sent, and its deletion harms nobody.
        let began = Instant::now();
        while told(&desk.portal, "s1").last() != of(&[created("three", last)]).last() {
            assert!(began.elapsed() < 6 * DEADLINE, "{:?}", told(&desk.portal, "s1"));
            breathe().await;
        }
        let mut all = told(&desk.portal, "s1");
        all.retain(|one| one.1.as_deref() != Some("two"));
        let mut expected = vec![created("one", first), created("three", last)];
        if asks {
            expected.insert(1, ("message.edited", Some("uno"), first));
            expected.insert(2, ("message.deleted", None, second));
        }
        assert_eq!(all, of(&expected));
        let arrivals = desk.portal.taken("s1");
        let id = |kind: &str| {
            let found = arrivals.iter().map(portal::Arrival::json).find(|body| body["type"] == kind);
            found.map(|body| body["data"]["messageId"].clone())
        };
        if asks {
            assert_eq!(id("message.created"), id("message.edited"), "both are about one message");
        }
    }
}

/// One of two instances dies with an edit on its way: the other goes on, in order, and nothing is there twice.
#[tokio::test]
async fn an_instance_that_dies_with_a_change_on_its_way_loses_and_doubles_nothing() {
    let mut cluster = Cluster::of_with(2, &["--portal-allow", "127.0.0.1"]).await;
    let portal = Portal::start().await;
    desk::make(&cluster, "desk", &portal, json!({ "forward": ["messages", "edits", "deletions"] })).await;
    desk::open(&cluster, "s1", "desk", "ana").await;
    let path = "/v1/rooms/s1/messages";
    let said = cluster.api("POST", path, &json!({ "from": "ana", "text": "one" })).await.json();
    let said = said["seq"].as_u64().expect("a seq");
    desk::takes(&portal, "s1", &["one"]).await;
    // Only the first can have it.
    cluster.stop(1).await;
    portal.is(Mood::Held);
    let message = format!("{path}/{said}");
    let edited = cluster.api("PATCH", &message, &json!({ "from": "ana", "text": "uno" })).await;
    assert_eq!(edited.status, 200, "{}", edited.text);
    let began = Instant::now();
    while portal.held() == 0 {
        assert!(began.elapsed() < 6 * DEADLINE, "the portal is not asked");
        breathe().await;
    }
    cluster.restart(1).await;
    cluster.kill(0);
    while portal.hung_up() == 0 {
        assert!(began.elapsed() < AFTER_A_KILL, "who was killed has not asked");
        breathe().await;
    }
    portal.is(Mood::Well);
    let other = &cluster.instances[1];
    // While the claim of the one that died lasts, nothing overtakes the edit.
    other.api("POST", path, &json!({ "from": "ana", "text": "two" })).await;
    let (one, uno) = (("message.created", Some("one"), said), ("message.edited", Some("uno"), said));
    let two = ("message.created", Some("two"), said + 2);
    is_told(&portal, "s1", &[one, uno, two], AFTER_A_KILL).await;
    assert_eq!(other.api("DELETE", &format!("{message}?from=ana"), &Value::Null).await.status, 200);
    is_told(&portal, "s1", &[one, uno, two, ("message.deleted", None, said)], AFTER_A_KILL).await;
    let of_edit = portal.arrivals().into_iter().filter(|arrival| arrival.text() == "uno").count();
    assert_eq!(of_edit, 2, "once by each");
}

#[tokio::test]
async fn a_dead_letter_whose_message_was_deleted_is_not_sent_again() {
    let settings = json!({ "on_dead_letter": "block", "give_up_alone": 2, "retry_seconds": [0.05], "forward": ["messages", "deletions"] });
    let desk = Desk::with(settings).await;
    desk.session("s1", "ana").await;
    let ana = desk.server.person("ana", 0).await;
    ana.follows("s1").await;
    desk.portal.poisons("a secret", 422);
    let secret = ana.says("s1", "a secret").await.seq;
    ana.says("s1", "after").await;
    desk.session_is("s1", "standing still", |seen| seen["failed"] == json!([secret])).await;
    let letters = async || desk.api("GET", "/v1/portals/desk/dead-letters", &Value::Null).await.json()["items"].clone();
    assert_eq!(letters().await[0]["state"], "dead");
    ana.deletes("s1", secret).await;
    let letter = letters().await[0].clone();
    assert_eq!((&letter["state"], &letter["entry"]["gone"]), (&json!("deleted"), &json!(true)), "{letter}");
    desk.portal.poisons("a secret", 200);
    let before = desk.portal.arrivals().len();
    let path = format!("/v1/portals/desk/dead-letters/{}/replay", letter["number"]);
    assert_eq!(desk.api("POST", &path, &Value::Null).await.status, 202);
    // The session goes on behind it, and what it would have said is said by nobody.
    let end = [("message.created", Some("after"), secret + 1), ("message.deleted", None, secret)];
    is_told(&desk.portal, "s1", &end, 6 * DEADLINE).await;
    let since = desk.portal.arrivals().split_off(before);
    assert_eq!(since.len(), 2, "{since:?}");
    let letter = letters().await[0].clone();
    assert_eq!(letter["state"], "deleted");
    let said = letter["attempts"].as_array().expect("attempts").last().expect("one").clone();
    assert!(said["error"].as_str().expect("why").contains("deleted"), "{said}");
}

/// Nobody follows the session on the instance that sends, and it hears nothing of the deletion.
#[tokio::test]
async fn what_was_deleted_and_not_heard_of_is_looked_at_again_before_it_is_sent() {
    let cluster = Cluster::of_with(2, &["--portal-allow", "127.0.0.1"]).await;
    let portal = Portal::start().await;
    desk::make(&cluster, "desk", &portal, json!({})).await;
    desk::open(&cluster, "s1", "desk", "ana").await;
    cluster.api("POST", "/v1/portals/desk/pause", &Value::Null).await;
    let mut seqs = vec![];
    for text in ["before", "a secret", "after"] {
        let said = cluster.api("POST", "/v1/rooms/s1/messages", &json!({ "from": "ana", "text": text })).await;
        seqs.push(said.json()["seq"].as_u64().expect("a seq"));
    }
    portal.is(Mood::Held);
    cluster.api("POST", "/v1/portals/desk/resume", &Value::Null).await;
    let began = Instant::now();
    while portal.held() == 0 {
        assert!(began.elapsed() < 6 * DEADLINE, "the portal is not asked");
        breathe().await;
    }
    let claimed = Instant::now();
    blanks_unheard(&cluster, "s1", seqs[1]).await;
    // Longer than what was read may be sent without being looked at.
    while claimed.elapsed() < hubbub_core::limits::WEBHOOK_READ_FOR + Duration::from_millis(200) {
        breathe().await;
    }
    portal.is(Mood::Well);
    desk::takes(&portal, "s1", &["before", "after"]).await;
    assert!(portal.arrivals().iter().all(|arrival| arrival.text() != "a secret"));
}

/// Somebody holds a session's room locked, and the log of another is full: a third goes on, and what waits in the two is not lost.
#[tokio::test]
async fn a_change_that_fails_holds_up_its_own_session_and_no_other() {
    let cluster = Cluster::of_with(1, &["--portal-allow", "127.0.0.1"]).await;
    let portal = Portal::start().await;
    let made = desk::make(&cluster, "desk", &portal, json!({})).await;
    let secret = made["incoming_secret"].as_str().expect("a secret").to_owned();
    let hook = async |id: &str, body: &Value| {
        portal::call(cluster.at(0), "desk", &secret, id, &body.to_string()).await.expect("an answer")
    };
    for session in ["s1", "s2", "s3"] {
        desk::open(&cluster, session, "desk", session).await;
        let says = json!({ "sessionId": session, "messageId": "a", "message": "first" });
        assert_eq!(hook(&format!("says-{session}"), &says).await.0, 200);
    }
    let (schema, url) = (cluster.schema(), Postgres::shared().url());
    let mut database = Vec::new();
    for _ in 0..2 {
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.expect("the database");
        tokio::spawn(connection);
        database.push(client);
    }
    let rooms = format!("{schema}.rooms");
    let full = format!("UPDATE {rooms} SET head = {} WHERE id = 's2'", hubbub_core::limits::SEQ_MAX);
    let head = format!("SELECT head FROM {rooms} WHERE id = 's2'");
    let before: i64 = database[1].query_one(&head, &[]).await.expect("a room").get(0);
    database[1].batch_execute(&full).await.expect("a full log");
    database[0].batch_execute(&format!("BEGIN; SELECT FROM {rooms} WHERE id = 's1' FOR UPDATE")).await.expect("a lock");
    // As an instance leaves them that has gone before it did them.
    let wait = format!(
        "INSERT INTO {schema}.portal_changes (portal, target, author, means, text, at, until)
         SELECT p.no, 'm:2:' || s || ':a', 'portal:desk/ada', 'edit', 'now', 0, 9000000000000
         FROM {schema}.portals p, unnest(ARRAY['s1', 's2', 's3']) s"
    );
    database[1].batch_execute(&wait).await.expect("changes");
    // Another one comes behind them.
    let early = json!({ "type": "message.edited", "sessionId": "s3", "messageId": "b", "message": "later" });
    assert_eq!(hook("early", &early).await.0, 202);
    shows(&cluster, "s3", &[Some("now")]).await;
    database[0].batch_execute("ROLLBACK").await.expect("the end of it");
    shows(&cluster, "s1", &[Some("now")]).await;
    let emptied = format!("UPDATE {rooms} SET head = {before} WHERE id = 's2'");
    database[1].batch_execute(&emptied).await.expect("room in the log");
    shows(&cluster, "s2", &[Some("now")]).await;
}

/// One webhook deletes several messages, and says one id for all of it.
#[tokio::test]
async fn all_that_one_webhook_deletes_is_deleted() {
    let each = |means: &str, at: &str| json!({ "means": means, "each": at, "session": "/in", "message_id": "/message", "event_id": "#/id" });
    let mut message = each("message", "/said");
    message["text"] = "/text".into();
    let desk = Desk::with(json!({ "mappings": [message, each("deletion", "/deleted")] })).await;
    desk.session("s1", "ana").await;
    let of = |n: u64| json!({ "in": "s1", "message": n, "text": format!("text {n}") });
    let said = json!({ "id": 1, "said": (1..=3).map(of).collect::<Vec<_>>() });
    assert_eq!(desk.answers("w1", &said).await.0, 200);
    shows(&desk.server, "s1", &[Some("text 1"), Some("text 2"), Some("text 3")]).await;
    let deleted = json!({ "id": 2, "deleted": [of(1), of(3)] });
    let first = desk.answers("w2", &deleted).await;
    assert_eq!((first.0, first.1["messages"].as_array().map(Vec::len)), (200, Some(2)), "{}", first.1);
    shows(&desk.server, "s1", &[None, Some("text 2"), None]).await;
    assert_eq!(desk.answers("w2 again", &deleted).await, first, "it is the same webhook");
    // What waits for its message does so by its own name.
    let early = json!({ "id": 3, "deleted": [of(4), of(5), of(2)] });
    let answer = desk.answers("w3", &early).await;
    assert_eq!((answer.0, &answer.1["awaited"]), (202, &json!(2)), "{}", answer.1);
    let late = json!({ "id": 4, "said": [of(4), of(5), of(6)] });
    assert_eq!(desk.answers("w4", &late).await.0, 200);
    shows(&desk.server, "s1", &[None, None, None, None, None, Some("text 6")]).await;
}
