//! Rooms as a whole: lists of all of them, and rooms that are deleted.

use super::{Home, Pen, for_every_store, place, room, user};
use hubbub::store::{Created, RoomProposal, RoomQuery};
use hubbub_core::{
    limits::{PURGE_ROWS, ROOMS_LOOKED_AT},
    log::{
        entry::Outcome,
        kinds::{Left, What},
        room::PageOf,
    },
    model::{
        access::{Refusal, Role, RoomKind, Standing},
        seq::Seq,
        time::Timestamp,
    },
};
use std::{collections::BTreeSet, time::Duration};

const LONG: Duration = Duration::from_secs(600);

/// All pages of what is asked for, each of at most `limit` rooms, and how many pages there were.
async fn found(pen: &Pen, query: RoomQuery, limit: usize) -> (Vec<String>, usize) {
    let (mut ids, mut pages, mut query) = (Vec::new(), 0, query);
    loop {
        let part = pen.0.find_rooms(&query, limit).await.expect("rooms");
        assert!(part.rooms.len() <= limit);
        pages += 1;
        ids.extend(part.rooms.iter().map(|found| found.room.id.to_string()));
        if part.next.is_none() {
            return (ids, pages);
        }
        query.after = part.next;
    }
}

/// Clears away whatever there is; returns in how many portions.
async fn purged(pen: &Pen, rows: usize, members_for: Duration) -> usize {
    let mut portions = 0;
    while pen.0.purge(rows, members_for).await.expect("a portion") {
        portions += 1;
    }
    portions
}

for_every_store! {
    async fn all_rooms_are_listed_by_whatever_is_asked(home: &Home) {
        let pen = Pen(home.open().await);
        for (id, kind, members) in [
            ("team-a", RoomKind::Open, &["ana"][..]),
            ("team-b", RoomKind::Private, &["ana", "ben"]),
            ("team-c", RoomKind::Private, &["ben"]),
            ("teams", RoomKind::Open, &[]),
            ("z", RoomKind::Direct, &["ana", "ben"]),
            ("Team-d", RoomKind::Open, &["cem"]),
            ("team-x", RoomKind::Open, &["ana"]),
        ] {
            let members: Vec<_> = members.iter().map(|name| (*name, Role::Member)).collect();
            pen.room(id, kind, &members).await;
        }
        place(&pen.append(pen.draft("team-c", "ben", "k1", What::Left(Left { user: user("ben") }))).await);
        pen.0.delete_room(&room("team-x")).await.expect("an answer").expect("a room");
        let query = RoomQuery::default;
        let kind = |kind| RoomQuery { kind: Some(kind), ..query() };
        let prefix = |prefix: &str| RoomQuery { prefix: Some(room(prefix)), ..query() };
        let member = |name: &str| RoomQuery { member: Some(user(name)), ..query() };
        for (asked, ids) in [
            (query(), &["Team-d", "team-a", "team-b", "team-c", "teams", "z"][..]),
            (kind(RoomKind::Open), &["Team-d", "team-a", "teams"]),
            (kind(RoomKind::Private), &["team-b", "team-c"]),
            (kind(RoomKind::Direct), &["z"]),
            (prefix("team-"), &["team-a", "team-b", "team-c"]),
            (prefix("team"), &["team-a", "team-b", "team-c", "teams"]),
            (prefix("zz"), &[]),
            (member("ana"), &["team-a", "team-b", "z"]),
            (member("ben"), &["team-b", "z"]),
            (member("dora"), &[]),
            (RoomQuery { kind: Some(RoomKind::Private), ..member("ana") }, &["team-b"]),
            (RoomQuery { prefix: Some(room("team-")), ..kind(RoomKind::Open) }, &["team-a"]),
            (RoomQuery { prefix: Some(room("team-b")), ..member("ben") }, &["team-b"]),
        ] {
            for limit in [1, 2, 100] {
                assert_eq!(found(&pen, asked.clone(), limit).await.0, ids, "{asked:?} by {limit}");
            }
        }
        let all = pen.0.find_rooms(&query(), 100).await.expect("rooms");
        let team_b = all.rooms.iter().find(|found| found.room.id == room("team-b")).expect("it is there");
        assert_eq!((team_b.room.kind, team_b.room.head, &*team_b.room.name), (RoomKind::Private, Seq::new(2), "The room team-b"));
    }

    async fn rooms_in_which_something_has_happened_are_found_among_so_many_at_a_time(home: &Home) {
        let pen = Pen(home.open().await);
        pen.room("a", RoomKind::Open, &[("ana", Role::Member)]).await;
        pen.room("zz", RoomKind::Open, &[("ana", Role::Member)]).await;
        home.change("UPDATE entries SET at = 1000; UPDATE rooms SET created_at = 1000").await;
        let many: Vec<String> =
            (0..ROOMS_LOOKED_AT + 10).map(|n| format!("('room-{n:05}', 'open', '', {})", 2_000 + n)).collect();
        home.change(&format!("INSERT INTO rooms (id, kind, name, created_at) VALUES {}", many.join(", "))).await;
        let since = |at| RoomQuery { active_since: Some(Timestamp(at)), ..RoomQuery::default() };
        let newest = place(&pen.append(pen.says("zz", "ana", "k", "hi")).await).at;
        let (ids, pages) = found(&pen, since(newest.0), 10).await;
        assert_eq!((ids, pages), (vec!["zz".to_owned()], 2), "the first page has looked at as many as it may");
        assert_eq!(found(&pen, since(newest.0 + 1), 10).await.0, Vec::<String>::new());
        let last = 2_000 + ROOMS_LOOKED_AT as i64 + 9;
        assert_eq!(found(&pen, since(last), 1).await.0, [format!("room-{:05}", ROOMS_LOOKED_AT + 9), "zz".to_owned()]);
        let (ids, _) = found(&pen, since(0), 400).await;
        assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (ROOMS_LOOKED_AT + 12, ROOMS_LOOKED_AT + 12));
        let of_ana = RoomQuery { member: Some(user("ana")), ..since(2_000) };
        assert_eq!(found(&pen, of_ana, 10).await, (vec!["zz".to_owned()], 1));
    }

    async fn a_deleted_room_is_its_id_and_nothing_else(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        pen.room("other", RoomKind::Open, &[("ana", Role::Admin)]).await;
        let said = pen.says("general", "ana", "k1", "a secret");
        let first = place(&pen.append(said.clone()).await);
        assert!(pen.0.delete_room(&room("nowhere")).await.expect("an answer").is_none());
        let left = pen.0.delete_room(&room("general")).await.expect("an answer").expect("a room");
        assert!(left.deleted && left.epoch != first.epoch);
        let again = pen.0.delete_room(&room("general")).await.expect("an answer");
        assert_eq!(again, Some(left), "once");
        assert_eq!(pen.0.heads(&[room("general")]).await.expect("heads"), [Some(left)]);
        for (after, limit, expected) in [(None, 1, vec!["ana"]), (Some("ana"), 5, vec!["ben"]), (Some("ben"), 5, vec![])] {
            let after = after.map(user);
            let found = pen.0.members_of_deleted(&room("general"), after.as_ref(), limit).await.expect("members");
            assert_eq!(found, expected.into_iter().map(user).collect::<Vec<_>>());
        }
        for other in ["other", "nowhere"] {
            assert!(pen.0.members_of_deleted(&room(other), None, 5).await.expect("members").is_empty());
        }
        for draft in [
            said,
            pen.says("general", "ben", "k2", "hi"),
            pen.says("general", "eve", "k3", "hi"),
            pen.by_backend("general", "k4", What::Left(Left { user: user("ben") })),
        ] {
            assert_eq!(pen.append(draft).await, Outcome::Refused(Refusal::RoomDeleted));
        }
        // Among others, and by the short way.
        let both = [pen.says("general", "ana", "k5", "hi"), pen.says("other", "ana", "k5", "hi")];
        let outcomes = pen.0.append(&both).await.expect("outcomes");
        assert_eq!(outcomes[0], Outcome::Refused(Refusal::RoomDeleted));
        place(&outcomes[1]);
        let new = RoomProposal { id: room("general"), kind: RoomKind::Open, name: "Mine".into(), first: Vec::new() };
        let Created::Exists(there) = pen.0.create_room(&new).await.expect("an answer") else { panic!("it was made again") };
        assert_eq!((there.kind, &*there.name, there.head), (RoomKind::Deleted, "", Seq::ZERO));
        let may_read = async |name: &str| {
            let views = pen.0.look_up(&[(room("general"), user(name))]).await.expect("views");
            views[0].as_ref().expect("what is left").may_read()
        };
        assert_eq!(may_read("ben").await, Err(Refusal::RoomDeleted), "who was in it is told");
        assert_eq!(may_read("eve").await, Err(Refusal::UnknownRoom), "and nobody else");
        assert!(pen.0.page(&room("general"), PageOf::Newest, 10).await.expect("an answer").is_none());
        let (view, page) = pen.0.page_for(&user("ana"), &room("general"), PageOf::Newest, 10).await.expect("an answer").expect("a view");
        assert_eq!((view.may_read(), page.entries.len()), (Err(Refusal::RoomDeleted), 0));
        let listed = pen.0.rooms_of(&user("ana"), None, 10, false).await.expect("rooms");
        assert_eq!(listed.items.iter().map(|listed| listed.room.id.as_str()).collect::<Vec<_>>(), ["other"]);
        assert_eq!(pen.0.members(&room("general"), None, 10, false).await.expect("members").items.len(), 0);

        purged(&pen, PURGE_ROWS, LONG).await;
        assert_eq!(home.numbers(["count(*)"], "FROM entries WHERE text = 'a secret'").await, [[Some(0)]]);
        assert_eq!(may_read("ben").await, Err(Refusal::RoomDeleted), "for a while");
        purged(&pen, PURGE_ROWS, Duration::ZERO).await;
        drop(pen);
        let pen = Pen(home.open().await);
        home.change("UPDATE deleted_rooms SET due_at = 0").await;
        purged(&pen, PURGE_ROWS, Duration::ZERO).await;
        assert_eq!(home.numbers(["count(*)"], "FROM deleted_rooms").await, [[Some(0)]]);
        let views = pen.0.look_up(&[(room("general"), user("ben"))]).await.expect("views");
        assert_eq!(views[0].as_ref().expect("what is left").may_read(), Err(Refusal::UnknownRoom));
        let Created::Exists(_) = pen.0.create_room(&new).await.expect("an answer") else { panic!("it was made again") };
        assert_eq!(home.numbers(["count(*)"], "FROM entries").await, [[Some(2)]], "those of the other room");
        let standing = pen.0.look_up(&[(room("other"), user("ana"))]).await.expect("views")[0].clone().expect("a room").standing;
        assert_eq!(standing, Standing::Member(Role::Admin));
    }

    async fn what_is_left_is_cleared_away_some_at_a_time(home: &Home) {
        let pen = Pen(home.open().await);
        for id in ["one", "two"] {
            let names: Vec<String> = (0..30).map(|n| format!("u{n}")).collect();
            let members: Vec<_> = names.iter().map(|name| (name.as_str(), Role::Member)).collect();
            pen.room(id, RoomKind::Private, &members).await;
            let drafts: Vec<_> = (0..90).map(|n| pen.says(id, &format!("u{}", n % 30), &format!("k{n}"), "hi")).collect();
            pen.0.append(&drafts).await.expect("outcomes").iter().for_each(|outcome| assert!(matches!(outcome, Outcome::Appended(_))));
            home.change(&format!(
                "INSERT INTO reactions (room, target, reaction, user_id, seq) SELECT r.no, 31, e.kind, 'u' || e.seq, e.seq FROM entries e JOIN rooms r ON r.no = e.room WHERE r.id = '{id}'"
            ))
            .await;
        }
        pen.0.delete_room(&room("one")).await.expect("an answer").expect("a room");
        let counted = async || home.numbers(["count(*)"], "FROM entries").await[0][0].expect("a number")
            + home.numbers(["count(*)"], "FROM reactions").await[0][0].expect("a number");
        let mut before = counted().await;
        assert_eq!(before, 480);
        let mut portions = 0;
        while pen.0.purge(50, LONG).await.expect("a portion") {
            let now = counted().await;
            assert!(before - now <= 50, "{before} to {now}");
            before = now;
            portions += 1;
        }
        assert!(portions >= 5, "{portions}");
        assert_eq!(before, 240, "the other room has all of it");
        assert_eq!(home.numbers(["count(*)"], "FROM members").await, [[Some(60)]], "they are remembered");
        home.change("UPDATE deleted_rooms SET due_at = 0").await;
        purged(&pen, 7, Duration::ZERO).await;
        assert_eq!(home.numbers(["count(*)"], "FROM members").await, [[Some(30)]]);
        assert_eq!(home.numbers(["count(*)"], "FROM deleted_rooms").await, [[Some(0)]]);
    }

    async fn what_a_portal_left_for_a_deleted_room_goes_and_what_it_knew_of_it_stays(home: &Home) {
        let pen = Pen(home.open().await);
        pen.room("session", RoomKind::Private, &[("ana", Role::Member)]).await;
        let id = match home {
            Home::Sqlite(_) => "x'00112233445566778899aabbccddeeff'",
            _ => "'00112233-4455-6677-8899-aabbccddeeff'",
        };
        home.change(&format!(
            "INSERT INTO quarantine (portal, id, author, text, at, room) SELECT 1, {id}, 'desk', 'a secret', 1, no FROM rooms"
        ))
        .await;
        home.change("INSERT INTO portal_events (portal, event, room, seq) SELECT 1, 'e1', no, 1 FROM rooms").await;
        home.change("INSERT INTO session_externals (portal, external, room, since) SELECT 1, 'c1', no, 1 FROM rooms").await;
        pen.0.delete_room(&room("session")).await.expect("an answer").expect("a room");
        assert_eq!(home.numbers(["count(*)"], "FROM session_externals").await, [[Some(0)]], "free for another at once");
        purged(&pen, PURGE_ROWS, LONG).await;
        assert_eq!(home.numbers(["count(*)"], "FROM quarantine").await, [[Some(0)]]);
        assert_eq!(home.numbers(["count(*)"], "FROM portal_events").await, [[Some(1)]]);
    }

    async fn a_large_room_that_is_cleared_away_holds_no_other_up(home: &Home) {
        let pen = Pen(home.open().await);
        for id in ["large", "small"] {
            pen.room(id, RoomKind::Private, &[("ana", Role::Member)]).await;
            let drafts: Vec<_> = (0..100).map(|n| pen.says(id, "ana", &format!("k{n}"), "hi")).collect();
            pen.0.append(&drafts).await.expect("outcomes");
            pen.0.delete_room(&room(id)).await.expect("an answer").expect("a room");
        }
        let left = async || home.numbers(["count(*)"], "FROM entries GROUP BY room").await;
        // The clock counts milliseconds, and several portions may fall into one.
        while left().await.contains(&[Some(101)]) {
            assert!(pen.0.purge(1, LONG).await.expect("a portion"));
            assert_eq!(left().await.len(), 2, "one is empty before the other was begun");
        }
    }

    async fn whoever_writes_while_a_room_is_deleted_comes_before_or_is_told(home: &Home) {
        let pen = Pen(home.open().await);
        let names: Vec<String> = (0..200).map(|n| format!("u{n}")).collect();
        let members: Vec<_> = names.iter().map(|name| (name.as_str(), Role::Member)).collect();
        pen.room("hall", RoomKind::Private, &members).await;
        let writers: Vec<_> = names
            .iter()
            .map(|name| {
                let (pen, name) = (pen.clone(), name.clone());
                tokio::spawn(async move {
                    let mut taken = Vec::new();
                    loop {
                        let key = format!("{name}-{}", taken.len());
                        match pen.append(pen.says("hall", &name, &key, "hi")).await {
                            Outcome::Appended(place) => taken.push(place.seq.get()),
                            Outcome::Refused(Refusal::RoomDeleted) => return taken,
                            other => panic!("{name}: {other:?}"),
                        }
                    }
                })
            })
            .collect();
        let head = async || pen.0.heads(&[room("hall")]).await.expect("heads")[0].expect("a head").seq.get();
        while head().await < 400 {
            tokio::task::yield_now().await;
        }
        pen.0.delete_room(&room("hall")).await.expect("an answer").expect("a room");
        let mut taken = BTreeSet::new();
        for writer in writers {
            for seq in writer.await.expect("a writer") {
                assert!(taken.insert(seq), "{seq} twice");
            }
        }
        let last = taken.last().copied().unwrap_or_default();
        assert!(last >= 400);
        assert_eq!(taken.into_iter().collect::<Vec<_>>(), (201..=last).collect::<Vec<_>>(), "without holes");
        let left = home.numbers(["count(*)", "max(seq)"], "FROM entries").await;
        assert_eq!(left, [[Some(last as i64), Some(last as i64)]], "whatever was taken came before");
    }
}
