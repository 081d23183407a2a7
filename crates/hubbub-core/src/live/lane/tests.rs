use super::*;
use std::time::Duration;

const A: Uuid = Uuid::from_u128(1);
const B: Uuid = Uuid::from_u128(2);

/// A tally with a clock.
struct Ear {
    tally: Tally,
    now: Instant,
}

impl Ear {
    fn new() -> Self {
        Self { tally: Tally::default(), now: Instant::now() }
    }

    /// One to whom the publisher A is known.
    fn knowing_a() -> Self {
        let mut ear = Self::new();
        ear.beat(&[]);
        ear
    }

    fn hear(&mut self, lane: u16, number: u64) {
        self.tally.hear(A, lane, number, self.now);
    }

    fn beat(&mut self, said: &[(u16, u64)]) {
        self.tally.beat(A, said, self.now);
    }

    fn after(&mut self, ms: u64) -> Vec<(u16, Noticed)> {
        self.now += Duration::from_millis(ms);
        self.tally.lost(self.now).into_iter().collect()
    }

    /// Once everything is certain.
    fn at_last(&mut self) -> Vec<(u16, Noticed)> {
        let lost = self.after(REORDER.as_millis() as u64);
        assert_eq!(self.tally.due(), None, "something is left");
        assert_eq!(self.after(1_000), [], "it is told twice");
        lost
    }
}

#[test]
fn nothing_is_lost_while_every_number_comes() {
    let mut ear = Ear::knowing_a();
    for number in 1..=5 {
        ear.hear(3, number);
        ear.hear(4, number);
        ear.beat(&[(3, number), (4, number)]);
    }
    // Doubled ones are nothing.
    ear.hear(3, 2);
    assert_eq!(ear.tally.due(), None);
    assert_eq!(ear.at_last(), []);
}

#[test]
fn a_gap_is_a_loss_of_its_lane_after_a_moment() {
    let mut ear = Ear::knowing_a();
    ear.hear(3, 1);
    ear.hear(4, 1);
    ear.hear(3, 3);
    assert_eq!(ear.tally.due(), Some(ear.now + REORDER));
    assert_eq!(ear.after(REORDER.as_millis() as u64 - 1), []);
    // A second gap does not put the first off.
    ear.hear(3, 9);
    assert_eq!(ear.after(1), [(3, Noticed::Gap)]);
    ear.hear(3, 10);
    assert_eq!(ear.at_last(), []);
}

#[test]
fn the_last_one_is_missed_with_the_next_beat() {
    let mut ear = Ear::knowing_a();
    ear.hear(3, 1);
    ear.beat(&[(3, 2)]);
    assert_eq!(ear.at_last(), [(3, Noticed::Beat)]);
    // It is told once, not with every beat.
    ear.beat(&[(3, 2)]);
    assert_eq!(ear.at_last(), []);
    // The first of a lane counts like any other.
    ear.beat(&[(3, 2), (5, 1)]);
    assert_eq!(ear.at_last(), [(5, Noticed::Beat)]);
}

#[test]
fn a_beat_that_overtakes_a_payload_of_another_lane_is_no_loss() {
    let mut ear = Ear::knowing_a();
    ear.beat(&[(3, 2)]);
    ear.hear(3, 1);
    assert!(ear.tally.due().is_some());
    ear.hear(3, 2);
    assert_eq!(ear.at_last(), []);
    // But a gap stays one although a later payload reaches what the beat said.
    ear.beat(&[(3, 5)]);
    ear.hear(3, 5);
    assert_eq!(ear.at_last(), [(3, Noticed::Gap)]);
}

#[test]
fn a_loss_after_another_is_told_again() {
    let mut ear = Ear::knowing_a();
    ear.beat(&[(3, 2)]);
    assert_eq!(ear.at_last(), [(3, Noticed::Beat)]);
    ear.beat(&[(3, 3)]);
    assert_eq!(ear.at_last(), [(3, Noticed::Beat)]);
    // What comes after all is nothing new.
    ear.hear(3, 3);
    assert_eq!(ear.at_last(), []);
    ear.hear(3, 5);
    assert_eq!(ear.at_last(), [(3, Noticed::Gap)]);
}

#[test]
fn the_first_number_heard_counts_as_a_loss_unless_it_is_the_first_said() {
    let mut ear = Ear::new();
    ear.hear(3, 1);
    assert_eq!(ear.at_last(), []);
    let mut ear = Ear::new();
    ear.hear(3, 7);
    assert_eq!(ear.at_last(), [(3, Noticed::First)]);
    ear.beat(&[(3, 7), (4, 12)]);
    assert_eq!(ear.at_last(), [(4, Noticed::First)]);
    ear.beat(&[(3, 8), (4, 12)]);
    assert_eq!(ear.at_last(), [(3, Noticed::Beat)]);
    // Another life begins anew.
    ear.tally.hear(B, 3, 1, ear.now);
    assert_eq!(ear.at_last(), []);
    ear.tally.beat(B, &[(3, 1), (9, 2)], ear.now);
    assert_eq!(ear.at_last(), [(9, Noticed::First)]);
}

#[test]
fn silent_is_not_dead() {
    let mut ear = Ear::knowing_a();
    let silent = |ear: &mut Ear, ms: u64| {
        ear.now += Duration::from_millis(ms);
        ear.tally.silent(ear.now)
    };
    let within = HEARD_WITHIN.as_millis() as u64;
    ear.tally.live([A, B], ear.now);
    assert_eq!(silent(&mut ear, within - 1), 0);
    ear.beat(&[]);
    ear.tally.live([A, B], ear.now);
    assert_eq!(silent(&mut ear, 1), 1, "B was never heard, though it lives as long");
    assert_eq!(silent(&mut ear, within), 2);
    ear.hear(3, 1);
    assert_eq!(silent(&mut ear, 0), 2, "A's way of beats is broken, and perhaps more");
    ear.beat(&[(3, 1)]);
    assert_eq!(silent(&mut ear, 0), 1);
    // Its lease has expired.
    ear.tally.live([A], ear.now);
    assert_eq!(silent(&mut ear, 0), 0);
    ear.tally.live([A, B], ear.now);
    assert_eq!(silent(&mut ear, 0), 0, "who comes has time to be heard");
}

#[test]
fn one_that_has_never_beaten_is_heard_by_whatever_it_says() {
    let mut ear = Ear::new();
    ear.tally.live([A], ear.now);
    for number in 1..5 {
        ear.now += HEARD_WITHIN - Duration::from_millis(1);
        ear.hear(3, number);
        assert_eq!(ear.tally.silent(ear.now), 0);
    }
    ear.now += HEARD_WITHIN;
    assert_eq!(ear.tally.silent(ear.now), 1);
}

#[test]
fn the_dead_are_forgotten_and_strangers_have_a_limit() {
    let mut ear = Ear::knowing_a();
    ear.hear(3, 1);
    ear.now += HEARD_WITHIN;
    ear.tally.live([], ear.now);
    ear.hear(3, 2);
    assert_eq!(ear.at_last(), [(3, Noticed::First)], "who comes back is a stranger");
    for stranger in 0..2 * PUBLISHERS as u128 {
        ear.now += Duration::from_millis(1);
        ear.tally.hear(Uuid::from_u128(100 + stranger), 0, 1, ear.now);
    }
    assert_eq!(ear.tally.publishers.len(), PUBLISHERS);
}

#[test]
fn first_lines_are_read_as_they_were_written() {
    let boot = A.to_string();
    let says = |line: &str| FirstLine::parse(line).says;
    assert_eq!(FirstLine::parse(&boot), FirstLine { boot: &boot, says: Says::Nothing }, "an older program's");
    let line = FirstLine::number(&boot, 63, u64::MAX);
    assert_eq!(FirstLine::parse(&line), FirstLine { boot: &boot, says: Says::Number(63, u64::MAX) });
    let line = FirstLine::beat(&boot, [(0, 5), (1, 0), (63, 7)].into_iter());
    assert_eq!(FirstLine::parse(&line), FirstLine { boot: &boot, says: Says::Beat(vec![(0, 5), (63, 7)]) });
    assert_eq!(says(&FirstLine::beat(&boot, std::iter::empty())), Says::Beat(vec![]));
    assert_eq!(says(&format!("{boot} 3:1 newer=things")), Says::Number(3, 1));
    for strange in ["64:1", "3:0", "3", "x:1", "3:99999999999999999999", "beat 64:1", "beat 3", "beat 1:1  2:2"] {
        assert_eq!(says(&format!("{boot} {strange}")), Says::Nothing, "{strange}");
    }
    let endless = format!("{boot} beat{}", " 1:1".repeat(100_000));
    assert_eq!(says(&endless), Says::Beat(vec![(1, 1)]));
}

#[test]
fn whoever_dies_without_a_word_may_have_committed_something_that_was_never_said() {
    for (ends, dies) in [(false, true), (true, false)] {
        let mut ear = Ear::knowing_a();
        assert!(!ear.tally.live([A, B], ear.now), "somebody comes");
        ear.hear(3, 1);
        assert!(!ear.tally.live([A, B], ear.now));
        if ends {
            ear.tally.end(A, &[(3, 2)], ear.now);
        }
        assert_eq!(ear.tally.live([B], ear.now), dies, "ends: {ends}");
        assert!(!ear.tally.live([B], ear.now), "told once");
        assert_eq!(ear.at_last(), if ends { vec![(3, Noticed::Beat)] } else { vec![] });
        assert!(ear.tally.live([], ear.now), "B was never heard");
    }
}

#[test]
fn an_end_is_read_and_says_nothing_to_those_who_do_not_know_it() {
    let line = FirstLine::end("b", [(3, 5), (4, 0), (9, 1)].into_iter());
    assert_eq!(line, "b end 3:5 9:1");
    assert_eq!(FirstLine::parse(&line).says, Says::End(vec![(3, 5), (9, 1)]));
    assert_eq!(FirstLine::parse("b end").says, Says::End(vec![]));
    assert_eq!(FirstLine::parse("b later 3:5").says, Says::Nothing);
}
