//! Who signs tokens: a backend, an identity provider whose keys are in a file, one whose keys are fetched, and impostors.

use crate::{
    cluster::{Cluster, SECRET, breathe, program as program_with},
    operated::Program,
    support::{
        provider::{Answer, Provider},
        signer::{Signer, pem},
    },
    wire::{DEADLINE, Heard, Mark, Speech, Wire},
};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

pub fn in_seconds(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
    i64::try_from(now).expect("a time") + seconds
}

/// What becomes of a connect with this token: an answer, or the code of the close.
pub async fn connect(addr: SocketAddr, token: &str) -> Result<(Wire, Value), u16> {
    let mut wire = Wire::open(addr, None).await.expect("a socket");
    wire.say(json!({ "id": 1, "connect": { "token": token } }).to_string()).await;
    match tokio::time::timeout(DEADLINE, wire.next()).await.expect("an answer") {
        Heard::Line(answer) => Ok((wire, answer)),
        Heard::Closed(code, _) => Err(code),
        Heard::Gone => panic!("the socket broke"),
    }
}

pub async fn is_let_in(addr: SocketAddr, token: &str) -> Wire {
    match connect(addr, token).await {
        Ok((wire, answer)) if answer["connect"].is_object() => wire,
        Ok((_, answer)) => panic!("{answer}"),
        Err(code) => panic!("closed with {code}"),
    }
}

pub async fn is_refused(addr: SocketAddr, token: &str) {
    match connect(addr, token).await {
        Err(code) => assert_eq!(code, 3500),
        Ok((_, answer)) => panic!("{answer}"),
    }
}

/// An answer that an SDK takes as: come again.
async fn is_told_to_come_again(addr: SocketAddr, token: &str) {
    let (_, answer) = connect(addr, token).await.expect("an answer");
    assert_eq!((&answer["error"]["code"], &answer["error"]["temporary"]), (&json!(100), &json!(true)), "{answer}");
}

/// Comes again and again, as an SDK does.
async fn is_let_in_at_last(addr: SocketAddr, token: &str) {
    let asked = Instant::now();
    while asked.elapsed() < 2 * DEADLINE {
        if connect(addr, token).await.is_ok_and(|(_, answer)| answer["connect"].is_object()) {
            return;
        }
        breathe().await;
    }
    panic!("the token was not taken in time");
}

#[tokio::test]
async fn tokens_of_every_kind_of_key_are_taken_and_refreshed() {
    let kinds = [Algorithm::RS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];
    let signers: Vec<_> = kinds.iter().map(|kind| Signer::new(*kind)).collect();
    let directory = tempfile::tempdir().unwrap();
    let (first, rest) = (directory.path().join("first.pem"), directory.path().join("rest.pem"));
    std::fs::write(&first, &signers[0].pem).unwrap();
    std::fs::write(&rest, signers[1..].iter().map(|signer| signer.pem.as_str()).collect::<String>()).unwrap();
    let (first, rest) = (first.display().to_string(), rest.display().to_string());
    let flags = ["--token-public-key", &first, "--token-public-key", &rest, "--token-user-claim", "uid"];
    let cluster = Cluster::laptop_with(directory.path(), &flags).await;
    let addr = cluster.at(0);
    for signer in &signers {
        let token =
            |user: &str, ttl: i64| signer.signs(&json!({ "uid": user, "sub": "other", "exp": in_seconds(ttl) }));
        let mut wire = is_let_in(addr, &token("ana", 60)).await;
        let refreshed = wire.asks(json!({ "id": 2, "refresh": { "token": token("ana", 900) } })).await;
        assert!(refreshed["refresh"]["ttl"].as_u64().is_some_and(|ttl| ttl > 800), "{refreshed}");
        let old = wire.asks(json!({ "id": 3, "refresh": { "token": token("ana", -1) } })).await;
        assert_eq!(old["error"]["code"], 109, "{old}");
        let rooms = wire.asks(json!({ "id": 4, "rpc": { "method": "rooms" } })).await;
        assert!(rooms["rpc"].is_object(), "it lives on: {rooms}");
        wire.say(json!({ "id": 5, "refresh": { "token": token("ben", 60) } }).to_string()).await;
        assert_eq!(wire.closed().await.0, 3500, "a connection does not change hands");
        let (_, expired) = connect(addr, &token("ana", -1)).await.expect("an answer");
        assert_eq!(expired["error"]["code"], 109);
    }
    for (impostor, signer) in kinds.iter().map(|kind| Signer::new(*kind)).zip(&signers) {
        is_refused(addr, &impostor.signs(&json!({ "uid": "ana" }))).await;
        is_refused(addr, &signer.signs(&json!({ "sub": "ana" }))).await;
    }
}

#[tokio::test]
async fn a_provider_changes_its_keys_and_nobody_restarts_anything() {
    let (old, new) = (Signer::named("old", Algorithm::RS256), Signer::named("new", Algorithm::ES256));
    let provider = Provider::start(&[&old]).await;
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop_with(directory.path(), &["--token-jwks", &provider.url()]).await;
    let (addr, ana) = (cluster.at(0), json!({ "sub": "ana" }));
    let mut wire = is_let_in(addr, &old.signs(&ana)).await;
    for _ in 0..20 {
        is_let_in(addr, &old.signs(&ana)).await;
    }
    assert_eq!(provider.asked(), 1, "a key that is known is not asked for again");
    provider.publishes(&[&old, &new]);
    let asked = Instant::now();
    let token = new.signs(&ana);
    let both = tokio::join!(is_let_in(addr, &token), is_let_in(addr, &token));
    println!("a token of a new key waited {:.1?}; at most {:?}", asked.elapsed(), Duration::from_secs(8));
    drop(both);
    assert_eq!(provider.asked(), 2, "those who wait for a key wait for one fetch");
    let refreshed = wire.asks(json!({ "id": 2, "refresh": { "token": new.signs(&ana) } })).await;
    assert!(refreshed["refresh"].is_object(), "{refreshed}");
    // A key that is withdrawn is out with the next fetch, which somebody's unknown key brings about here.
    provider.publishes(&[&new]);
    is_refused(addr, &Signer::named("nobody", Algorithm::ES256).signs(&ana)).await;
    is_refused(addr, &old.signs(&ana)).await;
    // A known id does not help who has another key, and without an id the only key there is counts.
    is_refused(addr, &Signer::named("new", Algorithm::ES256).signs(&ana)).await;
    is_refused(addr, &Signer::named("new", Algorithm::RS256).signs(&ana)).await;
    let nameless = jsonwebtoken::Header::new(Algorithm::ES256);
    is_let_in(addr, &new.signs_with(&nameless, &ana)).await;
    assert_eq!(cluster.instances[0].counter("hubbub_jwks_keys").await, 1);
}

#[tokio::test]
async fn a_key_is_found_without_its_id_and_one_that_took_anothers_id_as_well() {
    let (one, two) = (Signer::named("one", Algorithm::RS256), Signer::named("two", Algorithm::RS256));
    let provider = Provider::start(&[&one, &two]).await;
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop_with(directory.path(), &["--token-jwks", &provider.url()]).await;
    let (addr, ana) = (cluster.at(0), json!({ "sub": "ana" }));
    let nameless = jsonwebtoken::Header::new(Algorithm::RS256);
    for signer in [&one, &two] {
        is_let_in(addr, &signer.signs_with(&nameless, &ana)).await;
    }
    is_refused(addr, &Signer::new(Algorithm::RS256).signs_with(&nameless, &ana)).await;
    // The provider has another key under an id that is known.
    let other = Signer::named("two", Algorithm::RS256);
    provider.publishes(&[&one, &other]);
    is_let_in_at_last(addr, &other.signs(&ana)).await;
    is_refused(addr, &two.signs(&ana)).await;
}

#[tokio::test]
async fn made_up_key_ids_make_no_storm_of_fetches() {
    let signer = Signer::named("real", Algorithm::EdDSA);
    let provider = Provider::start(&[&signer]).await;
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop_with(directory.path(), &["--token-jwks", &provider.url()]).await;
    let addr = cluster.at(0);
    is_let_in(addr, &signer.signs(&json!({ "sub": "ana" }))).await;
    let began = Instant::now();
    // Fifty at once, and again when they have been refused.
    let forgeries = (0..50).map(|n| async move {
        for round in 0..3 {
            let forger = Signer::named(&format!("made up {n} {round}"), Algorithm::EdDSA);
            is_refused(addr, &forger.signs(&json!({ "sub": "ana" }))).await;
        }
    });
    let good = async {
        // Meanwhile who has a known key is not kept waiting.
        let asked = Instant::now();
        is_let_in(addr, &signer.signs(&json!({ "sub": "ben" }))).await;
        asked.elapsed()
    };
    let (_, waited) = tokio::join!(futures_util::future::join_all(forgeries), good);
    println!(
        "150 made-up keys: {} fetches in {:.1?}; a good token waited {waited:.1?}",
        provider.asked(),
        began.elapsed()
    );
    assert!(waited < Duration::from_secs(3), "{waited:?}");
    let most = 2 + began.elapsed().as_secs() as usize / 4;
    assert!(provider.asked() <= most, "{} fetches, at most {most} were due", provider.asked());
}

#[tokio::test]
async fn while_a_provider_is_away_people_come_again_or_stay() {
    let (known, newer) = (Signer::named("known", Algorithm::RS256), Signer::named("newer", Algorithm::RS256));
    let mut provider = Provider::start(&[&known]).await;
    provider.goes_away().await;
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::starting(directory.path(), &["--token-jwks", &provider.url()]).await;
    let (addr, ana) = (cluster.at(0), json!({ "sub": "ana" }));
    // It starts all the same, and says what it lacks.
    cluster.instances[0].is_ready(|ready| ready["token_keys"] == "none" && ready["status"] == "degraded").await;
    is_told_to_come_again(addr, &known.signs(&ana)).await;
    // Who has a token of another kind is not concerned, and a wrong one is wrong.
    drop(Wire::of(addr, "ben").await);
    is_refused(addr, "nonsense").await;
    provider.come_back().await;
    is_let_in_at_last(addr, &known.signs(&ana)).await;
    cluster.instances[0].is_ready(|ready| ready["token_keys"] == "fresh" && ready["status"] == "ok").await;
    // It goes away again: known keys stay good, and whether others are, nobody can tell.
    for trouble in [
        None,
        Some(Answer::Status(axum::http::StatusCode::INTERNAL_SERVER_ERROR)),
        Some(Answer::Body("<html>hello</html>".into())),
        Some(Answer::Body(format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(300 * 1024)))),
        Some(Answer::Body(json!({ "keys": [] }).to_string())),
        Some(Answer::Redirect("https://127.0.0.1:1/keys".into())),
        Some(Answer::Silence),
    ] {
        match trouble {
            None => provider.goes_away().await,
            Some(trouble) => {
                provider.goes_away().await;
                provider.come_back().await;
                provider.answers(trouble);
            }
        }
        let failed = cluster.instances[0].counter("hubbub_jwks_failed_total").await;
        is_told_to_come_again(addr, &newer.signs(&ana)).await;
        assert!(cluster.instances[0].counter("hubbub_jwks_failed_total").await > failed, "it was asked");
        is_let_in(addr, &known.signs(&ana)).await;
    }
    cluster.instances[0].is_ready(|ready| ready["token_keys"] == "stale" && ready["status"] == "degraded").await;
    provider.publishes(&[&known, &newer]);
    is_let_in_at_last(addr, &newer.signs(&ana)).await;
    cluster.instances[0].is_ready(|ready| ready["token_keys"] == "fresh").await;
}

/// A token for ana, signed with the secret of all stories, that says this besides.
pub fn saying(more: Value) -> String {
    hubbub::crypto::install();
    let mut claims = json!({ "sub": "ana", "exp": in_seconds(900) });
    for (name, value) in more.as_object().expect("claims") {
        claims[name] = value.clone();
    }
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::new(Algorithm::HS256), &claims, &key).expect("a token")
}

#[tokio::test]
async fn a_refresh_holds_at_once_in_all_it_says_on_every_instance() {
    let cluster = Cluster::of(2).await;
    cluster.room("general", "private", &["ana", "ben"]).await;
    let subscribe = json!({ "id": 2, "subscribe": { "channel": "room:general" } });
    let mut ana = is_let_in(cluster.at(0), &saying(json!({ "info": { "name": "Ann" } }))).await;
    assert!(ana.asks(subscribe.clone()).await["subscribe"].is_object());
    let mut bens = Vec::new();
    for n in 0..2 {
        let mut ben = Wire::of(cluster.at(n), "ben").await;
        assert!(ben.asks(subscribe.clone()).await["subscribe"].is_object());
        // Instances that have just started do not know each other yet.
        let asked = Instant::now();
        while !ben.asks(json!({ "id": 3, "presence": { "channel": "room:general" } })).await.to_string().contains("ana")
        {
            assert!(asked.elapsed() < DEADLINE, "they do not meet");
            breathe().await;
        }
        bens.push(ben);
    }
    for (n, info) in
        [json!({ "name": "Ann Married" }), json!("Ann"), json!({ "name": "Ann", "n": [1.50, null] }), Value::Null]
            .into_iter()
            .enumerate()
    {
        let id = 10 + n;
        let refreshed = ana.asks(json!({ "id": id, "refresh": { "token": saying(json!({ "info": info })) } })).await;
        assert!(refreshed["refresh"]["ttl"].as_u64().is_some_and(|ttl| ttl > 800), "{refreshed}");
        // Nothing is waited for: what was answered is so.
        for ben in &mut bens {
            let asked = json!({ "id": id, "presence": { "channel": "room:general" } });
            let present = ben.asks(asked).await["presence"]["presence"].clone();
            let hers: Vec<_> =
                present.as_object().expect("a list").values().filter(|one| one["user"] == "ana").collect();
            assert_eq!((hers.len(), &hers[0]["conn_info"]), (1, &info), "{present}");
            let asked = json!({ "id": id + 10, "rpc": { "method": "members", "data": { "room": "general" } } });
            let members = ben.asks(asked).await["rpc"]["data"]["members"].clone();
            let she = members.as_array().expect("members").iter().find(|one| one["user"] == "ana").expect("ana");
            // A token without it says nothing of what is kept.
            assert!(she["info"] == info || info.is_null(), "{members}");
        }
    }
    // Its end holds, too; and another's token is refused.
    let short = json!({ "id": 30, "refresh": { "token": saying(json!({ "exp": in_seconds(100) })) } });
    assert!(ana.asks(short).await["refresh"]["ttl"].as_u64().is_some_and(|ttl| ttl <= 100));
    let endless = json!({ "id": 31, "refresh": { "token": saying(json!({ "exp": null })) } });
    assert_eq!(ana.asks(endless).await["refresh"]["expires"], Value::Null);
    ana.say(json!({ "id": 32, "refresh": { "token": saying(json!({ "sub": "ben" })) } }).to_string()).await;
    assert_eq!(ana.closed().await.0, 3500);
    assert_eq!(cluster.instances[0].counter("hubbub_tokens_refused_total{reason=\"other_user\"}").await, 1);
}

#[tokio::test]
async fn what_a_refresh_says_while_the_store_is_away_is_kept_when_it_answers() {
    let cluster = Cluster::of(1).await;
    cluster.room("general", "private", &["ana"]).await;
    let mut ana = is_let_in(cluster.at(0), &saying(json!({ "info": "Ann" }))).await;
    let door = cluster.instances[0].postgres.as_ref().expect("a door");
    for (n, name) in ["Ann Married", "Ann Again"].into_iter().enumerate() {
        door.cut();
        cluster.instances[0].is_ready(|ready| ready["store"] == "down" && ready["store_reason"].is_string()).await;
        // Also the one before it: the last holds.
        for (id, name) in [(10 * n + 10, "Somebody"), (10 * n + 11, name)] {
            let refreshed =
                ana.asks(json!({ "id": id, "refresh": { "token": saying(json!({ "info": name })) } })).await;
            assert!(refreshed["refresh"].is_object(), "{refreshed}");
        }
        door.mend();
        let asked = Instant::now();
        loop {
            let members = cluster.api("GET", "/v1/rooms/general/members", &Value::Null).await.text;
            if members.contains(name) {
                break;
            }
            assert!(asked.elapsed() < DEADLINE, "{members}");
            breathe().await;
        }
    }
}

#[tokio::test]
async fn every_exp_is_told_in_a_number_that_clients_can_hold() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop(directory.path()).await;
    for (n, exp) in [
        json!(in_seconds(0) * 1_000),
        json!(253_402_300_799_u64),
        json!(i64::from(u32::MAX) + in_seconds(0)),
        json!(i64::from(u32::MAX) + in_seconds(2)),
        json!(u64::MAX),
        json!(1e308),
        json!(in_seconds(86_400 * 30)),
    ]
    .into_iter()
    .enumerate()
    {
        for speech in [Speech::Json, Speech::Protobuf] {
            let mut wire = Wire::open_speaking(cluster.at(0), None, &mut Mark::None, speech).await.expect("a socket");
            let token = saying(json!({ "exp": exp }));
            for (id, command) in [(1, "connect"), (2, "refresh")] {
                let answer = wire.asks(json!({ "id": id, command: { "token": token } })).await;
                let ttl = answer[command]["ttl"].as_u64().expect("a ttl");
                assert!((86_400..=2_147_483).contains(&ttl), "{n}: {answer}");
                assert_eq!(answer[command]["expires"], true, "{answer}");
            }
        }
    }
    assert!(cluster.instances[0].counter("hubbub_tokens_long_total").await >= 20);
}

#[tokio::test]
async fn who_is_early_is_told_to_come_again_and_then_let_in() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop(directory.path()).await;
    let addr = cluster.at(0);
    for early in [json!({ "iat": in_seconds(10), "nbf": in_seconds(10) }), json!({ "iat": in_seconds(55) })] {
        is_let_in(addr, &saying(early)).await;
    }
    let mut ana = is_let_in(addr, &saying(json!({}))).await;
    for early in [
        json!({ "nbf": in_seconds(120) }),
        json!({ "iat": in_seconds(86_400) }),
        json!({ "iat": in_seconds(0) * 1_000 }),
    ] {
        is_told_to_come_again(addr, &saying(early.clone())).await;
        let answer = ana.asks(json!({ "id": 7, "refresh": { "token": saying(early) } })).await;
        assert_eq!((&answer["error"]["code"], &answer["error"]["temporary"]), (&json!(100), &json!(true)), "{answer}");
    }
    assert!(ana.asks(json!({ "id": 8, "rpc": { "method": "rooms" } })).await["rpc"].is_object(), "she lives on");
    // Bad for another reason besides: that counts.
    is_refused(addr, &saying(json!({ "iat": in_seconds(3_600), "sub": "portal:desk/eve" }))).await;
    is_let_in_at_last(addr, &saying(json!({ "nbf": in_seconds(63) }))).await;
}

#[tokio::test]
async fn a_key_that_anybody_can_sign_for_is_nobodys() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let good = Signer::named("good", Algorithm::EdDSA);
    let provider = Provider::start(&[&good]).await;
    // The neutral point, which is a signature of whatever is said; and an exponent that leaves a message as it is.
    let neutral = [&[1][..], &[0; 31]].concat();
    let weak = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "weak", "x": URL_SAFE_NO_PAD.encode(&neutral) });
    let mut plain = Signer::named("plain", Algorithm::RS256).jwk();
    plain["e"] = "AQ".into();
    provider.answers(Answer::Body(json!({ "keys": [weak, plain, good.jwk()] }).to_string()));
    let secrets = format!("token-secret = \"{SECRET}\"\napi-key = \"{SECRET}\"\n");
    let program = Program::serve(&format!("{secrets}token-jwks = \"{}\"\n", provider.url())).await;
    is_let_in(program.addr, &good.signs(&json!({ "sub": "ana" }))).await;
    let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    for header in [json!({ "alg": "EdDSA", "kid": "weak" }), json!({ "alg": "EdDSA" })] {
        let signature = URL_SAFE_NO_PAD.encode([&neutral[..], &[0; 32]].concat());
        is_refused(program.addr, &format!("{}.{}.{signature}", part(header), part(json!({ "sub": "eve" })))).await;
    }
    program.has_said("key 1: its point has a small order", 1).await;
    program.has_said("key 2: its exponent is not from 65537", 1).await;
    // The same in a file is no start at all.
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("weak.pem");
    let head = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];
    std::fs::write(&file, pem("PUBLIC KEY", &[&head[..], &neutral].concat())).unwrap();
    let file = file.display().to_string();
    for command in ["serve", "check"] {
        let (content, says, complaints) =
            program_with(&[command, "--listen", "127.0.0.1:0", "--token-public-key", &file]).await;
        assert!(!content && (says + &complaints).contains("small order"), "{command}: {complaints}");
    }
}

#[tokio::test]
async fn keys_are_not_fetched_over_a_way_that_anybody_can_change() {
    for (url, says) in [
        ("http://idp.example.com/keys", "https:"),
        ("ftp://127.0.0.1/keys", "https://host/path"),
        ("idp.example.com", "https://host/path"),
    ] {
        let (content, _, complaints) = program_with(&["serve", "--listen", "127.0.0.1:0", "--token-jwks", url]).await;
        assert!(!content && complaints.contains("--token-jwks") && complaints.contains(says), "{complaints}");
    }
}
