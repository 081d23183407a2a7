use super::*;
use std::time::Duration;

fn mark(room: &str, user: &str, seq: u64) -> Mark {
    Mark { room: RoomId::parse(room).unwrap(), user: UserId::parse(user).unwrap(), seq: Seq::new(seq) }
}

fn told(due: &[Due<u32>]) -> Vec<String> {
    let one = |due: &Due<u32>| {
        let Mark { room, user, seq } = &due.mark;
        let waiting: Vec<String> = due.waiting.iter().map(|(seq, who)| format!("{who}@{seq}")).collect();
        format!("{room} {user} {seq} {}", waiting.join(" "))
    };
    due.iter().map(one).collect()
}

#[test]
fn the_furthest_of_each_is_written_at_once_and_then_not_again_for_a_while() {
    let (mut marks, t) = (Marks::default(), Instant::now());
    let after = |ms| t + Duration::from_millis(ms);
    assert_eq!(marks.next_due(), None);
    for (n, one) in
        [mark("b", "ana", 4), mark("a", "cem", 3), mark("a", "ben", 9), mark("a", "ben", 7)].into_iter().enumerate()
    {
        assert_eq!(marks.take(one, n as u32, t), Taken::Waits);
    }
    assert_eq!(marks.next_due(), Some(t));
    assert_eq!(told(&marks.due(t)), ["a ben 9 2@9 3@7", "a cem 3 1@3", "b ana 4 0@4"]);
    assert_eq!((marks.next_due(), marks.many), (Some(t + MARKS_EVERY), 0), "then it is forgotten");

    assert_eq!(marks.take(mark("a", "ben", 10), 5, after(100)), Taken::Waits);
    assert_eq!(marks.take(mark("c", "ben", 1), 6, after(300)), Taken::Waits);
    assert_eq!(marks.take(mark("a", "ben", 12), 7, after(1_900)), Taken::Waits);
    assert_eq!(told(&marks.due(after(400))), ["c ben 1 6@1"], "another room does not wait");
    assert_eq!(marks.next_due(), Some(t + MARKS_EVERY));
    assert!(marks.due(after(1_999)).is_empty());
    assert_eq!(told(&marks.due(after(2_000))), ["a ben 12 5@10 7@12"]);
    assert_eq!(marks.take(mark("a", "ben", 13), 8, after(2_001)), Taken::Waits);
    assert_eq!(marks.next_due(), Some(after(2_400)), "the other one is forgotten");
    assert!(marks.due(after(2_400)).is_empty());
    assert_eq!(marks.next_due(), Some(after(4_000)));
    assert_eq!(told(&marks.due(after(4_000))), ["a ben 13 8@13"]);
    // Rooms in which nobody reads any more are forgotten, when that is due and not with the next mark.
    assert_eq!(marks.next_due(), Some(after(6_000)));
    assert!(marks.due(after(6_000)).is_empty());
    assert_eq!(marks.next_due(), None);
    assert_eq!((marks.written.len(), marks.forget.len()), (0, 0));
    assert_eq!(marks.take(mark("a", "ben", 14), 9, after(6_001)), Taken::Waits);
    assert_eq!(marks.next_due(), Some(after(6_001)));
}

#[test]
fn what_was_written_a_moment_ago_is_not_written_again() {
    let (mut marks, t) = (Marks::default(), Instant::now());
    assert_eq!(marks.take(mark("a", "ben", 9), 1, t), Taken::Waits);
    // It is not there before it was written.
    assert_eq!(marks.take(mark("a", "ben", 9), 2, t), Taken::Waits);
    assert_eq!(told(&marks.due(t)), ["a ben 9 1@9 2@9"]);
    assert_eq!(marks.take(mark("a", "ben", 7), 3, t), Taken::Waits);
    marks.wrote(mark("a", "ben", 9));
    for (seq, who) in [(8, 4), (3, 5)] {
        assert_eq!(marks.take(mark("a", "ben", seq), who, t), Taken::Known(who, Seq::new(9)));
    }
    assert_eq!(marks.take(mark("a", "ana", 3), 6, t), Taken::Waits, "that of somebody else");
    assert_eq!(marks.take(mark("a", "ben", 9), 8, t), Taken::Waits, "another instance may know of a further one");
    assert_eq!(marks.take(mark("a", "ben", 10), 7, t), Taken::Waits);
    assert_eq!(told(&marks.due(t + MARKS_EVERY)), ["a ana 3 6@3", "a ben 10 3@7 8@9 7@10"]);
    // What was known before is not remembered beside what is written now.
    assert_eq!(marks.take(mark("a", "ben", 9), 8, t + MARKS_EVERY), Taken::Waits);
    marks.wrote(mark("b", "ben", 9));
    assert!(!marks.written.contains_key(&RoomId::parse("b").unwrap()));
}

#[test]
fn so_many_wait_and_no_more() {
    let (mut marks, now) = (Marks::default(), Instant::now());
    for n in 0..MARKS_WAITING {
        let taken = marks.take(mark(&format!("r{}", n % 7), &format!("u{}", n / 7), n as u64), n, now);
        assert_eq!(taken, Taken::Waits);
    }
    assert_eq!(marks.take(mark("b", "ana", 1), 7, now), Taken::Full(7));
    assert_eq!(marks.take(mark("r1", "u0", 1), 7, now), Taken::Waits, "no more than wait already");
    assert_eq!(marks.due(now).len(), MARKS);
    assert_eq!(marks.take(mark("b", "ana", 1), 7, now), Taken::Waits);
}

#[test]
fn of_one_person_in_a_room_a_few_wait() {
    let (mut marks, now) = (Marks::default(), Instant::now());
    for n in 1..=MARKS_OF_ONE {
        assert_eq!(marks.take(mark("a", "ben", n as u64), n, now), Taken::Waits);
    }
    assert_eq!(marks.take(mark("a", "ben", 99), 99, now), Taken::Instead(1));
    assert_eq!(marks.take(mark("a", "ben", 50), 50, now), Taken::Instead(2));
    assert_eq!(marks.take(mark("a", "ana", 99), 1, now), Taken::Waits);
    assert_eq!(marks.take(mark("b", "ben", 99), 1, now), Taken::Waits);
    let due = marks.due(now);
    let seqs: Vec<u64> = due.iter().map(|due| due.mark.seq.get()).collect();
    assert_eq!(seqs, [99, 99, 99], "the furthest is written, whoever was refused");
    assert_eq!(marks.take(mark("a", "ben", 99), 99, now), Taken::Waits);
}

#[test]
fn so_many_are_written_at_a_time_with_a_rest_between_and_nobody_twice() {
    let (mut marks, t) = (Marks::default(), Instant::now());
    let after = |ms| t + Duration::from_millis(ms);
    for n in 0..2_500 {
        assert_eq!(marks.take(mark(&format!("r{}", n % 5), &format!("u{n:04}"), 1), n, t), Taken::Waits);
    }
    let mut all = Vec::new();
    for turn in 0..3 {
        let now = after(turn * 60);
        assert!(marks.next_due().unwrap() <= now);
        let due = marks.due(now);
        assert!(due.is_sorted_by(|a, b| a.mark < b.mark));
        all.extend(due.iter().map(|due| due.mark.clone()));
        assert_eq!(due.len(), [1_000, 1_000, 500][turn as usize]);
        // Who is written now and says more waits like everybody else.
        marks.wrote(due[0].mark.clone());
        let Mark { room, user, .. } = due[0].mark.clone();
        assert!(marks.knows(&room, &user));
        assert_eq!(marks.take(Mark { room, user, seq: Seq::new(2) }, 7, now), Taken::Waits);
        marks.rest(now);
        assert!(marks.due(now).is_empty() && marks.next_due().unwrap() > now);
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 2_500);
    assert_eq!(marks.due(after(1_999)).len(), 0);
    assert_eq!(marks.due(after(2_000)).len(), 3);

    // More wait than can be written in that time: the same person stands in no statement twice.
    let mut marks = Marks::default();
    marks.take(mark("a", "ana", 1), 1, t);
    assert_eq!(marks.due(t).len(), 1);
    marks.take(mark("a", "ana", 2), 2, t);
    marks.rest(after(3_000));
    assert!(marks.due(after(3_000)).is_empty());
    assert_eq!(marks.due(after(3_050)).len(), 1);
    for n in 0..1_500 {
        marks.take(mark("b", &format!("u{n:04}"), 1), n, after(3_050));
    }
    assert_eq!(marks.due(after(3_050)).len(), 1_000);
    marks.take(mark("b", "u1400", 2), 7, after(3_060));
    let due = marks.due(after(6_000));
    assert_eq!(due.len(), 500);
    assert!(due.iter().all(|due| due.mark.seq == Seq::new(1)));
    assert_eq!(told(&marks.due(after(6_001))), ["b u1400 2 7@2"]);
    assert!(!marks.knows(&RoomId::parse("b").unwrap(), &UserId::parse("u1400").unwrap()), "it was not written");
}

#[test]
fn a_mark_that_was_further_before_says_where_it_is() {
    let head = (Epoch { incarnation: 1, generation: 1 }, Seq::new(99));
    let of = |before, asked, written| {
        let marked = Marked { before: Seq::new(before), moved: written > before, is_shown: false, head };
        marked.answer(Seq::new(asked), Seq::new(written)).map(Seq::get).map_err(|back| back.to_string())
    };
    assert_eq!(of(0, 40, 40), Ok(40));
    assert_eq!(of(40, 40, 40), Ok(40), "as it is already");
    assert_eq!(of(57, 40, 40), Err("seq: 40; the mark is at 57".into()));
    // Another device was further in the same moment: neither went back.
    assert_eq!(of(30, 40, 57), Ok(40));
    assert_eq!(of(50, 40, 57), Err("seq: 40; the mark is at 57".into()));
}
