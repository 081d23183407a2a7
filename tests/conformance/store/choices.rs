//! What people decide for themselves, and reports.

use super::{Home, Pen, for_every_store, place, room, user};
use hubbub::{
    features::people::store::{Blocked, NewReport, PeopleStore, ReportFilter, ReportState, Reported},
    store::RoomProposal,
};
use hubbub_core::{
    log::{
        entry::{Draft, Outcome, Right},
        kinds::{Content, Edited, Left, Reacted, ReactionWord, Text, What},
    },
    model::{
        access::{Refusal, Role, RoomKind},
        seq::Seq,
    },
    people::{
        marks::Mark,
        preferences::{Notify, Preferences, PreferencesChange},
    },
};
use std::{sync::Arc, time::Duration};

async fn both(home: &Home) -> (Pen, Arc<dyn PeopleStore>) {
    let stores = home.open_all().await;
    (Pen(stores.logs), stores.people)
}

for_every_store! {
    async fn preferences_are_of_members_and_go_with_the_room(home: &Home) {
        let (pen, people) = both(home).await;
        pen.general().await;
        pen.room("other", RoomKind::Open, &[("ben", Role::Member)]).await;
        let set = async |who: &str, id: &str, change: PreferencesChange| {
            people.set_preferences(&user(who), &room(id), change).await.expect("an answer")
        };
        let pinned = PreferencesChange { pinned: Some(true), ..PreferencesChange::default() };
        let mentions = PreferencesChange { notify: Some(Notify::Mentions), ..PreferencesChange::default() };
        assert_eq!(set("eve", "general", pinned).await, None);
        assert_eq!(set("ben", "nowhere", pinned).await, None);
        let first = Preferences { pinned: true, ..Preferences::default() };
        assert_eq!(set("ben", "general", pinned).await, Some(first));
        let both = Preferences { notify: Notify::Mentions, ..first };
        assert_eq!(set("ben", "general", mentions).await, Some(both), "the rest stays");
        let nothing = PreferencesChange {
            notify: Some(Notify::Nothing),
            hidden: Some(true),
            pinned: Some(false),
            unread_from: None,
        };
        let last = Preferences { notify: Notify::Nothing, hidden: true, ..Preferences::default() };
        assert_eq!(set("ben", "other", nothing).await, Some(last));
        let listed = async |who: &str, after: Option<&str>, limit: usize| {
            let after = after.map(room);
            let part = people.preferences(&user(who), after.as_ref(), limit).await.expect("a list");
            (part.items.into_iter().map(|(room, one)| (room.to_string(), one)).collect::<Vec<_>>(), part.more)
        };
        assert_eq!(listed("ben", None, 1).await, (vec![("general".to_owned(), both)], true));
        assert_eq!(listed("ben", Some("general"), 1).await, (vec![("other".to_owned(), last)], false));
        assert_eq!(listed("ana", None, 10).await, (vec![], false));
        let shown = pen.0.rooms_of(&user("ben"), None, 10, false).await.expect("rooms").items;
        let shown: Vec<_> = shown.iter().map(|listed| (listed.room.id.as_str(), listed.preferences)).collect();
        assert_eq!(shown, [("general", both), ("other", last)]);
        let of_ana = pen.0.rooms_of(&user("ana"), None, 10, false).await.expect("rooms").items;
        assert!(of_ana.iter().all(|listed| listed.preferences.is_usual()));
        let usual = PreferencesChange { notify: Some(Notify::All), hidden: Some(false), ..PreferencesChange::default() };
        set("ben", "other", usual).await;
        assert_eq!(listed("ben", None, 10).await.0.len(), 1, "what is as usual is in no list");
        place(&pen.append(pen.draft("general", "ben", "k", What::Left(Left { user: user("ben") }))).await);
        assert_eq!((listed("ben", None, 10).await.0.len(), set("ben", "general", pinned).await), (0, None));
        pen.0.delete_room(&room("general")).await.expect("an answer");
        while pen.0.purge(500, Duration::from_secs(600)).await.expect("a portion") {}
        assert_eq!(home.numbers(["count(*)"], "FROM preferences").await, [[Some(1)]]);
    }

    async fn nobody_writes_to_whom_has_blocked_them_or_is_blocked_in_their_direct_room(home: &Home) {
        let (pen, people) = both(home).await;
        for (id, kind, names) in [
            ("two", RoomKind::Direct, &["ana", "ben"][..]),
            ("three", RoomKind::Direct, &["ana", "ben", "cem"]),
            ("alone", RoomKind::Direct, &["ana"]),
            ("with-cem", RoomKind::Direct, &["ana", "cem"]),
            ("hall", RoomKind::Private, &["ana", "ben"]),
        ] {
            let members: Vec<_> = names.iter().map(|name| (*name, Role::Member)).collect();
            pen.room(id, kind, &members).await;
        }
        let mut n = 0;
        let mut does = async |id: &str, who: &str, what: What| {
            n += 1;
            pen.append(pen.draft(id, who, &format!("k{n}"), what)).await
        };
        let first = place(&does("two", "ana", super::says("before")).await).seq;
        let retried = pen.says("two", "ben", "once", "before, too");
        place(&pen.append(retried.clone()).await);
        for (who, whom) in [("ana", "ben"), ("ben", "ana")] {
            for _ in 0..2 {
                assert_eq!(people.block(&user(who), &user(whom), 10).await.expect("an answer"), Blocked::Done);
            }
            for from in ["ana", "ben"] {
                assert_eq!(does("two", from, super::says("hi")).await, Outcome::Refused(Refusal::Blocked), "{from}");
            }
            // By the long way.
            let edit = Edited { target: first, content: Content::text(Text::parse("after").expect("a text")) };
            assert_eq!(does("two", "ana", What::Edited(edit)).await, Outcome::Refused(Refusal::Blocked));
            let react = Reacted { target: first, reaction: ReactionWord::parse("+1").expect("a word"), added: true };
            assert_eq!(does("two", "ben", What::Reacted(react)).await, Outcome::Refused(Refusal::Blocked));
            assert_eq!(does("two", "eve", super::says("hi")).await, Outcome::Refused(Refusal::UnknownRoom));
            let by_backend = Draft { right: Right::Backend, ..pen.says("two", "ben", &format!("b{who}"), "hi") };
            assert_eq!(pen.append(by_backend).await, Outcome::Refused(Refusal::Blocked));
            assert!(matches!(pen.append(retried.clone()).await, Outcome::Known(_)), "a retry is answered first");
            // Nowhere else.
            for (id, from) in [("three", "ana"), ("three", "ben"), ("hall", "ana"), ("hall", "ben"), ("with-cem", "ana"), ("alone", "ana")] {
                place(&does(id, from, super::says("hi")).await);
            }
            people.unblock(&user(who), &user(whom)).await.expect("an answer");
            place(&does("two", "ben", super::says("again")).await);
        }
        for name in ["c", "a", "b"] {
            assert_eq!(people.block(&user("ana"), &user(name), 3).await.expect("an answer"), Blocked::Done);
        }
        assert_eq!(people.block(&user("ana"), &user("d"), 3).await.expect("an answer"), Blocked::TooMany);
        assert_eq!(people.block(&user("ana"), &user("b"), 3).await.expect("an answer"), Blocked::Done, "it is so already");
        let part = people.blocks(&user("ana"), Some(&user("a")), 1).await.expect("a list");
        assert_eq!((part.items[0].0.as_str(), part.items.len(), part.more), ("b", 1, true));
        assert_eq!(people.blocks(&user("b"), None, 10).await.expect("a list").items.len(), 0, "nobody is told");
    }

    async fn a_message_is_reported_once_by_each_and_settled(home: &Home) {
        let (pen, people) = both(home).await;
        pen.general().await;
        pen.room("other", RoomKind::Open, &[("ben", Role::Member)]).await;
        let report = async |id: &str, target: u64, who: &str, reason: &str| {
            let new = NewReport { room: room(id), target: Seq::new(target), reporter: user(who), reason: reason.to_owned() };
            people.report(&new, 3).await.expect("an answer")
        };
        let Reported::New(first) = report("general", 1, "ana", "spam").await else { panic!("not reported") };
        let open = (first.target, &*first.reason, first.state, &first.settled);
        assert_eq!(open, (Seq::new(1), "spam", ReportState::Open, &None));
        assert_eq!(report("general", 1, "ana", "again").await, Reported::Is(first.clone()));
        for (id, target, who) in [("general", 1, "ben"), ("general", 2, "ana"), ("other", 1, "ana")] {
            assert!(matches!(report(id, target, who, "x").await, Reported::New(_)));
        }
        assert_eq!(report("other", 2, "ana", "x").await, Reported::TooMany);
        assert_eq!(report("nowhere", 2, "ben", "x").await, Reported::NoRoom);
        use ReportState::{Dismissed, Open, Settled};
        let listed = async |room_id: Option<&str>, state: Option<ReportState>, after: u64, limit: usize| {
            let filter = ReportFilter { room: room_id.map(room), state };
            let part = people.reports(&filter, after, limit).await.expect("a list");
            (part.items.iter().map(|report| (report.room.to_string(), report.target.get(), report.reporter.to_string())).collect::<Vec<_>>(), part.more)
        };
        assert_eq!(listed(None, None, 0, 3).await.0.len(), 3);
        assert!(listed(None, Some(Open), 0, 3).await.1);
        assert_eq!(listed(Some("general"), None, first.number, 10).await.0.len(), 2);
        let settle = async |in_room: Option<&str>, state: ReportState, by: &str| {
            let settled = people.settle_report(first.number, in_room.map(room).as_ref(), state, &user(by)).await;
            settled.expect("an answer").map(|report| (report.state, report.settled))
        };
        assert_eq!(settle(Some("other"), Settled, "mo").await, None);
        let (state, by) = settle(Some("general"), Settled, "mo").await.expect("a report");
        assert_eq!((state, by.as_ref().map(|(_, by)| by.as_str())), (Settled, Some("mo")));
        assert_eq!(settle(None, Settled, "ana").await, Some((Settled, by)), "as it was settled first");
        assert_eq!(listed(Some("general"), Some(Settled), 0, 10).await.0, [("general".to_owned(), 1, "ana".to_owned())]);
        assert_eq!(listed(None, Some(Open), 0, 10).await.0.len(), 3);
        assert!(matches!(report("other", 2, "ana", "x").await, Reported::New(_)), "one is settled");
        let (state, by) = settle(None, Dismissed, "ana").await.expect("a report");
        assert_eq!((state, by.map(|(_, by)| by.to_string())), (Dismissed, Some("ana".to_owned())));
        assert_eq!(listed(None, Some(Dismissed), 0, 10).await.0.len(), 1);
        assert_eq!(settle(Some("general"), Open, "mo").await, Some((Open, None)));
        let moderators = people.moderators(&room("general"), 10).await.expect("an answer");
        assert_eq!(moderators, [user("ana")]);
        pen.0.delete_room(&room("general")).await.expect("an answer");
        assert_eq!(listed(None, None, 0, 10).await.0.len(), 2, "those of a deleted room are gone");
        assert_eq!(settle(None, Settled, "mo").await, None);
        while pen.0.purge(500, Duration::from_secs(600)).await.expect("a portion") {}
        assert_eq!(home.numbers(["count(*)"], "FROM reports").await, [[Some(2)]]);
        let new = RoomProposal { id: room("general"), kind: RoomKind::Open, name: String::new(), first: Vec::new() };
        pen.0.create_room(&new).await.expect("an answer");
    }

    async fn who_has_blocked_the_authors_of_entries_is_found_among_members(home: &Home) {
        let (pen, people) = both(home).await;
        let members = [("ana", Role::Admin), ("ben", Role::Member), ("cem", Role::Member)];
        pen.room("hall", RoomKind::Private, &members).await;
        for (n, who) in ["ana", "cem", "cem"].into_iter().enumerate() {
            place(&pen.append(pen.says("hall", who, &format!("k{n}"), "hi")).await);
        }
        let held = async |id: &str| {
            let entries = [4, 5, 6, 99].map(Seq::new);
            let mut found = pen.0.blockers(&room(id), &entries).await.expect("an answer");
            found.sort();
            found.into_iter().map(|(seq, user)| format!("{seq} {user}")).collect::<Vec<_>>()
        };
        assert_eq!(held("hall").await, [""; 0]);
        for (who, whom) in [("ben", "cem"), ("eve", "cem"), ("cem", "ben"), ("cem", "ana")] {
            people.block(&user(who), &user(whom), 10).await.expect("an answer");
        }
        assert_eq!(held("hall").await, ["4 cem", "5 ben", "6 ben"]);
        assert_eq!(held("nowhere").await, [""; 0]);
        people.unblock(&user("ben"), &user("cem")).await.expect("an answer");
        assert_eq!(held("hall").await, ["4 cem"]);
    }

    async fn a_room_is_marked_as_unread_until_that_is_read(home: &Home) {
        let (pen, people) = both(home).await;
        pen.general().await;
        for n in 3..=9 {
            place(&pen.append(pen.says("general", "ana", &format!("k{n}"), "hi")).await);
        }
        let marked = async || {
            let part = people.preferences(&user("ben"), None, 10).await.expect("a list");
            part.items.first().and_then(|(_, preferences)| preferences.unread_from).map(Seq::get)
        };
        let reads = async |seq: u64| {
            let mark = Mark { room: room("general"), user: user("ben"), seq: Seq::new(seq) };
            pen.0.put_marks(&[mark]).await.expect("marks");
        };
        let says = async |from: Option<u64>| {
            let change = PreferencesChange { unread_from: Some(from.map(Seq::new)), ..PreferencesChange::default() };
            people.set_preferences(&user("ben"), &room("general"), change).await.expect("an answer");
        };
        reads(9).await;
        says(Some(5)).await;
        assert_eq!(marked().await, Some(5));
        says(Some(8)).await;
        reads(7).await;
        assert_eq!(marked().await, Some(8), "that is not read yet");
        reads(10).await;
        assert_eq!(marked().await, Some(8), "nor is what is not there");
        reads(9).await;
        assert_eq!(marked().await, None, "also where the mark does not move");
        says(Some(4)).await;
        says(None).await;
        assert_eq!(marked().await, None);
    }
}
