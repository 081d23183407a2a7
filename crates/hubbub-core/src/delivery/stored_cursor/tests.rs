use super::*;
use crate::limits::ATTEMPTS_KEPT;

const NOW: Timestamp = Timestamp(1_000_000);
const LEASE: Duration = Duration::from_secs(30);

fn at(milliseconds: i64) -> Option<Timestamp> {
    Some(Timestamp(NOW.0 + milliseconds))
}

fn idle() -> StoredCursor {
    StoredCursor { position: Seq::new(2), head: Seq::new(2), fence: 6, ..StoredCursor::default() }
}

fn claimed(head: u64) -> StoredCursor {
    let mut cursor = idle();
    assert!(cursor.mark(Seq::new(3), Seq::new(head), false, NOW));
    cursor.claim(LEASE, NOW);
    assert_eq!((cursor.fence, cursor.due_at), (7, at(30_000)));
    cursor
}

fn attempt() -> Attempt {
    Attempt { at: NOW.0, took: 5, status: Some(500), error: Some("500".into()), instance: "a".into(), class: None }
}

fn settled(cursor: &mut StoredCursor, step: &DeliveryStep) -> Option<Beside> {
    let beside = cursor.settle(step, NOW);
    cursor.conclude(step, None, NOW);
    beside
}

#[test]
fn an_agents_answer_makes_nothing_due_and_overtakes_nothing() {
    let mut quiet = idle();
    assert!(!quiet.mark(Seq::new(3), Seq::new(4), true, NOW));
    assert_eq!((quiet.position, quiet.due_at), (Seq::new(4), None));
    let mut busy = idle();
    assert!(busy.mark(Seq::new(3), Seq::new(3), false, NOW));
    assert!(!busy.mark(Seq::new(4), Seq::new(4), true, NOW), "it is due already");
    assert_eq!((busy.position, busy.head), (Seq::new(2), Seq::new(4)));
    let mut unaware = idle();
    assert!(unaware.mark(Seq::new(5), Seq::new(5), true, NOW), "3 and 4 are somebody else's, who did not say so");
    assert_eq!(unaware.position, Seq::new(2));
}

#[test]
fn what_came_while_a_post_was_under_way_is_due_when_it_is_settled() {
    let mut cursor = claimed(3);
    assert!(!cursor.mark(Seq::new(4), Seq::new(4), false, NOW), "the lease stands");
    settled(&mut cursor, &DeliveryStep::Passed { position: Seq::new(3), taken: true });
    assert_eq!((cursor.leased, cursor.due_at), (false, at(0)));
    let mut alone = claimed(3);
    settled(&mut alone, &DeliveryStep::Passed { position: Seq::new(3), taken: true });
    assert_eq!((alone.due_at, alone.waiting_since), (None, None));
}

#[test]
fn a_claim_holds_until_another_is_made_or_it_is_given_up() {
    let mut cursor = claimed(3);
    assert!(cursor.is_held_by(7));
    settled(&mut cursor, &DeliveryStep::Released);
    assert!(!cursor.is_held_by(7));
    cursor.claim(LEASE, NOW);
    assert!(!cursor.is_held_by(7));
}

#[test]
fn a_claim_that_is_kept_goes_on_for_another_lease() {
    let mut cursor = claimed(4);
    let step = DeliveryStep::Passed { position: Seq::new(3), taken: true };
    let later = Timestamp(NOW.0 + 10_000);
    assert_eq!(cursor.settle(&step, later), None);
    cursor.conclude(&step, Some(LEASE), later);
    assert!(cursor.is_held_by(7));
    assert_eq!((cursor.position, cursor.due_at), (Seq::new(3), at(40_000)));
}

#[test]
fn a_session_goes_on_behind_a_dead_letter_or_waits_for_it() {
    let given_up = |block| DeliveryStep::GivenUp { seq: Seq::new(3), attempt: attempt(), why: "poison".into(), block };
    let mut goes_on = claimed(5);
    assert!(matches!(settled(&mut goes_on, &given_up(false)), Some(Beside::Dead { seq, .. }) if seq == Seq::new(3)));
    assert_eq!((goes_on.position, goes_on.due_at), (Seq::new(3), at(0)));
    let mut waits = claimed(5);
    settled(&mut waits, &given_up(true));
    assert_eq!((waits.position, waits.due_at, waits.blocked), (Seq::new(2), None, true));
    assert!(!waits.mark(Seq::new(6), Seq::new(6), false, NOW), "still blocked");
    assert!(!waits.has_entries());
    let mut again = waits.clone();
    again.ask_again(1, NOW);
    assert_eq!((again.replays, again.due_at), (1, at(0)), "a replay is something to do");
    for goes_on in [
        |cursor: &mut StoredCursor| cursor.discarded(Seq::new(3), false, NOW),
        |cursor: &mut StoredCursor| cursor.replayed(Seq::new(3), false, true, NOW),
    ] {
        let mut cursor = waits.clone();
        goes_on(&mut cursor);
        assert_eq!((cursor.position, cursor.blocked, cursor.due_at), (Seq::new(3), false, at(0)));
    }
    let mut still = waits.clone();
    still.replayed(Seq::new(3), false, false, NOW);
    assert_eq!(still, waits, "it was not taken this time either");
}

#[test]
fn a_step_that_is_settled_twice_makes_one_dead_letter() {
    for block in [false, true] {
        let step = DeliveryStep::GivenUp { seq: Seq::new(3), attempt: attempt(), why: "poison".into(), block };
        let mut cursor = claimed(5);
        assert!(cursor.settle(&step, NOW).is_some());
        let once = cursor.clone();
        assert_eq!(cursor.settle(&step, NOW), None);
        assert_eq!(cursor, once);
    }
}

#[test]
fn a_failure_is_kept_and_due_later() {
    let mut cursor = claimed(3);
    for n in 1..40 {
        cursor.leased = true;
        settled(&mut cursor, &DeliveryStep::Later { attempt: attempt(), counted: n, again_in: Duration::from_secs(5) });
        assert_eq!((cursor.due_at, cursor.leased), (at(5_000), false));
    }
    assert_eq!((cursor.attempts.len(), cursor.since), (ATTEMPTS_KEPT, at(0)));
}

#[test]
fn how_far_calls_have_come_is_kept_until_the_entry_is_passed() {
    use crate::delivery::progress::{Progress, SentMessage};
    let progress = |seq: u64| Progress { seq, done: vec!["find".into()], ..Progress::default() };
    let called = |seq: u64| DeliveryStep::Called { letter: None, progress: progress(seq) };
    let mut cursor = claimed(5);
    assert_eq!(cursor.settle(&called(3), NOW), None);
    let later = DeliveryStep::Later { attempt: attempt(), counted: 1, again_in: Duration::from_secs(1) };
    cursor.settle(&later, NOW);
    assert_eq!(cursor.calls.of(3), Some(&progress(3)), "a failure after it changes nothing");
    assert_eq!(cursor.calls.of(4), None);
    cursor.settle(&DeliveryStep::Passed { position: Seq::new(3), taken: true }, NOW);
    assert_eq!(cursor.calls.entry, None);
    // With the dead letter it goes where that goes.
    cursor.settle(&called(4), NOW);
    let given_up = DeliveryStep::GivenUp { seq: Seq::new(4), attempt: attempt(), why: "no".into(), block: true };
    let Some(Beside::Dead { progress: kept, .. }) = cursor.settle(&given_up, NOW) else { panic!("no dead letter") };
    assert_eq!(kept, Some(progress(4)));
    // Of messages that the portal has the last are known, each once.
    let sent = |n: u64| SentMessage { seq: n, id: format!("m{n}") };
    for n in 0..40 {
        cursor.note_sent(&[sent(n), sent(n)]);
    }
    assert_eq!((cursor.calls.sent.len(), cursor.calls.sent.last()), (crate::limits::SENT_KEPT, Some(&sent(39))));
    assert!(!called(3).is_taken(), "the portal has taken something when it has the message");
}

#[test]
fn an_operator_stops_a_session_and_lets_it_go_on() {
    // What is under way is the last: the claim ends with it, though it was to be kept.
    let mut cursor = claimed(5);
    cursor.stop(NOW);
    assert!(cursor.is_held_by(7));
    let step = DeliveryStep::Passed { position: Seq::new(3), taken: true };
    assert_eq!(cursor.settle(&step, NOW), None);
    cursor.conclude(&step, Some(LEASE), NOW);
    assert_eq!((cursor.position, cursor.leased, cursor.due_at), (Seq::new(3), false, None));
    assert!(!cursor.mark(Seq::new(6), Seq::new(6), false, NOW), "it waits");
    // It stays stopped whatever becomes of what was under way.
    for step in [
        DeliveryStep::Later { attempt: attempt(), counted: 1, again_in: LEASE },
        DeliveryStep::GivenUp { seq: Seq::new(3), attempt: attempt(), why: "no".into(), block: false },
        DeliveryStep::Released,
    ] {
        let mut cursor = claimed(5);
        cursor.stop(NOW);
        settled(&mut cursor, &step);
        assert_eq!((cursor.blocked, cursor.due_at), (true, None), "{step:?}");
    }
    cursor.go_on(true, NOW);
    assert_eq!(cursor.due_at, None, "it stands still at a dead letter");
    cursor.go_on(false, NOW);
    assert_eq!(cursor.due_at, Some(NOW));
    // What is to be sent again is sent, though nothing else is.
    cursor.stop(NOW);
    cursor.ask_again(1, NOW);
    assert_eq!(cursor.due_at, Some(NOW));
}

#[test]
fn an_operator_skips_what_waits_or_has_it_tried_at_once() {
    let mut cursor = claimed(5);
    settled(&mut cursor, &DeliveryStep::Later { attempt: attempt(), counted: 3, again_in: LEASE });
    cursor.retry(NOW);
    assert_eq!((cursor.due_at, cursor.counted, cursor.since, cursor.attempts.len()), (Some(NOW), 0, None, 1));
    cursor.claim(LEASE, NOW);
    cursor.retry(NOW);
    assert_eq!(cursor.due_at, at(30_000), "it is tried just now");
    // 3 is not for the portal, 4 is skipped, 5 goes on at once; whoever has claimed it has lost it.
    let beside = cursor.skip(Seq::new(4), false, "skipped".into(), NOW);
    assert_eq!(
        beside,
        Some(Beside::Dead { seq: Seq::new(4), why: "skipped".into(), attempts: vec![attempt()], progress: None })
    );
    assert_eq!((cursor.position, cursor.due_at, cursor.is_held_by(8)), (Seq::new(4), Some(NOW), false));
    // One that stands still at a dead letter goes on behind it, and the letter stays as it is.
    cursor.claim(LEASE, NOW);
    let step = DeliveryStep::GivenUp { seq: Seq::new(5), attempt: attempt(), why: "no".into(), block: true };
    settled(&mut cursor, &step);
    assert_eq!(cursor.skip(Seq::new(5), true, "skipped".into(), NOW), None);
    assert_eq!((cursor.position, cursor.blocked, cursor.due_at), (Seq::new(5), false, None));
    let mut idle = idle();
    idle.retry(NOW);
    assert_eq!(idle.due_at, None);
}
