//! Questions of portals: whether we are there, and whether we know the secret. And what is checked against the public address.

use crate::{
    desk::Desk,
    http::{self, Answer},
    support::portal::{self, unix_now},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::net::SocketAddr;

const JSON: &str = "content-type: application/json\r\n";

async fn ask(to: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    http::ask(to, method, path, headers, "").await.expect("an answer")
}

fn mac(secret: &str, text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn meta() -> Value {
    json!({ "verify": {"scheme": "hub_signature"}, "challenges": [{ "method": "get", "when": {"query:hub.mode": ["subscribe"]},
        "token": "query:hub.verify_token", "reply": "query:hub.challenge" }] })
}

#[tokio::test]
async fn a_question_by_get_is_echoed_as_text_to_who_knows_the_token() {
    let desk = Desk::with(json!({})).await;
    let to = desk.server.at(0);
    let none = ask(to, "GET", "/hooks/desk?hub.challenge=1", &[]).await;
    assert!(none.status == 405 && none.headers.contains("allow: POST"), "{} {}", none.status, none.headers);
    let made = desk.api("POST", "/v1/portals", &json!({ "id": "meta", "settings": meta() })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let token = made.json()["challenge_secret"].as_str().expect("a token").to_owned();
    let shown = desk.api("GET", "/v1/portals/meta", &Value::Null).await.text;
    assert!(!shown.contains(&token), "the token is shown");
    let path =
        |token: &str| format!("/hooks/meta?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=11582%3Cb%3E");
    let answer = ask(to, "GET", &path(&token), &[]).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "11582<b>"));
    assert_eq!(answer.kind, "text/plain; charset=utf-8");
    assert!(answer.headers.contains("x-content-type-options: nosniff"), "{}", answer.headers);
    let head = ask(to, "HEAD", &path(&token), &[]).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    for (path, status) in [
        (path("guess"), 401),
        (path(""), 401),
        (path(&format!("{token}&hub.verify_token=x")), 401),
        ("/hooks/meta?hub.mode=subscribe&hub.challenge=1".into(), 401),
        ("/hooks/meta?hub.mode=unsubscribe".into(), 404),
        ("/hooks/meta".into(), 404),
        ("/hooks/nobody?hub.mode=subscribe".into(), 404),
    ] {
        let refused = ask(to, "GET", &path, &[]).await;
        assert!(
            refused.status == status && !refused.text.contains("11582"),
            "{path}: {} {}",
            refused.status,
            refused.text
        );
    }
    // Another token, and nothing of it is in what is tried out.
    let rotated = json!({ "direction": "challenge", "secret": "a token of our own", "keep_seconds": 0 });
    assert_eq!(
        desk.api("POST", "/v1/portals/meta/secrets", &rotated).await.json()["challenge_secret"],
        "a token of our own"
    );
    let dry = |token: &str| {
        let query = format!("hub.mode=subscribe&hub.verify_token={token}&hub.challenge=7")
            .replace('=', "%3D")
            .replace('&', "%26");
        format!("/v1/portals/meta/dry-run?method=GET&query={}", query.replace(' ', "%2520"))
    };
    for (token, right) in [("a token of our own", true), (token.as_str(), false)] {
        let found = desk.api("POST", &dry(token), &Value::Null).await.json();
        assert_eq!((&found["challenge"], &found["token_is_right"]), (&json!("7"), &json!(right)), "{found}");
    }
}

/// A portal that answered whoever asks would sign whatever they like.
#[tokio::test]
async fn what_is_answered_with_the_secret_is_answered_to_who_has_signed() {
    let desk = Desk::with(json!({
        "verify": {"scheme": "hmac", "header": "x-zm-signature", "prefix": "v0=", "signed": "v0:{timestamp}:{body}",
            "timestamp_header": "x-zm-request-timestamp"},
        "challenges": [{ "when": {"/event": ["endpoint.url_validation"]}, "reply_json": {
            "plainToken": "/payload/plainToken", "encryptedToken": {"hmac": "/payload/plainToken"} } }],
    }))
    .await;
    let body = json!({ "event": "endpoint.url_validation", "payload": { "plainToken": "qgg8vlvZRS6UYooatFL8Aw" } })
        .to_string();
    let headers = |secret: &str, at: i64| {
        format!(
            "{JSON}x-zm-request-timestamp: {at}\r\nx-zm-signature: v0={}\r\n",
            hex(&mac(secret, &format!("v0:{at}:{body}")))
        )
    };
    let right = hex(&mac(&desk.incoming, "qgg8vlvZRS6UYooatFL8Aw"));
    let now = unix_now();
    for unsigned in [JSON.to_owned(), headers("another secret of theirs", now), headers(&desk.incoming, now - 400)] {
        let (status, text) = desk.posts(&unsigned, &body).await;
        assert!(status == 401 && !text.contains(&right), "{status} {text}");
    }
    let (status, text) = desk.posts(&headers(&desk.incoming, now), &body).await;
    assert_eq!(status, 200, "{text}");
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(answer, json!({ "plainToken": "qgg8vlvZRS6UYooatFL8Aw", "encryptedToken": right }));
    // Nor by trying it out.
    let dry = desk.api("POST", "/v1/portals/desk/dry-run", &serde_json::from_str(&body).expect("JSON")).await;
    assert!(dry.status == 200 && dry.text.contains("encryptedToken") && !dry.text.contains(&right), "{}", dry.text);
    // By GET, where the question itself is signed.
    let crc = |verify: Value| {
        json!({ "verify": {"scheme": "hub_signature"}, "challenges": [{ "method": "get", "verify": verify,
        "reply_json": { "response_token": {"hmac": "query:crc_token", "encoding": "base64", "prefix": "sha256="} } }] })
    };
    for oracle in [Value::Null, json!({"scheme": "hub_signature"}), json!({"scheme": "bearer"})] {
        let made = desk.api("POST", "/v1/portals", &json!({ "id": "x", "settings": crc(oracle) })).await;
        assert!(made.status == 422 && made.text.contains("must be signed"), "{}", made.text);
    }
    let signed =
        json!({"scheme": "hmac", "header": "x-sig", "signed": "{query}", "encoding": "base64", "prefix": "sha256="});
    let made = desk.api("POST", "/v1/portals", &json!({ "id": "x", "settings": crc(signed) })).await.json();
    let secret = made["incoming_secret"].as_str().expect("a secret");
    let query = "crc_token=abc%7B%7D&nonce=1";
    let base64 = |text: &str| STANDARD.encode(mac(secret, text));
    let path = format!("/hooks/x?{query}");
    for (signature, status) in
        [("AAAA".to_owned(), 401), (base64(""), 401), (base64("crc_token=other&nonce=1"), 401), (base64(query), 200)]
    {
        let answer = ask(desk.server.at(0), "GET", &path, &[("x-sig", &format!("sha256={signature}"))]).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        let expected = format!("sha256={}", base64("abc{}"));
        assert_eq!(answer.text.contains(&expected), status == 200, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_signed_url_begins_with_the_public_address_whatever_the_request_says() {
    let desk = Desk::with_flags(json!({}), &["--public-url", "https://chat.example/base/"]).await;
    desk.session("s1", "ana").await;
    let settings = |public: Value| {
        json!({
            "verify": {"scheme": "hmac", "header": "x-sig", "signed": "{method}{url}{body}"}, "public_url": public,
            "mapping": {"session": "/s", "text": "/t"},
        })
    };
    let made = desk
        .api("POST", "/v1/portals", &json!({ "id": "own", "settings": settings(json!("https://other.example")) }))
        .await;
    let own = made.json()["incoming_secret"].as_str().expect("a secret").to_owned();
    let made = desk.api("POST", "/v1/portals", &json!({ "id": "theirs", "settings": settings(Value::Null) })).await;
    let theirs = made.json()["incoming_secret"].as_str().expect("a secret").to_owned();
    for (portal, secret, base) in
        [("own", own, "https://other.example"), ("theirs", theirs, "https://chat.example/base")]
    {
        desk.api("POST", "/v1/sessions", &json!({ "id": format!("of-{portal}"), "portal": portal, "customer": "ana" }))
            .await;
        let body = json!({ "s": format!("of-{portal}"), "t": "hello" }).to_string();
        let path = format!("/hooks/{portal}?a=1&b=%20");
        let posts = async |signed: &str, more: &str| {
            let signature = hex(&mac(&secret, &format!("POST{signed}{body}")));
            let headers = format!("{JSON}x-sig: {signature}\r\n{more}");
            portal::post(desk.server.at(0), &path, &headers, &body).await.expect("an answer").0
        };
        assert_eq!(posts(&format!("{base}{path}"), "").await, 200, "{portal}");
        assert_eq!(
            posts(
                &format!("https://evil.example{path}"),
                "x-forwarded-host: evil.example\r\nx-forwarded-proto: https\r\n"
            )
            .await,
            401
        );
        assert_eq!(posts(&format!("http://{}{path}", desk.server.at(0)), "").await, 401);
        assert_eq!(posts(&format!("{base}/hooks/{portal}"), "").await, 401);
    }
    let without = Desk::with(json!({})).await;
    for verify in [json!({"scheme": "twilio"}), json!({"scheme": "hubspot"}), settings(Value::Null)["verify"].clone()] {
        let made = without.api("POST", "/v1/portals", &json!({ "id": "x", "settings": {"verify": verify} })).await;
        assert!(made.status == 422 && made.text.contains("--public-url"), "{}", made.text);
    }
}
