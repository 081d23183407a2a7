use super::*;
use crate::delivery::attempt::Attempt;

/// What a portal has whose settings say nothing of it.
const POLICY: Policy<'_> =
    Policy { waits: &limits::RETRY_SECONDS, give_up_after: limits::GIVE_UP, give_up_alone: None };

const NOW: Timestamp = Timestamp(1_769_851_800_000);

fn before(seconds: i64) -> Timestamp {
    Timestamp(NOW.0 - seconds * 1_000)
}

/// A message that was first tried `since` seconds ago and last tried `last` seconds ago.
fn tried(counted: u32, since: i64, last: i64) -> Delivery {
    let attempt =
        Attempt { at: before(last).0, took: 5, status: Some(503), error: None, instance: "a".into(), class: None };
    Delivery { counted, since: Some(before(since)), attempts: vec![attempt], ..Delivery::default() }
}

fn after(so_far: &Delivery, refused: bool, succeeded: Option<i64>) -> Next {
    after_class(if refused { Class::Refused } else { Class::Down }, so_far, succeeded)
}

fn after_class(class: Class, so_far: &Delivery, succeeded: Option<i64>) -> Next {
    next(POLICY, so_far, &PostVerdict::failed(class, String::new()), succeeded.map(before), NOW, 0.5)
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
        let verdict =
            PostVerdict { after: asked.map(Duration::from_secs), ..PostVerdict::failed(Class::Down, String::new()) };
        match next(policy, &so_far, &verdict, None, NOW, chance) {
            Next::Later { again_in, .. } => again_in.as_millis(),
            Next::GiveUp { why } => panic!("{why}"),
        }
    };
    assert_eq!((wait(POLICY, 2, None, 0.0), wait(POLICY, 2, None, 1.0)), (4_000, 6_000));
    assert_eq!((wait(POLICY, 2, Some(3), 0.0), wait(POLICY, 2, Some(90), 0.5)), (4_000, 90_000));
    assert_eq!(wait(POLICY, 9, None, 0.5), 300_000);
    let never = Policy { waits: &[], ..POLICY };
    assert_eq!(wait(never, 1, None, 0.5), 1_000);
    let down = PostVerdict::failed(Class::Down, String::new());
    let first = next(never, &Delivery::default(), &down, None, NOW, 0.5);
    assert_eq!(first, later(1, 1), "nobody knows yet whether the portal takes others");
    let second = next(never, &tried(1, 5, 3), &down, Some(before(2)), NOW, 0.5);
    assert_eq!(second, Next::GiveUp { why: "2 attempts failed while the portal took others".into() });
    for broken in [f64::NAN, -5.0, 1e300] {
        let waits = [broken];
        assert_eq!(wait(Policy { waits: &waits, ..POLICY }, 1, None, 0.5), 1_000);
    }
}

#[test]
fn answers_are_judged_by_their_status_unless_their_body_says_more() {
    let status = |code, said| judge(&PostOutcome::Status { code, retry_after: Some("7") }, said, NOW);
    for (class, codes) in [
        (Class::Taken, &[200, 201, 202, 204, 299][..]),
        (Class::Down, &[0, 100, 302, 500, 502, 503, 504, 599, 600]),
        (Class::Throttled, &[408, 425, 429]),
        (Class::Credentials, &[401, 403, 407]),
        (Class::Refused, &[400, 402, 404, 405, 406, 409, 411, 413, 414, 415, 418, 422, 423, 431, 451, 499]),
        (Class::Gone, &[410]),
    ] {
        for code in codes {
            let verdict = status(*code, None);
            assert_eq!(verdict.class, class, "{code}");
            assert_eq!(verdict.after, (class != Class::Taken).then_some(Duration::from_secs(7)), "{code}");
            let sure = [400, 406, 411, 413, 414, 415, 422, 431].contains(code);
            assert_eq!(verdict.sure, sure, "{code}");
        }
        assert_eq!(Class::parse(class.word()), Some(class));
        // Slack's 200 {"ok":false}; Twilio's 400 that is about the rate.
        for code in [200, 400, 503] {
            let verdict = status(code, Some(class));
            assert_eq!((verdict.class, verdict.sure), (class, class == Class::Refused), "{code} {class:?}");
        }
    }
    assert_eq!(Class::parse("tired"), None);
    assert_eq!(status(302, None).why, "status 302: redirects are not followed");
    assert_eq!(status(422, None).why, "status 422");
    assert_eq!(status(200, Some(Class::Credentials)).why, "status 200, and its body says credentials");
    let silent = PostOutcome::NoAnswer { why: "no answer within 15 s".into() };
    for said in [None, Some(Class::Taken)] {
        assert_eq!(judge(&silent, said, NOW), PostVerdict::failed(Class::Down, "no answer within 15 s".into()));
    }
}

#[test]
fn credentials_and_a_portal_that_throttles_count_against_no_message() {
    for class in [Class::Credentials, Class::Throttled] {
        let mut so_far = Delivery::default();
        let mut waits = Vec::new();
        for _ in 0..40 {
            let Next::Later { counted, again_in } = after_class(class, &so_far, Some(1)) else { panic!("{class:?}") };
            assert_eq!(counted, 0, "{class:?}");
            waits.push(again_in.as_secs());
            let attempts = so_far.attempts.len() + 1;
            so_far = tried(0, 3_600, 2);
            so_far.attempts = vec![so_far.attempts[0].clone(); attempts.min(limits::ATTEMPTS_KEPT)];
        }
        // It is alone with its fate: the portal takes others.
        assert_eq!(&waits[..6], [1, 5, 15, 60, 300, 300], "{class:?}");
        // With everybody else it waits shortly: what limits the attempts is the breaker.
        assert_eq!(after_class(class, &so_far, Some(3)), later(0, 1), "{class:?}");
        assert_eq!(after_class(class, &so_far, None), later(0, 1), "{class:?}");
    }
    // Two attempts that counted before go on counting after.
    assert_eq!(after_class(Class::Credentials, &tried(2, 50, 2), Some(1)), later(2, 5));
    // Throttled for a day, and nobody else is.
    let day = tried(0, 86_400, 2);
    assert!(matches!(after_class(Class::Throttled, &day, Some(1)), Next::GiveUp { .. }));
    assert_eq!(after_class(Class::Throttled, &day, Some(2)), later(0, 1));
    assert_eq!(after_class(Class::Credentials, &day, Some(1)), later(0, 5));
}

#[test]
fn what_may_pass_is_refused_as_often_as_what_fails() {
    let passing = PostVerdict { sure: false, ..PostVerdict::failed(Class::Refused, String::new()) };
    for (so_far, expected) in [(tried(1, 5, 3), later(2, 5)), (tried(5, 400, 3), later(6, 300))] {
        let counted = so_far.counted;
        let next = next(POLICY, &so_far, &passing, Some(before(1)), NOW, 0.5);
        assert!(next == expected || counted == 5 && matches!(next, Next::GiveUp { .. }), "{next:?}");
    }
}

#[test]
fn a_session_that_is_gone_while_others_are_taken_is_given_up_on() {
    assert_eq!(after_class(Class::Gone, &Delivery::default(), Some(1)), later(0, 1));
    assert_eq!(after_class(Class::Gone, &tried(0, 5, 3), Some(4)), later(0, 1), "nobody else was taken since");
    assert!(matches!(after_class(Class::Gone, &tried(0, 5, 3), Some(2)), Next::GiveUp { .. }));
}

#[test]
fn alone_a_message_is_refused_for_ever_unless_the_settings_say_otherwise() {
    let refused = |attempts: usize, status: Option<u16>| {
        let mut so_far = tried(1, 500, 3);
        so_far.attempts = vec![Attempt { status, error: Some("no".into()), ..so_far.attempts[0].clone() }; attempts];
        so_far
    };
    let give_up = |give_up_alone, so_far: &Delivery, class| {
        let verdict = PostVerdict::failed(class, String::new());
        let next = next(Policy { give_up_alone, ..POLICY }, so_far, &verdict, Some(before(400)), NOW, 0.5);
        matches!(next, Next::GiveUp { .. })
    };
    for status in [Some(422), Some(404), Some(200)] {
        assert!(!give_up(None, &refused(15, status), Class::Refused), "{status:?}");
        assert!(!give_up(Some(3), &refused(1, status), Class::Refused), "{status:?}");
        assert!(give_up(Some(3), &refused(2, status), Class::Refused), "{status:?}");
        assert!(give_up(Some(16), &refused(16, status), Class::Refused), "{status:?}");
    }
    // It is about refusals in a row.
    for status in [None, Some(503), Some(401), Some(429)] {
        assert!(!give_up(Some(3), &refused(15, status), Class::Refused), "{status:?}");
    }
    for class in [Class::Down, Class::Throttled, Class::Credentials, Class::Gone] {
        assert!(!give_up(Some(2), &refused(15, Some(422)), class), "{class:?}");
    }
    assert!(!give_up(Some(2), &Delivery::default(), Class::Refused), "the first attempt");
}

/// What an attempt met is what counts: what could not be sent has no status, and a status of success may say anything.
#[test]
fn alone_a_message_is_given_up_on_by_what_its_attempts_met() {
    let of = |class: Option<Class>, status: Option<u16>, at: i64| {
        let class = class.map(|class| class.word().to_owned());
        Attempt { at: before(at).0, took: 5, status, error: Some("no".into()), instance: "a".into(), class }
    };
    let give_up = |since: i64, attempts: Vec<Attempt>| {
        let so_far = Delivery { since: Some(before(since)), attempts, ..tried(1, 500, 3) };
        let verdict = PostVerdict::failed(Class::Refused, String::new());
        let next = next(Policy { give_up_alone: Some(3), ..POLICY }, &so_far, &verdict, None, NOW, 0.5);
        matches!(next, Next::GiveUp { .. })
    };
    let refused = Some(Class::Refused);
    assert!(give_up(500, vec![of(refused, None, 9), of(refused, None, 3)]), "a template found nothing");
    assert!(give_up(500, vec![of(refused, Some(503), 9), of(refused, Some(201), 3)]), "its body says so");
    assert!(give_up(500, vec![of(None, Some(422), 9), of(refused, None, 3)]), "one by an instance of before");
    for class in [Class::Throttled, Class::Credentials, Class::Down, Class::Gone] {
        let said = of(Some(class), Some(200), 3);
        assert!(!give_up(500, vec![of(refused, Some(422), 12), of(refused, Some(422), 9), said]), "{class:?}");
    }
    let newer = Attempt { class: Some("postponed".into()), ..of(None, Some(422), 3) };
    assert!(!give_up(500, vec![of(refused, None, 9), newer]), "of a newer version");
    // An operator had it tried as if for the first time.
    let attempts = vec![of(refused, Some(422), 400), of(refused, Some(422), 300), of(refused, Some(422), 3)];
    assert!(give_up(500, attempts.clone()) && !give_up(5, attempts));
}

#[test]
fn what_an_operator_has_tried_anew_is_tried_as_if_for_the_first_time() {
    let anew = Delivery { since: None, counted: 0, ..tried(5, 400, 3) };
    for class in [Class::Refused, Class::Down, Class::Gone] {
        assert!(matches!(after_class(class, &anew, Some(1)), Next::Later { .. }), "{class:?}");
    }
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

#[test]
fn a_410_disables_the_portal_only_where_nothing_else_is_taken() {
    let long = limits::GONE_FOR;
    for (sessions, customers, served, first, again, expected) in [
        (1, 1, 0, Duration::ZERO, false, Gone::OfSession),
        (1, 1, 50, long, true, Gone::OfOnlySession),
        (2, 2, 0, Duration::ZERO, true, Gone::OfSession),
        (2, 2, 4, long, false, Gone::OfPortal),
        (2, 1, 2, long, true, Gone::OfPortal),
        (2, 2, 100, long, true, Gone::OfSession),
        (100, 1, 50, 9 * long, true, Gone::OfSession),
        (100, 100, 10, long / 2, true, Gone::OfSession),
    ] {
        assert_eq!(
            gone(sessions, customers, served, first, again),
            expected,
            "{sessions} {customers} {served} {again}"
        );
    }
}
