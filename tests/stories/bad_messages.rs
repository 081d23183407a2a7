//! Numbers and times that cannot be, over rpc and REST; who is muted, shown; and many who react at once.

use crate::{
    cluster::{Cluster, breathe, print_times},
    http::Answer,
    messages_refusals::{House, does, in_seconds, says, told},
    person::Person,
    wire::DEADLINE,
};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// What is no number of ours, as JSON.
const NO_NUMBERS: [&str; 6] = ["-1", "1.5", "18446744073709551616", "1e30", "\"7\"", "[7]"];

/// Field and limit are named, and in no words of a library.
#[track_caller]
fn is_told_well(what: &str, field: &str, said: &str) {
    let said = said.trim_start_matches("bad request: ");
    let said = ["data", "path", "query", "body"]
        .iter()
        .fold(said, |said, part| said.strip_prefix(part).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(said));
    let named = said.starts_with(&format!("{field}: "));
    let limited = ["it is 1 to 1000", "it is null, or ", "it is a whole number, 0 to ", "nor a whole number, 0 to "];
    assert!(named && limited.iter().any(|limit| said.contains(limit)), "{what}: {said}");
    assert!(!["u64", "u32", "expected", "invalid", "at line"].iter().any(|word| said.contains(word)), "{what}: {said}");
}

/// `field` of `a.b.c` as an object that has just this.
fn object(field: &str, value: &str) -> Value {
    let value = serde_json::from_str(value).expect("JSON");
    field.rsplit('.').fold(value, |inner, name| json!({ name: inner }))
}

#[tokio::test]
async fn numbers_that_do_not_fit_are_told_by_field_and_limit() {
    let directory = tempfile::tempdir().unwrap();
    let house = House::new(Cluster::laptop(directory.path()).await).await;
    let before = house.head().await;
    let fields = [
        ("messages", "before limit around after"),
        ("thread", "root before limit around after"),
        ("pins", "before limit after"),
        ("message", "seq"),
        ("reactions", "target limit"),
        ("members", "limit"),
        ("rooms", "limit"),
        ("send", "reply_to thread"),
        ("edit", "target"),
        ("delete", "target"),
        ("react", "target"),
        ("unreact", "target"),
        ("pin", "target"),
        ("unpin", "target"),
        ("change_room", "settings.slow_mode settings.edit_window"),
    ];
    for (method, fields) in fields {
        for field in fields.split(' ') {
            for value in NO_NUMBERS {
                // Where a seq or an id may stand, a string is an id.
                if field == "after" && value == "\"7\"" {
                    continue;
                }
                let (code, message) = told(&house.ana, method, object(field, value)).await;
                assert_eq!(code, 107, "{method} {field} {value}: {message}");
                is_told_well(&format!("{method} {value}"), field, &message);
            }
        }
    }
    let document = house.cluster.api("GET", "/openapi.json", &Value::Null).await.json();
    let mut tried = 0;
    for (path, verbs) in document["paths"].as_object().expect("paths") {
        for (verb, operation) in verbs.as_object().expect("verbs") {
            tried += tries(&house, &document, path, verb, operation).await;
        }
    }
    assert!(tried > 100, "{tried} numbers were tried over REST");
    assert_eq!(house.head().await, before, "something was written");
}

/// Asks with numbers that are none, wherever this operation has one.
async fn tries(house: &House, document: &Value, path: &str, verb: &str, operation: &Value) -> usize {
    let none = Vec::new();
    let parameters = operation["parameters"].as_array().unwrap_or(&none);
    let is_number = |schema: &Value| schema["type"].to_string().contains("integer");
    let filled = |wrong: Option<&str>, value: &str| {
        let mut filled = path.to_owned();
        for parameter in parameters.iter().filter(|parameter| parameter["in"] == "path") {
            let name = parameter["name"].as_str().expect("a name");
            let fits = if is_number(&parameter["schema"]) { "1" } else { "general" };
            filled = filled.replace(&format!("{{{name}}}"), if wrong == Some(name) { value } else { fits });
        }
        filled
    };
    let verb = verb.to_uppercase();
    let ask = async |path: &str, body: &Value| -> Answer { house.cluster.api(&verb, path, body).await };
    let mut tried = 0;
    for parameter in parameters.iter().filter(|parameter| is_number(&parameter["schema"])) {
        let name = parameter["name"].as_str().expect("a name");
        for value in ["-1", "1.5", "18446744073709551616", "x", "1e3"] {
            let answer = match parameter["in"].as_str() {
                Some("path") => ask(&filled(Some(name), value), &json!({})).await,
                _ => ask(&format!("{}?{name}={value}", filled(None, "")), &json!({})).await,
            };
            assert_eq!(answer.status, 400, "{verb} {path} {name}={value}: {}", answer.text);
            is_told_well(&format!("{verb} {path} {value}"), name, answer.json()["detail"].as_str().expect("a detail"));
            tried += 1;
        }
    }
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    for field in numbers_of(document, body, 0) {
        for value in NO_NUMBERS {
            let answer = ask(&filled(None, ""), &object(&field, value)).await;
            assert_eq!(answer.status, 400, "{verb} {path} {field} {value}: {}", answer.text);
            let detail = answer.json()["detail"].as_str().expect("a detail").to_owned();
            is_told_well(&format!("{verb} {path} {value}"), &field, &detail);
            tried += 1;
        }
    }
    tried
}

/// The names of whole numbers in a schema, those within objects as `a.b`.
fn numbers_of(document: &Value, schema: &Value, depth: usize) -> Vec<String> {
    let schema = match schema["$ref"].as_str() {
        Some(name) => &document["components"]["schemas"][name.rsplit('/').next().expect("a name")],
        None => schema,
    };
    let none = Map::new();
    let mut all = Vec::new();
    for (name, property) in schema["properties"].as_object().unwrap_or(&none) {
        if property["type"].to_string().contains("\"integer\"") {
            all.push(name.clone());
        }
        // A setting that may be null stands in a list of what it may be.
        let several = property["oneOf"].as_array().into_iter().flatten();
        let inner = several.chain([property]).filter(|property| depth < 3 && property["$ref"].is_string());
        all.extend(
            inner.flat_map(|inner| numbers_of(document, inner, depth + 1)).map(|inner| format!("{name}.{inner}")),
        );
    }
    all
}

#[tokio::test]
async fn a_mute_ends_between_now_and_a_year_from_now() {
    let directory = tempfile::tempdir().unwrap();
    for cluster in [Cluster::laptop(directory.path()).await, Cluster::of(2).await] {
        let house = House::new(cluster).await;
        let before = house.head().await;
        let when = "until: between now and 366 days from now is expected";
        let what = "until: a time like 2026-01-31T09:30:00Z is expected, between now and 366 days from now";
        let day = 24 * 60 * 60;
        for (until, why) in [
            (in_seconds(-1), when),
            (in_seconds(-400 * day), when),
            ("1969-12-31T23:59:59Z".into(), when),
            ("0001-01-01T00:00:00Z".into(), when),
            (in_seconds(366 * day + 60), when),
            ("9999-01-01T00:00:00+14:00".into(), when),
            ("9999-12-31T23:59:59-23:00".into(), what),
            ("10000-01-01T00:00:00Z".into(), what),
            ("+292277026596-12-04T15:30:07Z".into(), what),
            ("2026-13-01T00:00:00Z".into(), what),
            ("2027-02-29T00:00:00Z".into(), what),
            ("2026-01-31T09:30:00+99:99".into(), what),
            ("2026-01-31".into(), what),
            ("1790000000".into(), what),
            (String::new(), what),
        ] {
            let (code, message) = told(&house.mo, "mute", json!({ "user": "ben", "until": until })).await;
            assert_eq!((code, message.trim_start_matches("bad request: ")), (107, why), "{until}");
            for from in ["", "?from=mo"] {
                let path = format!("/v1/rooms/general/members/ben/mute{from}");
                let answer = house.cluster.api("PUT", &path, &json!({ "until": until })).await;
                assert_eq!((answer.status, &answer.json()["detail"]), (422, &json!(why)), "{until}: {}", answer.text);
            }
        }
        for until in [json!(5), json!(1.5e12), json!(null), json!({})] {
            let (code, message) = told(&house.mo, "mute", json!({ "user": "ben", "until": until })).await;
            assert!(code == 107 && message.contains("until: "), "{until}: {message}");
            let answer =
                house.cluster.api("PUT", "/v1/rooms/general/members/ben/mute", &json!({ "until": until })).await;
            let detail = answer.json()["detail"].to_string();
            assert!([400, 422].contains(&answer.status) && detail.contains("until: "), "{until}: {}", answer.text);
        }
        assert_eq!(house.head().await, before);
    }
}

/// Who is muted, by rpc and by REST.
async fn lists_of_muted(house: &House) -> [Vec<(String, String)>; 2] {
    let by_rpc = house.rea.calls("members", json!({ "room": "general" })).await["rpc"]["data"].clone();
    let by_rest = house.cluster.api("GET", "/v1/rooms/general/members", &Value::Null).await.json();
    let of = |members: &Value| -> Vec<(String, String)> {
        let members = members["members"].as_array().unwrap_or_else(|| panic!("{members}")).clone();
        let word = |value: &Value| value.as_str().map(str::to_owned);
        members.iter().filter_map(|m| Some((word(&m["user"])?, word(&m["muted_until"])?))).collect()
    };
    [of(&by_rpc), of(&by_rest)]
}

/// Who is muted: both say the same.
async fn muted(house: &House) -> Vec<(String, String)> {
    let [by_rpc, by_rest] = lists_of_muted(house).await;
    assert_eq!(by_rpc, by_rest);
    by_rpc
}

#[tokio::test]
async fn members_show_who_is_muted_and_until_when() {
    let directory = tempfile::tempdir().unwrap();
    for cluster in [Cluster::laptop(directory.path()).await, Cluster::of(2).await] {
        let house = House::new(cluster).await;
        let (soon, later) = (in_seconds(3_600), in_seconds(7_200));
        assert_eq!(muted(&house).await, []);
        does(&house.mo, "mute", json!({ "user": "ben", "until": soon })).await;
        does(&house.ana, "mute", json!({ "user": "mo", "until": soon })).await;
        let pair = |user: &str, until: &str| (user.to_owned(), until.to_owned());
        assert_eq!(muted(&house).await, [pair("ben", &soon), pair("mo", &soon)]);
        does(&house.ana, "mute", json!({ "user": "ben", "until": later })).await;
        does(&house.ana, "unmute", json!({ "user": "mo" })).await;
        assert_eq!(muted(&house).await, [pair("ben", &later)]);
        // It outlives leaving and coming back; who has left is in no list.
        does(&house.ben, "leave", json!({})).await;
        assert_eq!(muted(&house).await, []);
        does(&house.ana, "set_role", json!({ "user": "ben", "role": "member" })).await;
        assert_eq!(muted(&house).await, [pair("ben", &later)]);
        // One that is over is none.
        does(&house.ana, "mute", json!({ "user": "ben", "until": in_seconds(2) })).await;
        let began = Instant::now();
        while lists_of_muted(&house).await.iter().any(|list| !list.is_empty()) {
            assert!(began.elapsed() < DEADLINE, "it does not end");
            breathe().await;
        }
        says(&house.ben, json!({ "text": "again" })).await;
    }
}

#[tokio::test]
async fn a_room_that_is_found_is_shown_as_its_finder_may_read_it() {
    let directory = tempfile::tempdir().unwrap();
    for cluster in [Cluster::laptop(directory.path()).await, Cluster::of(2).await] {
        let (ana, ben) = (cluster.person("ana", 0).await, cluster.person("ben", cluster.instances.len() - 1).await);
        let does = async |who: &Person, method: &str, data: Value| {
            let answer = who.calls(method, data).await;
            assert!(answer["rpc"]["data"].is_object(), "{method}: {answer}");
            answer["rpc"]["data"].clone()
        };
        let wanted = json!({ "id": "den", "kind": "private", "members": ["ben"] });
        let room = does(&ana, "create_room", wanted.clone()).await["id"].as_str().expect("an id").to_owned();
        let becomes = |user: &str| json!({ "room": room, "user": user, "role": "admin" });
        does(&ana, "set_role", becomes("ben")).await;
        does(&ana, "leave", json!({ "room": room })).await;
        let back = does(&ben, "set_role", becomes("ana")).await["seq"].clone();
        does(&ben, "change_room", json!({ "room": room, "settings": { "history_from": "joined" } })).await;
        let found = does(&ana, "create_room", wanted).await;
        assert!(found["id"] == *room && found["floor"] == back && found["role"] == "admin", "{back}: {found}");
        let of_all = cluster.api("GET", &format!("/v1/rooms/{room}"), &Value::Null).await.json();
        assert_eq!(of_all["floor"], 1, "the backend reads everything");
    }
}

#[tokio::test]
async fn ten_thousand_reactions_in_a_room_hold_up_nobody_elsewhere() {
    const PEOPLE: usize = 100;
    const WORDS: usize = 50;
    let directory = tempfile::tempdir().unwrap();
    for cluster in [Cluster::laptop(directory.path()).await, Cluster::of(2).await] {
        let last = cluster.instances.len() - 1;
        let names: Vec<String> = (0..PEOPLE).map(|n| format!("u{n}")).collect();
        cluster.room("party", "private", &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
        cluster.room("quiet", "private", &["ana", "ben"]).await;
        let (ana, ben) = (cluster.person("ana", 0).await, cluster.person("ben", last).await);
        ben.follows("quiet").await;
        let mut people = Vec::new();
        for (n, name) in names.iter().enumerate() {
            people.push(cluster.person(name, n % cluster.instances.len()).await);
        }
        let targets = [people[0].says("party", "one").await.seq, people[0].says("party", "two").await.seq];
        let began = Instant::now();
        let mut crowd = tokio::task::JoinSet::new();
        for who in people {
            crowd.spawn(async move {
                for n in 0..WORDS {
                    for target in targets {
                        let reaction = json!({ "room": "party", "target": target, "reaction": format!("r{n}") });
                        let answer = who.calls("react", reaction).await;
                        assert!(answer["rpc"]["data"]["seq"].is_u64(), "{answer}");
                    }
                }
            });
        }
        let mut times = Vec::new();
        while !crowd.is_empty() {
            let text = format!("quiet {}", times.len());
            let said = Instant::now();
            ana.says("quiet", &text).await;
            ben.hears("quiet", &text).await;
            times.push(said.elapsed());
            while let Some(done) = crowd.try_join_next() {
                done.expect("its reactions are taken");
            }
        }
        println!("{} reactions in {:.2?}", PEOPLE * WORDS * 2, began.elapsed());
        print_times("said and heard in another room meanwhile", Duration::from_secs(4), &mut times);
        let page = cluster.api("GET", "/v1/rooms/party/messages?limit=2", &Value::Null).await.json();
        for entry in page["entries"].as_array().expect("entries") {
            let counts: Vec<_> =
                entry["reactions"].as_array().expect("reactions").iter().map(|r| &r["count"]).collect();
            assert_eq!(counts, vec![&json!(PEOPLE); WORDS], "{entry}");
        }
    }
}
