//! How far people have read, and what they have not: against the plain rule, and against what an older program leaves.

mod plans;

use super::{Home, Pen, for_every_store, place, room, says, user};
use futures_util::future::join_all;
use hubbub::store::Store;
use hubbub_core::{
    limits::RECEIPTS_MEMBERS,
    log::{
        entry::{Draft, Entry, Outcome},
        kinds::{Banned, Changed, Content, Deleted, Edited, Joined, Left, Message, Text, What},
        room::PageOf,
    },
    model::{
        access::{Role, RoomKind},
        ids::UserId,
        seq::Seq,
    },
    people::{
        marks::{Mark, Marked},
        unread::{Counted, Receipts, Unread, UnreadRoom, unread_of},
    },
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{collections::BTreeMap, sync::Arc};

const N: fn(u64) -> Seq = Seq::new;

const PEOPLE: [(&str, Role); 4] =
    [("ana", Role::Admin), ("ben", Role::Moderator), ("cem", Role::Member), ("dan", Role::Member)];

fn content(mentions: &[&str], all: bool) -> Content {
    let mut mentions: Vec<UserId> = mentions.iter().map(|name| user(name)).collect();
    mentions.sort();
    mentions.dedup();
    let text = Text::parse("hi").expect("a text");
    Content { mentions: mentions.into(), mention_all: all, ..Content::text(text) }
}

fn mentioning(mentions: &[&str], thread: Option<u64>, in_room: bool) -> What {
    What::Message(Message { content: content(mentions, false), reply_to: None, thread: thread.map(N), in_room })
}

fn edit(target: u64, content: Content) -> What {
    What::Edited(Edited { target: N(target), content })
}

fn delete(target: u64) -> What {
    What::Deleted(Deleted { target: N(target), of: None })
}

fn mark(in_room: &str, who: &str, seq: u64) -> Mark {
    Mark { room: room(in_room), user: user(who), seq: N(seq) }
}

async fn put(store: &dyn Store, mark: Mark) -> Option<Marked> {
    store.put_marks(&[mark]).await.expect("an answer").remove(0)
}

/// Where a mark was before, whether it moved, and whether it is shown.
fn as_told(marked: &Marked) -> (u64, bool, bool) {
    (marked.before.get(), marked.moved, marked.is_shown)
}

async fn log(pen: &Pen, in_room: &str) -> Vec<Entry> {
    let (mut log, mut after) = (Vec::new(), Seq::ZERO);
    loop {
        let page = pen.0.page(&room(in_room), PageOf::After(after), 1000).await.expect("a page").expect("a room");
        let Some(last) = page.entries.last() else { return log };
        after = last.seq;
        log.extend(page.entries);
    }
}

/// What is unread for somebody, as both lists have it.
async fn unread(pen: &Pen, in_room: &str, who: &str) -> Unread {
    let bare = pen.0.rooms_of(&user(who), None, 100, false).await.expect("rooms").items;
    assert!(!bare.is_empty() && bare.iter().all(|listed| listed.unread.is_none()), "it was not asked for");
    let listed = pen.0.rooms_of(&user(who), None, 100, true).await.expect("rooms").items;
    assert_eq!(listed.len(), bare.len());
    let listed = listed.iter().find(|listed| listed.room.id == room(in_room)).expect("the room").clone();
    let part = pen.0.unread(&user(who), None, 100).await.expect("unread");
    assert_eq!(part.next, None);
    let found = part.rooms.iter().find(|one| one.room == room(in_room));
    let unread = listed.unread.expect("it was asked for");
    let expected = UnreadRoom { room: room(in_room), head: listed.room.head, unread };
    assert_eq!(found, (!unread.is_none()).then_some(&expected), "{who}");
    unread
}

/// Compares everybody's with the rule.
async fn compare(pen: &Pen, in_room: &str, marks: &BTreeMap<&str, u64>, why: &str) -> usize {
    let (log, mut something) = (log(pen, in_room).await, 0);
    for member in pen.0.members(&room(in_room), None, 100, false).await.expect("members").items {
        let name = member.user.as_str();
        let read = N(marks.get(name).copied().unwrap_or_default());
        let expected = unread_of(&log, &member.user, read, member.membership.joined);
        assert_eq!(unread(pen, in_room, name).await, expected, "{why}: {name} as of {}", log.len());
        something += usize::from(expected.mentions.count > 0 && expected.unread.count > 0);
    }
    something
}

fn random(dice: &mut StdRng, head: u64) -> What {
    let target = (head + 1).saturating_sub(dice.random_range(0..12));
    let who = || PEOPLE.map(|(name, _)| name);
    let named: Vec<&str> = who().into_iter().filter(|_| dice.random_ratio(1, 4)).collect();
    match dice.random_range(0..16) {
        0..3 => says("plain"),
        3..6 => mentioning(&named, None, false),
        6..8 => mentioning(&named, Some(target), dice.random_bool(0.5)),
        8 => What::Message(Message { content: content(&named, true), reply_to: None, thread: None, in_room: false }),
        9..12 => edit(target, content(&named, dice.random_ratio(1, 6))),
        12..14 => delete(target),
        14 => What::Banned(Banned { user: user(["cem", "dan"][dice.random_range(0..2_usize)]) }),
        _ => What::Joined(Joined { user: user(["cem", "dan"][dice.random_range(0..2_usize)]), role: Role::Member }),
    }
}

for_every_store! {
    async fn what_is_unread_is_what_the_rule_says_of_the_log(home: &Home) {
        let pen = Pen(home.open().await);
        let mut something = 0;
        for seed in 0..5 {
            let mut dice = StdRng::seed_from_u64(seed);
            let name = format!("room-{seed}");
            pen.room(&name, RoomKind::Private, &PEOPLE).await;
            let (mut head, mut marks) = (4, BTreeMap::new());
            if seed == 3 {
                let joined = What::Changed(Changed::new(&serde_json::from_str(r#"{"history_from":"joined"}"#).expect("settings")));
                assert!(matches!(pen.append(pen.draft(&name, "ana", "settings", joined)).await, Outcome::Appended(_)));
                head += 1;
            }
            for turn in 0..30 {
                let drafts: Vec<Draft> = (0..dice.random_range(1..6))
                    .map(|n| {
                        let key = format!("{turn}-{n}");
                        let what = random(&mut dice, head);
                        match (&what, dice.random_ratio(1, 5)) {
                            (What::Edited(_) | What::Deleted(_), true) => pen.by_backend(&name, &key, what),
                            (What::Banned(_) | What::Joined(_), _) => pen.draft(&name, "ana", &key, what),
                            _ => pen.draft(&name, PEOPLE[dice.random_range(0..4_usize)].0, &key, what),
                        }
                    })
                    .collect();
                for outcome in pen.0.append(&drafts).await.expect("outcomes") {
                    match outcome {
                        Outcome::Appended(place) => head = place.seq.get(),
                        Outcome::Filled { place, .. } => head = place.seq.get(),
                        _ => {}
                    }
                }
                let who = PEOPLE[dice.random_range(0..4_usize)].0;
                if dice.random_ratio(1, 3) {
                    let to = dice.random_range(0..=head);
                    let before = marks.get(who).copied().unwrap_or_default();
                    let standing = pen.0.person(&room(&name), &user(who)).await.expect("an answer").expect("a room").1.standing;
                    let marked = put(&*pen.0, mark(&name, who, to)).await;
                    assert_eq!(marked.is_some(), standing.is_member(), "{who}: {standing:?}");
                    if let Some(marked) = marked {
                        // Nobody has a mark at 0.
                        assert_eq!(as_told(&marked), (before, to > before, true));
                        assert_eq!(marked.head.1, N(head));
                        marks.insert(who, before.max(to));
                    }
                }
                something += compare(&pen, &name, &marks, &format!("seed {seed}")).await;
            }
        }
        assert!(something > 100, "{something} times there was something of everything");
        // The index is what can be made anew.
        let wrong = "FROM mentions m JOIN entries e ON e.room = m.room AND e.seq = m.seq
            WHERE e.gone IS NOT NULL OR e.kind <> 'message' OR e.author <> m.author OR m.user_id = m.author";
        assert_eq!(home.numbers(["count(*)"], wrong).await, [[Some(0)]]);
    }

    async fn it_is_counted_so_far_and_an_own_message_ends_it(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        let speak = async |from: &'static str, what: &dyn Fn() -> What, many: usize| {
            let keys: Vec<String> = (0..many).map(|_| uuid::Uuid::now_v7().to_string()).collect();
            for part in keys.chunks(256) {
                let drafts: Vec<Draft> = part.iter().map(|key| pen.draft("general", from, key, what())).collect();
                let outcomes = pen.0.append(&drafts).await.expect("outcomes");
                assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Appended(_))));
            }
        };
        let told = async || {
            let log = log(&pen, "general").await;
            let found = unread(&pen, "general", "ben").await;
            assert_eq!(found, unread_of(&log, &user("ben"), found.read, N(2)), "{}", log.len());
            let told = |counted: Counted| format!("{}{}", counted.count, if counted.more { "+" } else { "" });
            format!("{} {}", told(found.unread), told(found.mentions))
        };
        speak("ana", &|| mentioning(&["ben"], None, false), 2).await;
        assert_eq!(told().await, "2 2");
        speak("ben", &|| says("so"), 1).await;
        speak("ana", &|| says("well"), 998).await;
        assert_eq!(told().await, "998 0");
        speak("ana", &|| says("well"), 1).await;
        assert_eq!(told().await, "999 0", "the own message is the thousandth");
        speak("ana", &|| says("well"), 1).await;
        assert_eq!(told().await, "999+ 2+", "and is too far away now");
        speak("ana", &|| mentioning(&["ben"], Some(3), false), 998).await;
        assert_eq!(told().await, "999+ 999+", "threads count for mentions alone");
        let head = log(&pen, "general").await.len() as u64;
        put(&*pen.0, mark("general", "ben", head - 1)).await;
        assert_eq!(told().await, "0 1");
        put(&*pen.0, mark("general", "ben", head)).await;
        assert_eq!(told().await, "0 0");
        // Own ones are no mentions, and no more of them are looked at than of anything.
        let to_all = || What::Message(Message { content: content(&[], true), reply_to: None, thread: Some(N(3)), in_room: false });
        speak("ana", &to_all, 1).await;
        speak("ben", &to_all, 998).await;
        assert_eq!(told().await, "0 1");
        speak("ben", &to_all, 1).await;
        assert_eq!(told().await, "0 1+");
        speak("ben", &to_all, 1).await;
        assert_eq!(told().await, "0 0+");
        put(&*pen.0, mark("general", "ben", head + 1_001)).await;
        assert_eq!(told().await, "0 0");
        assert!(pen.0.unread(&user("ben"), None, 100).await.expect("unread").rooms.is_empty());
    }

    async fn pages_of_what_is_unread_end_with_the_last_room(home: &Home) {
        let pen = Pen(home.open().await);
        for n in 0..25 {
            let name = format!("room-{n:02}");
            pen.room(&name, RoomKind::Private, &[("ana", Role::Admin), ("ben", Role::Member)]).await;
            if n % 7 == 3 {
                pen.append(pen.says(&name, "ana", "1", "hi")).await;
            }
        }
        pen.append(pen.by_backend("room-10", "ban", What::Banned(Banned { user: user("ben") }))).await;
        for limit in [1, 4, 10, 24, 25, 1_000] {
            let (mut after, mut found, mut pages) = (None, Vec::new(), 0);
            loop {
                let part = pen.0.unread(&user("ben"), after.as_ref(), limit).await.expect("unread");
                assert!(part.rooms.len() <= limit);
                found.extend(part.rooms.iter().map(|one| (one.room.to_string(), one.head.get(), one.unread.unread.count)));
                pages += 1;
                after = part.next;
                if after.is_none() {
                    break;
                }
            }
            let there = ["room-03", "room-17", "room-24"].map(|name| (name.to_owned(), 3, 1));
            assert_eq!((found, pages), (there.to_vec(), 24_usize.div_ceil(limit)), "{limit} at a time");
        }
        assert!(pen.0.unread(&user("nobody"), None, 10).await.expect("unread").rooms.is_empty());
    }

    async fn marks_go_forward_only_whoever_writes_them(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        let large: Vec<String> = (0..RECEIPTS_MEMBERS).map(|n| format!("u{n:03}")).collect();
        let mut members: Vec<(&str, Role)> = large.iter().map(|name| (name.as_str(), Role::Member)).collect();
        members[0].1 = Role::Admin;
        pen.room("hall", RoomKind::Open, &members).await;
        // Several at once, in one call and in several, also of a second store of the database.
        let others: Vec<Arc<dyn Store>> = match home {
            Home::Sqlite(_) => vec![pen.0.clone(), pen.0.clone()],
            Home::Postgres { .. } => vec![pen.0.clone(), home.open().await],
        };
        let mut dice = StdRng::seed_from_u64(7);
        let mut furthest: BTreeMap<(String, String), u64> = BTreeMap::new();
        let calls: Vec<Vec<Mark>> = (0..40)
            .map(|_| {
                let mut call: BTreeMap<(String, String), u64> = BTreeMap::new();
                for _ in 0..dice.random_range(1..30) {
                    let who = (["general", "hall", "nowhere"][dice.random_range(0..3_usize)], large[dice.random_range(0..8_usize)].clone());
                    call.insert((who.0.into(), who.1), dice.random_range(1..90));
                }
                for (who, seq) in &call {
                    let furthest = furthest.entry(who.clone()).or_default();
                    *furthest = (*furthest).max(*seq);
                }
                let mut marks: Vec<Mark> = call.iter().map(|((room, who), seq)| mark(room, who, *seq)).collect();
                marks.sort();
                marks
            })
            .collect();
        let answers = join_all(calls.iter().enumerate().map(|(n, call)| others[n % 2].put_marks(call))).await;
        let mut moved: BTreeMap<(String, String), u64> = BTreeMap::new();
        for (call, answer) in calls.iter().zip(answers) {
            for (mark, marked) in call.iter().zip(answer.expect("an answer")) {
                assert_eq!(marked.is_some(), mark.room == room("hall"), "of members only: {mark:?}");
                let Some(marked) = marked else { continue };
                assert!(!marked.moved || marked.before < mark.seq, "{mark:?}: {marked:?}");
                if marked.moved {
                    let moved = moved.entry((mark.room.to_string(), mark.user.to_string())).or_default();
                    *moved = (*moved).max(mark.seq.get());
                }
            }
        }
        furthest.retain(|(room, _), _| room == "hall");
        assert_eq!(moved, furthest);
        let Some(Receipts::Of(all)) = pen.0.receipts(&room("hall")).await.expect("receipts") else { panic!("no receipts") };
        let found: BTreeMap<(String, String), u64> =
            all.iter().map(|one| (("hall".to_owned(), one.user.to_string()), one.read.get())).collect();
        assert_eq!(found, furthest);
        assert!(all.is_sorted_by_key(|one| one.user.as_str().to_owned()) && all.iter().all(|one| one.at.0 > 0));

        // Who has left meanwhile has no mark; who has one and leaves is not shown.
        let left = What::Left(Left { user: user("u001") });
        place(&pen.append(pen.by_backend("hall", "l", left)).await);
        assert_eq!(put(&*pen.0, mark("hall", "u001", 99)).await, None);
        let Some(Receipts::Of(all)) = pen.0.receipts(&room("hall")).await.expect("receipts") else { panic!("no receipts") };
        assert!(all.iter().all(|one| one.user != user("u001")));
        let joins = What::Joined(Joined { user: user("u001"), role: Role::Member });
        place(&pen.append(pen.by_backend("hall", "back", joins)).await);
        assert_eq!(pen.0.receipts(&room("general")).await.expect("receipts"), Some(Receipts::Of(Vec::new())));
        assert_eq!(pen.0.receipts(&room("nowhere")).await.expect("receipts"), None);
        let marked = put(&*pen.0, mark("hall", "u001", 100)).await.expect("a room");
        assert!(marked.moved && marked.is_shown);
        let again = put(&*pen.0, mark("hall", "u001", 100)).await.expect("a room");
        assert_eq!(as_told(&again), (100, false, true));
        let back = put(&*pen.0, mark("hall", "u001", 99)).await.expect("a room");
        assert_eq!(as_told(&back), (100, false, true));
        // None beyond the head.
        let epoch = pen.0.look_up(&[(room("hall"), user("u001"))]).await.expect("a view").remove(0).expect("a room").room.epoch;
        let beyond = put(&*pen.0, mark("hall", "u001", 103)).await.expect("a room");
        assert_eq!((as_told(&beyond), beyond.head), ((100, false, true), (epoch, N(102))));
        assert_eq!(as_told(&put(&*pen.0, mark("hall", "u001", 0)).await.expect("a room")), (100, false, true));
        let joins = What::Joined(Joined { user: user("one too many"), role: Role::Member });
        place(&pen.append(pen.by_backend("hall", "j", joins)).await);
        assert!(!put(&*pen.0, mark("hall", "u001", 101)).await.expect("a room").is_shown);
        assert_eq!(pen.0.receipts(&room("hall")).await.expect("receipts"), Some(Receipts::TooMany));
        assert!(pen.0.put_marks(&[]).await.expect("an answer").is_empty());
    }

    async fn mentions_are_there_whichever_version_has_written_them(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        // As before this version: neither tables nor triggers.
        let (of_postgres, table) = match home {
            Home::Sqlite(_) => ("", ""),
            Home::Postgres { .. } => (
                "DROP FUNCTION keep_mentions, forget_mentions, mentioned",
                " ON entries",
            ),
        };
        let triggers = match home {
            Home::Sqlite(_) => &["entries_keep_mentions", "entries_keep_mentions_now", "entries_forget_mentions"][..],
            Home::Postgres { .. } => &["entries_keep_mentions", "entries_forget_mentions"],
        };
        let dropped: String = triggers.iter().map(|name| format!("DROP TRIGGER {name}{table};")).collect();
        home.change(&format!(
            "{dropped} DROP TABLE mentions; DROP TABLE reads; DELETE FROM additions WHERE name = 'people'; {of_postgres}"
        ))
        .await;
        let old = |n: u64, from: &str, what: What| pen.draft("general", from, &format!("old {n}"), what);
        let by_all = |mentions: &[&str]| {
            What::Message(Message { content: content(mentions, true), reply_to: None, thread: None, in_room: false })
        };
        let before = [
            ("ana", mentioning(&["ana", "ben"], None, false)),
            ("ana", mentioning(&["ben"], None, false)),
            ("ana", mentioning(&["ben"], Some(3), false)),
            ("ana", says("plain")),
            ("ana", by_all(&["ben"])),
            ("ana", edit(4, content(&[], false))),
            ("ana", edit(6, content(&["ben"], false))),
            ("ana", delete(3)),
        ];
        for (n, (from, what)) in (3_u64..).zip(before) {
            let outcome = pen.append(old(n, from, what)).await;
            assert!(matches!(outcome, Outcome::Appended(_) | Outcome::Filled { .. }), "{outcome:?}");
        }
        let Pen(store) = pen;
        drop(store);
        let pen = Pen(home.open().await);
        let log = log(&pen, "general").await;
        // What is older than marks is not unread, for whoever has none.
        assert_eq!(unread(&pen, "general", "ben").await, Unread::default());
        assert_eq!(pen.0.receipts(&room("general")).await.expect("receipts"), Some(Receipts::Of(Vec::new())));
        let heads = home.numbers(["d.seq - r.head"], "FROM reads d JOIN rooms r ON r.no = d.room WHERE d.user_id = ''").await;
        assert_eq!(heads, [[Some(0)]]);
        place(&pen.append(pen.draft("general", "ana", "new", mentioning(&["ben"], None, false))).await);
        let begun = N(log.len() as u64);
        let log = self::log(&pen, "general").await;
        let expected = unread_of(&log, &user("ben"), Seq::ZERO, begun);
        assert_eq!((expected.unread.count, expected.mentions.count), (1, 1));
        assert_eq!(unread(&pen, "general", "ben").await, expected);
        put(&*pen.0, mark("general", "ben", 3)).await;
        let marked = Unread { read: N(3), ..expected };
        assert_eq!(unread(&pen, "general", "ben").await, marked, "it takes the further of the two");
        let gone = pen.append(pen.draft("general", "ana", "gone", delete(begun.next().get()))).await;
        assert!(matches!(gone, Outcome::Filled { .. }), "{gone:?}");
        home.change("DELETE FROM reads").await;

        // Rooms that are made later have nothing of the kind: all of these mentions were found.
        let log = self::log(&pen, "general").await;
        let expected = unread_of(&log, &user("ben"), Seq::ZERO, N(2));
        assert_eq!((expected.unread.count, expected.mentions.count), (3, 3));
        assert_eq!(unread(&pen, "general", "ben").await, expected);

        // And by statements of whatever program, from now on.
        let body = r#"{"mentions":["ana","ben"]}"#;
        let (id, no) = match home {
            Home::Sqlite(_) => ("randomblob(16)", "1"),
            Home::Postgres { .. } => ("gen_random_uuid()", "true"),
        };
        let insert = |seq: u64, kind: &str, target: &str, body: &str| {
            format!(
                "INSERT INTO entries (room, seq, id, kind, author, at, key, target, body)
                 SELECT no, {seq}, {id}, '{kind}', 'ana', {seq}, 'k{seq}', {target}, {body} FROM rooms; UPDATE rooms SET head = {seq};"
            )
        };
        let mentions = async |expected: u64| {
            assert_eq!(unread(&pen, "general", "ben").await.mentions.count, expected);
        };
        home.change(&insert(13, "message", "NULL", &format!("'{body}'"))).await;
        mentions(4).await;
        home.change(&insert(14, "edited", "13", "NULL")).await;
        mentions(3).await;
        home.change(&insert(15, "edited", "6", r#"'{"mention_all":true}'"#)).await;
        mentions(3).await;
        home.change(&format!("UPDATE entries SET body = NULL, gone = {no} WHERE seq IN (5, 6, 15)")).await;
        mentions(1).await;
    }
}
