use super::*;
use std::collections::BTreeMap;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
const AT: i64 = 1_649_367_553;
const BODY: &str = r#"{"email":"test@example.com","username":"test_user"}"#;
const SIGNATURE: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";

struct Came<'a> {
    verify: &'a Verify,
    secrets: Vec<&'a str>,
    headers: BTreeMap<String, String>,
    body: &'a str,
    path_secret: Option<&'a str>,
    now: i64,
}

impl<'a> Came<'a> {
    fn new(verify: &'a Verify, secret: &'a str, headers: &[(&str, &str)], body: &'a str) -> Self {
        let headers = headers.iter().map(|(name, value)| (name.to_lowercase(), (*value).to_owned())).collect();
        Self { verify, secrets: vec![secret], headers, body, path_secret: None, now: AT }
    }

    fn answer(&self) -> Result<(), Unverified> {
        let headers = |name: &str| self.headers.get(name).map(|value| value.as_bytes());
        let request = Signed {
            method: "POST",
            url: Some("https://chat.example/hooks/desk"),
            query: None,
            headers: &headers,
            body: self.body.as_bytes(),
            path_secret: self.path_secret,
        };
        self.verify.verify(&self.secrets, &request, self.now).map(|_| ())
    }
}

fn standard(verify: &Verify) -> Came<'_> {
    let at = AT.to_string();
    let headers = [("webhook-id", ID), ("webhook-timestamp", at.as_str()), ("webhook-signature", SIGNATURE)];
    Came::new(verify, SECRET, &headers, BODY)
}

#[test]
fn standard_webhooks_are_believed_by_any_good_signature_and_secret() {
    let verify = Verify::default();
    assert_eq!(standard(&verify).answer(), Ok(()));
    let wrong = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";
    let mut four = standard(&verify);
    four.headers.insert("webhook-signature".into(), format!("{wrong} v2,{} {SIGNATURE} {wrong}", &SIGNATURE[3..]));
    assert_eq!(four.answer(), Ok(()));
    let mut rotated = standard(&verify);
    let other = signature::make_secret([1; 32]);
    rotated.secrets = vec![&other, SECRET];
    assert_eq!(rotated.answer(), Ok(()));
    rotated.secrets = vec![&other];
    assert_eq!(rotated.answer(), Err(Unverified::SignatureMismatch));
}

#[test]
fn standard_webhooks_are_not_believed_without_one() {
    let verify = Verify::default();
    let wrong = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";
    for signature in
        ["v1,", &SIGNATURE[3..], &format!("{wrong} {wrong} {wrong}"), "v1,tZ1I", "v2,", "x", &SIGNATURE[..20]]
    {
        let mut came = standard(&verify);
        came.headers.insert("webhook-signature".into(), signature.into());
        assert_eq!(came.answer(), Err(Unverified::SignatureMismatch), "{signature}");
    }
    for header in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let mut came = standard(&verify);
        came.headers.remove(header);
        assert_eq!(came.answer(), Err(Unverified::MissingHeader(header.into())));
    }
    for (off, good) in [(300, true), (-300, true), (301, false), (-301, false)] {
        let came = Came { now: AT + off, ..standard(&verify) };
        let late = Err(Unverified::OutOfTolerance { off: off.unsigned_abs(), tolerance: 300 });
        assert_eq!(came.answer(), if good { Ok(()) } else { late });
    }
    let mut came = standard(&verify);
    came.headers.insert("webhook-timestamp".into(), "soon".into());
    assert_eq!(came.answer(), Err(Unverified::BadTimestamp("webhook-timestamp".into())));
    for secrets in [vec!["whsec_"], vec![""], vec![]] {
        assert_eq!(Came { secrets, ..standard(&verify) }.answer(), Err(Unverified::SignatureMismatch));
    }
    let changed = Came { body: "{}", ..standard(&verify) };
    assert_eq!(changed.answer(), Err(Unverified::SignatureMismatch));
    let mut other_id = standard(&verify);
    other_id.headers.insert("webhook-id".into(), "msg_2".into());
    assert_eq!(other_id.answer(), Err(Unverified::SignatureMismatch));
}

#[test]
fn the_vendors_own_examples_are_met() {
    // Slack's and GitHub's documentation.
    let slack = Verify::Slack { tolerance_seconds: 300 };
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
                channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&\
                response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F\
                96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    let headers = [("X-Slack-Request-Timestamp", "1531420618"), ("X-Slack-Signature", signature)];
    let mut came = Came::new(&slack, "8f742231b10e8888abcd99yyyzzz85a5", &headers, body);
    came.now = 1_531_420_700;
    assert_eq!(came.answer(), Ok(()));
    came.now += 300;
    assert!(matches!(came.answer(), Err(Unverified::OutOfTolerance { off: 382, tolerance: 300 })));
    let hub = Verify::HubSignature { algorithm: Algorithm::Sha256 };
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let headers = [("X-Hub-Signature-256", signature)];
    assert_eq!(Came::new(&hub, "It's a Secret to Everybody", &headers, "Hello, World!").answer(), Ok(()));
    let came = Came::new(&hub, "It's a Secret to Everybody", &headers, "Hello, world!");
    assert_eq!(came.answer(), Err(Unverified::SignatureMismatch));
}

#[test]
fn a_template_says_what_is_signed_and_how() {
    let hmac = |json: serde_json::Value| serde_json::from_value::<Verify>(json).unwrap();
    // RFC 2202 (SHA-1) and RFC 4231 (SHA-512), their second cases.
    let rfc = "what do ya want for nothing?";
    let sha1 = Verify::HubSignature { algorithm: Algorithm::Sha1 };
    let headers = [("X-Hub-Signature", "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")];
    assert_eq!(Came::new(&sha1, "Jefe", &headers, rfc).answer(), Ok(()));
    let sha512 = hmac(serde_json::json!({"scheme": "hmac", "algorithm": "sha512", "header": "x-signature"}));
    let signature = "164B7A7BFCF819E2E395FBE73B56E0A387BD64222E831FD610270CD7EA250554\
                     9758BF75C05A994A6D034F65F8F0E6FDCAEAB1A34D4A6B4B636E070A38BCE737";
    assert_eq!(Came::new(&sha512, "Jefe", &[("X-Signature", signature)], rfc).answer(), Ok(()));
    // The parts of the text of RFC 4231 stand in the request.
    let parts = hmac(serde_json::json!({"scheme": "hmac", "encoding": "base64", "header": "x-signature",
        "prefix": "s=", "signed": "{id} do {body}", "id_header": "x-id"}));
    let headers = [("X-Id", "what"), ("X-Signature", "s=W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM")];
    let came = Came::new(&parts, "Jefe", &headers, "ya want for nothing?");
    assert_eq!(came.answer(), Ok(()));
    let without = Came::new(&parts, "Jefe", &headers[..1], "ya want for nothing?");
    assert_eq!(without.answer(), Err(Unverified::MissingHeader("x-signature".into())));
    // Anybody can sign by a secret that is empty.
    let mac = signature::mac::<hmac::Hmac<sha2::Sha512>>(b"", &[rfc.as_bytes()]);
    let by_nothing: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    let came = Came::new(&sha512, "", &[("X-Signature", &by_nothing)], rfc);
    assert_eq!(came.answer(), Err(Unverified::SignatureMismatch));
    // Everything together, as HubSpot does.
    let whole = hmac(serde_json::json!({"scheme": "hmac", "header": "x-signature", "timestamp_header": "x-at",
        "signed": "{method}{url}{body}{timestamp}"}));
    let at = AT.to_string();
    let text = format!("POSThttps://chat.example/hooks/desk{BODY}{at}");
    let mac = signature::mac::<hmac::Hmac<sha2::Sha256>>(b"Jefe", &[text.as_bytes()]);
    let signature: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut came = Came::new(&whole, "Jefe", &[("X-At", &at), ("X-Signature", &signature)], BODY);
    assert_eq!(came.answer(), Ok(()));
    came.now += 301;
    assert_eq!(came.answer(), Err(Unverified::OutOfTolerance { off: 301, tolerance: 300 }));
    let all = super::template::parts("{method}{url}{x}{body}{timestamp}.").collect::<Vec<_>>();
    assert_eq!(all, ["{method}", "{url}", "{x}", "{body}", "{timestamp}", "."]);
}

#[test]
fn a_timestamp_may_be_seconds_milliseconds_or_a_date() {
    let zendesk = Verify::Zendesk { tolerance_seconds: 60 };
    for (written, good) in [
        ("1649367553", true),
        ("1649367553999", true),
        ("2022-04-07T21:39:13Z", true),
        ("2022-04-07T23:39:13.5+02:00", true),
        ("2022-04-07T21:41:13Z", false),
        ("164936755300", false),
        ("-9223372036854775808", false),
        ("99999999999999999999", false),
    ] {
        let mac = signature::mac::<hmac::Hmac<sha2::Sha256>>(b"text", &[written.as_bytes(), b"{}"]);
        let signature = base64::engine::general_purpose::STANDARD.encode(mac);
        let headers =
            [("X-Zendesk-Webhook-Signature-Timestamp", written), ("X-Zendesk-Webhook-Signature", signature.as_str())];
        assert_eq!(Came::new(&zendesk, "text", &headers, "{}").answer().is_ok(), good, "{written}");
    }
}

#[test]
fn of_a_secret_that_is_only_compared_a_digest_is_kept() {
    let header = Verify::Header { name: "X-API-Key".into() };
    let basic = Verify::Basic { user: "desk".into() };
    let pair = |text: &str| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text));
    let secret = "correct horse battery:staple";
    let cases: [(&Verify, &str, String, bool); 10] = [
        (&header, "X-Api-Key", secret.into(), true),
        (&header, "X-Api-Key", format!("{secret}r"), false),
        (&Verify::Bearer, "Authorization", format!("Bearer {secret}"), true),
        (&Verify::Bearer, "Authorization", format!("bearer  {secret}"), true),
        (&Verify::Bearer, "Authorization", format!("Bearer{secret}"), false),
        (&Verify::Bearer, "Authorization", secret.into(), false),
        (&basic, "Authorization", pair(&format!("desk:{secret}")), true),
        (&basic, "Authorization", pair(&format!("Desk:{secret}")), false),
        (&basic, "Authorization", pair("desk:"), false),
        (&basic, "Authorization", "Basic !".into(), false),
    ];
    for (verify, name, value, good) in cases {
        let kept = verify.stored(secret).unwrap();
        assert!(verify.keeps_digest() && kept.len() == 64 && !kept.contains(secret));
        let came = Came::new(verify, &kept, &[(name, &value)], "{}");
        assert_eq!(came.answer(), if good { Ok(()) } else { Err(Unverified::SecretMismatch) }, "{value}");
        let came = Came::new(verify, &kept, &[], "{}");
        assert!(matches!(came.answer(), Err(Unverified::MissingHeader(_))));
        // Who has read the store cannot speak for the portal.
        assert!(Came::new(verify, &kept, &[(name, &kept)], "{}").answer().is_err());
    }
    let made = Verify::Path.make([9; 32]);
    let kept = Verify::Path.stored(&made).unwrap();
    let mut came = Came::new(&Verify::Path, &kept, &[], "{}");
    assert_eq!(came.answer(), Err(Unverified::MissingPathSecret));
    came.path_secret = Some("guess");
    assert_eq!(came.answer(), Err(Unverified::SecretMismatch));
    came.path_secret = Some(&made);
    assert_eq!(came.answer(), Ok(()));
}

#[test]
fn a_secret_must_fit_its_scheme() {
    let slack = Verify::Slack { tolerance_seconds: 300 };
    let long = "x".repeat(2_049);
    for (verify, secret, good) in [
        (&Verify::default(), SECRET, true),
        (&Verify::default(), "whsec_", false),
        (&Verify::default(), "text", false),
        (&slack, "text of 16 bytes", true),
        (&slack, "text of 15 byte", false),
        (&Verify::Bearer, "short", false),
        (&Verify::HubSignature { algorithm: Algorithm::Sha256 }, "0123456789abcde", false),
        (&slack, "", false),
        (&slack, &long, false),
        (&Verify::Bearer, "a\nb", false),
        (&Verify::Bearer, " a", false),
        (&Verify::Path, "sixteen-bytes-ok", true),
        (&Verify::Path, "sixteen/bytes/no", false),
        (&Verify::Path, "short", false),
    ] {
        assert_eq!(verify.stored(secret).is_ok(), good, "{secret}");
    }
    assert_eq!(slack.stored("text of 16 bytes").unwrap(), "text of 16 bytes");
    for verify in [Verify::default(), slack, Verify::Bearer, Verify::Path] {
        assert!(verify.stored(&verify.make([255; 32])).is_ok());
        assert_ne!(verify.make([1; 32]), verify.make([2; 32]));
    }
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let check = |json: &str| serde_json::from_str::<Verify>(json).unwrap().check();
    for (json, wrong) in [
        (r#"{"scheme":"standard_webhooks"}"#, ""),
        (r#"{"scheme":"slack","tolerance_seconds":0}"#, "tolerance_seconds: 0; it is 1 to 86400"),
        (r#"{"scheme":"header","name":"x api"}"#, "name: no name of a header"),
        (r#"{"scheme":"basic","user":"a:b"}"#, "user: no colon and no control characters are allowed"),
        (r#"{"scheme":"hmac","header":""}"#, "header: no name of a header"),
        (r#"{"scheme":"hmac","header":"x","signed":"{url}"}"#, "signed: {body} is not in it"),
        (r#"{"scheme":"hmac","header":"x","signed":"{id}{body}"}"#, "id_header: missing; `signed` names {id}"),
        (
            r#"{"scheme":"hmac","header":"x","signed":"{timestamp}{body}"}"#,
            "timestamp_header: missing; `signed` names {timestamp}",
        ),
        (
            r#"{"scheme":"hmac","header":"x","timestamp_header":"t"}"#,
            "signed: {timestamp} is not in it: anybody could change the timestamp",
        ),
        (r#"{"scheme":"hmac","header":"x","signed":"{timestamp}.{body}","timestamp_header":"t"}"#, ""),
    ] {
        assert_eq!(check(json).err().map(|e| e.to_string()).unwrap_or_default(), wrong, "{json}");
    }
}
