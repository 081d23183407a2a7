use super::*;
use crate::{live::item::SharedPush, log::effects::Effects};

const EPOCH: Epoch = Epoch { incarnation: 1, generation: 1 };
const OTHER: Epoch = Epoch { incarnation: 1, generation: 2 };

fn item(seq: u64) -> Arc<Item> {
    said(seq, Effects::default())
}

/// An entry whose content is secret, within a frame of one letter on both sides.
fn said(seq: u64, effects: Effects) -> Arc<Item> {
    let json = format!(r#"<{{"type":"message","seq":{seq},"key":"k","text":"secret {seq}"}}>"#);
    let end = json.len() as u32 - 1;
    Item::new(Seq::new(seq), effects, SharedPush::new(json.into(), 1..end))
}

fn items(range: std::ops::RangeInclusive<u64>) -> Vec<Arc<Item>> {
    range.map(item).collect()
}

fn opened(head: u64, now: Instant) -> Feed {
    let mut feed = Feed::new();
    assert_eq!(feed.open(EPOCH, Seq::new(head), now), Heard::Nothing);
    feed
}

fn held(feed: &Feed, after: u64) -> Option<Vec<u64>> {
    feed.after(Seq::new(after)).map(|items| items.map(|item| item.seq.get()).collect())
}

#[test]
fn the_next_one_is_taken_and_a_duplicate_is_not() {
    let now = Instant::now();
    let mut feed = opened(4, now);
    assert_eq!(feed.wake(EPOCH, item(5), now), Heard::Grew);
    assert_eq!(feed.wake(EPOCH, item(5), now), Heard::Nothing);
    assert_eq!(feed.wake(EPOCH, item(3), now), Heard::Nothing);
    assert_eq!(feed.wake(OTHER, item(6), now), Heard::OtherEpoch);
    assert_eq!((held(&feed, 4), held(&feed, 3)), (Some(vec![5]), None));
}

#[test]
fn two_inverted_ones_cost_no_read() {
    let now = Instant::now();
    let mut feed = opened(0, now);
    assert_eq!(feed.wake(EPOCH, item(2), now), Heard::Missing);
    assert_eq!((feed.due(), feed.known()), (Some(now + REORDER), Seq::new(2)));
    // A number of its own: with a shorter `REORDER` the log would be read here.
    let inverted_by = now + Duration::from_millis(70);
    assert_eq!(feed.begin_read(inverted_by), None);
    assert_eq!(feed.wake(EPOCH, item(1), inverted_by), Heard::Grew);
    assert_eq!((feed.due(), held(&feed, 0)), (None, Some(vec![1, 2])));
}

#[test]
fn a_missing_one_is_waited_for_and_then_read_once() {
    let now = Instant::now();
    let mut feed = opened(0, now);
    feed.wake(EPOCH, item(3), now);
    assert_eq!(feed.begin_read(now), None);
    let late = now + REORDER;
    assert_eq!(feed.begin_read(late), Some(Seq::ZERO));
    assert_eq!((feed.due(), feed.begin_read(late)), (None, None));
    feed.read_failed(late + REORDER);
    assert_eq!(feed.begin_read(late), None);
    assert_eq!(feed.begin_read(late + REORDER), Some(Seq::ZERO));
    assert_eq!(feed.filled(EPOCH, items(1..=4), Seq::new(4), late), Heard::Grew);
    assert_eq!((feed.due(), held(&feed, 0)), (None, Some(vec![1, 2, 3, 4])));
}

#[test]
fn a_feed_far_behind_jumps_to_the_head_and_goes_on_from_there() {
    let now = Instant::now();
    let mut feed = opened(0, now);
    let head = 129 + RING as u64;
    feed.head(EPOCH, Seq::new(head), Seq::ZERO, Duration::ZERO, now);
    assert_eq!(feed.begin_read(now), Some(Seq::ZERO));
    feed.wake(EPOCH, item(head + 1), now);
    assert_eq!(feed.filled(EPOCH, items(1..=128), Seq::new(head), now), Heard::Grew);
    assert_eq!((feed.end().get(), feed.due()), (head + 1, None));
    assert_eq!((held(&feed, 128), held(&feed, head)), (None, Some(vec![head + 1])));
}

#[test]
fn what_retention_took_while_a_feed_was_behind_is_jumped() {
    for kept in [items(5..=6), vec![]] {
        let now = Instant::now();
        let mut feed = opened(2, now);
        feed.head(EPOCH, Seq::new(6), Seq::new(2), Duration::ZERO, now);
        assert!(feed.begin_read(now).is_some());
        assert_eq!(feed.filled(EPOCH, kept, Seq::new(6), now), Heard::Grew);
        assert_eq!((feed.end().get(), feed.due()), (6, None));
    }
}

#[test]
fn wakes_heard_before_it_is_open_follow_the_head_and_those_of_another_epoch_do_not() {
    let now = Instant::now();
    let mut feed = Feed::new();
    for (epoch, seq) in [(EPOCH, 4), (EPOCH, 6), (OTHER, 7), (EPOCH, 7), (OTHER, 8)] {
        assert_eq!(feed.wake(epoch, item(seq), now), Heard::Nothing);
    }
    assert_eq!(feed.open(EPOCH, Seq::new(5), now), Heard::Grew);
    assert_eq!((held(&feed, 5), feed.known(), feed.due()), (Some(vec![6, 7]), Seq::new(7), None));
}

#[test]
fn a_head_ahead_of_its_wakes_is_given_their_time_also_after_some_have_come() {
    let now = Instant::now();
    let mut feed = opened(0, now);
    assert_eq!(feed.head(EPOCH, Seq::new(2), Seq::ZERO, SWEEP_PATIENCE, now), Heard::Missing);
    assert_eq!(feed.wake(EPOCH, item(1), now), Heard::Grew);
    assert_eq!(feed.due(), Some(now + SWEEP_PATIENCE));
}

#[test]
fn only_a_head_below_what_was_known_when_it_was_asked_for_has_gone_back() {
    let now = Instant::now();
    let mut feed = opened(9, now);
    assert_eq!(feed.head(EPOCH, Seq::new(8), Seq::ZERO, REORDER, now), Heard::Nothing);
    assert_eq!(feed.head(EPOCH, Seq::new(8), Seq::new(8), REORDER, now), Heard::Nothing);
    assert_eq!(feed.head(EPOCH, Seq::new(8), Seq::new(9), REORDER, now), Heard::WentBack);
    assert_eq!(feed.head(OTHER, Seq::new(8), Seq::new(9), REORDER, now), Heard::OtherEpoch);
    feed.wake(EPOCH, item(12), now);
    assert!(feed.begin_read(now + REORDER).is_some());
    assert_eq!(feed.filled(EPOCH, items(10..=11), Seq::new(11), now), Heard::WentBack);
}

#[test]
fn memory_is_given_back_oldest_first_and_what_is_held_has_a_bound() {
    let now = Instant::now();
    let mut feed = opened(0, now);
    for seq in 1..=3 {
        feed.wake(EPOCH, item(seq), now);
    }
    feed.trim(item(3).weight());
    assert_eq!((held(&feed, 1), held(&feed, 2)), (None, Some(vec![3])));
    feed.trim(0);
    assert_eq!((feed.bytes(), held(&feed, 3)), (0, Some(vec![])));
    let mut early = Feed::new();
    for seq in 5..1_000 {
        feed.wake(EPOCH, item(seq), now);
        early.wake(EPOCH, item(seq), now);
    }
    assert_eq!((feed.ahead.len(), feed.due(), early.early.len()), (AHEAD, Some(now), AHEAD));
}

#[test]
fn what_an_entry_blanks_is_not_given_to_readers_who_are_behind() {
    let now = Instant::now();
    let mut feed = opened(0, now);
    for item in items(1..=3) {
        assert_eq!(feed.wake(EPOCH, item, now), Heard::Grew);
    }
    // One that has left the ring, two that are in it, and one that comes later: an effect names only what was before it.
    let blanks = Effects::default().blanks([0, 1, 3, 9].map(Seq::new));
    feed.wake(EPOCH, said(4, blanks), now);
    let texts: Vec<_> =
        feed.after(Seq::ZERO).unwrap().map(|item| String::from_utf8_lossy(item.push.json()).into_owned()).collect();
    let gone = |seq: u64| format!(r#"<{{"type":"message","seq":{seq},"key":"k","gone":true}}>"#);
    assert_eq!((&texts[0], &texts[2]), (&gone(1), &gone(3)));
    assert!(texts[1].contains("secret 2") && texts[3].contains("secret 4"), "{texts:?}");
    assert_eq!(feed.bytes(), feed.after(Seq::ZERO).unwrap().map(|item| item.weight()).sum::<usize>());
}

#[test]
fn what_is_held_while_something_is_missing_is_blanked_when_its_turn_comes() {
    let now = Instant::now();
    let mut feed = opened(0, now);
    feed.wake(EPOCH, said(3, Effects::default().blanks([Seq::new(2)])), now);
    feed.wake(EPOCH, item(2), now);
    feed.wake(EPOCH, item(1), now);
    let second = feed.after(Seq::ZERO).unwrap().nth(1).cloned().unwrap();
    assert!(String::from_utf8_lossy(second.push.json()).contains("gone"));
}

#[test]
fn what_is_known_to_be_blanked_is_not_given_while_something_is_missing_before_the_entry_that_says_so() {
    let now = Instant::now();
    let mut feed = opened(0, now);
    for item in items(1..=3) {
        feed.wake(EPOCH, item, now);
    }
    // The wake of 4 is on its way, or lost.
    assert_eq!(feed.wake(EPOCH, said(5, Effects::default().blanks([Seq::new(2)])), now), Heard::Missing);
    assert_eq!((held(&feed, 0), held(&feed, 1)), (None, None), "2 is in there as it was");
    assert_eq!((held(&feed, 2), held(&feed, 3)), (Some(vec![3]), Some(vec![])), "who is beyond it needs no page");
    assert!(feed.reaches(Seq::ZERO));
    feed.wake(EPOCH, said(7, Effects::default().blanks([Seq::new(3)])), now);
    assert_eq!((held(&feed, 2), held(&feed, 3)), (None, Some(vec![])));
    feed.wake(EPOCH, item(4), now);
    assert_eq!((held(&feed, 0), held(&feed, 3)), (None, Some(vec![4, 5])), "the second still waits");
    feed.wake(EPOCH, item(6), now);
    assert_eq!(held(&feed, 0), Some((1..=7).collect()));
    let texts: Vec<_> = feed.after(Seq::ZERO).unwrap().map(|item| item.push.json().clone()).collect();
    for (nth, is_gone) in [(0, false), (1, true), (2, true), (3, false)] {
        assert_eq!(String::from_utf8_lossy(&texts[nth]).contains("gone"), is_gone, "{nth}");
    }
}

#[test]
fn where_nobody_says_what_was_blanked_nothing_before_the_deletion_is_given_until_the_run_has_come_there() {
    let now = Instant::now();
    let mut feed = opened(0, now);
    for item in items(1..=3) {
        feed.wake(EPOCH, item, now);
    }
    feed.expect_blanking(Seq::new(5), Seq::new(5));
    assert_eq!((held(&feed, 0), held(&feed, 3)), (None, None), "what comes next may be blanked, too");
    feed.head(EPOCH, Seq::new(5), Seq::ZERO, Duration::ZERO, now);
    feed.begin_read(now);
    // Read before the deletion.
    feed.filled(EPOCH, items(4..=4), Seq::new(5), now);
    assert_eq!(held(&feed, 3), None);
    feed.wake(EPOCH, said(5, Effects::default().blanks([Seq::new(2), Seq::new(4)])), now);
    let is_gone = |item: &Arc<Item>| String::from_utf8_lossy(item.push.json()).contains("gone");
    let gone: Vec<_> = feed.after(Seq::ZERO).unwrap().map(is_gone).collect();
    assert_eq!(gone, [false, true, false, true, false]);
    feed.expect_blanking(Seq::new(5), Seq::new(5));
    assert_eq!(held(&feed, 0), Some((1..=5).collect()), "that was heard of");
}

#[test]
fn a_deletion_of_another_epoch_empties_the_ring() {
    let now = Instant::now();
    let mut feed = opened(0, now);
    for item in items(1..=3) {
        feed.wake(EPOCH, item, now);
    }
    assert_eq!(feed.wake(OTHER, item(4), now), Heard::OtherEpoch);
    assert_eq!(held(&feed, 0), Some(vec![1, 2, 3]));
    assert_eq!(feed.wake(OTHER, said(4, Effects::default().blanks([Seq::new(2)])), now), Heard::OtherEpoch);
    assert_eq!((held(&feed, 0), held(&feed, 3), feed.bytes()), (None, Some(vec![]), 0));
}
