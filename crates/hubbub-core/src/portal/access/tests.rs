use super::*;
use crate::{
    delivery::retry::PostOutcome,
    model::time::Timestamp,
    portal::{
        access::oauth::{TokenAnswer, judge, renew_at},
        settings::PortalSettings,
        verify::{Signed, Verify},
    },
};
use serde_json::json;
use std::time::Duration;

const AT: Timestamp = Timestamp(1_700_000_000_123);

fn auth(said: serde_json::Value) -> Auth {
    serde_json::from_value(said).unwrap()
}

fn call(body: &[u8]) -> ToSign<'_> {
    ToSign { id: "msg_1", at: AT, method: "POST", url: "https://desk.example/v1?x=1", body }
}

fn headers(auth: &Auth, secret: &str) -> Vec<(String, String)> {
    auth.headers(Held { access: Some(secret), ..Held::default() }, &call(b"{}")).unwrap()
}

#[test]
fn each_scheme_says_who_we_are_in_its_own_way() {
    for (said, name, value) in [
        (json!({"scheme":"bearer"}), "authorization", "Bearer hush"),
        (json!({"scheme":"basic","user":"Aladdin"}), "authorization", "Basic QWxhZGRpbjpodXNo"),
        (json!({"scheme":"header","name":"X-Api-Key"}), "x-api-key", "hush"),
        (
            json!({"scheme":"header","name":"Authorization","prefix":"Token token="}),
            "authorization",
            "Token token=hush",
        ),
    ] {
        let auth = auth(said);
        auth.check().unwrap();
        assert_eq!(headers(&auth, "hush"), [(name.to_owned(), value.to_owned())]);
        assert_eq!(auth.headers(Held::default(), &call(b"")), Err(NoAccess::NoSecret));
    }
    assert_eq!(headers(&Auth::None {}, "hush"), []);
    let key = signature_secret();
    let held = Held { outgoing: std::slice::from_ref(&key), ..Held::default() };
    let signed = Auth::StandardWebhooks {}.headers(held, &call(b"{}")).unwrap();
    let names: Vec<_> = signed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["webhook-id", "webhook-timestamp", "webhook-signature"]);
    let token = Held { token: Some("t0ken"), ..Held::default() };
    let oauth =
        auth(json!({"scheme":"oauth2","token_url":"https://id.example/t","grant":"refresh_token","client_id":"us"}));
    assert_eq!(oauth.headers(token, &call(b"")).unwrap()[0].1, "Bearer t0ken");
    assert_eq!(oauth.headers(Held::default(), &call(b"")), Err(NoAccess::NoToken));
}

fn signature_secret() -> String {
    crate::portal::signature::make_secret([7; 32])
}

/// What the other side checks with the same description finds our signature good, and only for this body, time and secret.
#[test]
fn a_signature_of_ones_own_is_one_that_the_same_description_verifies() {
    let description = json!({"scheme":"hmac","header":"X-Sig","prefix":"v0=","signed":"v0:{timestamp}:{id}:{method}:{url}:{body}",
        "timestamp_header":"X-Time","id_header":"X-Id"});
    for algorithm in ["sha1", "sha256", "sha512"] {
        for encoding in ["hex", "base64"] {
            let mut said = description.clone();
            said["algorithm"] = algorithm.into();
            said["encoding"] = encoding.into();
            let verify: Verify = serde_json::from_value(said.clone()).unwrap();
            let auth = auth(said);
            auth.check().unwrap();
            let sent = headers(&auth, "a shared secret");
            let header = |name: &str| sent.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_bytes());
            let verified = |body: &'static [u8], secret: &str, now: i64| {
                let request = Signed {
                    method: "POST",
                    url: Some(call(b"").url),
                    query: None,
                    headers: &header,
                    body,
                    path_secret: None,
                };
                verify.verify(&[secret], &request, now)
            };
            let now = AT.0 / 1_000;
            assert_eq!(verified(b"{}", "a shared secret", now), Ok(0), "{algorithm} {encoding}");
            assert!(verified(b"{ }", "a shared secret", now).is_err());
            assert!(verified(b"{}", "another secret", now).is_err());
            assert!(verified(b"{}", "a shared secret", now + 301).is_err());
        }
    }
}

#[test]
fn a_timestamp_and_a_key_are_written_as_the_portal_wants_them() {
    // Stripe's form, and a key in base64.
    let stripe = auth(json!({"scheme":"hmac","header":"Stripe-Signature","prefix":"t={timestamp},v1=",
        "signed":"{timestamp}.{body}","key":"base64","timestamp":"milliseconds"}));
    stripe.check().unwrap();
    let value = &headers(&stripe, "c2VjcmV0")[0].1;
    assert!(value.starts_with("t=1700000000123,v1=") && value.len() == "t=1700000000123,v1=".len() + 64, "{value}");
    let hex = auth(json!({"scheme":"hmac","header":"Stripe-Signature","prefix":"t={timestamp},v1=",
        "signed":"{timestamp}.{body}","key":"hex","timestamp":"milliseconds"}));
    assert_eq!(&headers(&hex, "736563726574")[0].1, value, "the same bytes are the same key");
    for (auth, secret) in [(&stripe, "$$"), (&stripe, "="), (&hex, "xyz"), (&hex, "0x12")] {
        let refused = auth.check_secret(secret).unwrap_err().to_string();
        assert!(!refused.contains(secret) || secret == "=", "{refused}");
    }
    let when = auth(json!({"scheme":"hmac","header":"X-Sig","signed":"{timestamp}{body}","timestamp_header":"X-Time",
        "timestamp":"rfc3339"}));
    assert_eq!(headers(&when, "s")[1], ("x-time".into(), "2023-11-14T22:13:20.123Z".into()));
}

#[test]
fn what_cannot_be_is_refused_by_its_field() {
    for (said, field) in [
        (json!({"scheme":"basic","user":"a:b"}), "auth.user"),
        (json!({"scheme":"basic","user":""}), "auth.user"),
        (json!({"scheme":"header","name":"Host"}), "auth.name"),
        (json!({"scheme":"header","name":"Content-Length"}), "auth.name"),
        (json!({"scheme":"header","name":"transfer-ENCODING"}), "auth.name"),
        (json!({"scheme":"header","name":"X: y\r\nZ"}), "auth.name"),
        (json!({"scheme":"header","name":"X-Key","prefix":"a\r\nb: "}), "auth.prefix"),
        (json!({"scheme":"header","name":"x".repeat(257)}), "auth.name"),
        (json!({"scheme":"hmac","header":"X-Sig","signed":"{timestamp}"}), "auth.signed"),
        (json!({"scheme":"hmac","header":"X-Sig","signed":"{timestamp}{body}"}), "auth.timestamp_header"),
        (json!({"scheme":"hmac","header":"X-Sig","timestamp_header":"X-Time"}), "auth.signed"),
        (json!({"scheme":"hmac","header":"X-Sig","id_header":"x-sig"}), "auth.id_header"),
        (json!({"scheme":"hmac","header":"X-Sig","prefix":"a\nb"}), "auth.prefix"),
        (json!({"scheme":"oauth2","token_url":"ftp://x/","grant":"refresh_token","client_id":"us"}), "auth.token_url"),
        (
            json!({"scheme":"oauth2","token_url":"https://id.example/{/vars/x}","grant":"refresh_token","client_id":"us"}),
            "auth.token_url",
        ),
        (
            json!({"scheme":"oauth2","token_url":"https://u:p@x/","grant":"refresh_token","client_id":"us"}),
            "auth.token_url",
        ),
        (
            json!({"scheme":"oauth2","token_url":"https://x/","grant":"client_credentials","client_id":""}),
            "auth.client_id",
        ),
        (
            json!({"scheme":"oauth2","token_url":"https://x/","grant":"client_credentials","client_id":"us","params":{"client_secret":"s"}}),
            "auth.params",
        ),
        (
            json!({"scheme":"oauth2","token_url":"https://x/","grant":"client_credentials","client_id":"us","scope":"a\nb"}),
            "auth.scope",
        ),
    ] {
        let settings = PortalSettings { auth: Some(auth(said.clone())), ..PortalSettings::default() };
        assert_eq!(settings.check().unwrap_err().field, field, "{said}");
    }
    assert!(
        serde_json::from_value::<Auth>(json!({"scheme":"bearer","token":"hush"})).is_err(),
        "no secret in settings"
    );
    for (auth, secret) in [
        (Auth::Bearer {}, "a\r\nx: y"),
        (Auth::Bearer {}, "grün"),
        (Auth::Bearer {}, " a"),
        (Auth::Bearer {}, ""),
        (Auth::Basic { user: "a".into() }, "a\nb"),
        (Auth::Bearer {}, &"x".repeat(4_097)),
    ] {
        let refused = auth.check_secret(secret).unwrap_err();
        assert_eq!(refused.field, "access_secret");
        assert!(secret.is_empty() || !refused.problem.contains(secret));
    }
    // What was kept before the scheme changed is looked at once more.
    let held = Held { access: Some("a\nb"), ..Held::default() };
    assert!(matches!(Auth::Bearer {}.headers(held, &call(b"")), Err(NoAccess::Unfit(_))));
}

#[test]
fn settings_without_auth_are_written_as_before() {
    let written = serde_json::to_value(PortalSettings::default()).unwrap();
    assert!(written.get("auth").is_none(), "an instance of the version before reads them");
    assert_eq!(*PortalSettings::default().auth(), Auth::StandardWebhooks {});
}

#[test]
fn secrets_are_masked_in_each_of_their_forms() {
    let secrets = ["p@ss word", "pass"];
    let text = "Basic cEBzcyB3b3Jk, client_secret=p%40ss+word, p@ss word and pass";
    assert_eq!(mask(text, &secrets), "Basic …, client_secret=…, … and …");
    assert_eq!(mask("ab", &[""]), "ab");
    // As JSON writes them, and as PHP does; as a path holds them.
    let written = r#"{"token":"a\/b\"c","again":"a/b\"c","in a path":"a%2Fb%22c","x y":"x%20y"}"#;
    assert_eq!(mask(written, &["a/b\"c", "x y"]), r#"{"token":"…","again":"…","in a path":"…","…":"…"}"#);
    assert_eq!(mask("\"\\\"", &["\""]), "……", "a secret of a quote alone");
}

/// What is left of a secret that was cut is one, too.
#[test]
fn what_a_token_endpoint_repeats_is_masked_before_it_is_cut() {
    let secret = "s".repeat(300);
    let body = format!(r#"{{"error":"invalid_client","error_description":"no {secret} here {}"}}"#, "x".repeat(900));
    let TokenAnswer::Credentials(why) = judged(401, &body) else { panic!("credentials") };
    let said = super::oauth::without(&[&secret], &why);
    assert!(said.contains("no … here xxx") && !said.contains("ss") && said.chars().count() == 400, "{said}");
}

fn oauth(grant: &str, more: serde_json::Value) -> OAuth2 {
    let mut said = json!({"token_url":"https://id.example/t","grant":grant,"client_id":"us & co"});
    said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(said).unwrap()
}

#[test]
fn a_token_is_said_as_the_portal_wants_it() {
    let held = Held { token: Some("t"), ..Held::default() };
    for (more, value) in [
        (json!({}), "Bearer t"),
        (json!({ "prefix": "Zoho-oauthtoken " }), "Zoho-oauthtoken t"),
        (json!({ "prefix": "" }), "t"),
    ] {
        let auth = Auth::OAuth2(oauth("client_credentials", more.clone()));
        auth.check().unwrap();
        assert_eq!(auth.headers(held, &call(b"")), Ok(vec![("authorization".into(), value.into())]));
        let again = serde_json::to_value(&auth).unwrap();
        assert_eq!(again.get("prefix").is_some(), value != "Bearer t", "{again}");
    }
    assert!(Auth::OAuth2(oauth("client_credentials", json!({ "prefix": "a\nb" }))).check().is_err());
}

#[test]
fn a_token_is_asked_for_as_the_endpoint_wants_it() {
    let basic = oauth("client_credentials", json!({"scope":"a b","params":{"audience":"https://x"}}));
    let asked = basic.request(Some("s/1"), None).unwrap();
    assert_eq!(asked.body, "grant_type=client_credentials&scope=a+b&audience=https%3A%2F%2Fx");
    assert_eq!(asked.authorization.as_deref(), Some(&*format!("Basic {}", STANDARD.encode("us+%26+co:s%2F1"))));
    assert!(basic.request(None, None).is_err());
    let body = oauth("refresh_token", json!({"auth":"body"}));
    let asked = body.request(Some("s/1"), Some("r+1")).unwrap();
    assert_eq!(asked.body, "grant_type=refresh_token&refresh_token=r%2B1&client_id=us+%26+co&client_secret=s%2F1");
    assert_eq!(asked.authorization, None);
    let public = body.request(None, Some("r1")).unwrap();
    assert_eq!(public.body, "grant_type=refresh_token&refresh_token=r1&client_id=us+%26+co");
    assert!(body.request(Some("s"), None).is_err(), "an operator gives the first");
    assert!(!format!("{asked:?}").contains("s/1"));
    assert_ne!(basic.fingerprint(), oauth("client_credentials", json!({"scope":"a"})).fingerprint());
}

fn judged(code: u16, body: &str) -> TokenAnswer {
    judge(&PostOutcome::Status { code, retry_after: Some("7") }, body.as_bytes(), AT)
}

#[test]
fn what_a_token_endpoint_answers_is_told_apart() {
    let TokenAnswer::Granted(tokens) = judged(200, r#"{"access_token":"a","refresh_token":"r","expires_in":3600}"#)
    else {
        panic!("granted")
    };
    assert_eq!(
        (&*tokens.access, tokens.refresh.as_deref(), tokens.good_for),
        ("a", Some("r"), Some(Duration::from_secs(3_600)))
    );
    assert!(!format!("{tokens:?}").contains("\"r\""));
    for (seconds, good) in
        [("\"60\"", Some(60)), ("-5", Some(0)), ("1e300", Some(315_360_000)), ("null", None), ("\"x\"", None)]
    {
        let TokenAnswer::Granted(tokens) = judged(201, &format!(r#"{{"access_token":"a","expires_in":{seconds}}}"#))
        else {
            panic!("granted")
        };
        assert_eq!(tokens.good_for.map(|good| good.as_secs()), good, "{seconds}");
    }
    for (code, body, revoked) in [
        (400, r#"{"error":"invalid_grant","error_description":"gone"}"#, true),
        (401, r#"{"error":"invalid_grant"}"#, true),
        (200, r#"{"ok":false,"error":"invalid_refresh_token"}"#, true),
        (400, r#"{"error":"invalid_client"}"#, false),
        (401, r#"{"error":"invalid_client"}"#, false),
        (403, "no", false),
        (404, "", false),
        (200, "{}", false),
        (200, "<html>", false),
        (200, r#"{"access_token":""}"#, false),
        (200, "{\"access_token\":\"a\\r\\nx: y\"}", false),
        (204, "", false),
    ] {
        match judged(code, body) {
            TokenAnswer::Revoked(why) => assert!(revoked && why.contains("invalid_"), "{code} {body}: {why}"),
            TokenAnswer::Credentials(why) => {
                assert!(!revoked && why.contains(&code.to_string()), "{code} {body}: {why}")
            }
            other => panic!("{code} {body}: {other:?}"),
        }
    }
    let long = format!(r#"{{"access_token":"{}"}}"#, "x".repeat(limits::TOKEN_BYTES + 1));
    assert!(matches!(judged(200, &long), TokenAnswer::Credentials(_)));
    for (code, body) in
        [(500, r#"{"error":"invalid_grant"}"#), (503, ""), (302, ""), (400, r#"{"error":"temporarily_unavailable"}"#)]
    {
        assert!(matches!(judged(code, body), TokenAnswer::Down(_)), "{code} {body}");
    }
    for (code, body) in [(429, ""), (408, ""), (400, r#"{"error":"slow_down"}"#)] {
        let TokenAnswer::Throttled { after, .. } = judged(code, body) else { panic!("{code} {body}") };
        assert_eq!(after, Some(Duration::from_secs(7)));
    }
    let nothing = judge(&PostOutcome::NoAnswer { why: "timed out".into() }, b"", AT);
    assert_eq!(nothing, TokenAnswer::Down("the token endpoint: timed out".into()));
}

#[test]
fn a_token_is_renewed_before_it_ends() {
    for (seconds, renewed) in [(3_600, 3_540), (240, 180), (100, 75), (4, 3), (0, 0)] {
        assert_eq!(renew_at(Timestamp(0), Duration::from_secs(seconds)), Timestamp(renewed * 1_000), "{seconds}");
    }
}

#[test]
fn a_secret_may_stand_in_the_url_and_is_shown_nowhere() {
    let token = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";
    let held = |secret| Held { access: Some(secret), ..Held::default() };
    for (said, base, url, secret, expected) in [
        (
            json!({"scheme": "path", "prefix": "/bot"}),
            "https://api.example/",
            "https://api.example/sendMessage",
            token,
            format!("https://api.example/bot{token}/sendMessage"),
        ),
        (
            json!({"scheme": "path"}),
            "https://h.example/services",
            "https://h.example/services?a=1",
            "T0-B0",
            "https://h.example/services/T0-B0?a=1".into(),
        ),
        // However its host is spelled, nothing of it is lost.
        (
            json!({"scheme": "path"}),
            "https://H.Example:443/services?a=1",
            "https://H.Example:443/services?a=1",
            "T0-B0",
            "https://h.example/services/T0-B0?a=1".into(),
        ),
        (
            json!({"scheme": "path", "prefix": "/bot"}),
            "HTTPS://Bücher.example",
            "https://bücher.example/send",
            "x",
            "https://xn--bcher-kva.example/botx/send".into(),
        ),
        (
            json!({"scheme": "query", "name": "access_token"}),
            "https://g.example/v1",
            "https://g.example/v1/messages",
            "a b&c",
            "https://g.example/v1/messages?access_token=a+b%26c".into(),
        ),
        (
            json!({"scheme": "query", "name": "key"}),
            "https://g.example",
            "https://g.example/x?a=1",
            "k",
            "https://g.example/x?a=1&key=k".into(),
        ),
    ] {
        let auth = auth(said);
        auth.check().unwrap();
        assert_eq!(auth.headers(held(secret), &call(b"")), Ok(vec![]));
        let with = auth.url(held(secret), base, url).unwrap().unwrap();
        assert_eq!(with, expected);
        assert!(!mask(&with, &[secret]).contains(secret), "{with}");
        assert_eq!(auth.url(Held::default(), base, url), Err(NoAccess::NoSecret));
        assert!(auth.needs_secret());
    }
    let elsewhere = auth(json!({"scheme": "path"})).url(held("x"), "https://a.example/b", "https://c.example/b");
    assert!(matches!(elsewhere, Err(NoAccess::Unfit(_))), "{elsewhere:?}");
    assert_eq!(Auth::Bearer {}.url(held("x"), "https://a.example", "https://a.example/b"), Ok(None));
    for wrong in ["a/b", "a?b", "..", "ä", "", "a#b", "a%2e"] {
        assert!(auth(json!({"scheme": "path"})).check_secret(wrong).is_err(), "{wrong}");
    }
    for wrong in [
        json!({"scheme": "path", "prefix": "bot"}),
        json!({"scheme": "path", "prefix": "/../"}),
        json!({"scheme": "path", "prefix": "/a?b="}),
        json!({"scheme": "query", "name": "a&b"}),
        json!({"scheme": "query", "name": ""}),
    ] {
        assert!(auth(wrong.clone()).check().is_err(), "{wrong}");
    }
}
