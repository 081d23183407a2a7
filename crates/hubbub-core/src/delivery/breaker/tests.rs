use super::*;

const MS: Duration = Duration::from_millis(1);

fn answer(breaker: &mut Breaker, class: Class, now: Instant) {
    breaker.answered(&PostVerdict::failed(class, String::new()), false, now, 0.0);
}

fn answers(breaker: &mut Breaker, class: Class, now: Instant) {
    for _ in 0..limits::BREAKER_FAILURES {
        answer(breaker, class, now);
    }
}

fn taken(breaker: &mut Breaker, now: Instant) {
    breaker.answered(&PostVerdict::TAKEN, false, now, 0.0);
}

fn opened(now: Instant) -> Breaker {
    let mut breaker = Breaker::default();
    answers(&mut breaker, Class::Down, now);
    breaker
}

#[test]
fn it_opens_after_failures_in_a_row_only() {
    for class in [Class::Down, Class::Throttled] {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for n in 1..=20 {
            answer(&mut breaker, class, now);
            assert_eq!(breaker.may(now), Permit::All, "{n}");
            if n % 4 == 0 {
                taken(&mut breaker, now);
            }
        }
        let now = now + limits::BREAKER_GRACE;
        for _ in 0..limits::BREAKER_FAILURES {
            assert!(breaker.is_closed());
            answer(&mut breaker, class, now);
        }
        assert_eq!((breaker.state().word(), breaker.trouble()), ("open", Some(class)));
        assert_eq!(breaker.may(now), Permit::None { until: now + limits::BREAKER_FRESH });
    }
}

#[test]
fn a_portal_that_took_something_a_moment_ago_is_not_down() {
    let now = Instant::now();
    let mut breaker = Breaker::default();
    taken(&mut breaker, now);
    let later = now + limits::BREAKER_GRACE - MS;
    for class in [Class::Down, Class::Throttled, Class::Credentials, Class::Refused, Class::Gone] {
        for _ in 0..1_000 {
            answer(&mut breaker, class, later);
        }
        assert!(breaker.is_closed(), "{class:?}");
    }
    let mut breaker = Breaker::default();
    taken(&mut breaker, now);
    answers(&mut breaker, Class::Down, now + limits::BREAKER_GRACE);
    assert!(!breaker.is_closed());
}

#[test]
fn messages_that_are_refused_say_that_the_portal_works() {
    let now = Instant::now();
    let mut breaker = Breaker::default();
    for n in 0..20 {
        answer(&mut breaker, if n % 5 == 4 { Class::Refused } else { Class::Down }, now);
        assert!(breaker.is_closed(), "{n}");
    }
    // In the end it refuses everything: who has failed waits, and who has not does not.
    let mut breaker = Breaker::default();
    answers(&mut breaker, Class::Refused, now);
    assert_eq!(breaker.trouble(), Some(Class::Refused));
    assert!(!breaker.stops());
    assert_eq!(breaker.may(now), Permit::Fresh { and_one: false });
    let later = now + limits::BREAKER_FIRST;
    assert_eq!(breaker.may(later), Permit::Fresh { and_one: true });
    assert_eq!(breaker.may(later), Permit::Fresh { and_one: false }, "one is out");
    answer(&mut breaker, Class::Gone, later);
    assert_eq!(breaker.may(later + limits::BREAKER_FIRST), Permit::Fresh { and_one: false });
    assert_eq!(breaker.may(later + 2 * limits::BREAKER_FIRST), Permit::Fresh { and_one: true });
    taken(&mut breaker, later);
    assert_eq!((breaker.may(later), breaker.trouble()), (Permit::All, None));
}

#[test]
fn what_is_known_to_fail_alone_says_nothing_of_the_portal() {
    let now = Instant::now();
    for class in [Class::Down, Class::Throttled, Class::Credentials, Class::Refused, Class::Gone] {
        let mut breaker = Breaker::default();
        for _ in 0..1_000 {
            breaker.answered(&PostVerdict::failed(class, String::new()), true, now, 0.0);
        }
        assert_eq!((breaker.may(now), breaker.trouble()), (Permit::All, None), "{class:?}");
    }
    // As a probe it decides like any other.
    let mut breaker = opened(now);
    let later = now + limits::BREAKER_FIRST;
    assert_eq!(breaker.may(later), Permit::One { fresh: false });
    breaker.answered(&PostVerdict::failed(Class::Down, String::new()), true, later, 0.0);
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn wrong_credentials_are_seen_at_once_and_hold_the_portal_with_the_second() {
    let now = Instant::now();
    let mut breaker = Breaker::default();
    answer(&mut breaker, Class::Credentials, now);
    assert_eq!((breaker.may(now), breaker.trouble()), (Permit::All, Some(Class::Credentials)));
    answer(&mut breaker, Class::Credentials, now);
    assert_eq!(breaker.may(now), Permit::None { until: now + limits::BREAKER_FRESH });
    assert_eq!(breaker.may(now + limits::BREAKER_FRESH), Permit::One { fresh: true });
    taken(&mut breaker, now);
    assert_eq!(breaker.trouble(), None);
    // One session's among others that are taken holds nobody.
    for _ in 0..100 {
        answer(&mut breaker, Class::Credentials, now);
        assert_eq!(breaker.may(now), Permit::All);
        taken(&mut breaker, now);
    }
}

#[test]
fn then_one_goes_through_and_decides() {
    let mut now = Instant::now();
    let mut breaker = opened(now);
    now += limits::BREAKER_FRESH - MS;
    assert!(matches!(breaker.may(now), Permit::None { .. }));
    now += MS;
    assert_eq!(breaker.may(now), Permit::One { fresh: true }, "who has not failed waits less");
    breaker.given_back();
    now += limits::BREAKER_FIRST - limits::BREAKER_FRESH;
    assert_eq!(breaker.may(now), Permit::One { fresh: false });
    assert_eq!(breaker.state().word(), "half_open");
    assert!(matches!(breaker.may(now), Permit::None { .. }), "a second one waits");
    breaker.given_back();
    answer(&mut breaker, Class::Down, now);
    assert_eq!(breaker.may(now), Permit::One { fresh: false }, "it was not used");
    taken(&mut breaker, now);
    assert_eq!((breaker.may(now), breaker.state().word()), (Permit::All, "closed"));
    answer(&mut breaker, Class::Down, now);
    assert_eq!(breaker.may(now), Permit::All, "it counts from the beginning");
}

#[test]
fn waits_double_up_to_the_longest_and_begin_anew_after_a_success() {
    let mut now = Instant::now();
    let mut breaker = opened(now);
    let (mut waits, mut fresh) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        let At::Open { until, fresh_at, .. } = breaker.at else { panic!("it is open") };
        waits.push((until - now).as_secs());
        fresh.push((fresh_at - now).as_millis());
        // They were under way when it opened.
        answers(&mut breaker, Class::Down, now + MS);
        assert!(matches!(breaker.may(now), Permit::None { .. }));
        now = until;
        assert_eq!(breaker.may(now), Permit::One { fresh: false });
        answer(&mut breaker, Class::Down, now);
    }
    assert_eq!(waits, [1, 2, 4, 8, 10, 10, 10]);
    assert_eq!(fresh, [500, 1_000, 2_000, 2_000, 2_000, 2_000, 2_000]);
    taken(&mut breaker, now);
    now += limits::BREAKER_GRACE;
    answers(&mut breaker, Class::Down, now);
    assert_eq!(breaker.may(now), Permit::None { until: now + limits::BREAKER_FRESH });
}

#[test]
fn one_that_never_comes_back_is_not_waited_for_for_ever() {
    let now = Instant::now();
    let mut breaker = opened(now);
    let later = now + limits::BREAKER_FIRST;
    assert_eq!(breaker.may(later), Permit::One { fresh: false });
    let beside = later + limits::BREAKER_FRESH_MAX;
    assert_eq!(breaker.may(beside - MS), Permit::None { until: beside });
    // What makes the portal hang keeps nobody from asking whose message may not.
    assert_eq!(breaker.may(beside), Permit::One { fresh: true });
    breaker.given_back();
    assert_eq!(breaker.may(beside), Permit::One { fresh: true }, "nobody was there; the first is still out");
    assert_eq!(breaker.may(beside + MS), Permit::None { until: beside + limits::BREAKER_FRESH_MAX });
    breaker.given_back();
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    assert_eq!(breaker.may(later + PROBE_WITHIN), Permit::One { fresh: false });
}

#[test]
fn chance_shortens_a_wait_and_a_portal_that_throttles_says_how_long() {
    let now = Instant::now();
    let mut breaker = Breaker::default();
    let throttled = |after: u64| PostVerdict {
        after: Some(Duration::from_secs(after)),
        ..PostVerdict::failed(Class::Throttled, String::new())
    };
    for _ in 0..limits::BREAKER_FAILURES {
        breaker.answered(&throttled(0), false, now, 1.0);
    }
    assert_eq!(breaker.may(now), Permit::None { until: now + limits::BREAKER_FRESH / 2 });
    // A day for one of its conversations is no day for all.
    for (asked, waits) in [(5, 5), (86_400, 10)] {
        let mut breaker = Breaker::default();
        for _ in 0..limits::BREAKER_FAILURES {
            breaker.answered(&throttled(asked), false, now, 0.0);
        }
        let At::Open { until, fresh_at, .. } = breaker.at else { panic!("it is open") };
        assert_eq!((until, fresh_at), (now + Duration::from_secs(waits), now + limits::BREAKER_FRESH_MAX));
    }
}
