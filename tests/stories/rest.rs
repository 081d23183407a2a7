//! The API for the product's backend.

use crate::{
    cluster::{API_KEY, Cluster, Instance},
    http::{self, Answer},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, net::SocketAddr};

/// A problem document with this status and code, whose detail names these.
fn is_problem(answer: &Answer, status: u16, code: &str, names: &[&str]) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.kind, "application/problem+json", "{}", answer.text);
    let problem = answer.json();
    assert_eq!((&problem["status"], &problem["code"]), (&json!(status), &json!(code)), "{problem}");
    assert!(problem["title"].is_string(), "{problem}");
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(names.iter().all(|name| detail.contains(name)), "{detail}");
}

/// A request whose body is sent as it is.
async fn raw(addr: SocketAddr, method: &str, path: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {API_KEY}");
    http::ask(addr, method, path, &[("authorization", &bearer)], body).await.expect("an answer")
}

async fn sends(instance: &Instance, key: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {API_KEY}");
    let headers = [("authorization", &*bearer), ("idempotency-key", key)];
    let path = "/v1/rooms/general/messages";
    http::ask(instance.addr, "POST", path, &headers, &body.to_string()).await.expect("an answer")
}

#[tokio::test]
async fn the_openapi_document_lists_every_path_that_answers() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop(directory.path()).await;
    let answer = http::ask(cluster.at(0), "GET", "/openapi.json", &[], "").await.unwrap();
    assert_eq!((answer.status, &*answer.kind), (200, "application/json"));
    let document = answer.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3."), "{}", document["openapi"]);
    let scheme = &document["components"]["securitySchemes"]["api_key"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&json!("http"), &json!("bearer")));
    assert_eq!(document["security"], json!([{ "api_key": [] }]));
    let listed: BTreeSet<(&str, &str)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(move |method| (&**path, &**method)))
        .filter(|(path, _)| path.starts_with("/v1/"))
        .collect();
    let known = [
        ("/v1/rooms", "post"),
        ("/v1/rooms/{room}", "get"),
        ("/v1/rooms/{room}", "patch"),
        ("/v1/rooms/{room}/members", "get"),
        ("/v1/rooms/{room}/members", "put"),
        ("/v1/rooms/{room}/members/{user}", "delete"),
        ("/v1/rooms/{room}/members/{user}", "put"),
        ("/v1/rooms/{room}/messages", "get"),
        ("/v1/rooms/{room}/messages", "post"),
        ("/v1/users/{user}", "get"),
        ("/v1/users/{user}", "put"),
        ("/v1/users/{user}/disconnect", "post"),
        ("/v1/users/{user}/notify", "post"),
        ("/v1/users/{user}/rooms", "get"),
    ];
    let missing: Vec<_> = known.iter().filter(|route| !listed.contains(route)).collect();
    assert!(missing.is_empty(), "not in the document: {missing:?}");
    // Whatever it lists is there, and asks for the key first.
    for (path, method) in listed {
        let (path, method) = (path.replace(['{', '}'], ""), method.to_uppercase());
        let answer = http::ask(cluster.at(0), &method, &path, &[], "").await.unwrap();
        is_problem(&answer, 401, "unauthorized", &["Bearer"]);
        let answer = raw(cluster.at(0), &method, &path, "{").await;
        assert!(![401, 405, 500, 503].contains(&answer.status), "{method} {path}: {}", answer.text);
        assert!(!answer.text.contains("unknown_path"), "{method} {path}: {}", answer.text);
    }
}

#[tokio::test]
async fn without_the_key_nothing_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop(directory.path()).await;
    cluster.room("general", "open", &["ana"]).await;
    let (short, long) = (format!("Bearer {}", &API_KEY[1..]), format!("Bearer {API_KEY}x"));
    let basic = format!("Basic {API_KEY}");
    for authorization in ["", "Bearer", "Bearer ", &basic, &short, &long, "Bearer \u{fc}", API_KEY] {
        for path in ["/v1/rooms/general", "/v1/rooms/nowhere", "/v1/nothing", "/v1/"] {
            let headers = [("authorization", authorization)];
            let headers = if authorization.is_empty() { &headers[..0] } else { &headers };
            let answer = http::ask(cluster.at(0), "GET", path, headers, "").await.unwrap();
            is_problem(&answer, 401, "unauthorized", &["Bearer"]);
        }
    }
}

#[tokio::test]
async fn a_room_is_made_once_and_its_members_in_hundreds() {
    let cluster = Cluster::of(1).await;
    let room = json!({ "id": "general", "kind": "private", "name": "General", "members": [{ "user": "ana", "role": "admin" }] });
    let made = cluster.api("POST", "/v1/rooms", &room).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let again = cluster.api("POST", "/v1/rooms", &room).await;
    assert_eq!((again.status, again.json()), (200, made.json()));
    let other = cluster.api("POST", "/v1/rooms", &json!({ "id": "general", "kind": "open" })).await;
    is_problem(&other, 409, "room_exists", &[]);
    let renamed = cluster.api("PATCH", "/v1/rooms/general", &json!({ "name": "Allgemein" })).await;
    assert_eq!((renamed.status, renamed.json()["seq"].as_u64()), (200, Some(2)));
    let shown = cluster.api("GET", "/v1/rooms/general", &Value::Null).await.json();
    assert_eq!((&shown["name"], &shown["head"], &shown["kind"]), (&json!("Allgemein"), &json!(2), &json!("private")));

    for nothing in [json!({}), json!({ "role": null })] {
        let answer = cluster.api("PUT", "/v1/rooms/general/members/ana", &nothing).await;
        is_problem(&answer, 422, "invalid", &["role: missing"]);
    }
    let member = json!({ "role": "member" });
    let one = cluster.api("PUT", "/v1/rooms/general/members/ben", &member).await;
    assert_eq!((&one.json()["room"], &one.json()["seq"]), (&json!("general"), &json!(3)));
    let again = cluster.api("PUT", "/v1/rooms/general/members/ben", &member).await;
    assert_eq!(again.json(), json!({ "room": "general" }), "made twice");
    let somebody = |n: usize| json!({ "user": format!("user-{n:04}"), "role": "member" });
    let crowd = |n: usize| -> Vec<Value> { (0..n).map(somebody).collect() };
    let many = cluster.api("PUT", "/v1/rooms/general/members", &json!({ "members": crowd(1001) })).await;
    is_problem(&many, 422, "invalid", &["members", "1001", "1000"]);
    let many = cluster.api("PUT", "/v1/rooms/general/members", &json!({ "members": crowd(1000) })).await.json();
    let seqs: Vec<u64> = many["results"].as_array().unwrap().iter().map(|r| r["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (4..1004).collect::<Vec<u64>>());
    let many = json!({ "id": "crowd", "kind": "open", "members": crowd(1001) });
    is_problem(&cluster.api("POST", "/v1/rooms", &many).await, 422, "invalid", &["members", "1001", "1000"]);
    assert_eq!(cluster.log("general").await.len(), 1003);

    let (mut members, mut after) = (Vec::new(), String::new());
    loop {
        let page =
            cluster.api("GET", &format!("/v1/rooms/general/members?limit=400{after}"), &Value::Null).await.json();
        members.extend(page["members"].as_array().unwrap().iter().map(|m| m["user"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    let expected: Vec<String> =
        ["ana", "ben"].map(str::to_owned).into_iter().chain((0..1000).map(|n| format!("user-{n:04}"))).collect();
    assert_eq!(members, expected);
    let rooms = cluster.api("GET", "/v1/users/user-0007/rooms", &Value::Null).await.json();
    assert_eq!(rooms["rooms"][0]["id"], "general");
}

#[tokio::test]
async fn a_message_with_a_key_is_sent_once_whichever_instance_is_asked() {
    let cluster = Cluster::of(2).await;
    cluster.room("general", "private", &["ana", "ben"]).await;
    let ben = cluster.person("ben", 1).await;
    ben.follows("general").await;
    ben.says("general", "anybody here?").await;
    let body = json!({ "from": "ana", "text": "hello", "data": { "a": 1 }, "reply_to": 3 });
    let first = sends(&cluster.instances[0], "order-7", &body).await;
    assert_eq!(first.status, 201, "{}", first.text);
    assert_eq!(first.json()["seq"], 4);
    ben.hears("general", "hello").await;
    for instance in &cluster.instances {
        // The draft standard writes the key as a quoted string.
        for key in ["order-7", "\"order-7\""] {
            let again = sends(instance, key, &body).await;
            assert_eq!((again.status, again.json()), (201, first.json()));
        }
        let other = sends(instance, "order-7", &json!({ "from": "ana", "text": "something else" })).await;
        is_problem(&other, 409, "conflict", &[first.json()["id"].as_str().unwrap()]);
    }
    // A key is its sender's own.
    let of_ben = sends(&cluster.instances[1], "order-7", &json!({ "from": "ben", "text": "mine" })).await;
    assert_eq!((of_ben.status, of_ben.json()["seq"].as_u64()), (201, Some(5)));
    let stranger = sends(&cluster.instances[0], "k", &json!({ "from": "eve", "text": "hi" })).await;
    assert!([403, 404].contains(&stranger.status), "{}", stranger.text);
    cluster.room("lobby", "open", &["ana"]).await;
    let stranger = cluster.api("POST", "/v1/rooms/lobby/messages", &json!({ "from": "eve", "text": "hi" })).await;
    is_problem(&stranger, 403, "not_member", &["member"]);
    let log = cluster.verify("general", &[&ben]).await;
    assert_eq!(log.len(), 5);
    assert_eq!((&log[3]["key"], &log[3]["reply_to"]), (&json!("order-7"), &json!(3)));
}

#[tokio::test]
async fn pages_before_after_and_around_agree_with_the_log() {
    let directory = tempfile::tempdir().unwrap();
    for cluster in [Cluster::laptop(directory.path()).await, Cluster::of(1).await] {
        cluster.room("general", "private", &["ana"]).await;
        let ana = cluster.person("ana", 0).await;
        let texts: Vec<String> = (0..299).map(|n| n.to_string()).collect();
        futures_util::future::join_all(texts.iter().map(|text| ana.says("general", text))).await;
        let log = cluster.log("general").await;
        assert_eq!(log.len(), 300);
        let page = async |query: &str| {
            let path = format!("/v1/rooms/general/messages?{query}");
            let page = cluster.api("GET", &path, &Value::Null).await.json();
            assert_eq!((&page["head"], &page["floor"]), (&json!(300), &json!(1)), "{query}");
            page["entries"].as_array().unwrap().clone()
        };
        for (query, from, to) in [
            ("", 201, 300),
            ("limit=7", 294, 300),
            ("before=100&limit=5", 95, 99),
            ("before=3&limit=5", 1, 2),
            ("before=1", 1, 0),
            ("before=1000&limit=2", 299, 300),
            ("after=100&limit=5", 101, 105),
            ("after=0&limit=1000", 1, 300),
            ("after=298&limit=5", 299, 300),
            ("after=300", 1, 0),
            ("after=9007199254740991", 1, 0),
            ("around=100&limit=5", 98, 102),
        ] {
            assert_eq!(page(query).await, log[from - 1..to], "{query}");
        }
        for around in [1, 2, 299, 300] {
            let entries = page(&format!("around={around}&limit=5")).await;
            let first = entries[0]["seq"].as_u64().unwrap() as usize;
            assert_eq!(entries, log[first - 1..first - 1 + entries.len()], "around {around}");
            assert!(entries.iter().any(|entry| entry["seq"] == around), "around {around}");
        }
        for (query, names) in
            [("before=1&after=2", ["before", "after"]), ("limit=0", ["limit", "0"]), ("limit=1001", ["limit", "1000"])]
        {
            let answer = cluster.api("GET", &format!("/v1/rooms/general/messages?{query}"), &Value::Null).await;
            is_problem(&answer, 422, "invalid", &names);
        }
        let answer = cluster.api("GET", "/v1/rooms/general/messages?before=x", &Value::Null).await;
        is_problem(&answer, 400, "bad_request", &["query"]);
    }
}

#[tokio::test]
async fn what_the_product_says_of_a_user_is_kept_and_shown() {
    let directory = tempfile::tempdir().unwrap();
    for cluster in [Cluster::laptop(directory.path()).await, Cluster::of(1).await] {
        let info = json!({ "name": "Ana M\u{fc}ller", "nul": "a\u{0}b", "n": 1.5 });
        is_problem(&cluster.api("GET", "/v1/users/ana", &Value::Null).await, 404, "unknown_user", &[]);
        assert_eq!(cluster.api("PUT", "/v1/users/ana", &json!({ "info": info })).await.status, 204);
        let shown = cluster.api("GET", "/v1/users/ana", &Value::Null).await.json();
        assert_eq!((&shown["user"], &shown["info"]), (&json!("ana"), &info));
        cluster.room("general", "private", &["ana"]).await;
        let members = cluster.api("GET", "/v1/rooms/general/members", &Value::Null).await.json();
        assert_eq!(members["members"][0]["info"], info);
        let large = json!({ "info": "x".repeat(2047) });
        is_problem(&cluster.api("PUT", "/v1/users/ana", &large).await, 422, "invalid", &["info", "2049", "2048"]);
        let named = cluster.api("PUT", "/v1/users/%C3%84nne%20%2F%20%F0%9F%99%82", &json!({ "info": 1 })).await;
        assert_eq!(named.status, 204, "{}", named.text);
        for (user, names) in [("a%00b", ["user", "control"]), ("portal:desk", ["user", "reserved"])] {
            let answer = cluster.api("PUT", &format!("/v1/users/{user}"), &json!({ "info": 1 })).await;
            is_problem(&answer, 422, "invalid", &names);
        }
    }
}

#[tokio::test]
async fn whatever_else_is_wrong_is_a_problem_document() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop(directory.path()).await;
    cluster.room("general", "private", &["ana"]).await;
    let at = cluster.at(0);
    is_problem(&raw(at, "GET", "/v1/nothing", "").await, 404, "unknown_path", &["openapi"]);
    is_problem(&raw(at, "DELETE", "/v1/rooms", "").await, 405, "wrong_method", &["openapi"]);
    is_problem(&raw(at, "GET", "/v1/rooms/nowhere", "").await, 404, "unknown_room", &[]);
    is_problem(&raw(at, "GET", "/v1/rooms/nowhere/members", "").await, 404, "unknown_room", &[]);
    is_problem(&raw(at, "GET", "/v1/rooms/a%20b", "").await, 422, "invalid", &["room", "A-Z"]);
    is_problem(&raw(at, "GET", "/v1/rooms/%FF", "").await, 400, "bad_request", &["path", "UTF-8"]);
    let send = "/v1/rooms/general/messages";
    for (body, status, code, names) in [
        ("", 400, "bad_request", ["body", "JSON object"]),
        ("{", 400, "bad_request", ["body", "EOF"]),
        ("[]", 400, "bad_request", ["body", "JSON object"]),
        (r#"["ana","hi",null,null]"#, 400, "bad_request", ["body", "JSON object"]),
        (r#"{"text":"hi"}"#, 422, "invalid", ["from", "missing"]),
        (r#"{"from":"ana","txet":"hi"}"#, 400, "bad_request", ["body", "txet"]),
        (r#"{"from":"ana","text":7}"#, 400, "bad_request", ["body", "string"]),
        (r#"{"from":"ana"}"#, 422, "invalid", ["text", "missing"]),
        (r#"{"from":"ana","text":"a\u0000b"}"#, 422, "invalid", ["text", "U+0000"]),
        (r#"{"from":"ana","text":"hi","reply_to":99}"#, 422, "invalid", ["reply_to", "no such"]),
        (r#"{"from":"hubbub:api","text":"hi"}"#, 422, "invalid", ["from", "reserved"]),
    ] {
        is_problem(&raw(at, "POST", send, body).await, status, code, &names);
    }
    // Who acts is said in one place, and nothing is passed over that may mean something.
    let (says, member) = (r#"{"from":"ana","text":"hi"}"#, r#"{"role":"member"}"#);
    for (method, path, body, status, names) in [
        ("POST", "/messages?from=ben", says, 422, ["from", "not the same"]),
        ("POST", "/messages?form=ana", says, 400, ["query", "`form`"]),
        ("PUT", "/members/ben?form=ana", member, 400, ["query", "`form`"]),
        ("PUT", "/members?from=eve", r#"{"members":[{"user":"ana","role":"banned"}]}"#, 404, ["unknown", "room"]),
        ("GET", "?by=ana", "", 400, ["`by`", "takes no query"]),
        ("GET", "/members?after=a&lmit=5", "", 400, ["`lmit`", "`limit`"]),
        ("GET", "/messages?from=eve", "", 400, ["`from`", "`by`"]),
        ("PATCH", "?by=eve", r#"{"name":"x"}"#, 400, ["`by`", "`from`"]),
        ("PATCH", "", r#"{"settings":[30,true]}"#, 400, ["settings: a list", "object"]),
        ("PATCH", "", r#"{"settings":{"members_may":[true]}}"#, 400, ["members_may: a list", "object"]),
        ("PUT", "/members", r#"{"members":[["ana","banned"]]}"#, 400, ["members[0]: a list", "object"]),
    ] {
        let code = match status {
            400 => "bad_request",
            404 => "unknown_room",
            _ => "invalid",
        };
        is_problem(&raw(at, method, &format!("/v1/rooms/general{path}"), body).await, status, code, &names);
    }
    let makes = r#"{"id":"other","kind":"open"}"#;
    is_problem(&raw(at, "POST", "/v1/rooms?from=eve", makes).await, 400, "bad_request", &["query", "`from`"]);
    let long = format!(r#"{{"from":"ana","text":"{}"}}"#, "x".repeat(8193));
    is_problem(&raw(at, "POST", send, &long).await, 422, "invalid", &["text", "8193", "8192"]);
    let deep = format!(r#"{{"from":"ana","data":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    is_problem(&raw(at, "POST", send, &deep).await, 422, "invalid", &["data", "16"]);
    let huge = format!(r#"{{"from":"ana","text":"{}"}}"#, "x".repeat(1024 * 1024));
    is_problem(&raw(at, "POST", send, &huge).await, 413, "too_large", &["body", "1048576"]);
    let key = sends(&cluster.instances[0], &"k".repeat(129), &json!({ "from": "ana", "text": "hi" })).await;
    is_problem(&key, 422, "invalid", &["Idempotency-Key", "129", "128"]);
    assert_eq!(cluster.log("general").await.len(), 1, "something refused was stored");
}

#[tokio::test]
async fn health_and_metrics_answer() {
    let cluster = Cluster::of(1).await;
    let get = async |path: &str| http::ask(cluster.at(0), "GET", path, &[], "").await.unwrap();
    assert_eq!(get("/health/live").await.status, 200);
    let ready = get("/health/ready").await;
    assert_eq!(
        (ready.status, ready.json()["store"].as_str(), ready.json()["bus"].as_str()),
        (200, Some("up"), Some("up"))
    );
    let metrics = get("/metrics").await;
    assert_eq!((metrics.status, metrics.text.ends_with("# EOF\n")), (200, true));
    assert!(metrics.kind.starts_with("application/openmetrics-text"), "{}", metrics.kind);
    assert_eq!(cluster.instances[0].counter("hubbub_connections").await, 0);
    let _ana = cluster.person("ana", 0).await;
    assert_eq!(cluster.instances[0].counter("hubbub_connections").await, 1);
}
