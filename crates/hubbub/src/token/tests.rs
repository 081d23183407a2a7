use super::*;
use hubbub_core::limits::TOKEN_LEEWAY;
use jsonwebtoken::Algorithm;
use serde_json::json;
use signer::Signer;

#[path = "../../../../tests/support/signer.rs"]
#[allow(dead_code, reason = "shared with the stories")]
pub mod signer;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn now(trust: &Trust, token: &str) -> Result<Identity, TokenError> {
    match Tokens::new(trust, Arc::default(), Arc::default()).verify(token) {
        Verdict::Now(verdict) => verdict,
        Verdict::Later(_) => panic!("nothing is to be fetched"),
    }
}

fn user(trust: &Trust, token: &str) -> Result<String, TokenError> {
    now(trust, token).map(|identity| identity.user.to_string())
}

fn shared(required: &Requirements) -> Trust {
    Trust { secret: Some(SECRET.into()), required: required.clone(), ..Trust::default() }
}

fn verify(token: &str, required: &Requirements) -> Result<String, TokenError> {
    user(&shared(required), token)
}

fn signed(secret: &str, algorithm: Algorithm, claims: &serde_json::Value) -> String {
    jsonwebtoken::encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

#[test]
fn a_token_is_its_user_until_it_expires() {
    let (any, ana) = (Requirements::default(), UserId::parse("ana").unwrap());
    let token = make(SECRET, &any, &ana, Duration::from_secs(60)).unwrap();
    assert_eq!(verify(&token, &any), Ok("ana".into()));
    let identity = now(&shared(&any), &token).unwrap();
    let left = identity.expires.unwrap().duration_since(Instant::now());
    assert!(left > Duration::from_secs(50) && left <= Duration::from_secs(60));
    let old = signed(SECRET, Algorithm::HS256, &serde_json::json!({"sub": "ana", "exp": 1_000}));
    assert_eq!(verify(&old, &any), Err(TokenError::Expired));
    let forged_and_old = signed("another", Algorithm::HS256, &serde_json::json!({"sub": "ana", "exp": 1_000}));
    assert_eq!(verify(&forged_and_old, &any), Err(TokenError::Invalid));
}

#[test]
fn whatever_else_is_wrong_is_invalid() {
    let any = Requirements::default();
    let picky = Requirements { issuers: vec!["us".into()], audiences: vec!["chat".into()], ..Requirements::default() };
    let claims = serde_json::json!({"sub": "ana"});
    let unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhbmEifQ.";
    for (why, token, required) in [
        ("nothing", String::new(), &any),
        ("no token", "hello".into(), &any),
        ("alg none", unsigned.into(), &any),
        ("another algorithm", signed(SECRET, Algorithm::HS512, &claims), &any),
        ("another key", signed("another", Algorithm::HS256, &claims), &any),
        ("no audience", signed(SECRET, Algorithm::HS256, &serde_json::json!({"sub": "ana", "iss": "us"})), &picky),
        ("no issuer", signed(SECRET, Algorithm::HS256, &serde_json::json!({"sub": "ana", "aud": "chat"})), &picky),
        (
            "wrong audience",
            signed(SECRET, Algorithm::HS256, &serde_json::json!({"sub": "ana", "iss": "us", "aud": "shop"})),
            &picky,
        ),
        ("no user", signed(SECRET, Algorithm::HS256, &serde_json::json!({"exp": 9_999_999_999_u64})), &any),
        ("a reserved user", signed(SECRET, Algorithm::HS256, &serde_json::json!({"sub": "portal:x/y"})), &any),
    ] {
        assert_eq!(verify(&token, required), Err(TokenError::Invalid), "{why}");
    }
    let good = signed(SECRET, Algorithm::HS256, &serde_json::json!({"sub": "ana", "iss": "us", "aud": "chat"}));
    assert_eq!(verify(&good, &picky), Ok("ana".into()));
}

#[test]
fn times_may_be_fractions_and_only_the_future_has_leeway() {
    let any = Requirements::default();
    let now = clock::local().as_secs_f64();
    let said = |claims: &str| {
        let claims: serde_json::Value = serde_json::from_str(&format!(r#"{{"sub":"ana",{claims}}}"#)).unwrap();
        verify(&signed(SECRET, Algorithm::HS256, &claims), &any)
    };
    let ana = || Ok("ana".to_owned());
    assert_eq!(said(&format!(r#""exp":{},"nbf":{},"iat":{}"#, now + 60.5, now - 0.25, now - 0.25)), ana());
    assert_eq!(said(&format!(r#""exp":{}"#, now - 0.01)), Err(TokenError::Expired), "no leeway");
    let leeway = TOKEN_LEEWAY.as_secs_f64();
    for name in ["nbf", "iat"] {
        assert_eq!(said(&format!(r#""{name}":{}"#, now + leeway - 1.0)), ana(), "a clock that is ahead: {name}");
        assert_eq!(said(&format!(r#""{name}":{}"#, now + leeway + 5.0)), Err(TokenError::NotYet), "{name}");
        assert_eq!(
            said(&format!(r#""{name}":{:.0}"#, now * 1_000.0)),
            Err(TokenError::NotYet),
            "{name} in milliseconds"
        );
        assert_eq!(said(&format!(r#""{name}":{},"exp":{}"#, now + 600.0, now - 1.0)), Err(TokenError::Expired));
    }
    assert_eq!(said(r#""exp":1e300"#), ana());
    assert_eq!(said(r#""exp":null"#), ana());
    assert_eq!(said(r#""exp":-1.5"#), Err(TokenError::Expired));
    assert_eq!(said(r#""exp":"2100""#), Err(TokenError::Invalid));
}

#[test]
fn another_claim_may_name_the_user() {
    let own = Requirements { user_claim: "https://us.example/id".into(), ..Requirements::default() };
    let claims = serde_json::json!({"sub": "auth0|7", "https://us.example/id": "ana"});
    assert_eq!(verify(&signed(SECRET, Algorithm::HS256, &claims), &own), Ok("ana".into()));
    let claims = serde_json::json!({"sub": "ana"});
    assert_eq!(verify(&signed(SECRET, Algorithm::HS256, &claims), &own), Err(TokenError::Invalid));
    let made = make(SECRET, &own, &UserId::parse("ben").unwrap(), Duration::from_secs(60)).unwrap();
    assert_eq!(verify(&made, &own), Ok("ben".into()));
}

/// Who trusts these keys.
fn trusting(pems: &[&str]) -> Trust {
    let public_keys = pems.iter().flat_map(|pem| Key::of_pem(pem).unwrap()).collect();
    Trust { public_keys, ..Trust::default() }
}

#[test]
fn a_public_key_of_each_kind_is_taken_with_the_algorithms_it_has() {
    let ana = json!({"sub": "ana"});
    for (made_for, others) in [
        (Algorithm::RS256, &[Algorithm::RS384, Algorithm::RS512, Algorithm::PS256][..]),
        (Algorithm::ES256, &[]),
        (Algorithm::ES384, &[]),
        (Algorithm::EdDSA, &[]),
    ] {
        let (provider, impostor) = (Signer::new(made_for), Signer::new(made_for));
        let trust = trusting(&[&provider.pem]);
        for algorithm in [&[made_for], others].concat() {
            assert_eq!(user(&trust, &provider.signs_as(algorithm, &ana)), Ok("ana".into()), "{algorithm:?}");
            assert_eq!(user(&trust, &impostor.signs_as(algorithm, &ana)), Err(TokenError::Invalid), "{algorithm:?}");
        }
        let expired = provider.signs(&json!({"sub": "ana", "exp": 1_000}));
        assert_eq!(user(&trust, &expired), Err(TokenError::Expired), "{made_for:?}");
        let expired = impostor.signs(&json!({"sub": "ana", "exp": 1_000}));
        assert_eq!(
            user(&trust, &expired),
            Err(TokenError::Invalid),
            "{made_for:?}: a stranger's age is nobody's business"
        );
        // Keys trust nobody who knows a secret, and a secret trusts no key.
        assert_eq!(user(&trust, &signed(SECRET, Algorithm::HS256, &ana)), Err(TokenError::Invalid));
        assert_eq!(verify(&provider.signs(&ana), &Requirements::default()), Err(TokenError::Invalid));
    }
}

#[test]
fn the_algorithm_follows_the_key_and_never_the_header() {
    let provider = Signer::new(Algorithm::RS256);
    let claims = json!({"sub": "ana"});
    let der: Vec<u8> = base64_of(&provider.pem);
    let unsigned = |alg: &str| {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        format!("{}.{}.", part(json!({"alg": alg, "typ": "JWT"})), part(claims.clone()))
    };
    let by_secret = |secret: &[u8]| {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret)).unwrap()
    };
    // The public key is known to everybody: as an HMAC secret it would make everybody anybody.
    let trimmed = provider.pem.trim().to_owned();
    for trust in [trusting(&[&provider.pem]), Trust { secret: Some(SECRET.into()), ..trusting(&[&provider.pem]) }] {
        for (why, token) in [
            ("alg none", unsigned("none")),
            ("alg None", unsigned("None")),
            ("alg nOnE", unsigned("nOnE")),
            ("no signature", unsigned("RS256")),
            ("HS256 by the PEM", by_secret(provider.pem.as_bytes())),
            ("HS256 by the PEM without its last line end", by_secret(trimmed.as_bytes())),
            ("HS256 by the DER", by_secret(&der)),
            ("HS256 by nothing", by_secret(b"")),
            ("HS512 by the secret", signed(SECRET, Algorithm::HS512, &claims)),
        ] {
            assert_eq!(user(&trust, &token), Err(TokenError::Invalid), "{why}");
        }
        assert_eq!(user(&trust, &provider.signs(&claims)), Ok("ana".into()));
    }
    // A key that comes with the token is nobody's key, and what must be understood is not.
    let impostor = Signer::new(Algorithm::RS256);
    let own_key = serde_json::from_value(impostor.jwk()).unwrap();
    let header = Header { jwk: Some(own_key), ..Header::new(Algorithm::RS256) };
    assert_eq!(user(&trusting(&[&provider.pem]), &impostor.signs_with(&header, &claims)), Err(TokenError::Invalid));
    let header = Header { crit: Some(vec!["b64".into()]), ..Header::new(Algorithm::RS256) };
    assert_eq!(user(&trusting(&[&provider.pem]), &provider.signs_with(&header, &claims)), Err(TokenError::Invalid));
}

fn base64_of(pem: &str) -> Vec<u8> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}

#[test]
fn while_a_key_is_being_replaced_both_are_good() {
    let (old, new) = (Signer::new(Algorithm::ES256), Signer::new(Algorithm::ES256));
    let stranger = Signer::new(Algorithm::ES256);
    let claims = json!({"sub": "ana"});
    for trust in [trusting(&[&old.pem, &new.pem]), trusting(&[&format!("The keys of us:\n{}{}", old.pem, new.pem)])] {
        for signer in [&old, &new] {
            assert_eq!(user(&trust, &signer.signs(&claims)), Ok("ana".into()));
        }
        assert_eq!(user(&trust, &stranger.signs(&claims)), Err(TokenError::Invalid));
    }
    let tokens = Tokens::new(&trusting(&[&old.pem]), Arc::default(), Arc::default());
    tokens.trust(&trusting(&[&new.pem]));
    let Verdict::Now(verdict) = tokens.verify(&old.signs(&claims)) else { panic!() };
    assert_eq!(verdict, Err(TokenError::Invalid), "the old key is out of use");
}

#[test]
fn what_is_no_public_key_is_refused_with_what_to_do() {
    let short = "-----BEGIN RSA PUBLIC KEY-----\nMIGJAoGBAMr0hCmqYp9bZg5QHIeGe1fbMTpo7W7Gd9j9bVhLtpNmSSE9kWgXoX7a\nkHtjZw4ZgmQsGDtTE3v6jvyVYiUDJoqwMBRSkhQzEQNoRWIMAvk3/nhVGNUlmSgr\nMNl0SUFZbtqGbpAmMCQ0yPmuSiyYkpCXzPXuOZkKVjNvXxXBVKXJAgMBAAE=\n-----END RSA PUBLIC KEY-----\n";
    let signer = Signer::new(Algorithm::EdDSA);
    for (pem, says) in [
        ("", "no PEM block"),
        ("hello", "no PEM block"),
        (signer.private_pem.as_str(), "openssl pkey -pubout"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "openssl x509 -pubkey"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "RSA, ECDSA or Ed25519"),
        ("-----BEGIN PUBLIC KEY-----\nno base64!\n-----END PUBLIC KEY-----\n", "RSA, ECDSA or Ed25519"),
        (short, "1024 bits"),
    ] {
        let error = format!("{:#}", Key::of_pem(pem).err().expect("refused"));
        assert!(error.contains(says), "{pem}: {error}");
    }
    let second = format!("{}{}", signer.pem, signer.private_pem);
    assert!(format!("{:#}", Key::of_pem(&second).err().expect("refused")).contains("block 2"));
}

/// The counts of refusals that are not 0.
fn counted(metrics: &Metrics) -> Vec<(String, u64)> {
    let text = metrics.text();
    let of = |line: &str| {
        let (reason, count) = line.strip_prefix("hubbub_tokens_refused_total{reason=\"")?.split_once("\"} ")?;
        Some((reason.to_owned(), count.parse().ok()?))
    };
    text.lines().filter_map(of).collect()
}

#[test]
fn every_refusal_is_counted_by_its_reason() {
    let required =
        Requirements { issuers: vec!["us".into()], audiences: vec!["chat".into()], ..Requirements::default() };
    let now = clock::local().as_secs();
    let with = |change: serde_json::Value| {
        let mut claims = json!({"sub": "ana", "iss": "us", "aud": "chat"});
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        signed(SECRET, Algorithm::HS256, &claims)
    };
    for (token, reason, told) in [
        (String::new(), "missing", TokenError::Invalid),
        ("a.b.c".into(), "malformed", TokenError::Invalid),
        (signed(SECRET, Algorithm::HS384, &json!({})), "algorithm", TokenError::Invalid),
        (Signer::new(Algorithm::EdDSA).signs(&json!({})), "algorithm", TokenError::Invalid),
        (signed("another", Algorithm::HS256, &json!({"sub": "ana"})), "signature", TokenError::Invalid),
        (with(json!({"iss": "them"})), "issuer", TokenError::Invalid),
        (signed(SECRET, Algorithm::HS256, &json!({"sub": "ana", "aud": "chat"})), "issuer", TokenError::Invalid),
        (with(json!({"aud": ["shop"]})), "audience", TokenError::Invalid),
        (with(json!({"exp": "soon"})), "times", TokenError::Invalid),
        (with(json!({"iat": true})), "times", TokenError::Invalid),
        (with(json!({"exp": now - 1})), "expired", TokenError::Expired),
        (with(json!({"iat": now + 3_600})), "not_yet", TokenError::NotYet),
        (with(json!({"nbf": now * 1_000})), "not_yet", TokenError::NotYet),
        (with(json!({"sub": "hubbub:api"})), "user", TokenError::Invalid),
        (with(json!({"sub": 7})), "user", TokenError::Invalid),
        (with(json!({"info": "x".repeat(3_000)})), "info", TokenError::Invalid),
    ] {
        let metrics = Arc::<Metrics>::default();
        let trust = Trust { secret: Some(SECRET.into()), required: required.clone(), ..Trust::default() };
        let tokens = Tokens::new(&trust, metrics.clone(), Arc::default());
        let Verdict::Now(verdict) = tokens.verify(&token) else { panic!() };
        assert_eq!(verdict, Err(told), "{reason}");
        assert_eq!(counted(&metrics), [(reason.to_owned(), 1)]);
        tokens.refused(Why::ApiKeyUnknown);
        assert_eq!(counted(&metrics).len(), 2);
    }
}

#[test]
fn an_exp_that_nobody_means_is_taken_and_counted() {
    let now = clock::local().as_secs();
    for (exp, long) in [
        (json!(now + 900), 0),
        (json!(now + 9 * 365 * 86_400), 0),
        (json!(now * 1_000), 1),
        (json!(253_402_300_799_u64), 1),
        (json!(u64::MAX), 1),
        (json!(9_223_372_036_854_775_807_u64), 1),
        (json!(1e300), 1),
    ] {
        let metrics = Arc::<Metrics>::default();
        let tokens = Tokens::new(&shared(&Requirements::default()), metrics.clone(), Arc::default());
        let token = signed(SECRET, Algorithm::HS256, &json!({"sub": "ana", "exp": exp}));
        let Verdict::Now(Ok(identity)) = tokens.verify(&token) else { panic!("{exp}") };
        assert!(identity.expires.is_some(), "{exp}");
        assert_eq!(metrics.tokens.long.get(), long, "{exp}");
    }
}

#[test]
fn the_time_is_that_of_the_clock_it_is_given() {
    let clock = Arc::<Clock>::default();
    let tokens = Tokens::new(&shared(&Requirements::default()), Arc::default(), clock.clone());
    let says = |exp: Duration| {
        let token =
            signed(SECRET, Algorithm::HS256, &json!({"sub": "ana", "exp": exp.as_secs(), "iat": exp.as_secs() - 60}));
        let Verdict::Now(verdict) = tokens.verify(&token) else { panic!() };
        verdict.map(|_| ())
    };
    let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3_600));
    let fresh = clock::local() + minute;
    assert_eq!(says(fresh), Ok(()));
    let set = |since_1970| clock.take(clock::Reading::now(Instant::now(), since_1970));
    set(clock::local() + hour);
    assert_eq!((says(fresh), says(fresh + hour)), (Err(TokenError::Expired), Ok(())));
    set(clock::local() - hour);
    assert_eq!((says(fresh), says(fresh - hour)), (Err(TokenError::NotYet), Ok(())));
}
