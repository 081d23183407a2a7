use super::*;

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
/// everybody is told of every room of theirs. Where nothing is lost, that needs no reading of everybody's rooms.
#[test]
fn in_any_weather_members_are_told_and_others_are_not() {
    for seed in 0..400 {
        let mut chance = Chance(seed);
        let loses = seed % 2 == 0;
        let (begin, names) = (begin(), ["ana", "ben", "dora", "eve"]);
        let mut now = begin;
        let people: Vec<UserId> = names.iter().map(|name| user(name)).collect();
        let mut watch = Watch::default();
        let mut rooms: Vec<Truth> = ["a", "b"]
            .iter()
            .map(|name| Truth { room: room(name), members: vec![BTreeSet::new()], wakes: Vec::new() })
            .collect();
        let mut loading: Vec<(UserId, Vec<(RoomId, HeadOf)>)> = Vec::new();
        let mut reading: Vec<(Asked, HeadOf, Vec<UserId>)> = Vec::new();
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
                        if calm || !loses || chance.below(8) > 0 {
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
                        let at = chance.below(reading.len() as u64) as usize;
                        let (asked, head, members) = reading.remove(at);
                        watch.read(&asked, Some((head, &members)), now);
                    }
                    if let Some(asked) = watch.begin_read(now) {
                        let truth = rooms.iter().find(|truth| truth.room == asked.room).unwrap();
                        let head = (EPOCH, Seq::new(truth.members.len() as u64 - 1));
                        reading.push((asked, head, truth.members.last().unwrap().iter().cloned().collect()));
                    }
                }
            }
            check(&mut watch, &rooms, now);
        }
        // Quiet: what was lost is known to be, and everybody's rooms are read again; then something happens everywhere.
        for (asked, head, members) in reading.drain(..) {
            watch.read(&asked, Some((head, &members)), now);
        }
        if loses {
            for who in watch.users().cloned().collect::<Vec<_>>() {
                watch.begin_load(&who);
                let listed = snapshot(&rooms, &who);
                watch.loaded(&who, &listed, now);
            }
        } else {
            for (who, listed) in loading.drain(..) {
                watch.loaded(&who, &listed, now);
            }
            // Late, but not lost.
            for truth in &mut rooms {
                for (seq, admitted, removed) in std::mem::take(&mut truth.wakes) {
                    let entry =
                        EntryNews { admitted: admitted.as_ref(), removed: removed.as_ref(), ..EntryNews::default() };
                    let head = (EPOCH, Seq::new(seq));
                    watch.hear(News { room: &truth.room, head, entry: Some(entry) }, now);
                }
            }
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
        while let Some(asked) = watch.begin_read(now) {
            let truth = rooms.iter().find(|truth| truth.room == asked.room).unwrap();
            let head = (EPOCH, Seq::new(truth.members.len() as u64 - 1));
            let members: Vec<UserId> = truth.members.last().unwrap().iter().cloned().collect();
            watch.read(&asked, Some((head, &members)), now);
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
