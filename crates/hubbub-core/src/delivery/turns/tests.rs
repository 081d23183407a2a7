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
    let Shares { failing, each } = Shares::of(16);
    let places = Places { most: 16, failing, each, ..Places::all(16) };
    let chosen = places.choose(&candidates);
    let of = |name: &str| chosen.iter().filter(|n| candidates[**n].customer == user(name)).count();
    assert_eq!((of("a"), of("b"), chosen.len()), (4, 4, 8));
    let busy = Places { under_way: [(user("a"), 4), (user("b"), 3)].into(), ..places };
    assert_eq!(busy.choose(&candidates).len(), 1);
    assert!(busy.is_full(&user("a")) && !busy.is_full(&user("b")));
    assert_eq!(busy.full().collect::<Vec<_>>(), [&user("a")]);
    for (concurrency, failing, each) in [(1, 1, 1), (2, 1, 1), (4, 2, 1), (7, 3, 1), (256, 128, 64)] {
        assert_eq!(Shares::of(concurrency), Shares { failing, each }, "{concurrency}");
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
fn a_probe_is_drawn_by_lot() {
    let mut candidates: Vec<Candidate> = (0..10).map(|n| due(&format!("u{n}"), false, 1, n)).collect();
    candidates.push(due("poison", false, 2, -5));
    candidates.extend((0..50).map(|n| due("u3", false, 1, -1 - n)));
    let drawn = |lot, failed: &[&str]| {
        let failed = failed.iter().map(|name| (user(name), 1)).collect();
        let places = Places { probe: Some(Probe { lot, failed, served: HashSet::new() }), ..Places::all(1) };
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
    let served = [user("u2"), user("poison")].into();
    let places = Places { probe: Some(Probe { lot: 1, served, ..Probe::default() }), ..Places::all(1) };
    assert_eq!(candidates[places.choose(&candidates)[0]].customer, user("u2"));
}
