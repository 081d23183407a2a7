use super::*;
use crate::portal::settings::PortalSettings;
use serde_json::json;

fn settings(challenge: Value, verify: Value) -> PortalSettings {
    let settings = json!({ "challenges": [challenge], "verify": verify, "public_url": "https://chat.example" });
    serde_json::from_value(settings).unwrap()
}

fn wrong(challenge: Value, verify: Value) -> String {
    settings(challenge, verify).check().err().map(|why| why.to_string()).unwrap_or_default()
}

fn request<'a>(
    method: &'a str,
    query: Option<&'a str>,
    headers: &'a (dyn Fn(&str) -> Option<&'a [u8]> + Sync),
    body: &'a [u8],
) -> Signed<'a> {
    Signed { method, url: None, query, headers, body, path_secret: None }
}

fn hub() -> Value {
    json!({ "scheme": "hub_signature" })
}

fn zoom() -> Value {
    json!({ "when": {"/event": ["endpoint.url_validation"]}, "reply_json": {
        "plainToken": "/payload/plainToken", "encryptedToken": {"hmac": "/payload/plainToken"},
    } })
}

#[test]
fn what_is_asked_by_get_is_echoed() {
    let meta = json!({ "method": "get", "when": {"query:hub.mode": ["subscribe"]}, "token": "query:hub.verify_token",
        "reply": "query:hub.challenge" });
    let settings = settings(meta, hub());
    settings.check().unwrap();
    assert!(settings.has_tokens());
    let headers = |_: &str| None;
    let asked = |method, query| {
        let request = request(method, Some(query), &headers, b"");
        let (challenge, body) = settings.asked(&request, false)?;
        let token = challenge.token(&request, body.as_ref()).unwrap().map(Cow::into_owned);
        Some((token, challenge.answer(&request, body.as_ref(), None)))
    };
    let query = "hub.mode=subscribe&hub.verify_token=the%20token&hub.challenge=1158201444";
    let good = Some((Some("the token".to_owned()), Ok(Answer::Text("1158201444".into()))));
    assert_eq!(asked("GET", query), good);
    assert_eq!(asked("HEAD", query), good);
    assert_eq!(asked("POST", query), None);
    assert_eq!(asked("GET", "hub.mode=unsubscribe&hub.challenge=1"), None);
    // Two of a name: nobody could say which was meant.
    assert_eq!(asked("GET", "hub.mode=subscribe&hub.mode=x&hub.challenge=1"), None);
    let twice = "hub.mode=subscribe&hub.verify_token=guess&hub.verify_token=the%20token&hub.challenge=1";
    assert_eq!(asked("GET", twice).unwrap().0, None);
    let lacks = asked("GET", "hub.mode=subscribe").unwrap().1.unwrap_err();
    assert_eq!(lacks.to_string(), "`query:hub.challenge` finds nothing");
    let long = format!("hub.mode=subscribe&hub.challenge={}", "x".repeat(1_025));
    assert!(matches!(asked("GET", &long).unwrap().1, Err(Unmapped::TooLong { bytes: 1_025, .. })));
}

#[test]
fn a_keyed_answer_is_made_with_the_key() {
    let settings = settings(zoom(), hub());
    settings.check().unwrap();
    let headers = |_: &str| None;
    let body = br#"{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"}}"#;
    let request = request("POST", None, &headers, body);
    assert!(settings.asked(&request, false).is_none(), "nothing of it is read before it is verified");
    let (challenge, body) = settings.asked(&request, true).unwrap();
    let answer = challenge.answer(&request, body.as_ref(), Some(b"zoom-secret-token-1")).unwrap();
    let encrypted = "0e5b0d12b8a75ee80179999fbb875d29b1469544a54e8863e0687da36bade919";
    let expected = json!({ "encryptedToken": encrypted, "plainToken": "qgg8vlvZRS6UYooatFL8Aw" });
    assert_eq!(answer, Answer::Json(expected.to_string()));
    let hinted = challenge.answer(&request, body.as_ref(), None).unwrap();
    assert_eq!(hinted, Answer::Json(r#"{"encryptedToken":"…","plainToken":"qgg8vlvZRS6UYooatFL8Aw"}"#.into()));
}

#[test]
fn nobody_is_signed_something_who_has_not_signed_it() {
    let must = "challenge: what is answered with the secret must be signed";
    let with = |change: Value| {
        let mut challenge = zoom();
        challenge.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        challenge
    };
    assert_eq!(wrong(zoom(), hub()), "");
    let unread = "no body is read before it is verified; it is query:NAME or header:NAME";
    assert_eq!(wrong(with(json!({"verified": false})), hub()), format!("challenge: `/event`: {unread}"));
    for scheme in [json!({"scheme": "path"}), json!({"scheme": "bearer"}), json!({"scheme": "header", "name": "x"})] {
        assert_eq!(
            wrong(zoom(), scheme),
            "challenge: no answer is made with a secret of which only the digest is kept"
        );
    }
    let crc = |verify: Value| {
        json!({ "method": "get", "when": {}, "verify": verify, "reply_json": {
            "response_token": {"hmac": "query:crc_token", "encoding": "base64", "prefix": "sha256="},
        } })
    };
    assert!(wrong(crc(Value::Null), hub()).starts_with(must));
    // A signature over a body that is empty says nothing of the question.
    assert!(wrong(crc(json!({"scheme": "hub_signature"})), hub()).starts_with(must));
    assert!(wrong(crc(json!({"scheme": "bearer"})), hub()).starts_with(must));
    let signed =
        json!({"scheme": "hmac", "header": "x-sig", "signed": "{query}", "encoding": "base64", "prefix": "sha256="});
    assert_eq!(wrong(crc(signed.clone()), hub()), "");
    let mut header = crc(signed.clone());
    header["reply_json"]["response_token"]["hmac"] = "header:x-anything".into();
    assert_eq!(wrong(header, hub()), "challenge: what is answered with the secret is not in what is signed");
    let query = with(json!({"reply_json": {"t": {"hmac": "query:t"}}}));
    assert_eq!(wrong(query, hub()), "challenge: what is answered with the secret is not in what is signed");
    // In a mapping it is looked at, too.
    let mapping = json!({ "verify": {"scheme": "path"}, "mapping": {"challenge": zoom()} });
    let settings: PortalSettings = serde_json::from_value(mapping).unwrap();
    assert!(settings.check().is_err());
}

#[test]
fn a_question_by_post_is_read_before_it_is_verified_only_in_its_head() {
    let graph = json!({"verified": false, "when": {"query:validationToken": []}, "reply": "query:validationToken"});
    let settings = settings(graph, json!({"scheme": "path"}));
    settings.check().unwrap();
    let headers = |_: &str| None;
    let asked = |query| {
        let request = request("POST", query, &headers, b"{}");
        let (challenge, body) = settings.asked(&request, false)?;
        Some(challenge.answer(&request, body.as_ref(), None))
    };
    assert_eq!(asked(Some("validationToken=a%20%3Cb%3E")), Some(Ok(Answer::Text("a <b>".into()))));
    for none in [None, Some(""), Some("validationToken="), Some("other=1")] {
        assert_eq!(asked(none), None);
    }
}

#[test]
fn a_question_that_cannot_work_is_refused() {
    for (challenge, why) in [
        (json!({"when": {}, "reply": "/c"}), "`when` names nothing: every body would be one"),
        (json!({"when": {"/a": [1]}}), "there is no answer: reply or reply_json"),
        (
            json!({"when": {"/a": [1]}, "reply": "/c", "reply_json": {"a": "/c"}}),
            "there are reply and reply_json; one of the two",
        ),
        (json!({"method": "get", "reply": "/c"}), "`/c`: a GET has no body; it is query:NAME or header:NAME"),
        (json!({"method": "get", "reply": "query:"}), "`query:` names no parameter"),
        (json!({"method": "get", "reply": "header:a b"}), "no name of a header"),
        (
            json!({"method": "get", "when": {"query:a": [1]}, "reply": "query:b"}),
            "`query:a` is a text; its values are texts",
        ),
    ] {
        assert_eq!(wrong(challenge.clone(), hub()), format!("challenge: {why}"), "{challenge}");
    }
    for good in [
        json!({"method": "head"}),
        json!({"method": "get", "reply_json": {"verification": "header:X-Okta-Verification-Challenge"}}),
        json!({"when": {"header:x-hook": ["1"], "query:a": []}, "verified": false, "reply": "query:a"}),
    ] {
        assert_eq!(wrong(good.clone(), hub()), "", "{good}");
    }
    // What was written before there were others is read as it was.
    let old: Challenge =
        serde_json::from_value(json!({"when": {"/type": ["url_verification"]}, "reply": "/challenge"})).unwrap();
    assert_eq!(
        serde_json::to_value(&old).unwrap(),
        json!({"when": {"/type": ["url_verification"]}, "reply": "/challenge"})
    );
    assert!(old.is_verified());
}
