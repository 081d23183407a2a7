use super::*;
use crate::{
    limits::TYPING_FOR,
    live::{item::SharedPush, signal::Saying},
    log::effects::Effects,
    model::{
        ids::{RoomId, UserId},
        seq::Epoch,
    },
};
use std::{collections::BTreeMap, time::Duration};

const PEOPLE: [&str; 4] = ["ana", "ben", "dora \"d\"", "eve"];

fn signal(slot: u32, from: &str, at: u64, until: Option<Instant>) -> Arc<RoomSignal> {
    let saying = Saying {
        room: RoomId::parse(&format!("room-{slot}")).unwrap(),
        epoch: Epoch { incarnation: 1, generation: 1 },
        at: Seq::new(at),
        from: UserId::parse(from).unwrap(),
        kind: "typing".into(),
        lasts: until.map(|_| TYPING_FOR),
    };
    let push = SharedPush::new("{}".into(), 0..2);
    Arc::new(RoomSignal { saying, heard_to: Seq::new(at), until, push })
}

fn entry(seq: u64, kind: &str, from: &str) -> Arc<Item> {
    let json = serde_json::json!({ "type": kind, "from": from }).to_string();
    let end = json.len() as u32;
    Item::new(Seq::new(seq), Effects::default(), SharedPush::new(json.into(), 0..end))
}

/// Who is told, when the reader of every subscription has come this far.
fn told(held: &mut HeldSignals, now: Instant, at: u64) -> Vec<String> {
    let mut told = Vec::new();
    held.release(
        now,
        |_| Some(Seq::new(at)),
        |signal| {
            told.push(signal.saying.from.to_string());
            true
        },
    );
    told
}

#[test]
fn of_one_person_the_newest_waits_and_of_all_so_many() {
    let now = Instant::now();
    let (mut held, until) = (HeldSignals::default(), Some(now + TYPING_FOR));
    for n in 0..10_000 {
        assert!(held.hold(0, signal(0, PEOPLE[n % 3], n as u64, until)).is_none());
    }
    assert_eq!(held.len(), 3);
    assert!(held.hold(1, signal(1, PEOPLE[0], 1, until)).is_none(), "another room");
    let mut gone = 0;
    for n in 0..10_000 {
        gone += usize::from(held.hold(0, signal(0, &format!("u{n}"), 1, until)).is_some());
    }
    assert_eq!((held.len(), gone), (SIGNALS_WAITING, 10_000 + 4 - SIGNALS_WAITING));
    let told = told(&mut held, now, 20_000);
    assert_eq!((told.len(), told.last().unwrap().as_str()), (SIGNALS_WAITING, "u9999"), "the oldest go first");
    assert!(held.is_empty());
}

#[test]
fn what_is_over_or_written_is_told_nobody() {
    let now = Instant::now();
    let until = Some(now + TYPING_FOR);
    let waiting = |until| {
        let mut held = HeldSignals::default();
        held.hold(0, signal(0, "ana", 41, until));
        held.hold(0, signal(0, "ben", 43, until));
        held
    };
    // The reader is at 40, and comes to 42: ben said it later than that.
    assert_eq!(told(&mut waiting(until), now, 40), [""; 0]);
    assert_eq!(told(&mut waiting(until), now, 42), ["ana"]);
    assert_eq!(told(&mut waiting(until), now + TYPING_FOR, 43), [""; 0], "it is over");
    assert_eq!(told(&mut waiting(None), now + TYPING_FOR, 43), ["ana", "ben"], "this holds");
    // Past a message of hers, and past what is none, is not hers, or was there before.
    for (items, left) in [
        (vec![entry(42, "message", "ana")], vec!["ben"]),
        (vec![entry(42, "joined", "ana"), entry(43, "message", "dora")], vec!["ana", "ben"]),
        (vec![entry(41, "message", "ana"), entry(44, "message", "ben")], vec!["ana"]),
    ] {
        let mut held = waiting(until);
        held.pass(1, &[entry(99, "message", "ana"), entry(99, "message", "ben")]);
        held.pass(0, &items);
        assert_eq!(told(&mut held, now, 44), left);
        let mut held = waiting(None);
        held.pass(0, &items);
        assert_eq!(told(&mut held, now, 44), ["ana", "ben"], "what holds is no matter of messages");
    }
    // Of a subscription that has ended, nothing.
    let mut held = waiting(until);
    held.release(now, |_| None, |_| panic!("nobody follows it"));
    assert!(held.is_empty());
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

/// Whatever comes in whichever order, through a socket that stands for as long as it likes: nobody is seen to type for longer than
/// they may, behind a message of theirs or before the reader has read as far; and who still types is seen once there is room.
#[test]
fn typing_outlives_neither_its_time_nor_its_message() {
    for seed in 0..300 {
        let mut chance = Chance(seed);
        let mut now = Instant::now();
        let mut held = HeldSignals::default();
        // Of two rooms: whose the messages are, and how far the reader has come.
        let mut logs: [Vec<Arc<Item>>; 2] = Default::default();
        let mut at = [0_usize; 2];
        // What may be told of each person, as a plain model has it: said at, over at.
        let mut said: BTreeMap<(usize, &str), (u64, Instant)> = BTreeMap::new();
        for _ in 0..400 {
            now += Duration::from_millis(chance.below(1_500));
            let (room, who) = (chance.below(2) as usize, PEOPLE[chance.below(4) as usize]);
            let log = &mut logs[room];
            match chance.below(4) {
                0 => {
                    let kind = if chance.below(4) == 0 { "joined" } else { "message" };
                    log.push(entry(log.len() as u64 + 1, kind, who));
                }
                1 => {
                    // Those that the reader has come past already are never held: see where they come in.
                    let head = log.len() as u64;
                    let until = now + TYPING_FOR;
                    held.hold(room as u32, signal(room as u32, who, head, Some(until)));
                    said.insert((room, who), (head, until));
                }
                2 => {
                    let some = &log[at[room]..at[room] + chance.below((log.len() - at[room]) as u64 + 1) as usize];
                    at[room] += some.len();
                    held.pass(room as u32, some);
                }
                _ => {
                    let mut room_left = chance.below(4);
                    let mut told = Vec::new();
                    held.release(
                        now,
                        |slot| Some(Seq::new(at[slot as usize] as u64)),
                        |signal| {
                            let fits = room_left > 0;
                            room_left = room_left.saturating_sub(1);
                            if fits {
                                told.push((signal.saying.room.to_string(), signal.saying.from.to_string()));
                            }
                            fits
                        },
                    );
                    let may = said.iter().filter(|((room, who), (from, until))| {
                        let read = &logs[*room][..at[*room]];
                        let has_written = read.iter().skip(*from as usize).any(|item| item.author() == Some(*who));
                        *until > now && at[*room] as u64 >= *from && !has_written
                    });
                    let may: Vec<_> = may.map(|((room, who), _)| (*room, *who)).collect();
                    for (room, who) in &told {
                        let one = may.iter().copied().find(|(no, name)| format!("room-{no}") == *room && name == who);
                        let one = one.unwrap_or_else(|| panic!("seed {seed}: {who} in {room} was told"));
                        said.remove(&one);
                    }
                    assert!(room_left == 0 || told.len() == may.len(), "seed {seed}: {told:?} of {may:?}");
                }
            }
        }
    }
}
