//! Tokens as four identity providers issue them, with the settings that docs/identity.md has for each.

use crate::{
    cluster::program as program_with,
    http,
    operated::Program,
    support::{
        authority::Authority,
        provider::{Answer, Provider},
        signer::Signer,
    },
    tokens::{connect, in_seconds, is_let_in, is_refused},
};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

/// What one of them issues.
struct Vendor {
    name: &'static str,
    /// A token that is to be taken, and who it makes somebody. All others are this one, changed.
    token: Value,
    user: &'static str,
    /// Other tokens of theirs that are taken as the same user.
    also: Vec<Value>,
    /// Tokens that their keys have signed and that are refused: the change, the reason that is counted, and what `check` says.
    not: Vec<(Value, &'static str, &'static [&'static str])>,
}

fn keycloak() -> Vendor {
    let token = json!({
        "exp": in_seconds(300), "iat": in_seconds(0), "auth_time": in_seconds(-60), "jti": "onrtac:9f6c", "typ": "Bearer",
        "iss": "https://login.example.com/realms/shop", "aud": "account", "sub": "f2b5e6a8-6a52-4b6e-9f4f-0c4d5f0f7a11",
        "azp": "shop-web", "sid": "b9b2", "acr": "1", "allowed-origins": ["https://shop.example.com"],
        "realm_access": { "roles": ["offline_access", "default-roles-shop"] },
        "resource_access": { "account": { "roles": ["manage-account"] } },
        "scope": "openid email profile", "email_verified": true, "preferred_username": "ana",
    });
    Vendor {
        name: "Keycloak",
        token,
        user: "f2b5e6a8-6a52-4b6e-9f4f-0c4d5f0f7a11",
        also: vec![json!({ "aud": ["chat", "account"] })],
        not: vec![
            (
                json!({ "azp": "other-app" }),
                "audience",
                &["its azp is \"other-app\"", "--token-audience is \"shop-web\""],
            ),
            (json!({ "azp": null }), "audience", &["it has no azp"]),
            // An id token, and a log-out token: by the same key, for the same client.
            (json!({ "typ": "ID", "aud": "shop-web" }), "required", &["its typ is \"ID\"", "wants Bearer"]),
            (json!({ "typ": "Logout", "aud": "shop-web" }), "required", &["its typ is \"Logout\""]),
            (json!({ "sub": null }), "user", &["it has no sub", "azp", "the client scope basic"]),
            (json!({ "iss": "https://login.example.com/realms/staff" }), "issuer", &["its iss is", "realms/staff"]),
        ],
    }
}

fn cognito() -> Vendor {
    let issuer = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab12Cd34E";
    let token = json!({
        "sub": "a3f4b8c2-00a1-70b2-8c3d-4e5f60718293", "cognito:groups": ["customers"], "iss": issuer, "version": 2,
        "client_id": "5q0example0client0id0web", "origin_jti": "aa", "event_id": "bb", "token_use": "access",
        "scope": "openid profile", "auth_time": in_seconds(-60), "exp": in_seconds(3_600), "iat": in_seconds(-60),
        "jti": "cc", "username": "ana",
    });
    Vendor {
        name: "Amazon Cognito",
        token,
        user: "a3f4b8c2-00a1-70b2-8c3d-4e5f60718293",
        also: vec![json!({ "client_id": "5q0example0client0id0ios" })],
        not: vec![
            (json!({ "client_id": "another" }), "audience", &["its client_id is \"another\"", "ios\""]),
            (
                json!({ "token_use": "id", "aud": "5q0example0client0id0web", "client_id": null }),
                "audience",
                &["it has no client_id", "its aud is that", "--token-audience-claim aud"],
            ),
            (json!({ "token_use": "id" }), "required", &["its token_use is \"id\"", "wants access"]),
            (json!({ "iss": format!("{issuer}x") }), "issuer", &["its iss is", "Cd34Ex"]),
        ],
    }
}

fn auth0() -> Vendor {
    let token = json!({
        "https://chat.example.com/user_id": "1047", "https://chat.example.com/info": { "name": "Ana" },
        "iss": "https://shop.eu.auth0.com/", "sub": "auth0|64ac0d9be0f6",
        "aud": ["https://chat.example.com", "https://shop.eu.auth0.com/userinfo"],
        "iat": in_seconds(0), "exp": in_seconds(86_400), "scope": "openid profile", "azp": "kT0example",
    });
    Vendor {
        name: "Auth0",
        token,
        user: "1047",
        also: vec![json!({ "aud": "https://chat.example.com", "permissions": ["chat"] })],
        not: vec![
            (
                json!({ "aud": ["https://shop.eu.auth0.com/userinfo"] }),
                "audience",
                &["userinfo", "--token-audience is"],
            ),
            (json!({ "aud": null }), "audience", &["it has no aud"]),
            (json!({ "iss": "https://shop.eu.auth0.com" }), "issuer", &["to the last slash"]),
            (
                json!({ "https://chat.example.com/user_id": null }),
                "user",
                &["it has no https://chat.example.com/user_id", "it has aud, azp, exp"],
            ),
            (json!({ "https://chat.example.com/user_id": 1047 }), "user", &["no text that an id can be", "no number"]),
            (json!({ "https://chat.example.com/info": "x".repeat(3_000) }), "info", &["info"]),
        ],
    }
}

fn entra() -> Vendor {
    let (tenant, api) = ("9f3c0000-0000-4000-8000-00000000aaaa", "7be10000-0000-4000-8000-00000000bbbb");
    let v1 = json!({
        "iss": format!("https://sts.windows.net/{tenant}/"), "aud": format!("api://{api}"), "ver": "1.0", "azp": null,
        "appid": "11110000-0000-4000-8000-00000000cccc", "upn": "ana@example.com",
    });
    let token = json!({
        "aud": api, "iss": format!("https://login.microsoftonline.com/{tenant}/v2.0"), "iat": in_seconds(-5),
        "nbf": in_seconds(-5), "exp": in_seconds(4_000), "aio": "AX", "azp": "11110000-0000-4000-8000-00000000cccc",
        "azpacr": "0", "name": "Ana", "oid": "5e2a0000-0000-4000-8000-00000000dddd", "preferred_username": "ana@example.com",
        "rh": "0.A", "scp": "access_as_user profile", "sub": "pairwise-Xb3k", "tid": tenant, "uti": "u", "ver": "2.0",
    });
    Vendor {
        name: "Microsoft Entra ID",
        token,
        user: "5e2a0000-0000-4000-8000-00000000dddd",
        also: vec![v1],
        not: vec![
            (
                json!({ "iss": "https://login.microsoftonline.com/another/v2.0", "tid": "another" }),
                "issuer",
                &["another/v2.0", "sts.windows.net"],
            ),
            (json!({ "iss": "https://sts.windows.net/another/" }), "issuer", &["requestedAccessTokenVersion"]),
            (json!({ "aud": "00000003-0000-0000-c000-000000000000" }), "audience", &["its aud is"]),
            (json!({ "scp": "access_as_user_too" }), "required", &["its scp is", "wants access_as_user"]),
            (json!({ "scp": null, "roles": ["chat"] }), "required", &["it has no scp", "roles"]),
            (json!({ "oid": null }), "user", &["it has no oid", "sub"]),
        ],
    }
}

/// A token with some claims changed, or taken out where they are null.
fn changed(token: &Value, change: &Value) -> Value {
    let mut token = token.clone();
    for (name, value) in change.as_object().expect("claims") {
        match value {
            Value::Null => token.as_object_mut().expect("claims").remove(name),
            value => token.as_object_mut().expect("claims").insert(name.clone(), value.clone()),
        };
    }
    token
}

/// The command line below a heading of the page, as settings and their values.
fn settings_of(page: &str, heading: &str) -> Vec<(String, String)> {
    let section = page.split("\n## ").find(|section| section.starts_with(heading)).expect("a section");
    let line = section.split("```sh\n").nth(1).and_then(|block| block.split("```").next()).expect("a command line");
    let line = line.replace("\\\n", " ");
    let mut words = line.split_whitespace();
    assert_eq!((words.next(), words.next()), (Some("hubbub"), Some("serve")), "{heading}");
    let words: Vec<_> = words.collect();
    let pairs = words.chunks(2).map(|pair| match pair {
        [flag, value] => (flag.strip_prefix("--").expect("a flag").to_owned(), (*value).to_owned()),
        odd => panic!("{heading}: {odd:?}"),
    });
    pairs.collect()
}

/// A set as providers publish it: Entra's keys have no `alg`, and Keycloak's have one for encryption beside them.
fn published(signers: &[&Signer]) -> Answer {
    let mut keys: Vec<_> = signers.iter().map(|signer| signer.jwk()).collect();
    let mut encrypts = keys[0].clone();
    (encrypts["use"], encrypts["alg"], encrypts["kid"]) = ("enc".into(), "RSA-OAEP".into(), "enc".into());
    for key in &mut keys {
        key.as_object_mut().expect("a key").remove("alg");
        (key["x5t"], key["x5c"]) = ("dGh1bWI".into(), json!(["MIIC"]));
    }
    keys.push(encrypts);
    Answer::Body(json!({ "keys": keys }).to_string())
}

async fn refusals(program: &Program, reason: &str) -> u64 {
    let text = http::ask(program.addr, "GET", "/metrics", &[], "").await.expect("an answer").text;
    let name = format!("hubbub_tokens_refused_total{{reason=\"{reason}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn tokens_as_four_providers_issue_them_are_taken_with_the_settings_of_the_page() {
    let (signer, next) = (Signer::named("key-1", Algorithm::RS256), Signer::named("key-2", Algorithm::RS256));
    let authority = Authority::new();
    let provider = Provider::start_over_tls(&[&signer], &authority).await;
    provider.answers(published(&[&signer]));
    let page = include_str!("../../docs/identity.md");
    let directory = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", directory.path().join("none.db").display());
    let file = directory.path().join("token.jwt").display().to_string();
    let ca = authority.file().display().to_string();
    let (mut running, mut connected) = (None::<Program>, Vec::new());
    for vendor in [keycloak(), cognito(), auth0(), entra()] {
        let mut settings = settings_of(page, vendor.name);
        let at = settings.iter_mut().find(|(name, _)| name == "token-jwks").expect("where its keys are");
        assert!(at.1.starts_with("https://"), "{}", at.1);
        // The keys are here; everything else is as the page has it.
        at.1 = provider.url();
        settings.push(("token-jwks-ca".into(), ca.clone()));
        let key = format!("an API key of {} that is long enough", vendor.name);
        let lines: Vec<_> = settings.iter().map(|(name, value)| format!("{name} = \"{value}\"")).collect();
        let configuration = format!("api-key = \"{key}\"\n{}\n", lines.join("\n"));
        let program = match running.take() {
            None => {
                let program = Program::serve(&configuration).await;
                let room = json!({ "id": "general", "kind": "open" });
                assert_eq!(program.api(&key, "POST", "/v1/rooms", &room).await.status, 201);
                program
            }
            Some(program) => {
                program.reads_again(&configuration);
                program.is_open_to(&key).await;
                program
            }
        };
        let mut flags =
            vec!["check".to_owned(), "--listen".into(), "127.0.0.1:0".into(), "--store".into(), store.clone()];
        flags.extend(settings.iter().flat_map(|(name, value)| [format!("--{name}"), value.clone()]));
        flags.extend(["--token".into(), file.clone()]);
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        let check = async |token: &str| {
            std::fs::write(&file, format!("{token}\n")).expect("a token");
            let (_, found, _) = program_with(&flags).await;
            assert!(!found.contains(token), "{found}");
            let about = format!(" --token {file}: ");
            found.lines().find(|line| line.contains(&about)).unwrap_or_else(|| panic!("{found}")).to_owned()
        };
        for token in std::iter::once(&json!({})).chain(&vendor.also) {
            let token = signer.signs(&changed(&vendor.token, token));
            let (wire, answer) = connect(program.addr, &token).await.expect("an answer");
            let own = format!("user:{}", vendor.user);
            assert!(answer["connect"]["subs"][own].is_object(), "{}: not {}: {answer}", vendor.name, vendor.user);
            connected.push((wire, vendor.token.clone(), key.clone()));
            let found = check(&token).await;
            assert!(found.starts_with("ok ") && found.contains(&format!("its user is \"{}\"", vendor.user)), "{found}");
        }
        for (change, reason, words) in &vendor.not {
            let token = signer.signs(&changed(&vendor.token, change));
            let before = refusals(&program, reason).await;
            is_refused(program.addr, &token).await;
            assert_eq!(refusals(&program, reason).await, before + 1, "{}: {change} is {reason}", vendor.name);
            let found = check(&token).await;
            assert!(found.starts_with("wrong ") && words.iter().all(|word| found.contains(word)), "{words:?}: {found}");
        }
        // Whoever else has signed it.
        is_refused(program.addr, &Signer::named("key-1", Algorithm::ES256).signs(&vendor.token)).await;
        running = Some(program);
    }
    // The provider changes its key while people are connected: their next token names it, and nobody has to leave.
    provider.answers(published(&[&signer, &next]));
    let program = running.expect("the program");
    let last = connected.last().expect("somebody").2.clone();
    for (wire, token, _) in connected.iter_mut().filter(|(.., key)| *key == last) {
        let refreshed = wire.asks(json!({ "id": 9, "refresh": { "token": next.signs(token) } })).await;
        assert!(refreshed["refresh"]["ttl"].is_u64(), "{refreshed}");
    }
    let log = program.log();
    assert!(!log.contains("it is left out"), "a key for encryption is no news: {log}");
}

#[tokio::test]
async fn a_token_that_lives_too_long_is_refused_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let secret = "a secret of stories, long enough for them";
    let program = Program::serve(&format!("token-secret = \"{secret}\"\ntoken-max-life = \"1h\"\n")).await;
    hubbub::crypto::install();
    let signed = |claims: Value| {
        let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
        jsonwebtoken::encode(&jsonwebtoken::Header::new(Algorithm::HS256), &claims, &key).expect("a token")
    };
    for good in [
        json!({ "sub": "ana", "iat": in_seconds(-1_800), "exp": in_seconds(1_800) }),
        json!({ "sub": "ana", "exp": in_seconds(3_500) }),
    ] {
        is_let_in(program.addr, &signed(good)).await;
    }
    let bad = [
        json!({ "sub": "ana", "iat": in_seconds(-3_600), "exp": in_seconds(60) }),
        json!({ "sub": "ana", "exp": in_seconds(7_200) }),
        json!({ "sub": "ana", "iat": in_seconds(0) }),
    ];
    for bad in &bad {
        is_refused(program.addr, &signed(bad.clone())).await;
    }
    assert_eq!(refusals(&program, "life").await, 3);
    program.has_said("the limit is 3600 s (--token-max-life)", 1).await;
    let file = directory.path().join("token.jwt").display().to_string();
    let flags = ["check", "--listen", "127.0.0.1:0", "--token-secret", secret, "--token", &file, "--token-max-life"];
    for (token, life, says) in [
        (&bad[0], "1h", "it is good for 3660 s; the limit is 3600 s"),
        (&bad[2], "1h", "it has no exp, which --token-max-life wants"),
        (&bad[0], "5", "--token-max-life 5: a number with s, m, h or d"),
        (&bad[0], "59s", "--token-max-life 59s: at least 60 s"),
    ] {
        std::fs::write(&file, signed(token.clone())).unwrap();
        let (content, found, _) = program_with(&[&flags[..], &[life]].concat()).await;
        assert!(!content && found.contains(says), "{says}: {found}");
    }
    let (content, _, complaints) =
        program_with(&["token", "--user", "ana", "--ttl", "2h", "--token-secret", secret, "--token-max-life", "1h"])
            .await;
    assert!(!content && complaints.contains("--token-max-life"), "{complaints}");
}
