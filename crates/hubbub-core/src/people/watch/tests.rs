use super::*;
use crate::limits::ACTIVITY_EVERY;
use std::time::Duration;

const EPOCH: Epoch = Epoch { incarnation: 1, generation: 1 };
const MS: Duration = Duration::from_millis(1);

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
fn who_is_removed_is_told_nothing_more_and_who_is_added_is() {
    let now = Instant::now();
    let mut watch = watch(&["ana", "ben"], now);
    watch.enter(&user("dora"));
    let (ben, dora) = (user("ben"), user("dora"));
    news(&mut watch, 6, message(), now);
    let mut telling = watch.begin_telling(now).unwrap();
    news(&mut watch, 7, Some(EntryNews { removed: Some(&ben), ..EntryNews::default() }), now);
    assert_eq!(watch.next_members(&mut telling, 9), [watch.user(&user("ana")).unwrap()], "also in the middle");
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
    assert_eq!((told(&mut watch, now), watch.begin_read(now)), (vec![], None));
    news(&mut watch, 6, message(), now + MS);
    assert_eq!(told(&mut watch, now + MS), [(7, "ana ben".into())]);
    assert_eq!(watch.begin_read(now + 9 * ACTIVITY_EVERY), None);
    // Lost: in 8, ben was removed.
    let later = now + 2 * ACTIVITY_EVERY;
    news(&mut watch, 9, message(), later);
    assert_eq!((watch.next_telling(), watch.next_reading()), (None, Some(later + REORDER)));
    assert_eq!((told(&mut watch, later + REORDER), watch.begin_read(later)), (vec![], None));
    assert_eq!(watch.begin_read(later + REORDER), Some(room("general")));
    // Meanwhile others come; what is read is of the head 9.
    news(&mut watch, 10, Some(EntryNews { admitted: Some(&ben), ..EntryNews::default() }), later + REORDER);
    news(&mut watch, 11, Some(EntryNews { removed: Some(&ana), ..EntryNews::default() }), later + REORDER);
    assert_eq!(told(&mut watch, later + REORDER), []);
    watch.read(&room("general"), Some(((EPOCH, Seq::new(9)), std::slice::from_ref(&ana))), later + REORDER);
    assert_eq!(told(&mut watch, later + REORDER), [(11, "ben".into())]);
    // A number alone says nothing of who comes and goes.
    news(&mut watch, 12, None, later + REORDER);
    assert_eq!(told(&mut watch, later + 9 * ACTIVITY_EVERY), []);
    assert_eq!(watch.begin_read(later + 9 * ACTIVITY_EVERY), Some(room("general")));
    watch.read_failed(&room("general"), later + 10 * ACTIVITY_EVERY);
    assert_eq!(watch.begin_read(later + 10 * ACTIVITY_EVERY), Some(room("general")));
    watch.read(&room("general"), None, later + 10 * ACTIVITY_EVERY);
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
    assert_eq!(watch.begin_read(now), Some(room("general")));
    watch.read(&room("general"), Some(((other, Seq::new(2)), &[user("ana")])), now);
    assert_eq!(told(&mut watch, now), [(2, "ana".into())]);
}

/// A room as the store has it: after each entry, who is a member.
struct Truth {
    room: RoomId,
    members: Vec<BTreeSet<UserId>>,
    wakes: Vec<(u64, Option<UserId>, Option<UserId>)>,
}

/// A small generator without a pattern (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// Whatever is lost, doubled or late: nobody is told of a room at a head at which they were no member, and once all is quiet
/// everybody is told of every room of theirs.
#[test]
fn in_any_weather_members_are_told_and_others_are_not() {
    for seed in 0..400 {
        let mut chance = Chance(seed);
        let (begin, names) = (Instant::now(), ["ana", "ben", "dora", "eve"]);
        let mut now = begin;
        let people: Vec<UserId> = names.iter().map(|name| user(name)).collect();
        let mut watch = Watch::default();
        let mut rooms: Vec<Truth> = ["a", "b"]
            .iter()
            .map(|name| Truth { room: room(name), members: vec![BTreeSet::new()], wakes: Vec::new() })
            .collect();
        let mut loading: Vec<(UserId, Vec<(RoomId, HeadOf)>)> = Vec::new();
        let mut reading: Vec<(RoomId, HeadOf, Vec<UserId>)> = Vec::new();
        let check = |watch: &mut Watch, rooms: &[Truth], now| {
            let mut told = Vec::new();
            while let Some(mut telling) = watch.begin_telling(now) {
                let truth = rooms.iter().find(|truth| truth.room == telling.room).unwrap();
                loop {
                    let some = watch.next_members(&mut telling, 3).to_vec();
                    for no in &some {
                        let member = watch.users.key(*no).unwrap().clone();
                        // Or one who has become one since, which is known by having read it.
                        let mut since = truth.members[telling.head.get() as usize..].iter();
                        assert!(
                            since.any(|members| members.contains(&member)),
                            "seed {seed}: {member} of {} at {}",
                            truth.room,
                            telling.head
                        );
                        told.push((telling.room.clone(), telling.head, member));
                    }
                    if some.is_empty() {
                        break;
                    }
                }
            }
            told
        };
        let snapshot = |rooms: &[Truth], user: &UserId| -> Vec<(RoomId, HeadOf)> {
            let is_in = |truth: &&Truth| truth.members.last().unwrap().contains(user);
            let head = |truth: &Truth| (truth.room.clone(), (EPOCH, Seq::new(truth.members.len() as u64 - 1)));
            rooms.iter().filter(is_in).map(head).collect()
        };
        for step in 0..300 {
            now += MS * u32::try_from(chance.below(400)).unwrap();
            let calm = step > 250;
            match chance.below(if calm { 4 } else { 8 }) {
                0 | 1 if !calm => {
                    let truth = &mut rooms[chance.below(2) as usize];
                    let mut members = truth.members.last().unwrap().clone();
                    let who = people[chance.below(4) as usize].clone();
                    let wake = match chance.below(3) {
                        0 if members.remove(&who) => (None, Some(who)),
                        1 if members.insert(who.clone()) => (Some(who), None),
                        _ => (None, None),
                    };
                    truth.members.push(members);
                    truth.wakes.push((truth.members.len() as u64 - 1, wake.0, wake.1));
                }
                // A wake comes: any of the last few, and perhaps again.
                2 | 4 | 5 => {
                    let truth = &mut rooms[chance.below(2) as usize];
                    if !truth.wakes.is_empty() {
                        let at = chance.below(truth.wakes.len().min(3) as u64) as usize;
                        let keeps = chance.below(10) == 0;
                        let (seq, admitted, removed) =
                            if keeps { truth.wakes[at].clone() } else { truth.wakes.remove(at) };
                        if calm || chance.below(8) > 0 {
                            let (admitted, removed) = (admitted.as_ref(), removed.as_ref());
                            let entry = EntryNews { admitted, removed, ..EntryNews::default() };
                            let head = (EPOCH, Seq::new(seq));
                            watch.hear(News { room: &truth.room, head, entry: Some(entry) }, now);
                        }
                    }
                }
                6 => {
                    let who = &people[chance.below(4) as usize];
                    if chance.below(3) == 0 {
                        watch.leave(who);
                        loading.retain(|(user, _)| user != who);
                    } else if loading.iter().all(|(user, _)| user != who) {
                        watch.enter(who);
                        watch.begin_load(who);
                        loading.push((who.clone(), snapshot(&rooms, who)));
                    }
                }
                _ => {
                    if !loading.is_empty() {
                        let (who, listed) = loading.remove(chance.below(loading.len() as u64) as usize);
                        watch.loaded(&who, &listed, now);
                    }
                    if !reading.is_empty() {
                        let (room, head, members) = reading.remove(0);
                        watch.read(&room, Some((head, &members)), now);
                    }
                    if let Some(room) = watch.begin_read(now) {
                        let truth = rooms.iter().find(|truth| truth.room == room).unwrap();
                        let head = (EPOCH, Seq::new(truth.members.len() as u64 - 1));
                        reading.push((room, head, truth.members.last().unwrap().iter().cloned().collect()));
                    }
                }
            }
            check(&mut watch, &rooms, now);
        }
        // Quiet: what was lost is known to be, and everybody's rooms are read again; then something happens everywhere.
        for (room, head, members) in reading.drain(..) {
            watch.read(&room, Some((head, &members)), now);
        }
        for who in watch.users().cloned().collect::<Vec<_>>() {
            watch.begin_load(&who);
            let listed = snapshot(&rooms, &who);
            watch.loaded(&who, &listed, now);
        }
        now += 2 * ACTIVITY_EVERY;
        check(&mut watch, &rooms, now);
        for truth in &mut rooms {
            truth.members.push(truth.members.last().unwrap().clone());
            let head = (EPOCH, Seq::new(truth.members.len() as u64 - 1));
            watch.hear(News { room: &truth.room, head, entry: message() }, now);
        }
        let mut told = check(&mut watch, &rooms, now);
        now += 2 * ACTIVITY_EVERY;
        while let Some(room) = watch.begin_read(now) {
            let truth = rooms.iter().find(|truth| truth.room == room).unwrap();
            let head = (EPOCH, Seq::new(truth.members.len() as u64 - 1));
            let members: Vec<UserId> = truth.members.last().unwrap().iter().cloned().collect();
            watch.read(&room, Some((head, &members)), now);
        }
        told.extend(check(&mut watch, &rooms, now));
        for truth in &rooms {
            let head = Seq::new(truth.members.len() as u64 - 1);
            for member in truth.members.last().unwrap().iter().filter(|member| watch.user(member).is_some()) {
                assert!(told.contains(&(truth.room.clone(), head, member.clone())), "seed {seed}: {member} not told");
            }
        }
    }
}
