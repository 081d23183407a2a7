//! Vendors' own examples, and what is signed by another HMAC (Python's).

use super::*;
use std::collections::BTreeMap;

const AT: i64 = 1_649_367_553;
const BODY: &str = r#"{"a":1}"#;

struct Came<'a> {
    verify: Verify,
    secret: &'a str,
    url: Option<&'a str>,
    headers: BTreeMap<String, String>,
    body: &'a str,
    now: i64,
}

impl<'a> Came<'a> {
    fn new(json: serde_json::Value, secret: &'a str, headers: &[(&str, &str)]) -> Self {
        let verify: Verify = serde_json::from_value(json).unwrap();
        verify.check().unwrap();
        let headers = headers.iter().map(|(name, value)| (name.to_lowercase(), (*value).to_owned())).collect();
        Self { verify, secret, url: None, headers, body: BODY, now: AT }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_lowercase(), value.to_owned());
        self
    }

    fn at(self, url: &'a str, body: &'a str) -> Self {
        Self { url: Some(url), body, ..self }
    }

    fn answer(&self) -> Result<usize, Unverified> {
        let headers = |name: &str| self.headers.get(name).map(|value| value.as_bytes());
        let query = self.url.and_then(|url| url.split_once('?')).map(|(_, query)| query);
        let body = self.body.as_bytes();
        let request = Signed { method: "POST", url: self.url, query, headers: &headers, body, path_secret: None };
        self.verify.verify(&["another secret, older", self.secret], &request, self.now)
    }

    fn is_refused(&self) -> bool {
        self.answer() == Err(Unverified::SignatureMismatch)
    }
}

fn scheme(name: &str) -> serde_json::Value {
    serde_json::json!({ "scheme": name })
}

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8");

#[test]
fn twilio_signs_the_url_and_the_sorted_form() {
    let twilio = |signature: &str| Came::new(scheme("twilio"), "12345", &[FORM, ("X-Twilio-Signature", signature)]);
    // Twilio's documentation.
    let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
    let form = "To=%2B18005551212&Digits=1234&Caller=%2B12349013030&CallSid=CA1234567890ABCDE&From=%2B12349013030";
    let signature = "0/KCTR6DLpKmkAf8muzZqo1nDgQ=";
    assert_eq!(twilio(signature).at(url, form).answer(), Ok(1));
    for url in ["https://mycompany.com:443/myapp.php?foo=1&bar=2", url] {
        assert_eq!(twilio(signature).at(url, form).answer(), Ok(1), "{url}");
    }
    for (url, form) in [
        ("http://mycompany.com/myapp.php?foo=1&bar=2", form),
        ("https://mycompany.com/myapp.php?foo=1", form),
        ("https://evil.example/myapp.php?foo=1&bar=2", form),
        (url, "To=%2B18005551212&Digits=1234&Caller=%2B12349013030&CallSid=CA1234567890ABCDE&From=%2B12349013031"),
        (url, ""),
    ] {
        assert!(twilio(signature).at(url, form).is_refused(), "{url} {form}");
    }
    assert_eq!(Came { url: None, ..twilio(signature).at(url, form) }.answer(), Err(Unverified::NoPublicUrl));
    // A name that comes twice, a value that comes twice, spaces, UTF-8.
    let (url, form) = ("https://chat.example:8443/hooks/tw", "B=x+y%C3%A9&A=2&A=1&A=1");
    assert_eq!(twilio("hoyhZ3vdWluzuiFk4FiSVbFXaA8=").at(url, form).answer(), Ok(1));
    for wrong in ["", "=", "hoyhZ3vdWluzuiFk4FiSVbFXaA", "v1,hoyhZ3vdWluzuiFk4FiSVbFXaA8="] {
        assert!(twilio(wrong).at(url, form).answer().is_err(), "{wrong}");
    }
}

#[test]
fn twilio_signs_the_digest_of_a_body_that_is_no_form() {
    let url =
        "https://chat.example/hooks/tw?bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
    let json = ("Content-Type", "application/json");
    let came =
        |kind| Came::new(scheme("twilio"), "12345", &[kind, ("X-Twilio-Signature", "y+rZW79i0oQbxjh99s1UeKTiiQI=")]);
    assert_eq!(came(json).at(url, BODY).answer(), Ok(1));
    assert!(came(json).at(url, r#"{"a":2}"#).is_refused());
    assert!(came(json).at(url, "").answer().is_ok(), "nothing is not forged");
    // The type of the body is not signed: as a form it is not what was signed.
    assert!(came(FORM).at(url, BODY).is_refused());
    // Signed, but without a digest.
    let bare = "https://chat.example/hooks/tw";
    let mac = sign(Algorithm::Sha1, b"12345", &[bare.as_bytes()]);
    let signature = STANDARD.encode(mac);
    let unsigned = Came::new(scheme("twilio"), "12345", &[json, ("X-Twilio-Signature", &signature)]);
    assert!(unsigned.at(bare, BODY).is_refused(), "a body that nobody signed");
}

#[test]
fn svix_has_headers_of_its_own_and_a_key_in_base64() {
    let headers = [
        ("svix-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("svix-timestamp", "1614265330"),
        ("svix-signature", "v1,AAAA v2,x v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ];
    // Svix's documentation.
    let body = r#"{"test": 2432232314}"#;
    for secret in ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
        let came = Came { body, now: 1_614_265_330, ..Came::new(scheme("svix"), secret, &headers) };
        assert_eq!(came.answer(), Ok(1));
        assert!(came.verify.stored(secret).is_ok());
        assert!(Came { body: "{}", ..came }.is_refused());
    }
    let came = Came { body, ..Came::new(scheme("svix"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &headers) };
    assert!(matches!(came.answer(), Err(Unverified::OutOfTolerance { .. })));
    assert_eq!(came.verify.id_header(), Some("svix-id"));
    assert!(came.verify.stored("whsec_c2hvcnQ=").is_err());
}

#[test]
fn a_list_of_signatures_is_read_by_name() {
    let right = "178e7ef75c2ede4e43ff3057d5ff78dfca3fde860fb591ab6baaba83103f5fb0";
    let wrong = "0".repeat(64);
    let stripe = |header: &str| Came::new(scheme("stripe"), "whsec_test_secret_16+", &[("Stripe-Signature", header)]);
    for good in [
        format!("t={AT},v1={right}"),
        format!("t={AT},v1={wrong},v1={right},v0={wrong}"),
        format!("v1={right}, t={AT}"),
        format!("t={AT};v1=\"{right}\""),
        format!("t={AT} v1={wrong} t={AT} v1={right}"),
    ] {
        assert_eq!(stripe(&good).answer(), Ok(1), "{good}");
    }
    for bad in [
        format!("t={AT},v0={right}"),
        format!("t={AT},v1={wrong}"),
        format!("t={AT}"),
        format!("t={AT},v1="),
        format!("t={AT},v1"),
        format!("t={AT},{right}"),
        format!("t={AT},V1={right}"),
        format!("t={AT},v1={right}00"),
    ] {
        assert!(stripe(&bad).is_refused(), "{bad}");
    }
    for undated in [
        format!("v1={right}"),
        format!("t=,v1={right}"),
        format!("t=soon,v1={right}"),
        format!("t={AT},t=1,v1={right}"),
    ] {
        assert!(matches!(stripe(&undated).answer(), Err(Unverified::BadTimestamp(_))), "{undated}");
    }
    let late = Came { now: AT + 301, ..stripe(&format!("t={AT},v1={right}")) };
    assert!(matches!(late.answer(), Err(Unverified::OutOfTolerance { off: 301, .. })));
    // The same with other names, as Paddle has it.
    let paddle = serde_json::json!({"scheme": "hmac", "header": "Paddle-Signature", "signature_part": "h1",
        "timestamp_part": "ts", "signed": "{timestamp}:{body}"});
    let header = format!("ts={AT};h1=243d3ed0a70b0a0cd99af265b892ba54b6bd8d721aca949589ce6d90ba10248f");
    assert_eq!(Came::new(paddle, "pdl_ntfset_secret_1", &[("Paddle-Signature", &header)]).answer(), Ok(1));
}

#[test]
fn hubspot_and_zoom_sign_as_they_say() {
    let hubspot =
        Came::new(scheme("hubspot"), "yyyyyyyy-yyyy-yyyy-yyyy", &[("X-HubSpot-Request-Timestamp", "1649367553000")]);
    let hubspot = hubspot.with("X-HubSpot-Signature-v3", "mT2RUMNEXGUbyq/4TSZLb1iroEU9y0cl8NXCOA9rvqY=");
    let hubspot = hubspot.at("https://chat.example/hooks/hub?next=%2Fa%3ab&x=%20", BODY);
    assert_eq!(hubspot.answer(), Ok(1), "some characters are signed as themselves");
    assert!(hubspot.at("https://chat.example/hooks/hub?next=%2Fa", BODY).is_refused());
    assert_eq!(check::hubspot_url("%é%2F%2%%40%zz%"), "%é/%2%@%zz%");
    let zoom = serde_json::json!({"scheme": "hmac", "header": "x-zm-signature", "prefix": "v0=",
        "signed": "v0:{timestamp}:{body}", "timestamp_header": "x-zm-request-timestamp"});
    let signature = "v0=58a7625ec5bf52d1bfa226360976a0f8df9baf63d971155e57b0f979c59c48ac";
    let headers = [("x-zm-request-timestamp", "1649367553"), ("x-zm-signature", signature)];
    assert_eq!(Came::new(zoom, "zoom-secret-token-1", &headers).answer(), Ok(1));
}

#[test]
fn a_key_may_be_written_in_base64_or_in_hexadecimal() {
    let key = |key: &str, header: &str, prefix: &str| serde_json::json!({"scheme": "hmac", "encoding": "base64", "key": key, "header": header, "prefix": prefix});
    // Outgoing webhooks of Teams; notifications of Adyen.
    let header = "HMAC SJQQwnEU3pxHX+k6kqY5MGUpnx+eb/BP94w2bCY2N1U=";
    let teams = key("base64", "Authorization", "HMAC ");
    assert_eq!(Came::new(teams.clone(), "AQIDBAUGBwgJCgsMDQ4PEBESExQ=", &[("Authorization", header)]).answer(), Ok(1));
    let adyen = key("hex", "hmacsignature", "");
    let secret = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";
    let signature = [("HmacSignature", "sopa0BeSQdruGUL8JgyYbeHxoBY41sd5YDAMO/M4gPY=")];
    assert_eq!(Came::new(adyen.clone(), secret, &signature).answer(), Ok(1));
    for (json, secret, good) in [
        (&teams, "AQIDBAUGBwgJCgsMDQ4PEBESExQ=", true),
        (&teams, "not base64, but long enough", false),
        (&teams, "c2hvcnQ=", false),
        (&adyen, secret, true),
        (&adyen, "44782DEF547AAA06C910C43932B1EB0", false),
        (&adyen, "44782DEF547AAA06", false),
    ] {
        let verify: Verify = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(verify.stored(secret).is_ok(), good, "{secret}");
        assert!(verify.stored(&verify.make([3; 32])).is_ok());
    }
}

#[test]
fn settings_of_lists_that_cannot_work_are_refused() {
    let check = |json: &str| serde_json::from_str::<Verify>(json).unwrap().check();
    for (json, wrong) in [
        (r#"{"scheme":"hmac","header":"x","signature_part":"v=1"}"#, "signature_part: no name in a list like t=…,v1=…"),
        (
            r#"{"scheme":"hmac","header":"x","timestamp_part":"t","signed":"{timestamp}{body}"}"#,
            "signature_part: missing; `timestamp_part` says that the header is a list",
        ),
        (
            r#"{"scheme":"hmac","header":"x","signature_part":"v1","timestamp_part":"t"}"#,
            "signed: {timestamp} is not in it: anybody could change the timestamp",
        ),
        (
            r#"{"scheme":"hmac","header":"x","signature_part":"v1","timestamp_part":"t","timestamp_header":"y"}"#,
            "timestamp_part: there is a timestamp_header, too; one of the two",
        ),
        (r#"{"scheme":"hmac","header":"x","signed":"{query}"}"#, "signed: {body} is not in it"),
    ] {
        assert_eq!(check(json).unwrap_err().to_string(), wrong, "{json}");
    }
}

/// Whatever stands in the headers, the answer is a refusal, and it comes.
#[test]
fn nothing_that_comes_is_believed_by_chance() {
    let mut state = 99_u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap()
    };
    let list = serde_json::json!({"scheme": "hmac", "header": "x-sig", "signature_part": "v1", "timestamp_part": "t",
        "signed": "{timestamp}.{body}"});
    let pieces = [
        "t=",
        "v1=",
        "v1,",
        ",",
        ";",
        " ",
        "=",
        "==",
        "1649367553",
        "00ff",
        "AAAA",
        "\"",
        "é",
        "sha1=",
        "v0=",
        "-",
        "\t",
    ];
    let names = [
        "x-sig",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "svix-id",
        "svix-timestamp",
        "svix-signature",
        "stripe-signature",
        "x-twilio-signature",
        "x-hubspot-signature-v3",
        "x-hubspot-request-timestamp",
        "authorization",
    ];
    let schemes = [
        list,
        scheme("standard_webhooks"),
        scheme("svix"),
        scheme("stripe"),
        scheme("twilio"),
        scheme("hubspot"),
        scheme("bearer"),
    ];
    for _ in 0..20_000 {
        let mut came =
            Came::new(schemes[next() % schemes.len()].clone(), "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", &[]);
        for name in names {
            let value: String = (0..next() % 8).map(|_| pieces[next() % pieces.len()]).collect();
            came = came.with(name, &value);
        }
        let urls = ["https://x", "x", "://", "https://[::1]:8?bodySHA256=", "https://x:/?a"];
        came = came.at(urls[next() % urls.len()], ["", "a=b", "%", "&&=&"][next() % 4]);
        if next() % 2 == 0 {
            came = came.with(FORM.0, FORM.1);
        }
        assert!(came.answer().is_err(), "{:?}", came.headers);
    }
}
