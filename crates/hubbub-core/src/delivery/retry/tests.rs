use super::*;
use crate::delivery::attempt::Attempt;

/// What a portal has whose settings say nothing of it.
const POLICY: Policy<'_> = Policy { waits: &limits::RETRY_SECONDS, give_up_after: limits::GIVE_UP };

const NOW: Timestamp = Timestamp(1_769_851_800_000);

fn before(seconds: i64) -> Timestamp {
    Timestamp(NOW.0 - seconds * 1_000)
}

/// A message that was first tried `since` seconds ago and last tried `last` seconds ago.
fn tried(counted: u32, since: i64, last: i64) -> Delivery {
    let attempt = Attempt { at: before(last).0, took: 5, status: Some(503), error: None, instance: "a".into() };
    Delivery { counted, since: Some(before(since)), attempts: vec![attempt], ..Delivery::default() }
}

fn after(so_far: &Delivery, refused: bool, succeeded: Option<i64>) -> Next {
    next(POLICY, so_far, refused, None, succeeded.map(before), NOW, 0.5)
}

fn later(counted: u32, seconds: u64) -> Next {
    Next::Later { counted, again_in: Duration::from_secs(seconds) }
}

#[test]
fn a_portal_that_is_down_as_a_whole_never_kills_a_message() {
    // It is tried for a year, ten thousand times; the portal took its last message before the first attempt.
    let mut so_far = Delivery::default();
    for n in 0..10_000 {
        assert_eq!(after(&so_far, n % 2 == 1, Some(40_000_000)), later(1, 1), "{n}");
        so_far = tried(1, 31_536_000, 30);
    }
    assert_eq!(after(&so_far, true, None), later(1, 1));
}

#[test]
fn six_attempts_count_while_the_portal_takes_others() {
    let mut so_far = Delivery::default();
    let mut waits = Vec::new();
    loop {
        match after(&so_far, false, Some(1)) {
            Next::Later { counted, again_in } => {
                waits.push(again_in.as_secs());
                so_far = tried(counted, 100, 2);
                // In between the portal was down: that attempt does not count, and waits no longer than before.
                assert_eq!(after(&so_far, false, Some(2)), Next::Later { counted, again_in });
            }
            Next::GiveUp { why } => {
                assert_eq!(why, "6 attempts failed while the portal took others");
                break;
            }
        }
    }
    assert_eq!(waits, [1, 5, 15, 60, 300]);
}

#[test]
fn a_message_is_tried_for_ten_minutes_and_three_counted_attempts_at_least() {
    assert_eq!(after(&tried(1, 5_000, 10), false, Some(5)), later(2, 5));
    assert_eq!(after(&tried(2, 599, 10), false, Some(5)), later(3, 15));
    let Next::GiveUp { why } = after(&tried(2, 600, 10), false, Some(5)) else { panic!("it is given up on") };
    assert_eq!(why, "3 attempts in 600 s failed while the portal took others");
    // Only an attempt that counts ends it.
    assert_eq!(after(&tried(5, 5_000, 10), false, Some(10)), later(5, 300));
}

#[test]
fn what_is_refused_twice_while_the_portal_takes_others_is_given_up_on() {
    let first = Delivery::default();
    let refused = Next::GiveUp { why: "the portal refuses this message, and takes others".into() };
    for (so_far, succeeded, expected) in [
        (first.clone(), Some(1), later(1, 1)),
        (first, None, later(1, 1)),
        (tried(1, 5, 3), Some(2), refused),
        (tried(1, 5, 3), Some(3), later(1, 1)),
    ] {
        assert_eq!(after(&so_far, true, succeeded), expected, "{so_far:?}, {succeeded:?}");
    }
}

#[test]
fn waits_vary_by_a_fifth_and_are_never_shorter_than_the_portal_asks() {
    let wait = |policy: Policy<'_>, counted, asked: Option<u64>, chance| {
        let so_far = tried(counted, 1, 1);
        match next(policy, &so_far, false, asked.map(Duration::from_secs), None, NOW, chance) {
            Next::Later { again_in, .. } => again_in.as_millis(),
            Next::GiveUp { why } => panic!("{why}"),
        }
    };
    assert_eq!((wait(POLICY, 2, None, 0.0), wait(POLICY, 2, None, 1.0)), (4_000, 6_000));
    assert_eq!((wait(POLICY, 2, Some(3), 0.0), wait(POLICY, 2, Some(90), 0.5)), (4_000, 90_000));
    assert_eq!(wait(POLICY, 9, None, 0.5), 300_000);
    let never = Policy { waits: &[], ..POLICY };
    assert_eq!(wait(never, 1, None, 0.5), 1_000);
    let first = next(never, &Delivery::default(), false, None, None, NOW, 0.5);
    assert_eq!(first, later(1, 1), "nobody knows yet whether the portal takes others");
    let second = next(never, &tried(1, 5, 3), false, None, Some(before(2)), NOW, 0.5);
    assert_eq!(second, Next::GiveUp { why: "2 attempts failed while the portal took others".into() });
    for broken in [f64::NAN, -5.0, 1e300] {
        let waits = [broken];
        assert_eq!(wait(Policy { waits: &waits, ..POLICY }, 1, None, 0.5), 1_000);
    }
}

#[test]
fn answers_are_judged_by_their_status() {
    let status = |code, retry_after| judge(&PostOutcome::Status { code, retry_after }, NOW);
    let failed = |refused, why: &str, after: Option<u64>| {
        let after = after.map(Duration::from_secs);
        PostVerdict::Failed { refused, why: why.into(), after }
    };
    for code in [200, 201, 202, 204, 299] {
        assert_eq!(status(code, None), PostVerdict::Taken);
    }
    assert_eq!(status(410, None), PostVerdict::Gone);
    for code in [400, 406, 413, 415, 422] {
        assert_eq!(status(code, None), failed(true, &format!("status {code}"), None));
    }
    for code in [401, 403, 404, 405, 408, 409, 429, 500, 502, 503, 504, 599, 0] {
        assert_eq!(status(code, Some("7")), failed(false, &format!("status {code}"), Some(7)));
    }
    assert_eq!(status(302, None), failed(false, "status 302: redirects are not followed", None));
    let silent = PostOutcome::NoAnswer { why: "no answer within 15 s".into() };
    assert_eq!(judge(&silent, NOW), failed(false, "no answer within 15 s", None));
}

#[test]
fn retry_after_is_seconds_or_a_date_and_bounded() {
    for (value, seconds) in [
        ("0", Some(0)),
        (" 120 ", Some(120)),
        ("86401", Some(86_400)),
        ("99999999999999999999999", Some(86_400)),
        ("Sat, 31 Jan 2026 09:31:00 GMT", Some(60)),
        ("Sat, 31 Jan 2026 09:29:00 GMT", Some(0)),
        ("Wed, 21 Oct 2099 07:28:00 GMT", Some(86_400)),
        ("Saturday, 31-Jan-26 09:31:00 GMT", Some(60)),
        ("Sat Jan 31 09:31:00 2026", Some(60)),
        ("Sunday, 01-Feb-26 09:30:00 GMT", Some(86_400)),
        ("Sun Feb  1 09:29:00 2026", Some(86_340)),
        ("Thu Jan  1 00:00:00 1970", Some(0)),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
    ] {
        assert_eq!(retry_after(value, NOW), seconds.map(Duration::from_secs), "{value}");
    }
}
