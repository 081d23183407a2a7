use super::*;
use crate::limits::ACTIVITY_EVERY;
use std::time::Duration;

const EPOCH: Epoch = Epoch { incarnation: 1, generation: 1 };
const MS: Duration = Duration::from_millis(1);

fn begin() -> Instant {
    Instant::now()
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn room(name: &str) -> RoomId {
    RoomId::parse(name).unwrap()
}

/// A watch of these users, who are in the room `general` at its head 5.
fn watch(users: &[&str], now: Instant) -> Watch {
    let mut watch = Watch::default();
    for name in users {
        watch.enter(&user(name));
        watch.begin_load(&user(name));
        assert!(watch.loaded(&user(name), &[(room("general"), (EPOCH, Seq::new(5)))], now));
    }
    watch
}

fn news(watch: &mut Watch, seq: u64, entry: Option<EntryNews<'_>>, now: Instant) {
    watch.hear(News { room: &room("general"), head: (EPOCH, Seq::new(seq)), entry }, now);
}

fn message() -> Option<EntryNews<'static>> {
    Some(EntryNews::default())
}

/// The room whose members are to be read.
fn asks(watch: &mut Watch, now: Instant) -> Option<RoomId> {
    watch.begin_read(now).map(|asked| asked.room)
}

/// The last that was asked for of the room `general`.
fn asked(watch: &Watch) -> Asked {
    Asked { room: room("general"), no: watch.asked }
}

/// It is brought.
fn reads(watch: &mut Watch, found: Option<(HeadOf, &[UserId])>, now: Instant) {
    watch.read(&asked(watch), found, now);
}

/// Everything that is told by now: the head, and to whom; `!` behind who is named.
fn told(watch: &mut Watch, now: Instant) -> Vec<(u64, String)> {
    let mut all = Vec::new();
    while let Some(mut telling) = watch.begin_telling(now) {
        let mut names = Vec::new();
        loop {
            let some = watch.next_members(&mut telling, 2).to_vec();
            if some.is_empty() {
                break;
            }
            for no in some {
                let named = if telling.mention(no).is_some() { "!" } else { "" };
                names.push(format!("{}{named}", watch.users.key(no).unwrap()));
            }
        }
        names.sort();
        all.push((telling.head.get(), names.join(" ")));
    }
    all
}

#[test]
fn a_room_is_told_of_at_once_and_then_once_a_second() {
    let now = Instant::now();
    let mut watch = watch(&["ana", "ben", "dora"], now);
    news(&mut watch, 6, message(), now);
    assert_eq!(told(&mut watch, now), [(6, "ana ben dora".into())]);
    for n in 7..100 {
        news(&mut watch, n, message(), now + MS);
    }
    assert_eq!(told(&mut watch, now + 999 * MS), []);
    assert_eq!(watch.next_telling(), Some(now + ACTIVITY_EVERY));
    assert_eq!(told(&mut watch, now + ACTIVITY_EVERY), [(99, "ana ben dora".into())]);
    for late in [1, 50, 99] {
        news(&mut watch, late, message(), now + 3 * ACTIVITY_EVERY);
    }
    assert_eq!(told(&mut watch, now + 9 * ACTIVITY_EVERY), [], "what is known is not told again");
}

#[test]
fn who_is_named_is_told_so() {
    let now = Instant::now();
    let mut watch = watch(&["ana", "ben", "dora"], now);
    let named = [user("ben"), user("mallory")];
    news(&mut watch, 6, Some(EntryNews { mentions: &named, ..EntryNews::default() }), now);
    news(&mut watch, 7, message(), now);
    assert_eq!(told(&mut watch, now), [(7, "ana ben! dora".into())]);
    news(&mut watch, 8, Some(EntryNews { mentions_all: true, ..EntryNews::default() }), now);
    assert_eq!(told(&mut watch, now + ACTIVITY_EVERY), [(8, "ana! ben! dora!".into())]);
    news(&mut watch, 9, message(), now);
    assert_eq!(told(&mut watch, now + 2 * ACTIVITY_EVERY), [(9, "ana ben dora".into())]);
}

#[test]
fn who_comes_while_others_are_told_is_told_from_then_on() {
    let now = Instant::now();
    let mut watch = watch(&["ana", "ben", "eve"], now);
    watch.enter(&user("dora"));
    let (dora, eve) = (user("dora"), user("eve"));
    let of_eve = EntryNews { author: Some(&eve), mentions_all: true, ..EntryNews::default() };
    news(&mut watch, 6, Some(of_eve), now);
    let mut telling = watch.begin_telling(now).unwrap();
    let first = watch.next_members(&mut telling, 1);
    // Eve goes and comes back, and dora comes: what they are told of is not what others are being told.
    news(&mut watch, 7, Some(EntryNews { removed: Some(&eve), ..EntryNews::default() }), now);
    for (seq, user) in [(8, &eve), (9, &dora)] {
        news(&mut watch, seq, Some(EntryNews { admitted: Some(user), ..EntryNews::default() }), now);
    }
    let rest = watch.next_members(&mut telling, 9);
    assert_eq!([first, rest].concat(), ["ana", "ben"].map(|name| watch.user(&user(name)).unwrap()));
    assert_eq!(watch.next_members(&mut telling, 9), [0; 0]);
    assert_eq!(told(&mut watch, now + ACTIVITY_EVERY), [(9, "ana ben dora eve".into())]);
}

#[test]
fn who_is_removed_is_told_nothing_more_and_who_is_added_is() {
    let now = Instant::now();
    let mut watch = watch(&["ana", "ben"], now);
    watch.enter(&user("dora"));
    let (ben, dora) = (user("ben"), user("dora"));
    news(&mut watch, 6, message(), now);
    let mut telling = watch.begin_telling(now).unwrap();
    news(&mut watch, 7, Some(EntryNews { removed: Some(&ben), ..EntryNews::default() }), now);
    assert_eq!(watch.next_members(&mut telling, 9).to_vec(), [watch.user(&user("ana")).unwrap()], "also in the middle");
    news(&mut watch, 8, Some(EntryNews { admitted: Some(&dora), ..EntryNews::default() }), now);
    assert_eq!(told(&mut watch, now + ACTIVITY_EVERY), [(8, "ana dora".into())]);
    watch.leave(&user("ana"));
    watch.leave(&user("dora"));
    assert_eq!(watch.counts(), (1, 0, 0), "a room without anybody here is forgotten");
    // The first one here of a room that nobody watched.
    news(&mut watch, 20, Some(EntryNews { admitted: Some(&ben), ..EntryNews::default() }), now);
    news(&mut watch, 21, message(), now + 2 * ACTIVITY_EVERY);
    assert_eq!(told(&mut watch, now + 2 * ACTIVITY_EVERY), [(21, "ben".into())]);
}

#[test]
fn behind_a_gap_nobody_is_told_before_it_is_known_who_is_there() {
    let now = Instant::now();
    let (ana, ben) = (user("ana"), user("ben"));
    let mut watch = watch(&["ana", "ben"], now);
    // Inverted on the bus: nothing is read.
    news(&mut watch, 7, message(), now);
    assert_eq!((told(&mut watch, now), asks(&mut watch, now)), (vec![], None));
    news(&mut watch, 6, message(), now + MS);
    assert_eq!(told(&mut watch, now + MS), [(7, "ana ben".into())]);
    assert_eq!(asks(&mut watch, now + 9 * ACTIVITY_EVERY), None);
    // Lost: in 8, ben was removed.
    let later = now + 2 * ACTIVITY_EVERY;
    news(&mut watch, 9, message(), later);
    assert_eq!((watch.next_telling(), watch.next_reading()), (None, Some(later + REORDER)));
    assert_eq!((told(&mut watch, later + REORDER), asks(&mut watch, later)), (vec![], None));
    assert_eq!(asks(&mut watch, later + REORDER), Some(room("general")));
    // Meanwhile others come; what is read is of the head 9.
    news(&mut watch, 10, Some(EntryNews { admitted: Some(&ben), ..EntryNews::default() }), later + REORDER);
    news(&mut watch, 11, Some(EntryNews { removed: Some(&ana), ..EntryNews::default() }), later + REORDER);
    assert_eq!(told(&mut watch, later + REORDER), []);
    reads(&mut watch, Some(((EPOCH, Seq::new(9)), std::slice::from_ref(&ana))), later + REORDER);
    assert_eq!(told(&mut watch, later + REORDER), [(11, "ben".into())]);
    // A number alone says nothing of who comes and goes.
    news(&mut watch, 12, None, later + REORDER);
    assert_eq!(told(&mut watch, later + 9 * ACTIVITY_EVERY), []);
    assert_eq!(asks(&mut watch, later + 9 * ACTIVITY_EVERY), Some(room("general")));
    watch.read_failed(&asked(&watch), later + 10 * ACTIVITY_EVERY);
    assert_eq!(asks(&mut watch, later + 10 * ACTIVITY_EVERY), Some(room("general")));
    reads(&mut watch, None, later + 10 * ACTIVITY_EVERY);
    assert_eq!(watch.counts(), (2, 0, 0), "the room is gone");
}

#[test]
fn another_epoch_is_read_whatever_comes() {
    let now = Instant::now();
    let mut watch = watch(&["ana"], now);
    let other = Epoch { generation: 2, ..EPOCH };
    watch.hear(News { room: &room("general"), head: (other, Seq::new(2)), entry: message() }, now);
    news(&mut watch, 6, message(), now);
    assert_eq!(told(&mut watch, now), []);
    assert_eq!(asks(&mut watch, now), Some(room("general")));
    reads(&mut watch, Some(((other, Seq::new(2)), &[user("ana")])), now);
    assert_eq!(told(&mut watch, now), [(2, "ana".into())]);
}

#[test]
fn somebody_whose_admission_is_heard_late_is_told() {
    let now = Instant::now();
    // Ana's list was read at 5 and makes the room watched; dora, who is here, was admitted in 4 or 5, as is heard only then.
    for late in [4, 5] {
        for is_loading in [false, true] {
            let mut watch = watch(&["ana"], now);
            let dora = user("dora");
            watch.enter(&dora);
            watch.begin_load(&dora);
            if !is_loading {
                watch.loaded(&dora, &[], now);
            }
            news(&mut watch, late, Some(EntryNews { admitted: Some(&dora), ..EntryNews::default() }), now);
            news(&mut watch, 6, message(), now);
            assert_eq!(asks(&mut watch, now), Some(room("general")), "admitted in {late}");
            reads(&mut watch, Some(((EPOCH, Seq::new(6)), &[user("ana"), dora.clone()])), now);
            if is_loading {
                watch.loaded(&dora, &[], now);
            }
            assert_eq!(told(&mut watch, now + MS), [(6, "ana dora".into())]);
            // Once more, and of somebody who is known.
            news(&mut watch, late, Some(EntryNews { admitted: Some(&dora), ..EntryNews::default() }), now);
            assert_eq!(asks(&mut watch, now + 9 * ACTIVITY_EVERY), None);
        }
    }
}

#[test]
fn a_mention_is_told_to_who_was_there_and_not_to_its_author() {
    let now = Instant::now();
    let mut watch = watch(&["ana", "ben"], now);
    watch.enter(&user("dora"));
    let (ana, ben, dora) = (user("ana"), user("ben"), user("dora"));
    let all = |author| Some(EntryNews { author: Some(author), mentions_all: true, ..EntryNews::default() });
    let admits = Some(EntryNews { admitted: Some(&dora), ..EntryNews::default() });
    news(&mut watch, 6, all(&ana), now);
    news(&mut watch, 7, admits, now);
    assert_eq!(told(&mut watch, now), [(7, "ana ben! dora".into())], "her own, and one before her time");
    // By name: oneself, and somebody who came later.
    news(&mut watch, 8, Some(EntryNews { removed: Some(&dora), ..EntryNews::default() }), now);
    let named = [ana.clone(), ben.clone(), dora.clone()];
    news(&mut watch, 9, Some(EntryNews { author: Some(&ben), mentions: &named, ..EntryNews::default() }), now);
    news(&mut watch, 10, admits, now);
    let later = now + ACTIVITY_EVERY;
    assert_eq!(told(&mut watch, later), [(10, "ana! ben dora".into())]);
    // Two authors name everybody: each is named by the other.
    news(&mut watch, 11, all(&ana), later);
    news(&mut watch, 12, all(&ben), later);
    news(&mut watch, 13, all(&ben), later);
    assert_eq!(told(&mut watch, later + ACTIVITY_EVERY), [(13, "ana! ben! dora!".into())]);
}

#[test]
fn mentions_outlive_gaps() {
    let now = Instant::now();
    let (ana, ben) = (user("ana"), user("ben"));
    let members = [ana.clone(), ben.clone()];
    let names = |named| Some(EntryNews { mentions: std::slice::from_ref(named), ..EntryNews::default() });
    let mut watch = watch(&["ana", "ben"], now);
    // 6 is late; 7 names ben, and is read over.
    news(&mut watch, 7, names(&ben), now);
    let later = now + REORDER;
    assert_eq!(asks(&mut watch, later), Some(room("general")));
    reads(&mut watch, Some(((EPOCH, Seq::new(7)), &members)), later);
    assert_eq!(told(&mut watch, later), [(7, "ana ben!".into())]);
    // 6 names ana, late. What was there before they were told of anything is not owed.
    news(&mut watch, 6, names(&ana), later);
    news(&mut watch, 5, names(&ana), later);
    assert_eq!(told(&mut watch, later + ACTIVITY_EVERY), [(7, "ana! ben".into())]);
    // In the middle of a telling something is missing: who is left is told later.
    for (seq, all) in [(8, true), (11, false)] {
        let now = later + 2 * seq as u32 * ACTIVITY_EVERY;
        let entry = EntryNews { mentions: &members, mentions_all: all, ..EntryNews::default() };
        news(&mut watch, seq, Some(entry), now);
        let mut telling = watch.begin_telling(now).unwrap();
        assert_eq!(watch.next_members(&mut telling, 1).len(), 1);
        let other = Epoch { generation: 2, ..EPOCH };
        watch.hear(News { room: &room("general"), head: (other, Seq::new(1)), entry: message() }, now);
        assert_eq!(watch.next_members(&mut telling, 1), [0; 0]);
        assert_eq!(asks(&mut watch, now), Some(room("general")));
        reads(&mut watch, Some(((EPOCH, Seq::new(seq)), &members)), now);
        news(&mut watch, seq + 1, message(), now);
        news(&mut watch, seq + 2, message(), now);
        assert_eq!(told(&mut watch, now + ACTIVITY_EVERY), [(seq + 2, "ana ben!".into())]);
    }
}

#[test]
fn a_room_whose_gaps_close_is_told_of_and_not_read() {
    let now = Instant::now();
    let mut watch = watch(&["ana", "ben"], now);
    let mut at = now;
    let mut heads = Vec::new();
    // Two instances write: at every moment something is ahead, and nothing is missing for long.
    for n in (6..600).step_by(2) {
        news(&mut watch, n + 1, message(), at);
        at += 10 * MS;
        news(&mut watch, n + 3, message(), at);
        news(&mut watch, n, message(), at);
        assert_eq!(asks(&mut watch, at), None, "{n}");
        heads.extend(told(&mut watch, at).into_iter().map(|(head, _)| head));
    }
    assert!(heads.len() as u64 >= at.duration_since(now).as_secs(), "{heads:?}");
    // One that stays open is read in time.
    assert_eq!(asks(&mut watch, at + REORDER), Some(room("general")));
    // Behind one, a removal: nobody is told anything more until it is their turn.
    let mut watch = self::watch(&["ana", "ben"], now);
    for n in [6, 7] {
        news(&mut watch, n, message(), now);
        told(&mut watch, now);
    }
    let ben = user("ben");
    news(&mut watch, 9, Some(EntryNews { removed: Some(&ben), ..EntryNews::default() }), now);
    assert_eq!(told(&mut watch, now + ACTIVITY_EVERY), []);
    news(&mut watch, 8, message(), now);
    assert_eq!(told(&mut watch, now + ACTIVITY_EVERY), [(9, "ana".into())]);
}

#[test]
fn what_was_asked_for_before_says_nothing() {
    let now = Instant::now();
    let (ana, ben) = (user("ana"), user("ben"));
    let mut watch = watch(&["ana"], now);
    news(&mut watch, 7, message(), now);
    let old = watch.begin_read(now + REORDER).unwrap();
    let later = now + REORDER;
    // It is doubted once more, and the second answer comes first.
    let other = Epoch { generation: 2, ..EPOCH };
    watch.hear(News { room: &room("general"), head: (other, Seq::new(1)), entry: message() }, later);
    assert_eq!(asks(&mut watch, later), Some(room("general")));
    news(&mut watch, 11, message(), later);
    reads(&mut watch, Some(((EPOCH, Seq::new(9)), std::slice::from_ref(&ana))), later);
    watch.read(&old, Some(((EPOCH, Seq::new(8)), std::slice::from_ref(&ben))), later);
    watch.read_failed(&old, later);
    news(&mut watch, 10, message(), later);
    assert_eq!(told(&mut watch, later), [(11, "ana".into())]);
    assert_eq!(watch.next_reading(), None);
}

#[test]
fn a_doubted_room_is_not_forgotten_before_it_is_known() {
    let now = Instant::now();
    let ana = user("ana");
    let mut watch = watch(&["ana"], now);
    // Only 6 is missing: she goes in 7 and comes again in 8.
    news(&mut watch, 7, Some(EntryNews { removed: Some(&ana), ..EntryNews::default() }), now);
    news(&mut watch, 8, Some(EntryNews { admitted: Some(&ana), ..EntryNews::default() }), now);
    news(&mut watch, 6, message(), now);
    assert_eq!(told(&mut watch, now), [(8, "ana".into())]);
    // Nobody is here any more while it is read who is.
    news(&mut watch, 10, message(), now);
    assert_eq!(asks(&mut watch, now + REORDER), Some(room("general")));
    watch.leave(&ana);
    assert_eq!(watch.counts(), (0, 1, 0));
    watch.enter(&user("ben"));
    watch.begin_load(&user("ben"));
    watch.loaded(&user("ben"), &[(room("general"), (EPOCH, Seq::new(12)))], now);
    reads(&mut watch, Some(((EPOCH, Seq::new(10)), std::slice::from_ref(&ana))), now);
    assert_eq!(watch.counts(), (1, 1, 1), "he has come since");
    watch.leave(&user("ben"));
    assert_eq!(watch.counts(), (0, 0, 0));
}

mod weather;
