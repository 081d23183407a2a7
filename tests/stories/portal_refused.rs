//! Webhooks that were verified and refused: kept for a while, and taken after all once what was wrong is mended.

use crate::{
    cluster::{API_KEY, Cluster, breathe, program},
    desk::{Desk, make, open},
    support::{
        portal::{self, Portal, sign, unix_now},
        postgres::Postgres,
    },
    wire::DEADLINE,
};
use hubbub_core::limits;
use serde_json::{Value, json};
use std::{collections::BTreeSet, net::SocketAddr, time::Instant};

/// A mapping that fits nothing that the portal sends.
fn wrong() -> Value {
    json!({ "mapping": { "session": "/s", "text": "/message/body", "message_id": "/id", "agent": "/by" } })
}

fn right(mut settings: Value) -> Value {
    settings["mapping"]["text"] = "/text".into();
    settings
}

async fn settings_of(server: &Cluster) -> Value {
    server.api("GET", "/v1/portals/desk", &Value::Null).await.json()["settings"].take()
}

async fn listed(server: &Cluster, instance: usize) -> Vec<Value> {
    let answer = server.instances[instance].api("GET", "/v1/portals/desk/refused?limit=1000", &Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["items"].as_array().expect("items").clone()
}

/// Waits until so many are kept.
async fn keeps(server: &Cluster, instance: usize, what: &str, is: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let kept = listed(server, instance).await;
        if is(&kept) {
            return kept;
        }
        assert!(began.elapsed() < 3 * DEADLINE, "{what}: {kept:?}");
        breathe().await;
    }
}

async fn sends(to: SocketAddr, secret: &str, id: &str, body: &Value) -> u16 {
    portal::call(to, "desk", secret, id, &body.to_string()).await.expect("an answer").0
}

async fn count(server: &Cluster, outcome: &str) -> u64 {
    let name = format!("hubbub_portal_refused_total{{portal=\"desk\",outcome=\"{outcome}\"}}");
    server.instances[0].counter(&name).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_instance_refused_is_mended_and_taken_by_another_once_and_in_order() {
    let cluster = Cluster::of_with(2, &["--portal-allow", "127.0.0.1"]).await;
    let portal = Portal::start().await;
    let secret = make(&cluster, "desk", &portal, wrong()).await["incoming_secret"].as_str().expect("one").to_owned();
    open(&cluster, "s1", "desk", "ana").await;
    let ana = cluster.person("ana", 0).await;
    ana.follows("s1").await;
    let said = |n: u64| json!({ "s": "s1", "text": format!("answer {n}"), "id": n, "by": "Ada" });
    for n in 0..6 {
        assert_eq!(sends(cluster.at(0), &secret, &format!("w{n}"), &said(n)).await, 422);
    }
    assert_eq!(sends(cluster.at(0), &secret, "w3", &said(3)).await, 422, "a repeat");
    let kept = keeps(&cluster, 1, "six, one of them twice", |kept| {
        kept.len() == 6 && kept.iter().filter_map(|one| one["times"].as_u64()).sum::<u64>() == 7
    })
    .await;
    assert_eq!((&kept[3]["times"], &kept[3]["status"], &kept[3]["code"]), (&json!(2), &json!(422), &json!("unmapped")));
    assert!(kept[3]["why"].as_str().is_some_and(|why| why.contains("/message/body")), "{kept:?}");
    let seen = cluster.instances[1].api("GET", "/v1/portals/desk", &Value::Null).await.json();
    assert_eq!(seen["refused_hooks"], 6);

    // Replayed before it is mended: refused again, by the reason that there is now.
    let mut settings = settings_of(&cluster).await;
    settings["mapping"]["text"] = "/somewhere".into();
    assert_eq!(cluster.api("PUT", "/v1/portals/desk", &settings).await.status, 200);
    let path = format!("/v1/portals/desk/refused/{}/replay", kept[0]["number"]);
    let again = cluster.instances[1].api("POST", &path, &Value::Null).await;
    assert_eq!((again.status, &again.json()["outcome"]), (200, &json!("refused")), "{}", again.text);
    let kept = keeps(&cluster, 0, "still six", |kept| kept.len() == 6).await;
    assert!(kept[0]["why"].as_str().is_some_and(|why| why.contains("/somewhere")), "{kept:?}");
    assert_eq!(kept[0]["times"], 1);

    // Mended. The portal sends again what we refused, while two operators replay on either instance.
    assert_eq!(cluster.api("PUT", "/v1/portals/desk", &right(settings)).await.status, 200);
    let repeats = async {
        let began = Instant::now();
        // Instances read settings anew every two seconds.
        while sends(cluster.at(0), &secret, "w5", &said(5)).await != 200 {
            assert!(began.elapsed() < DEADLINE, "the settings are not read");
        }
    };
    let replays =
        async |n: usize| cluster.instances[n].api("POST", "/v1/portals/desk/refused/replay", &json!({})).await.json();
    let (first, second, ()) = tokio::join!(replays(1), replays(0), repeats);
    assert!(first["next"].is_null() && second["next"].is_null(), "{first} {second}");
    assert_eq!((&first["refused"], &second["refused"]), (&json!(0), &json!(0)), "{first} {second}");
    // A repeat that was refused just now may have been written down behind them.
    let began = Instant::now();
    while !listed(&cluster, 0).await.is_empty() {
        replays(1).await;
        assert!(began.elapsed() < 3 * DEADLINE, "something stays");
    }
    ana.hears("s1", "answer 5").await;
    let log = cluster.verify("s1", &[&ana]).await;
    let texts: Vec<&str> = log.iter().filter_map(|entry| entry["text"].as_str()).collect();
    assert_eq!(texts.len(), 6, "each once: {texts:?}");
    let in_order: Vec<String> = (0..5).map(|n| format!("answer {n}")).collect();
    let others: Vec<&&str> = texts.iter().filter(|text| **text != "answer 5").collect();
    assert_eq!(others, in_order.iter().map(String::as_str).collect::<Vec<_>>().iter().collect::<Vec<_>>());
    assert_eq!(log.iter().find(|entry| entry["text"] == "answer 0").expect("one")["from"], "portal:desk/Ada");
    assert_eq!(cluster.instances[0].api("POST", &path, &Value::Null).await.json()["code"], "unknown_hook");
}

/// Nothing tells repeats of it but the number that it is kept by.
#[tokio::test]
async fn a_webhook_without_any_id_is_replayed_once_by_two_at_once() {
    let desk = Desk::with(json!({
        "verify": { "scheme": "bearer" },
        "mapping": { "session": "/s", "text": "/t" },
    }))
    .await;
    desk.session("s1", "ana").await;
    let bearer = |kind: &str| format!("content-type: {kind}\r\nauthorization: Bearer {}\r\n", desk.incoming);
    let body = json!({ "s": "s2", "t": "ok" }).to_string();
    for _ in 0..3 {
        assert_eq!(desk.posts(&bearer("application/json"), &body).await.0, 404);
    }
    let kept = keeps(&desk.server, 0, "one, three times", |kept| kept.len() == 1 && kept[0]["times"] == 3).await;
    desk.session("s2", "ben").await;
    let path = format!("/v1/portals/desk/refused/{}/replay", kept[0]["number"]);
    let replay = async || desk.api("POST", &path, &Value::Null).await;
    let (one, two) = tokio::join!(replay(), replay());
    assert!(one.status == 200 || two.status == 200, "{} {}", one.text, two.text);
    assert_eq!(desk.log("s2").await, [("portal:desk".to_owned(), "ok".to_owned())]);
    assert!(listed(&desk.server, 0).await.is_empty());
    // By its own secret it says nothing of it.
    let text = "text/html";
    assert_eq!(desk.posts(&bearer(text), &body).await.0, 415);
    let kept = keeps(&desk.server, 0, "one", |kept| kept.len() == 1).await;
    let shown = desk.api("GET", &format!("/v1/portals/desk/refused/{}", kept[0]["number"]), &Value::Null).await;
    assert_eq!(shown.json()["headers"], json!({ "content-type": text }), "{}", shown.text);
    assert_eq!(shown.json()["body"], body.as_str());
    assert!(!shown.text.contains(&desk.incoming), "a secret is kept");
}

#[tokio::test]
async fn only_what_was_verified_and_refused_for_good_is_kept_and_with_no_secret() {
    let settings = json!({
        "unknown_session": "reject",
        "external_conflict": "refuse",
        "mapping": { "session": "/s?", "external": "/c?", "text": "/t", "require": { "/kind": ["said"] } },
        "challenges": [{ "when": { "/kind": ["hello"] }, "reply": "/word" }],
    });
    let mut settings = settings;
    settings["mapping"]["session"] = "/s".into();
    let desk = Desk::with(settings).await;
    desk.session("s1", "ana").await;
    let signed = |secret: &str, id: &str, at: i64, kind: &str, body: &str| {
        let signature = sign(secret, id, at, body);
        format!(
            "content-type: {kind}\r\nwebhook-id: {id}\r\nwebhook-timestamp: {at}\r\nwebhook-signature: {signature}\r\n\
             authorization: Basic c2VjcmV0\r\ncookie: secret\r\nx-other: secret\r\n"
        )
    };
    let posts = async |headers: String, body: &str| desk.posts(&headers, body).await.0;
    let (now, secret) = (unix_now(), desk.incoming.as_str());
    let json = "application/json";
    let good = json!({ "kind": "said", "s": "nobody", "t": "hi" }).to_string();
    // Who has not shown that they are the portal.
    let strange = format!("whsec_{}", "A".repeat(43) + "=");
    assert_eq!(posts(signed(&strange, "a", now, json, &good), &good).await, 401);
    assert_eq!(posts(signed(secret, "a", now - 400, json, &good), &good).await, 401);
    assert_eq!(posts(signed(secret, "a", now, json, "{}"), &good).await, 401);
    // Before anything is verified; and what is nobody's message.
    let long = "x".repeat(limits::HOOK_BYTES + 1);
    assert_eq!(posts(signed(secret, "a", now, json, &long), &long).await, 413);
    assert_eq!(posts(format!("{}content-encoding: gzip\r\n", signed(secret, "a", now, json, &good)), &good).await, 415);
    let challenge = json!({ "kind": "hello" }).to_string();
    assert_eq!(posts(signed(secret, "a", now, json, &challenge), &challenge).await, 422);
    let filtered = json!({ "kind": "seen", "s": "nobody" }).to_string();
    assert_eq!(posts(signed(secret, "a", now, json, &filtered), &filtered).await, 200);

    let said = |t: Value| json!({ "kind": "said", "s": "s1", "t": t }).to_string();
    let refused = [
        (404, json, good.clone()),
        (415, "text/html", said(json!("hi"))),
        (400, json, "{\"kind\":\"said\",".to_owned()),
        (422, json, said(json!(""))),
        (422, json, said(json!("x".repeat(limits::TEXT_BYTES + 1)))),
        (422, json, json!({ "kind": "said", "t": "hi" }).to_string()),
    ];
    for (n, (status, kind, body)) in refused.iter().enumerate() {
        assert_eq!(posts(signed(secret, &format!("k{n}"), now, kind, body), body).await, *status, "{body}");
    }
    let kept = keeps(&desk.server, 0, "all", |kept| kept.len() == refused.len()).await;
    for (kept, (n, (status, kind, body))) in kept.iter().zip(refused.iter().enumerate()) {
        assert_eq!(kept["status"], *status, "{kept}");
        assert_eq!(kept["headers"], json!({ "content-type": kind, "webhook-id": format!("k{n}") }));
        let path = format!("/v1/portals/desk/refused/{}", kept["number"]);
        let shown = desk.api("GET", &path, &Value::Null).await;
        assert_eq!(shown.json()["body"], body.as_str());
        assert!(!shown.text.contains("secret") && !shown.text.contains("c2Vj"), "{}", shown.text);
    }
    assert_eq!(count(&desk.server, "kept").await, refused.len() as u64);
    // By now it is a question, to which nobody waits for the answer.
    let mut settings = settings_of(&desk.server).await;
    settings["challenges"] = json!([{ "when": { "/kind": ["said"] }, "reply": "/t" }]);
    assert_eq!(desk.api("PUT", "/v1/portals/desk", &settings).await.status, 200);
    let path = format!("/v1/portals/desk/refused/{}/replay", kept[0]["number"]);
    let replayed = desk.api("POST", &path, &Value::Null).await.json();
    assert_eq!((&replayed["outcome"], &replayed["passed_over"]), (&json!("taken"), &json!(1)), "{replayed}");
}

/// A portal that sends nothing that fits, as fast as it can: what is kept of it is bounded, and another portal is served.
#[tokio::test]
async fn a_flood_of_refused_webhooks_keeps_to_its_bounds_and_delays_nobody() {
    let desk = Desk::with(wrong()).await;
    let quiet = make(&desk.server, "quiet", &desk.portal, json!({})).await;
    let quiet = quiet["incoming_secret"].as_str().expect("a secret");
    open(&desk.server, "s1", "quiet", "ana").await;
    let sent = 600;
    let flood = async {
        let send = async |n: usize| {
            let body = json!({ "s": "nobody", "id": n, "filling": "x".repeat(20_000) });
            assert_eq!(desk.answers(&format!("f{n}"), &body).await.0, 422);
        };
        for part in (0..sent).collect::<Vec<_>>().chunks(30) {
            futures_util::future::join_all(part.iter().map(|n| send(*n))).await;
        }
    };
    let honest = async {
        for n in 0..40 {
            let body = json!({ "sessionId": "s1", "message": format!("{n}"), "messageId": n }).to_string();
            let answer = portal::call(desk.server.at(0), "quiet", quiet, &format!("q{n}"), &body).await;
            assert_eq!(answer.expect("an answer").0, 200);
        }
    };
    tokio::join!(flood, honest);
    assert_eq!(desk.log("s1").await.len(), 40);
    let began = Instant::now();
    loop {
        let (kept, dropped) = (count(&desk.server, "kept").await, count(&desk.server, "dropped").await);
        if kept + dropped == sent as u64 {
            println!("of {sent} refused webhooks {kept} were kept, {dropped} gave way");
            assert!(dropped > 0, "each was written down");
            break;
        }
        assert!(began.elapsed() < 3 * DEADLINE, "{kept} kept, {dropped} dropped");
        breathe().await;
    }
    let kept = keeps(&desk.server, 0, "what was kept", |kept| !kept.is_empty()).await;
    let last = kept.iter().filter_map(|one| one["headers"]["webhook-id"].as_str()).collect::<BTreeSet<_>>();
    assert!(last.contains("f599"), "the newest is kept");
    assert!(kept.len() <= limits::REFUSED_HOOKS);
}

/// Whoever keeps waits for the database; the portal is answered, and what is refused is kept later.
#[tokio::test(flavor = "multi_thread")]
async fn the_answer_waits_for_no_keeping() {
    let cluster = Cluster::of_with(1, &["--portal-allow", "127.0.0.1"]).await;
    let portal = Portal::start().await;
    let secret =
        make(&cluster, "desk", &portal, right(wrong())).await["incoming_secret"].as_str().expect("one").to_owned();
    open(&cluster, "s1", "desk", "ana").await;
    let (client, connection) =
        tokio_postgres::connect(&Postgres::shared().url(), tokio_postgres::NoTls).await.expect("Postgres");
    tokio::spawn(connection);
    let lock = format!("BEGIN; LOCK TABLE {}.refused_hooks IN ACCESS EXCLUSIVE MODE", cluster.schema());
    client.batch_execute(&lock).await.expect("a lock");
    for n in 0..5 {
        let refused = json!({ "s": "s1", "id": n });
        assert_eq!(sends(cluster.at(0), &secret, &format!("r{n}"), &refused).await, 422);
        let good = json!({ "s": "s1", "id": format!("g{n}"), "text": format!("{n}") });
        assert_eq!(sends(cluster.at(0), &secret, &format!("g{n}"), &good).await, 200);
    }
    client.batch_execute("COMMIT").await.expect("unlocked");
    keeps(&cluster, 0, "all five", |kept| kept.len() == 5).await;
}

/// What was refused a moment before an instance goes is written down first.
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_goes_leaves_none_behind_and_a_deleted_portal_no_trace() {
    let mut cluster = Cluster::of_with(2, &["--portal-allow", "127.0.0.1"]).await;
    let portal = Portal::start().await;
    let secret = make(&cluster, "desk", &portal, wrong()).await["incoming_secret"].as_str().expect("one").to_owned();
    for n in 0..20 {
        let body = json!({ "s": "s1", "id": n });
        assert_eq!(sends(cluster.at(0), &secret, &format!("w{n}"), &body).await, 422);
    }
    cluster.stop(0).await;
    assert_eq!(listed(&cluster, 1).await.len(), 20);
    let one = &cluster.instances[1];
    assert_eq!(one.api("DELETE", "/v1/portals/desk", &Value::Null).await.status, 200);
    let (client, connection) =
        tokio_postgres::connect(&Postgres::shared().url(), tokio_postgres::NoTls).await.expect("Postgres");
    tokio::spawn(connection);
    let sql = format!("SELECT count(*) FROM {}.refused_hooks", cluster.schema());
    assert_eq!(client.query_one(&sql, &[]).await.expect("a count").get::<_, i64>(0), 0);
}

#[tokio::test]
async fn refused_webhooks_are_looked_after_from_a_shell() {
    let desk = Desk::with(wrong()).await;
    desk.session("s1", "ana").await;
    let server = format!("http://{}", desk.server.at(0));
    let does = async |command: &str| {
        let mut arguments: Vec<&str> = command.split(' ').collect();
        arguments.extend(["--server", &server, "--api-key", API_KEY]);
        program(&arguments).await
    };
    let said = async |command: &str| {
        let (done, out, errors) = does(command).await;
        assert!(done, "{command}: {errors}");
        out
    };
    assert!(!said("portals list").await.contains("refused"));
    for n in 0..3 {
        assert_eq!(
            desk.answers(&format!("w{n}"), &json!({ "s": "s1", "text": format!("no {n}"), "id": n })).await.0,
            422
        );
    }
    let kept = keeps(&desk.server, 0, "three", |kept| kept.len() == 3).await;
    let number = |n: usize| kept[n]["number"].to_string();
    let list = said("portals list").await;
    assert!(list.contains("3 of its webhooks were refused: hubbub refused list --portal desk"), "{list}");
    let list = said("refused list --portal desk").await;
    assert!(list.starts_with("NUMBER") && list.contains("422") && list.contains("/message/body"), "{list}");
    assert!(said(&format!("refused show --portal desk {}", number(1))).await.contains("no 1"));
    let (done, out, errors) = does(&format!("refused replay --portal desk {}", number(0))).await;
    assert!(!done && out.contains("refused again with 422") && errors.contains("stays"), "{out} {errors}");
    let (done, _, errors) = does("refused replay --portal desk").await;
    assert!(!done && errors.contains("--all"), "{errors}");
    let (done, _, errors) = does(&format!("portals explain desk --refused {}", number(0))).await;
    assert!(!done && errors.contains("/message/body"), "{errors}");

    let settings = right(settings_of(&desk.server).await);
    assert_eq!(desk.api("PUT", "/v1/portals/desk", &settings).await.status, 200);
    let explained = said(&format!("portals explain desk --refused {}", number(0))).await;
    assert!(explained.contains("no 0"), "{explained}");
    assert!(said(&format!("refused discard --portal desk {}", number(2))).await.contains("is gone"));
    let replayed = said("refused replay --portal desk --all").await;
    assert!(replayed.contains("seq 3 of s1") && replayed.contains("2 were taken, 0 were refused again"), "{replayed}");
    let texts: Vec<String> = desk.log("s1").await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["no 0", "no 1"]);
    assert!(said("refused discard --portal desk --all").await.starts_with("0 webhooks"));
    let (done, _, errors) = does("refused show --portal desk 1").await;
    assert!(!done && errors.contains("no refused webhook of this number"), "{errors}");
}
