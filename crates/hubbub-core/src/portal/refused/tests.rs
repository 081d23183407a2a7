use super::*;
use serde_json::json;

fn settings(settings: serde_json::Value) -> PortalSettings {
    serde_json::from_value(settings).expect("settings")
}

fn refused(portal: &str, name: &str, at: i64, bytes: usize) -> Refused {
    Refused {
        portal: PortalId::parse(portal).expect("an id"),
        name: name.into(),
        at: Timestamp(at),
        last_at: Timestamp(at),
        times: 1,
        verdict: Verdict::new(422, "unmapped", "why"),
        headers: BTreeMap::new(),
        body: vec![b'x'; bytes],
    }
}

fn names(waiting: &mut Waiting) -> Vec<String> {
    waiting.take().into_iter().map(|one| format!("{}/{}", one.portal, one.name)).collect()
}

#[test]
fn of_the_headers_only_those_are_kept_that_taking_needs_and_no_secret() {
    let all = |name: &str| Some(format!("the {name}"));
    let kept = |verify: serde_json::Value| -> Vec<String> {
        headers(&settings(json!({ "verify": verify })), all).into_keys().collect()
    };
    let always = ["content-type", "idempotency-key", "webhook-id"];
    assert_eq!(kept(json!({ "scheme": "standard_webhooks" })), always);
    for scheme in [json!({ "scheme": "bearer" }), json!({ "scheme": "path" }), json!({ "scheme": "slack" })] {
        assert_eq!(kept(scheme), always);
    }
    let own = json!({ "scheme": "hmac", "header": "X-Sig", "id_header": "X-Event-Id" });
    assert_eq!(kept(own), ["content-type", "idempotency-key", "webhook-id", "x-event-id"]);
    assert_eq!(kept(json!({ "scheme": "svix" })), ["content-type", "idempotency-key", "svix-id", "webhook-id"]);
    assert_eq!(kept(json!({ "scheme": "header", "name": "Idempotency-Key" })), ["content-type", "webhook-id"]);
    let careless = json!({ "scheme": "hmac", "header": "X-Sig", "id_header": "Authorization" });
    assert_eq!(kept(careless), always);
}

#[test]
fn a_repeat_is_told_by_the_ids_of_its_events_else_by_its_own_else_by_its_bytes() {
    let event = |session: &str, id: Option<&str>| Event {
        session: Some(session.into()),
        message_id: id.map(ToOwned::to_owned),
        ..Event::default()
    };
    let one = [event("s1", Some("m-1"))];
    assert_eq!(name(&one, Some("a"), b"x"), name(&one, Some("b"), b"y"), "the same message");
    assert_ne!(name(&one, None, b"x"), name(&[event("s1", Some("m-2"))], None, b"x"));
    let two = [event("s1", Some("m-1")), event("s1", Some("m-2"))];
    assert_ne!(name(&two, None, b"x"), name(&one, None, b"x"));
    // Some of whose events have none.
    for events in [vec![], vec![event("s1", None)], vec![event("s1", Some("m-1")), event("s1", None)]] {
        assert_eq!(name(&events, Some("a"), b"x"), name(&events, Some("a"), b"y"));
        assert_ne!(name(&events, Some("a"), b"x"), name(&events, Some("b"), b"x"), "an honest second ok");
        assert_eq!(name(&events, None, b"x"), name(&events, Some(""), b"x"));
        assert_ne!(name(&events, None, b"x"), name(&events, None, b"y"));
    }
    assert_eq!(name(&[], None, b"x"), name(&[event("s1", None)], None, b"x"), "also once it is mapped");
}

#[test]
fn a_reason_is_cut_between_characters() {
    let verdict = Verdict::new(422, "unmapped", &format!("x{}\0", "é".repeat(limits::REFUSED_WHY_BYTES)));
    assert_eq!(verdict.why.len(), limits::REFUSED_WHY_BYTES - 1);
    assert_eq!(Verdict::new(404, "unknown_session", "a\0b").why, "a\u{fffd}b");
}

#[test]
fn a_repeat_waits_once_with_what_it_said_last() {
    let mut waiting = Waiting::default();
    assert!(waiting.put(refused("desk", "a", 5, 1)).is_empty());
    let mut again = refused("desk", "a", 9, 7);
    again.verdict = Verdict::new(404, "unknown_session", "nobody");
    assert!(waiting.put(again.clone()).is_empty());
    // One that was put back behind it is older.
    waiting.put(refused("desk", "a", 3, 100));
    waiting.put(refused("other", "a", 1, 1));
    let taken = waiting.take();
    assert_eq!(taken.len(), 2);
    assert_eq!((taken[0].at, taken[0].last_at, taken[0].times), (Timestamp(3), Timestamp(9), 3));
    assert_eq!((&taken[0].verdict, &taken[0].body), (&again.verdict, &again.body));
    assert!(waiting.take().is_empty());
    assert_eq!(waiting.weight, 0);
}

#[test]
fn who_floods_crowds_out_their_own_oldest() {
    let mut waiting = Waiting::default();
    waiting.put(refused("quiet", "q", 0, 1_000));
    let most = limits::REFUSED_HOOKS_WAITING;
    let lost: u64 = (0..3 * most as i64)
        .flat_map(|n| waiting.put(refused("loud", &format!("{n}"), n, 10)))
        .map(|(portal, times)| {
            assert_eq!(portal.as_str(), "loud");
            times
        })
        .sum();
    assert_eq!(lost, 2 * most as u64);
    let left = names(&mut waiting);
    assert_eq!((left.len(), left[0].as_str(), left[most].as_str()), (most + 1, "loud/128", "quiet/q"));
    // By weight: of who has most.
    waiting.put(refused("quiet", "q", 0, 1_000));
    let bytes = limits::HOOK_BYTES;
    for n in 0..most as i64 {
        for (portal, _) in waiting.put(refused("loud", &format!("{n}"), n, bytes)) {
            assert_eq!(portal.as_str(), "loud");
        }
        assert!(waiting.weight <= limits::REFUSED_HOOKS_WAITING_BYTES);
    }
    let left = names(&mut waiting);
    assert!(left.len() > 10 && left.last().map(String::as_str) == Some("quiet/q"), "{left:?}");
    assert_eq!(left[left.len() - 2], format!("loud/{}", most - 1), "the newest is kept");
}
