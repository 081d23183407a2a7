//! How our calls say who we are: secrets of the operator's, and tokens that are fetched once, kept before they are used, and
//! renewed.

use crate::{
    cluster::{API_KEY, Cluster, breathe, program},
    desk::open,
    support::{portal, vendor::Vendor},
    wire::DEADLINE,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::Instant;

const ALLOW: [&str; 2] = ["--portal-allow", "127.0.0.1"];

/// Makes the portal `desk`; the answer.
async fn make(server: &Cluster, settings: Value, access: Option<&str>) -> Value {
    let new = json!({ "id": "desk", "settings": settings, "access_secret": access });
    let made = server.api("POST", "/v1/portals", &new).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()
}

async fn gives(server: &Cluster, direction: &str, secret: &str) -> (u16, String) {
    let given = json!({ "direction": direction, "secret": secret });
    let answer = server.api("POST", "/v1/portals/desk/secrets", &given).await;
    (answer.status, answer.text)
}

async fn says(server: &Cluster, n: usize, session: &str, text: &str) {
    let said = json!({ "from": "ana", "text": text });
    let said = server.instances[n].api("POST", &format!("/v1/rooms/{session}/messages"), &said).await;
    assert_eq!(said.status, 201, "{}", said.text);
}

/// Waits until it is so.
async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is().await {
        assert!(began.elapsed() < 6 * DEADLINE, "{what} in time");
        breathe().await;
    }
}

async fn takes(vendor: &Vendor, mut texts: Vec<String>) {
    texts.sort();
    until(&format!("not {texts:?}"), async || {
        let mut taken = vendor.taken();
        taken.sort();
        taken == texts
    })
    .await;
}

async fn portal_is(server: &Cluster, n: usize, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    until(&format!("the portal is not {what}"), async || {
        last = server.instances[n].api("GET", "/v1/portals/desk", &Value::Null).await.json();
        is(&last)
    })
    .await;
    last
}

#[tokio::test(flavor = "multi_thread")]
async fn each_scheme_opens_a_portal_in_its_own_way() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Cluster::laptop_with(directory.path(), &ALLOW).await;
    let vendor = Vendor::start("").await;
    let schemes = [
        (json!({ "scheme": "bearer" }), "authorization", "Bearer s3cret".to_owned()),
        (
            json!({ "scheme": "basic", "user": "AC1" }),
            "authorization",
            format!("Basic {}", STANDARD.encode("AC1:s3cret")),
        ),
        (json!({ "scheme": "header", "name": "X-Api-Key" }), "x-api-key", "s3cret".to_owned()),
        (json!({ "scheme": "header", "name": "X-Auth", "prefix": "Key " }), "x-auth", "Key s3cret".to_owned()),
        (json!({ "scheme": "none" }), "authorization", String::new()),
    ];
    make(&server, json!({ "url": vendor.open_url(), "auth": { "scheme": "bearer" } }), Some("an older one")).await;
    open(&server, "s1", "desk", "ana").await;
    let (status, text) = gives(&server, "access", "s3cret").await;
    assert!(status == 200 && !text.contains("s3cret"), "{text}");
    for (n, (auth, name, value)) in schemes.into_iter().enumerate() {
        let settings = json!({ "url": vendor.open_url(), "auth": auth });
        assert_eq!(server.api("PUT", "/v1/portals/desk", &settings).await.status, 200);
        // Whoever is not known is looked for: by then the settings are read anew.
        portal::post(server.at(0), "/hooks/nobody", "", "{}").await.expect("an answer");
        says(&server, 0, "s1", &format!("m{n}")).await;
        until("nothing arrived", async || vendor.calls().len() > n).await;
        let call = vendor.calls()[n].clone();
        assert_eq!((call.header(name), call.text()), (value.as_str(), format!("m{n}")));
        assert!(
            call.header("webhook-signature").is_empty() && call.header("webhook-id").starts_with("msg_"),
            "{call:?}"
        );
    }
    // A signature of one's own.
    let auth =
        json!({ "scheme": "hmac", "header": "X-Sig", "prefix": "t={timestamp},v1=", "signed": "{timestamp}.{body}" });
    server.api("PUT", "/v1/portals/desk", &json!({ "url": vendor.open_url(), "auth": auth })).await;
    portal::post(server.at(0), "/hooks/nobody", "", "{}").await.expect("an answer");
    says(&server, 0, "s1", "signed").await;
    until("nothing arrived", async || vendor.taken().iter().any(|text| text == "signed")).await;
    let call = vendor.calls().last().expect("a call").clone();
    let (time, signature) = call.header("x-sig").split_once(",v1=").expect("two parts");
    let mut mac = Hmac::<Sha256>::new_from_slice(b"s3cret").expect("a key");
    mac.update(format!("{}.{}", time.trim_start_matches("t="), call.body).as_bytes());
    let right: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(signature, right);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_refresh_a_token_once() {
    let server = Cluster::of_with(2, &ALLOW).await;
    let vendor = Vendor::start("first").await;
    make(&server, json!({ "url": vendor.url(), "auth": vendor.auth("refresh_token") }), Some("client secret")).await;
    let sessions: Vec<String> = (0..8).map(|n| format!("s{n}")).collect();
    for session in &sessions {
        open(&server, session, "desk", "ana").await;
    }
    let mut texts = Vec::new();
    let mut all_say = async |what: &str| {
        for (n, session) in sessions.iter().enumerate() {
            let text = format!("{what} {n}");
            says(&server, n % 2, session, &text).await;
            texts.push(text);
        }
        texts.clone()
    };
    // Nobody is asked for a token without a grant, and nothing is given up on.
    let texts_without = all_say("one").await;
    portal_is(&server, 0, "there", |seen| seen["standing"] == "active").await;
    vendor.holds_tokens(true);
    assert_eq!(gives(&server, "grant", "first").await.0, 200);
    server.api("POST", "/v1/portals/desk/resume", &Value::Null).await;
    until("nobody asked for a token", async || !vendor.asked().is_empty()).await;
    vendor.holds_tokens(false);
    takes(&vendor, texts_without).await;
    assert_eq!((vendor.issued(), vendor.asked().len()), (1, 1), "one renews, the others wait for it");
    let asked = vendor.asked()[0].clone();
    assert_eq!(asked["authorization"], format!("Basic {}", STANDARD.encode("hubbub:client+secret")));
    assert!(asked["refresh_token"] == "first" && !asked.contains_key("client_secret"), "{asked:?}");

    // A token that was good is refused: another one is fetched, once for all.
    vendor.revokes();
    let texts = all_say("two").await;
    takes(&vendor, texts).await;
    assert_eq!(vendor.issued(), 2);
    assert_eq!(vendor.asked()[1]["refresh_token"], "refresh-token-number-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_refresh_token_outlives_a_kill_before_it_is_used() {
    let mut server = Cluster::of_with(2, &ALLOW).await;
    let vendor = Vendor::start("first").await;
    make(&server, json!({ "url": vendor.url(), "auth": vendor.auth("refresh_token") }), None).await;
    open(&server, "s1", "desk", "ana").await;
    assert_eq!(gives(&server, "grant", "first").await.0, 200);
    // The first call with the new token is on its way, and whoever made it dies.
    vendor.holds(true);
    says(&server, 0, "s1", "hello").await;
    until("nobody called", async || !vendor.calls().is_empty()).await;
    assert_eq!(vendor.asked()[0]["client_id"], "hubbub", "a public client says who it is");
    server.kill(0);
    server.kill(1);
    // The token is good no more: only the refresh token that came with it gets another one.
    vendor.revokes();
    vendor.holds(false);
    server.restart(0).await;
    until("it was not delivered", async || vendor.calls().len() > 1 && vendor.taken().len() > 1).await;
    assert_eq!(vendor.asked()[1]["refresh_token"], "refresh-token-number-1");
    portal_is(&server, 0, "served", |seen| seen["standing"] == "active").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_grant_disables_the_portal_until_it_has_another() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Cluster::laptop_with(directory.path(), &ALLOW).await;
    let vendor = Vendor::start("another one").await;
    make(&server, json!({ "url": vendor.url(), "auth": vendor.auth("refresh_token") }), Some("client secret")).await;
    for session in ["s1", "s2", "s3"] {
        open(&server, session, "desk", "ana").await;
    }
    assert_eq!(gives(&server, "grant", "two\nlines").await.0, 422);
    assert_eq!(gives(&server, "grant", "stale-grant").await.0, 200);
    for session in ["s1", "s2", "s3"] {
        says(&server, 0, session, session).await;
    }
    let seen = portal_is(&server, 0, "disabled", |seen| seen["standing"] == "disabled").await;
    let why = seen["why"].as_str().expect("why");
    assert!(why.contains("invalid_grant") && why.contains("direction grant") && !why.contains("stale-grant"), "{why}");
    assert_eq!(vendor.asked().len(), 1, "it is not asked again and again");
    assert_eq!(server.instances[0].counter("hubbub_portal_tokens_total{portal=\"desk\",outcome=\"revoked\"}").await, 1);
    let session = server.api("GET", "/v1/sessions/s1", &Value::Null).await.json();
    assert!(session["failed"] == json!([]) && session["forwarded"] == 2, "{session}");
    // The operator gets another one, and gives it.
    vendor.gives("another-one");
    let file = directory.path().join("grant");
    std::fs::write(&file, "another-one\n").expect("a file");
    let (at, file) = (format!("http://{}", server.at(0)), file.display().to_string());
    let rotate = ["portals", "rotate", "desk", "grant", "--secret-file", &file, "--server", &at, "--api-key", API_KEY];
    let (done, out, errors) = program(&rotate).await;
    assert!(done && !out.contains("another-one"), "{out}{errors}");
    takes(&vendor, ["s1", "s2", "s3"].map(Into::into).to_vec()).await;
    portal_is(&server, 0, "served", |seen| seen["standing"] == "active" && seen["why"].is_null()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_endpoint_that_is_unwell_costs_no_message() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Cluster::laptop_with(directory.path(), &ALLOW).await;
    let vendor = Vendor::start("").await;
    let settings =
        json!({ "url": vendor.url(), "auth": vendor.auth("client_credentials"), "retry_seconds": [0.05, 0.05] });
    make(&server, settings, Some("client secret")).await;
    open(&server, "s1", "desk", "ana").await;
    let answers = [
        (500, json!({})),
        (302, json!({})),
        (200, json!({ "ok": false, "error": "invalid_client" })),
        (429, json!({})),
        (200, json!("no token")),
    ];
    for (n, answer) in answers.into_iter().enumerate() {
        vendor.answers(Some(answer.clone()));
        let (text, asked) = (format!("m{n}"), vendor.asked().len());
        says(&server, 0, "s1", &text).await;
        until("nobody asked", async || vendor.asked().len() > asked).await;
        let mut session = Value::Null;
        until("no attempt", async || {
            session = server.api("GET", "/v1/sessions/s1", &Value::Null).await.json();
            session["attempts"].as_array().is_some_and(|all| !all.is_empty())
        })
        .await;
        let attempt = session["attempts"][0]["error"].as_str().unwrap_or_default().to_owned();
        assert!(attempt.contains(&format!("the token endpoint answered {}", answer.0)), "{session}");
        assert!(session["attempts"][0]["status"].is_null() && session["failed"] == json!([]), "{session}");
        assert_eq!(vendor.calls().len(), n, "the portal is not called without a token");
        vendor.answers(None);
        vendor.expires_in(json!(0));
        server.api("POST", "/v1/portals/desk/resume", &Value::Null).await;
        takes(&vendor, (0..=n).map(|n| format!("m{n}")).collect()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_endpoint_cannot_be_behind_our_own_walls() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Cluster::laptop_with(directory.path(), &ALLOW).await;
    let vendor = Vendor::start("").await;
    for (n, url) in
        ["http://169.254.169.254/latest", "https://10.0.0.1/token", "https://[::1]/token", "http://localhost.example/t"]
            .into_iter()
            .enumerate()
    {
        let mut auth = vendor.auth("client_credentials");
        auth["token_url"] = url.into();
        let (id, session) = (format!("p{n}"), format!("s{n}"));
        let settings = json!({ "url": vendor.open_url(), "auth": auth });
        let new = json!({ "id": id, "settings": settings, "access_secret": "s" });
        assert_eq!(server.api("POST", "/v1/portals", &new).await.status, 201);
        open(&server, &session, &id, "ana").await;
        says(&server, 0, &session, "hi").await;
        let mut why = String::new();
        until("no attempt", async || {
            let seen = server.api("GET", &format!("/v1/sessions/{session}"), &Value::Null).await.json();
            why = seen["attempts"][0]["error"].as_str().unwrap_or_default().to_owned();
            !why.is_empty()
        })
        .await;
        assert!(why.contains("the token endpoint: ") && why.contains("not allowed"), "{url}: {why}");
    }
    assert!(vendor.calls().is_empty());
}
