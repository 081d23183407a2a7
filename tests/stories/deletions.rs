//! What was deleted is given to nobody who asks after that: out of no ring, no page in memory, and no page that was being read.

use crate::{
    cluster::{Cluster, breathe, print_times},
    person::Person,
    support::postgres::Postgres,
    wire::{DEADLINE, Wire},
};
use hubbub_core::limits;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What is promised of other instances.
const ELSEWHERE: Duration = Duration::from_secs(2);

async fn does(who: &Person, room: &str, method: &str, mut data: Value) -> u64 {
    data["room"] = room.into();
    let answer = who.calls(method, data).await;
    answer["rpc"]["data"]["seq"].as_u64().unwrap_or_else(|| panic!("{method}: {answer}"))
}

/// Says a secret and says it otherwise; returns its number. Everything that holds it has this word in it.
async fn tells(ana: &Person, room: &str, secret: &str) -> u64 {
    let target = does(ana, room, "send", json!({ "text": format!("it is {secret}") })).await;
    does(ana, room, "edit", json!({ "target": target, "text": format!("no, it was {secret}") })).await;
    target
}

/// Fills the first page of the log: one that is not full is read again by whoever goes on from its end.
async fn talks_of_the_weather(ana: &Person, room: &str) {
    while does(ana, room, "send", json!({ "text": "the weather" })).await <= limits::CATCH_UP_PAGE as u64 {}
}

/// Whatever a reader of this instance is given who comes back after the entry `from`: lines, up to the head.
async fn reads(cluster: &Cluster, n: usize, room: &str, user: &str, from: u64) -> (Wire, String) {
    let found = cluster.api("GET", &format!("/v1/rooms/{room}"), &Value::Null).await.json();
    let head = found["head"].as_u64().expect("a head");
    let mut wire = Wire::of(cluster.at(n), user).await;
    let asked = json!({ "channel": format!("room:{room}"), "recover": true, "offset": from, "epoch": found["epoch"] });
    let answer = wire.asks(json!({ "id": 2, "subscribe": asked })).await;
    assert_eq!(answer["subscribe"]["recovered"], true, "{answer}");
    let publications = answer["subscribe"]["publications"].as_array().cloned().unwrap_or_default();
    let mut at = publications.last().map_or(from, |last| last["offset"].as_u64().expect("an offset"));
    let mut all = answer.to_string();
    while at < head {
        let line = wire.line().await;
        at = line["push"]["pub"]["offset"].as_u64().unwrap_or(at);
        all.push_str(&line.to_string());
    }
    (wire, all)
}

/// Reads until nothing of it is there any more; says how long that took since `since`.
async fn forgets(cluster: &Cluster, n: usize, from: u64, secret: &str, since: Instant) -> Duration {
    loop {
        let asked = Instant::now();
        let (_, all) = reads(cluster, n, "general", "ben", from).await;
        if !all.contains(secret) {
            assert!(all.contains("weather") && all.contains("gone"), "{all}");
            return asked - since;
        }
        assert!(since.elapsed() < DEADLINE, "instance {n} still tells what was deleted: {all}");
        breathe().await;
    }
}

#[tokio::test]
async fn a_deleted_text_is_given_to_nobody_who_asks_after_the_deletion() {
    let cluster = Cluster::of(2).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    let mut secrets = Vec::new();
    for run in 0..10 {
        let secret = format!("secret-{run}-");
        secrets.push((tells(&ana, "general", &secret).await, secret));
    }
    talks_of_the_weather(&ana, "general").await;
    let mut times = Vec::new();
    for (run, (target, secret)) in secrets.into_iter().enumerate() {
        // In the rings of both, since both follow; and in pages of both, since the rings begin later.
        let mut held = Vec::new();
        for n in 0..2 {
            for from in [0, target - 1] {
                let (wire, all) = reads(&cluster, n, "general", "ben", from).await;
                assert!(all.contains(&format!("it is {secret}")) && all.contains(&format!("it was {secret}")), "{all}");
                held.push(wire);
            }
        }
        if run % 2 == 1 {
            // Nobody tells the other.
            cluster.instances[0].redis.as_ref().unwrap().swallow(1);
        }
        does(&ana, "general", "delete", json!({ "target": target })).await;
        let deleted = Instant::now();
        for from in [0, target - 1] {
            let (_, all) = reads(&cluster, 0, "general", "ben", from).await;
            assert!(!all.contains(&secret), "by the instance that deleted it: {all}");
        }
        for (n, person) in [(0, &ana), (1, &ben)] {
            let asked = json!({ "room": "general", "after": 0, "limit": 1000 });
            let now = person.calls("messages", asked).await.to_string();
            assert!(!now.contains(&secret) && now.contains("weather"), "a page of instance {n}: {now}");
        }
        for from in [0, target - 1] {
            times.push(forgets(&cluster, 1, from, &secret, deleted).await);
        }
    }
    print_times("deleted, forgotten by the other instance after", ELSEWHERE, &mut times);
}

#[tokio::test]
async fn whoever_is_told_that_a_message_was_deleted_already_is_told_so_by_an_instance_that_has_forgotten_it() {
    let cluster = Cluster::of(2).await;
    let (ana, ben) = cluster.ana_and_ben().await;
    let other_device = cluster.person("ana", 1).await;
    for run in 0..20 {
        let secret = format!("secret-{run}-");
        let target = tells(&ana, "general", &secret).await;
        ben.has_read("general", does(&ana, "general", "send", json!({ "text": "the weather" })).await).await;
        let (_, all) = reads(&cluster, 1, "general", "ben", target - 1).await;
        assert!(all.contains(&secret), "{all}");
        // Nobody tells the other instance.
        cluster.instances[0].redis.as_ref().unwrap().swallow(1);
        let asked = json!({ "room": "general", "target": target, "key": format!("delete {run}") });
        let deletion = ana.calls("delete", asked.clone()).await["rpc"]["data"]["seq"].clone();
        // A retry, or a deletion that comes second.
        let again = if run % 2 == 0 { asked } else { json!({ "room": "general", "target": target }) };
        let answer = other_device.calls("delete", again).await;
        let expected = if run % 2 == 0 { deletion } else { Value::Null };
        assert_eq!(answer["rpc"]["data"]["seq"], expected, "{answer}");
        let (_, all) = reads(&cluster, 1, "general", "ben", target - 1).await;
        assert!(!all.contains(&secret), "run {run}: {all}");
    }
}

#[tokio::test]
async fn pages_of_a_room_that_nobody_follows_any_more_are_forgotten_without_being_told() {
    let cluster = Cluster::of(2).await;
    cluster.room("general", "private", &["ana", "ben"]).await;
    let ana = cluster.person("ana", 0).await;
    let target = tells(&ana, "general", "secret").await;
    talks_of_the_weather(&ana, "general").await;
    let (wire, all) = reads(&cluster, 1, "general", "ben", 0).await;
    assert!(all.contains("secret"), "{all}");
    drop(wire);
    let subscribed = Instant::now();
    while cluster.instances[1].counter("hubbub_subscriptions").await > 0 {
        assert!(subscribed.elapsed() < DEADLINE, "somebody still follows");
        breathe().await;
    }
    cluster.instances[0].redis.as_ref().unwrap().gag(true);
    does(&ana, "general", "delete", json!({ "target": target })).await;
    let mut times = [forgets(&cluster, 1, 0, "secret", Instant::now()).await];
    print_times("deleted in a room that nobody follows there, forgotten after", ELSEWHERE, &mut times);
}

#[tokio::test]
async fn a_page_that_is_read_while_a_message_is_deleted_is_kept_for_nobody() {
    let cluster = Cluster::of(2).await;
    let ana = cluster.person("ana", 0).await;
    let (client, connection) =
        tokio_postgres::connect(&Postgres::shared().url(), tokio_postgres::NoTls).await.expect("Postgres");
    tokio::spawn(connection);
    let mut overtaken = 0;
    for run in 0..3 {
        let room = format!("room-{run}");
        cluster.room(&room, "private", &["ana", "ben"]).await;
        let target = tells(&ana, &room, "secret").await;
        // The ring of Ben's instance begins here: whoever comes back there reads a page.
        let ben = cluster.person("ben", 1).await;
        ben.follows(&room).await;
        let postgres = cluster.instances[1].postgres.as_ref().unwrap();
        let began = client.query_one("SELECT clock_timestamp()::text", &[]).await.expect("a time").get::<_, String>(0);
        let pages = cluster.instances[1].counter("hubbub_log_reads_total").await;
        postgres.delay(Duration::from_millis(100));
        let overtaking = async {
            let asked = Instant::now();
            // The question is on its way: its answer is held.
            while cluster.instances[1].counter("hubbub_log_reads_total").await == pages {
                assert!(asked.elapsed() < DEADLINE, "no page is read");
                breathe().await;
            }
            postgres.mute();
            // It was answered before the deletion.
            let page =
                "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle' AND query_start > $1::text::timestamptz
                AND query LIKE '%entries belong together%' AND query LIKE '%' || $2 || '%'";
            let schema = format!("\"{}\".", cluster.schema());
            while client.query_one(page, &[&began, &schema]).await.expect("a count").get::<_, i64>(0) == 0 {
                assert!(asked.elapsed() < DEADLINE, "the page is not read");
                breathe().await;
            }
            let deletion = does(&ana, &room, "delete", json!({ "target": target })).await;
            ben.has_read(&room, deletion).await;
            postgres.mend();
        };
        let ((wire, all), ()) = tokio::join!(reads(&cluster, 1, &room, "ben", 0), overtaking);
        postgres.delay(Duration::ZERO);
        overtaken += u32::from(all.contains("secret"));
        // Whoever read that page asked before. Whoever asks now asks after.
        let (_, again) = reads(&cluster, 1, &room, "ben", 0).await;
        assert!(!again.contains("secret"), "run {run}: {again}");
        drop((wire, ben));
    }
    assert!(overtaken > 0, "no deletion overtook a page");
}
