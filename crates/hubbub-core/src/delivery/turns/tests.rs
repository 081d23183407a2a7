use super::*;
use std::{collections::BTreeSet, time::Instant};

mod fairness;

fn began() -> Instant {
    Instant::now()
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn due(customer: &str, fresh: bool, counted: u32, due_at: i64) -> Candidate {
    Candidate { customer: user(customer), fresh, counted, due_at }
}

/// These are served, and the last messages of those made the portal hang.
fn known(served: &[&str], hung: &[&str]) -> Arc<Known> {
    let mut known = Arc::<Known>::default();
    served.iter().for_each(|name| known.note(&user(name), true, Duration::ZERO));
    hung.iter().for_each(|name| known.note(&user(name), false, limits::DELIVERY_WITHIN));
    known
}

/// Whose turn it is, by names and times.
fn chosen(places: &Places, candidates: &[Candidate]) -> Vec<String> {
    let name = |n: usize| format!("{}{}", candidates[n].customer.as_str(), candidates[n].due_at);
    places.choose(candidates).into_iter().map(name).collect()
}

#[test]
fn customers_take_turns_and_whoever_has_failed_comes_last() {
    let all = Places::all(9);
    let candidates = [
        due("a", true, 0, 1),
        due("a", true, 0, 2),
        due("a", true, 0, 3),
        due("b", true, 0, 7),
        due("c", false, 5, 0),
        due("d", false, 1, 4),
        due("b", true, 0, 8),
    ];
    assert_eq!(chosen(&all, &candidates), ["a1", "b7", "a2", "b8", "a3", "d4", "c0"]);
    // Those of whom some are under way already come later.
    let busy = Places { under_way: [(user("a"), 2)].into(), ..all };
    assert_eq!(chosen(&busy, &candidates), ["b7", "b8", "a1", "a2", "a3", "d4", "c0"]);
    assert_eq!(Places::all(4).choose(&[]), Vec::<usize>::new());
}

#[test]
fn nobody_has_more_than_their_share_even_where_others_took_the_first() {
    let mut candidates: Vec<Candidate> = (0..50).map(|n| due("a", n % 2 == 0, 0, n)).collect();
    candidates.extend((0..50).map(|n| due("b", false, 0, 100 + n)));
    let Shares { failing, each, .. } = Shares::of(16);
    let places = Places { most: 16, failing, each, ..Places::all(16) };
    let chosen = places.choose(&candidates);
    let of = |name: &str| chosen.iter().filter(|n| candidates[**n].customer == user(name)).count();
    assert_eq!((of("a"), of("b"), chosen.len()), (4, 4, 8));
    let busy = Places { under_way: [(user("a"), 4), (user("b"), 3)].into(), ..places };
    assert_eq!(busy.choose(&candidates).len(), 1);
    assert!(busy.is_full(&user("a")) && !busy.is_full(&user("b")));
    assert_eq!(busy.full().collect::<Vec<_>>(), [&user("a")]);
    for (concurrency, failing, unserved, each) in
        [(1, 1, 1, 1), (2, 1, 2, 1), (3, 1, 3, 1), (4, 2, 3, 1), (7, 3, 6, 1), (256, 128, 192, 64)]
    {
        assert_eq!(Shares::of(concurrency), Shares { failing, unserved, each }, "{concurrency}");
    }
}

#[test]
fn whoever_has_failed_is_not_shut_out_by_a_crowd() {
    let mut candidates: Vec<Candidate> = (0..40).map(|n| due(&format!("u{n}"), true, 0, n)).collect();
    candidates.push(due("late", false, 3, 0));
    for most in [2, 5, 16] {
        let chosen = Places::all(most).choose(&candidates);
        assert_eq!(chosen.iter().position(|n| *n == 40), Some(most - 1), "{most}");
        assert_eq!(chosen.len(), 2 * most);
    }
    // With one place, whoever has not failed has it.
    assert_eq!(Places::all(1).choose(&candidates), [0, 1]);
    // A probe is of one kind.
    assert_eq!(Places { fresh: 1, failing: 0, ..Places::all(1) }.choose(&candidates), [0]);
    assert_eq!(Places { fresh: 0, failing: 1, ..Places::all(1) }.choose(&candidates), [40]);
}

#[test]
fn a_quarter_is_kept_for_those_whom_the_portal_serves() {
    let mut candidates: Vec<Candidate> = (0..50).map(|n| due(&format!("new{n}"), true, 0, n)).collect();
    candidates.extend((0..8).map(|n| due(&format!("old{n}"), true, 0, 100 + n)));
    let served: Vec<String> = (0..8).map(|n| format!("old{n}")).collect();
    let served: Vec<&str> = served.iter().map(String::as_str).collect();
    let permitted = |under_way: HashMap<UserId, usize>, known| {
        let free = 16 - under_way.values().sum::<usize>();
        let places = Places::permitted(Permit::All, 16, free, 0, under_way, known, Probe::default);
        let chosen = places.choose(&candidates);
        let new = chosen.iter().filter(|n| **n < 50).count();
        (new, chosen.len() - new)
    };
    assert_eq!(permitted(HashMap::new(), known(&served, &[])), (12, 8));
    // Those under way count, and whom it serves no more is as if they were new.
    let under_way: HashMap<UserId, usize> = (0..9).map(|n| (user(&format!("new{n}")), 1)).collect();
    assert_eq!(permitted(under_way.clone(), known(&served, &[])), (3, 8));
    let busy = [under_way, [(user("old0"), 3)].into()].into_iter().flatten().collect();
    assert_eq!(permitted(busy, known(&served, &["old0"])), (0, 7), "and goes with those that have failed");
    // Where nobody is known, all are as new as each other; and a portal of which three may be called keeps none.
    assert_eq!(permitted(HashMap::new(), known(&[], &[])), (12, 0));
    let few = Places::permitted(Permit::All, 3, 3, 0, HashMap::new(), known(&served, &[]), Probe::default);
    assert_eq!(few.choose(&candidates)[..3], [0, 1, 2]);
}

#[test]
fn whose_last_message_hung_is_not_served_until_one_is_taken_soon() {
    let soon = limits::ANSWERED_SOON - Duration::from_millis(1);
    let (ana, mut known) = (user("ana"), Arc::<Known>::default());
    let mut after = |taken, took| {
        known.note(&ana, taken, took);
        (known.is_served(&ana), known.has_hung(&ana))
    };
    assert_eq!(after(false, soon), (false, false), "a refusal says nothing");
    assert_eq!(after(true, soon), (true, false));
    assert_eq!(after(false, soon), (true, false));
    assert_eq!(after(false, limits::ANSWERED_SOON), (false, true));
    assert_eq!(after(false, soon), (false, true));
    assert_eq!(after(true, limits::DELIVERY_WITHIN), (false, false), "taken late");
    assert_eq!(after(false, limits::DELIVERY_WITHIN), (false, true));
    assert_eq!(after(true, soon), (true, false));
    for n in 0..3 * limits::CUSTOMERS_KNOWN {
        known.note(&user(&format!("u{n}")), n % 2 == 0, if n % 2 == 0 { soon } else { limits::DELIVERY_WITHIN });
    }
    assert!(known.served() <= limits::CUSTOMERS_KNOWN, "bounded");
}

#[test]
fn whoever_has_much_to_send_gives_way_where_others_may_wait() {
    let calls = limits::TURN_CALLS;
    for (calls, under_way, concurrency, expected) in [
        (calls, 12, 16, true),
        (calls - 1, 16, 16, false),
        (calls, 11, 16, false),
        (2_000, 11, 16, false),
        (calls, 1, 1, true),
        (calls, 2, 3, false),
        (calls, 3, 3, true),
        (calls, 192, 256, true),
    ] {
        assert_eq!(gives_way(calls, under_way, concurrency), expected, "{calls} {under_way} {concurrency}");
    }
    let (ana, mut known) = (user("ana"), known(&["ana"], &[]));
    known.note_long(&ana);
    assert_eq!((known.is_served(&ana), known.has_hung(&ana)), (false, true));
    known.note(&ana, true, Duration::ZERO);
    assert!(known.is_served(&ana));
}

#[test]
fn whose_last_message_hung_waits_behind_those_whose_did_not() {
    let candidates = [due("slow", true, 0, 1), due("new", true, 0, 2), due("old", true, 0, 3), due("bad", false, 1, 0)];
    let places = Places { known: known(&["old"], &["slow"]), ..Places::all(9) };
    assert_eq!(chosen(&places, &candidates), ["new2", "old3", "slow1", "bad0"]);
    assert_eq!(chosen(&Places { failing: 1, ..places.clone() }, &candidates), ["new2", "old3", "slow1"]);
    assert_eq!(chosen(&Places { unserved: 1, ..places }, &candidates), ["new2", "old3"]);
}

#[test]
fn a_probe_is_drawn_by_lot() {
    let mut candidates: Vec<Candidate> = (0..10).map(|n| due(&format!("u{n}"), false, 1, n)).collect();
    candidates.push(due("poison", false, 2, -5));
    candidates.extend((0..50).map(|n| due("u3", false, 1, -1 - n)));
    let drawn = |lot, failed: &[&str]| {
        let failed = failed.iter().map(|name| (user(name), 1)).collect();
        let places = Places { probe: Some(Probe { lot, failed }), ..Places::all(1) };
        candidates[places.choose(&candidates)[0]].customer.clone()
    };
    let customers: BTreeSet<UserId> = (0..1_000).map(|lot| drawn(lot, &[])).collect();
    assert_eq!(customers.len(), 10, "everybody but the poison, once in a while: {customers:?}");
    let of = |name: &str| (0..1_000).filter(|lot| drawn(*lot, &[]) == user(name)).count();
    assert!(of("u3") < 200, "the customer with the most sessions is drawn no more often: {}", of("u3"));
    // Whoever has failed since is drawn after the others.
    for lot in 0..100 {
        assert_eq!(drawn(lot, &["u0", "u1", "u2", "u3", "u4", "u5", "u6", "u8", "u9"]), user("u7"));
    }
    // And customers of whom it took something before go first.
    let known = known(&["u2", "poison"], &[]);
    let places = Places { known, probe: Some(Probe { lot: 1, ..Probe::default() }), ..Places::all(1) };
    assert_eq!(candidates[places.choose(&candidates)[0]].customer, user("u2"));
}
