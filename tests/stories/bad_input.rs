//! Whatever a client asks, it gets a clear answer and keeps its connection.

use crate::{
    bad_frames::Bystanders,
    cluster::{Cluster, SECRET},
    person::token,
    wire::Wire,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

fn signed(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
    jsonwebtoken::encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes()))
        .expect("a token")
}

fn send(id: u32, data: Value) -> Value {
    json!({ "id": id, "rpc": { "method": "send", "data": data } })
}

#[tokio::test]
async fn a_token_that_is_not_good_closes_with_one_reason_whatever_is_wrong_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop_with(directory.path(), &["--token-audience", "chat"]).await;
    let claims = |aud: &str| json!({ "sub": "ana", "aud": aud, "exp": 9_999_999_999_u64 });
    let good = signed(Algorithm::HS256, SECRET, &claims("chat"));
    let forged = {
        let other = signed(Algorithm::HS256, SECRET, &json!({ "sub": "ben", "aud": "chat" }));
        let payload = other.split('.').nth(1).unwrap();
        let mut parts: Vec<&str> = good.split('.').collect();
        parts[1] = payload;
        parts.join(".")
    };
    // {"alg":"none","typ":"JWT"} and no signature.
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", good.split('.').nth(1).unwrap());
    for (what, token) in [
        ("none", String::new()),
        ("no token at all", "let me in".into()),
        ("forged", forged),
        ("alg none", unsigned),
        ("another algorithm", signed(Algorithm::HS512, SECRET, &claims("chat"))),
        ("another key", signed(Algorithm::HS256, "not the secret of these stories", &claims("chat"))),
        ("another audience", signed(Algorithm::HS256, SECRET, &claims("shop"))),
        ("no audience", signed(Algorithm::HS256, SECRET, &json!({ "sub": "ana" }))),
        ("nobody", signed(Algorithm::HS256, SECRET, &json!({ "aud": "chat" }))),
        ("a reserved name", signed(Algorithm::HS256, SECRET, &json!({ "aud": "chat", "sub": "portal:desk/eve" }))),
        (
            "expired and another key",
            signed(Algorithm::HS256, "other", &json!({ "sub": "ana", "aud": "chat", "exp": 9 })),
        ),
    ] {
        let mut wire = Wire::open(cluster.at(0), None).await.unwrap();
        wire.say(json!({ "id": 1, "connect": { "token": token } }).to_string()).await;
        assert_eq!(wire.closed().await, (3500, "invalid token".into()), "{what}");
    }
    let mut wire = Wire::open(cluster.at(0), None).await.unwrap();
    let answer = wire.asks(json!({ "id": 1, "connect": { "token": good } })).await;
    assert!(answer["connect"].is_object(), "{answer}");
}

#[tokio::test]
async fn an_expired_token_is_answered_and_a_new_one_connects_on_the_same_socket() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop(directory.path()).await;
    let mut wire = Wire::open(cluster.at(0), None).await.unwrap();
    let old = signed(Algorithm::HS256, SECRET, &json!({ "sub": "ana", "exp": 1_000_000_000 }));
    for id in 1..=2 {
        let answer = wire.asks(json!({ "id": id, "connect": { "token": old } })).await;
        assert_eq!(answer["error"], json!({ "code": 109, "message": "token expired" }));
    }
    let answer = wire.asks(json!({ "id": 3, "connect": { "token": token("ana") } })).await;
    assert!(answer["connect"].is_object(), "{answer}");
    let rooms = wire.asks(json!({ "id": 4, "rpc": { "method": "rooms" } })).await;
    assert_eq!(rooms["rpc"]["data"]["rooms"], json!([]), "{rooms}");
}

#[tokio::test]
async fn a_room_one_may_not_see_answers_like_one_that_is_not_there() {
    let directory = tempfile::tempdir().unwrap();
    for cluster in [Cluster::laptop(directory.path()).await, Cluster::of(1).await] {
        cluster.room("private", "private", &["ana", "ben"]).await;
        cluster.room("banned", "private", &["ana"]).await;
        let ban = json!({ "role": "banned" });
        assert_eq!(cluster.api("PUT", "/v1/rooms/banned/members/eve", &ban).await.status, 200);
        let mut ana = Wire::of(cluster.at(0), "ana").await;
        let create = json!({ "method": "create_room", "data": { "kind": "direct", "with": "ben" } });
        let direct =
            ana.asks(json!({ "id": 2, "rpc": create })).await["rpc"]["data"]["id"].as_str().unwrap().to_owned();
        let said = ana.asks(send(3, json!({ "room": "private", "text": "psst", "key": "k" }))).await;
        assert_eq!(said["rpc"]["data"]["seq"], 3);
        let mut eve = Wire::of(cluster.at(0), "eve").await;
        let mut answers = Vec::new();
        for room in ["nowhere", "private", "banned", &direct] {
            let mut said = Vec::new();
            for ask in asks(room) {
                let answer = eve.asks(ask).await;
                assert_eq!(answer["error"], json!({ "code": 102, "message": "unknown room" }), "{room}");
                said.push(eve.last.clone());
            }
            answers.push(said);
        }
        assert!(answers.iter().all(|said| *said == answers[0]), "{answers:#?}");
    }
}

/// Everything that can be asked about a room.
pub fn asks(room: &str) -> Vec<Value> {
    let channel = format!("room:{room}");
    let rpc = |data: Value| move |method: &str| json!({ "id": 9, "rpc": { "method": method, "data": data.clone() } });
    let named = rpc(json!({ "room": room }));
    vec![
        json!({ "id": 9, "subscribe": { "channel": channel } }),
        json!({ "id": 9, "subscribe": { "channel": channel, "recover": true, "offset": 1, "flag": 2 } }),
        json!({ "id": 9, "subscribe": { "channel": channel, "recover": true, "offset": 99, "epoch": "x", "flag": 2 } }),
        json!({ "id": 9, "history": { "channel": channel, "limit": 10 } }),
        json!({ "id": 9, "history": { "channel": channel, "since": { "offset": 99, "epoch": "x" }, "limit": 10 } }),
        json!({ "id": 9, "publish": { "channel": channel, "data": "hi" } }),
        rpc(json!({ "room": room, "text": "hi", "key": "k" }))("send"),
        rpc(json!({ "room": room, "text": "hi", "reply_to": 99 }))("send"),
        rpc(json!({ "room": room, "around": 1 }))("messages"),
        named("messages"),
        named("members"),
        named("join"),
        named("leave"),
        named("session"),
        named("close_session"),
        json!({ "id": 9, "presence": { "channel": channel } }),
        json!({ "id": 9, "presence_stats": { "channel": channel } }),
    ]
}

fn deep(levels: usize) -> String {
    format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
}

#[tokio::test]
async fn what_cannot_be_done_is_answered_with_the_field_and_the_limit_and_the_connection_lives_on() {
    let directory = tempfile::tempdir().unwrap();
    for cluster in [Cluster::laptop(directory.path()).await, Cluster::of(1).await] {
        let bystanders = Bystanders::of(&cluster).await;
        let mut wire = Wire::of(cluster.at(0), "ana").await;
        let to_general = |rest: &str| format!(r#""rpc":{{"method":"send","data":{{"room":"general",{rest}}}}}"#);
        let rpc = |method: &str, data: &str| format!(r#""rpc":{{"method":"{method}","data":{data}}}"#);
        let members: Vec<String> = (0..1001).map(|n| format!("u{n}")).collect();
        let crowd = json!({ "id": "crowd", "kind": "open", "members": members }).to_string();
        let table: Vec<(String, u32, &[&str])> = vec![
            (to_general(&format!(r#""text":"{}""#, "x".repeat(8193))), 107, &["text", "8193", "8192"]),
            (to_general(&format!(r#""text":"{}""#, "ü".repeat(4097))), 107, &["text", "8194", "8192"]),
            (to_general(&format!(r#""data":"{}""#, "x".repeat(16383))), 107, &["data", "16385", "16384"]),
            (to_general(&format!(r#""data":{}"#, deep(17))), 107, &["data", "16"]),
            (to_general(&format!(r#""data":{}"#, deep(20_000))), 107, &["data", "16"]),
            (rpc("send", &deep(20_000)), 107, &["data"]),
            (to_general(r#""text":"a\u0000b""#), 107, &["text", "U+0000"]),
            (to_general(r#""text":"a","key":"a\u0000b""#), 107, &["key", "control"]),
            (to_general(&format!(r#""text":"a","key":"{}""#, "k".repeat(129))), 107, &["key", "129", "128"]),
            (to_general(r#""text":"a","key":"""#), 107, &["key", "empty"]),
            (to_general(r#""text":"""#), 107, &["text", "empty"]),
            (to_general(r#""text":7"#), 107, &["data", "string"]),
            (to_general(r#""text":"a","reply_to":99999"#), 107, &["reply_to"]),
            (to_general(r#""text":"a","reply_to":-1"#), 107, &["data", "-1"]),
            (to_general(r#""text":"a","reply_to":18446744073709551615"#), 107, &["reply_to"]),
            (to_general(r#""text":"\ud800""#), 107, &["data"]),
            (rpc("send", r#"{"text":"a"}"#), 107, &["room", "missing"]),
            (rpc("send", "[]"), 107, &["data"]),
            (rpc("send", r#""hi""#), 107, &["data"]),
            (rpc("send", r#"{"room":"a b","text":"a"}"#), 107, &["room", "A-Z"]),
            (rpc("send", r#"{"room":"../etc","text":"a"}"#), 107, &["room", "A-Z"]),
            (rpc("send", r#"{"room":"","text":"a"}"#), 107, &["room", "empty"]),
            (rpc("send", r#"{"room":"a\u0000","text":"a"}"#), 107, &["room"]),
            (rpc("send", &format!(r#"{{"room":"{}","text":"a"}}"#, "r".repeat(65))), 107, &["room", "65", "64"]),
            (rpc("messages", r#"{"room":"general","limit":1001}"#), 107, &["limit", "1001", "1000"]),
            (rpc("messages", r#"{"room":"general","limit":0}"#), 107, &["limit"]),
            (rpc("messages", r#"{"room":"general","before":3,"after":1}"#), 107, &["before", "after"]),
            (rpc("members", r#"{"room":"general","after":7}"#), 107, &["after"]),
            (rpc("create_room", r#"{"id":"x"}"#), 107, &["kind", "missing"]),
            (rpc("create_room", r#"{"id":"x","kind":"secret"}"#), 107, &["kind", "open, private, direct"]),
            (rpc("create_room", r#"{"kind":"direct"}"#), 107, &["with", "missing"]),
            (rpc("create_room", &crowd), 107, &["members", "1001", "1000"]),
            (rpc("dance", "{}"), 104, &["dance"]),
            (r#""dance":{}"#.into(), 104, &["dance"]),
            (r#""rpc":7"#.into(), 107, &["rpc"]),
            (r#""rpc":{"method":"rooms"},"history":{}"#.into(), 107, &["more than one"]),
            (r#""subscribe":{"channel":7}"#.into(), 107, &["subscribe"]),
            (r#""subscribe":{}"#.into(), 107, &["channel", "missing"]),
            (r#""subscribe":{"channel":"room:a b"}"#.into(), 102, &["unknown room"]),
            (r#""subscribe":{"channel":"user:ben"}"#.into(), 102, &["unknown room"]),
            (r#""subscribe":{"channel":"room:general","recover":true,"offset":-1}"#.into(), 107, &["subscribe"]),
            (r#""history":{"channel":"room:general","limit":1001}"#.into(), 107, &["limit", "1001", "1000"]),
            (r#""publish":{"channel":"room:general"}"#.into(), 107, &["data", "missing"]),
            (r#""presence":{"channel":"room:nowhere"}"#.into(), 102, &["unknown room"]),
            (r#""presence_stats":{}"#.into(), 107, &["channel", "missing"]),
            (r#""sub_refresh":{"channel":"room:general"}"#.into(), 108, &["not available"]),
        ];
        let before = cluster.log("general").await.len();
        for (n, (command, code, names)) in table.iter().enumerate() {
            let id = 10 + n as u32;
            assert!(wire.say(format!(r#"{{"id":{id},{command}}}"#)).await);
            let answer = wire.line().await;
            let shown: String = command.chars().take(120).collect();
            assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(id), &json!(code)), "{shown}: {answer}");
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(names.iter().all(|name| message.contains(name)), "{shown}: {message}");
            assert!(message.len() < 300, "{shown}: a long story: {message}");
        }
        assert_eq!(cluster.log("general").await.len(), before, "something refused was stored");
        // What is just within the limits is taken, and an escaped U+0000 in data is the client's own affair.
        for (n, rest) in [
            format!(r#""text":"{}""#, "x".repeat(8192)),
            format!(r#""data":"{}""#, "x".repeat(16382)),
            format!(r#""data":{}"#, deep(16)),
            r#""data":{"a":"b\u0000c"}"#.into(),
        ]
        .iter()
        .enumerate()
        {
            assert!(wire.say(format!(r#"{{"id":{},{}}}"#, 900 + n, to_general(rest))).await);
            let answer = wire.line().await;
            assert_eq!(answer["rpc"]["data"]["seq"], before + n + 1, "{answer}");
        }
        bystanders.were_not_disturbed(&cluster).await;
    }
}

#[tokio::test]
async fn a_key_that_was_used_for_something_else_names_the_first_message() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop(directory.path()).await;
    cluster.room("general", "private", &["ana"]).await;
    let mut ana = Wire::of(cluster.at(0), "ana").await;
    let first = ana.asks(send(2, json!({ "room": "general", "text": "one", "key": "k" }))).await;
    let again = ana.asks(send(3, json!({ "room": "general", "text": "one", "key": "k" }))).await;
    assert_eq!(first["rpc"], again["rpc"]);
    for other in [
        json!({ "room": "general", "text": "two", "key": "k" }),
        json!({ "room": "general", "text": "one", "data": {}, "key": "k" }),
        json!({ "room": "general", "text": "one", "reply_to": 1, "key": "k" }),
    ] {
        let answer = ana.asks(send(4, other)).await;
        let id = first["rpc"]["data"]["id"].as_str().unwrap();
        assert_eq!(answer["error"]["code"], 409, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(id), "{answer}");
    }
    assert_eq!(cluster.log("general").await.len(), 2);
}

#[tokio::test]
async fn a_position_ahead_of_the_log_or_of_another_epoch_is_not_recovered() {
    let directory = tempfile::tempdir().unwrap();
    for cluster in [Cluster::laptop(directory.path()).await, Cluster::of(1).await] {
        cluster.room("general", "private", &["ana", "ben"]).await;
        let mut ana = Wire::of(cluster.at(0), "ana").await;
        let subscribe = |id: u32, offset: u64, epoch: &str, flag: u32| {
            let ask =
                json!({ "channel": "room:general", "recover": true, "offset": offset, "epoch": epoch, "flag": flag });
            json!({ "id": id, "subscribe": ask })
        };
        let unsubscribe = json!({ "id": 99, "unsubscribe": { "channel": "room:general" } });
        let now = ana.asks(subscribe(2, 2, "", 0)).await["subscribe"].clone();
        assert_eq!((&now["recovered"], &now["offset"]), (&json!(true), &json!(2)), "any epoch fits: {now}");
        let epoch = now["epoch"].as_str().unwrap().to_owned();
        ana.asks(unsubscribe.clone()).await;
        for (offset, epoch) in
            [(3, &*epoch), (1 << 53, &epoch), (u64::MAX, &epoch), (1, "another"), (2, "0-0"), (9, "")]
        {
            let answer = ana.asks(subscribe(3, offset, epoch, 0)).await["subscribe"].clone();
            assert_eq!(answer["was_recovering"], true, "{offset} {epoch}: {answer}");
            assert!(answer["recovered"].is_null() && answer["publications"].is_null(), "{offset} {epoch}: {answer}");
            assert_eq!(answer["offset"], 2, "{offset} {epoch}: {answer}");
            ana.asks(unsubscribe.clone()).await;
            let answer = ana.asks(subscribe(4, offset, epoch, 2)).await;
            assert_eq!(answer["error"]["code"], 112, "{offset} {epoch}: {answer}");
            let since = json!({ "offset": offset, "epoch": epoch });
            let answer = ana
                .asks(json!({ "id": 5, "history": { "channel": "room:general", "since": since, "limit": 5 } }))
                .await;
            assert_eq!(answer["error"]["code"], 112, "{offset} {epoch}: {answer}");
        }
    }
}

#[tokio::test]
async fn one_subscription_too_many_is_refused_with_the_limit() {
    const LIMIT: u32 = 1000;
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop(directory.path()).await;
    let mut ana = Wire::of(cluster.at(0), "ana").await;
    for id in 0..=LIMIT {
        cluster.room(&format!("r{id}"), "open", &[]).await;
    }
    for id in 0..=LIMIT {
        ana.say(json!({ "id": 20_000 + id, "subscribe": { "channel": format!("room:r{id}") } }).to_string()).await;
    }
    let (mut stand, mut refused) = (0, None);
    while stand < LIMIT || refused.is_none() {
        let line = ana.line().await;
        if line["subscribe"].is_object() {
            stand += 1;
        } else if line["error"].is_object() {
            assert!(refused.replace(line).is_none());
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused["error"]["code"], 106, "{refused}");
    assert!(refused["error"]["message"].as_str().unwrap().contains("1000"), "{refused}");
    // One goes, another may come.
    ana.asks(json!({ "id": 5, "unsubscribe": { "channel": "room:r0" } })).await;
    let answer = ana.asks(json!({ "id": 6, "subscribe": { "channel": format!("room:r{LIMIT}") } })).await;
    assert!(answer["subscribe"].is_object(), "{answer}");
}
