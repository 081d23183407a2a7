//! Sends: numbered without holes, once.

use super::{ADMIN, MEMBER, Pen, answers, for_every_store, json, place, room, says, seqs, user};
use hubbub::store::{Created, RoomProposal};
use hubbub_core::{
    log::{
        entry::Outcome,
        kinds::{Banned, Joined, Left, Message, Renamed, Text, What},
        room::PageOf,
    },
    model::{
        access::{Refusal, Role, RoomKind},
        seq::Seq,
    },
};
use std::collections::BTreeSet;

for_every_store! {
    async fn senders_at_once_are_numbered_without_holes(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        let sender = |n: usize| {
            let pen = pen.clone();
            tokio::spawn(async move {
                let mut last = 0;
                for k in 0..20 {
                    let sent = place(&pen.append(pen.says("general", "ben", &format!("{n}-{k}"), "hi")).await);
                    assert!(sent.seq.get() > last, "one sender's order is kept");
                    last = sent.seq.get();
                }
            })
        };
        for task in (0..8).map(sender).collect::<Vec<_>>() {
            task.await.expect("a sender");
        }
        let page = pen.0.page(&room("general"), PageOf::After(Seq::ZERO), 1000).await.expect("a page").expect("a room");
        assert_eq!(seqs(&page.entries), (1..=162).collect::<Vec<_>>());
        assert_eq!(page.head, Seq::new(162));
        assert_eq!(page.entries.iter().map(|entry| entry.id).collect::<BTreeSet<_>>().len(), 162);
    }

    async fn one_key_sent_from_everywhere_at_once_is_one_entry_and_no_hole(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        let send = |n: usize| {
            let pen = pen.clone();
            tokio::spawn(async move {
                let extra = pen.says("general", "ana", &format!("extra-{n}"), "besides");
                let outcomes = pen.0.append(&[pen.says("general", "ben", "same", "hi"), extra]).await.expect("outcomes");
                (place(&outcomes[0]), matches!(outcomes[0], Outcome::Appended(_)))
            })
        };
        let mut places = Vec::new();
        for task in (0..8).map(send).collect::<Vec<_>>() {
            places.push(task.await.expect("a sender"));
        }
        assert_eq!(places.iter().filter(|(_, is_new)| *is_new).count(), 1);
        assert!(places.iter().all(|(place, _)| *place == places[0].0), "id, seq, epoch and time are the first one's");
        let page = pen.0.page(&room("general"), PageOf::After(Seq::ZERO), 1000).await.expect("a page").expect("a room");
        assert_eq!((page.head, seqs(&page.entries)), (Seq::new(11), (1..=11).collect()));
    }

    async fn a_key_twice_in_one_batch_is_known_or_a_conflict(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        let batch = [
            pen.says("general", "ben", "a", "hi"),
            pen.says("general", "ben", "a", "hi"),
            pen.says("general", "ben", "a", "ho"),
            pen.says("general", "ana", "a", "ho"),
        ];
        for round in 0..2 {
            let outcomes = pen.0.append(&batch).await.expect("outcomes");
            assert_eq!(matches!(outcomes[0], Outcome::Appended(_)), round == 0);
            assert!(matches!(outcomes[1], Outcome::Known(place) if place.seq == Seq::new(3) && place.id == batch[0].id));
            assert_eq!(outcomes[2], Outcome::Conflict { id: batch[0].id, seq: Seq::new(3) });
            assert_eq!(place(&outcomes[3]).seq, Seq::new(4), "another sender's key is another key");
        }
        // In the log is "hi"; a batch that begins with another body is told so, and the fitting one after it is not.
        let outcomes = pen.0.append(&[batch[2].clone(), batch[1].clone()]).await.expect("outcomes");
        assert!(matches!(outcomes[..], [Outcome::Conflict { .. }, Outcome::Known(_)]), "{outcomes:?}");
    }

    async fn a_reply_may_answer_what_the_same_batch_brings(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        let reply = |key: &str, to| pen.draft("general", "ben", key, answers("yes", Some(to)));
        let outcomes = pen
            .0
            .append(&[reply("0", 3), pen.says("general", "ana", "1", "?"), reply("2", 3), reply("3", 5), reply("4", 0)])
            .await
            .expect("outcomes");
        let missing = Outcome::Refused(Refusal::NoSuchMessage("reply_to"));
        assert_eq!([&outcomes[0], &outcomes[3], &outcomes[4]], [&missing; 3]);
        assert_eq!((place(&outcomes[1]).seq, place(&outcomes[2]).seq), (Seq::new(3), Seq::new(4)));
        assert_eq!(place(&pen.append(reply("5", 4)).await).seq, Seq::new(5));
        assert_eq!(pen.append(reply("6", 6)).await, missing);
    }

    async fn who_may_not_write_is_told_what_the_kind_of_room_allows(home: &Home) {
        let pen = Pen(home.open().await);
        let ana = [("ana", Role::Admin)];
        pen.room("open", RoomKind::Open, &ana).await;
        pen.room("private", RoomKind::Private, &ana).await;
        for (n, id) in ["open", "private"].iter().enumerate() {
            let ban = pen.draft(id, "ana", &format!("ban-{n}"), What::Banned(Banned { user: user("eve") }));
            place(&pen.append(ban).await);
        }
        let told = async |id: &str, who: &str| pen.append(pen.says(id, who, "k", "hi")).await;
        assert_eq!(told("open", "ben").await, Outcome::Refused(Refusal::NotMember));
        assert_eq!(told("open", "eve").await, Outcome::Refused(Refusal::Banned));
        assert_eq!(told("private", "ben").await, Outcome::Refused(Refusal::UnknownRoom));
        assert_eq!(told("private", "eve").await, Outcome::Refused(Refusal::UnknownRoom));
        assert_eq!(told("nowhere", "ben").await, Outcome::Refused(Refusal::UnknownRoom));
    }

    async fn a_removed_sender_is_still_told_where_an_earlier_message_is(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        let sent = pen.says("general", "ben", "k", "hi");
        let first = place(&pen.append(sent.clone()).await);
        place(&pen.append(pen.draft("general", "ana", "out", What::Left(Left { user: user("ben") }))).await);
        assert_eq!(pen.append(sent).await, Outcome::Known(first));
        assert_eq!(pen.append(pen.says("general", "ben", "l", "hi")).await, Outcome::Refused(Refusal::UnknownRoom));
    }

    async fn a_batch_of_everything_is_taken_in_its_order(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        let joined = |name: &str| What::Joined(Joined { user: user(name), role: Role::Member });
        let outcomes = pen
            .0
            .append(&[
                pen.says("general", "cem", "1", "too early"),
                pen.draft("general", "ana", "2", joined("cem")),
                pen.says("general", "cem", "3", "hello"),
                pen.draft("general", "ana", "4", What::Left(Left { user: user("cem") })),
                pen.says("general", "cem", "5", "too late"),
                pen.draft("general", "ana", "6", What::Renamed(Renamed { name: "Über 🙂".into() })),
                pen.draft("general", "ana", "7", joined("ben")),
            ])
            .await
            .expect("outcomes");
        let refused = Outcome::Refused(Refusal::UnknownRoom);
        assert_eq!((&outcomes[0], &outcomes[4]), (&refused, &refused));
        assert_eq!(outcomes[6], Outcome::Unchanged);
        let page = pen.0.page(&room("general"), PageOf::After(Seq::new(2)), 10).await.expect("a page").expect("a room");
        let words: Vec<_> = page.entries.iter().map(|entry| entry.what.word()).collect();
        assert_eq!(words, ["joined", "message", "left", "renamed"]);
        let view = pen.0.look_up(&[(room("general"), user("cem"))]).await.expect("views")[0].clone().expect("a room");
        assert_eq!((view.room.name.as_str(), view.room.head, view.standing.is_member()), ("Über 🙂", Seq::new(6), false));
    }

    async fn texts_come_back_as_they_were_sent(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        pen.append(pen.says("general", "ben", "first", "hi")).await;
        let odd = ["", " ", "'; DROP TABLE rooms; --", "\u{feff}\u{202e}e\u{301}\u{10ffff}", "👩‍👩‍👧", "\\ \" \n\r\t\u{1}", "{NULL}"];
        for (n, text) in odd.iter().enumerate() {
            for (m, data) in [None, Some(r#"{"a":"\u0000","n":1.50,"b":12345678901234567890}"#), Some("null")].into_iter().enumerate() {
                let what = What::Message(Message::new(Text::parse(text).expect("a text"), data.map(json), Some(Seq::new(3))));
                let key = format!("{n}{m} \u{10ffff}\\");
                let sent = place(&pen.append(pen.draft("general", "ben", &key, what.clone())).await);
                let page = pen.0.page(&room("general"), PageOf::Newest, 1).await.expect("a page").expect("a room");
                let entry = &page.entries[0];
                assert_eq!((&entry.what, entry.seq, entry.id, entry.at), (&what, sent.seq, sent.id, sent.at));
                assert_eq!((entry.key.as_str(), entry.from.as_str()), (key.as_str(), "ben"));
            }
        }
        assert!(Text::parse("a\0b").is_err(), "what no store could keep does not come here");
    }

    async fn the_largest_batch_of_the_largest_messages_is_taken(home: &Home) {
        use hubbub_core::limits::{BATCH, DATA_BYTES, TEXT_BYTES};
        let pen = Pen(home.open().await);
        pen.general().await;
        let what = What::Message(Message::new(Text::parse(&"x".repeat(TEXT_BYTES)).expect("a text"), Some(json(&format!("\"{}\"", "y".repeat(DATA_BYTES - 2)))), None));
        let batch: Vec<_> = (0..BATCH).map(|n| pen.draft("general", "ben", &n.to_string(), what.clone())).collect();
        let outcomes = pen.0.append(&batch).await.expect("outcomes");
        assert_eq!(place(&outcomes[BATCH - 1]).seq, Seq::new(2 + BATCH as u64));
    }

    async fn no_drafts_are_no_outcomes(home: &Home) {
        assert_eq!(home.open().await.append(&[]).await.expect("outcomes"), []);
    }

    async fn a_room_is_made_once_with_its_members(home: &Home) {
        let pen = Pen(home.open().await);
        let joined = |key: &str, name: &str, role| {
            pen.by_backend("direct.1", key, What::Joined(Joined { user: user(name), role }))
        };
        let new = RoomProposal {
            id: room("direct.1"),
            kind: RoomKind::Direct,
            name: "Ana and Ben".into(),
            first: vec![joined("1", "ana", Role::Admin), joined("2", "ben", Role::Member), joined("3", "ana", Role::Member)],
        };
        let Created::New(made, entries) = pen.0.create_room(&new).await.expect("a room") else { panic!("it is new") };
        assert_eq!((seqs(&entries), made.head, made.floor), (vec![1, 2], Seq::new(2), Seq::new(1)));
        let page = pen.0.page(&made.id, PageOf::Newest, 10).await.expect("a page").expect("a room");
        assert_eq!(page.entries, entries);
        let other = RoomProposal { kind: RoomKind::Open, name: "Other".into(), ..new };
        let Created::Exists(found) = pen.0.create_room(&other).await.expect("a room") else { panic!("it exists") };
        assert_eq!(found, made);
        let asks = [(room("direct.1"), user("ana")), (room("direct.1"), user("ben"))];
        let views = pen.0.look_up(&asks).await.expect("views");
        let standings: Vec<_> = views.into_iter().map(|view| view.expect("a room").standing).collect();
        assert_eq!(standings, [ADMIN, MEMBER]);
        let sent = pen.append(pen.draft("direct.1", "ana", "hi", says("hi"))).await;
        assert_eq!(place(&sent).seq, Seq::new(3));
    }

    async fn a_room_made_by_many_at_once_is_made_by_one(home: &Home) {
        let pen = Pen(home.open().await);
        let make = |n: usize| {
            let pen = pen.clone();
            tokio::spawn(async move {
                let joined = What::Joined(Joined { user: user("ana"), role: Role::Admin });
                let first = vec![pen.by_backend("r", &n.to_string(), joined)];
                let new = RoomProposal { id: room("r"), kind: RoomKind::Open, name: n.to_string(), first };
                pen.0.create_room(&new).await.expect("an answer")
            })
        };
        let (mut made, mut found) = (Vec::new(), Vec::new());
        for task in (0..8).map(make).collect::<Vec<_>>() {
            match task.await.expect("a maker") {
                Created::New(room, _) => made.push(room),
                Created::Exists(room) => found.push(room),
            }
        }
        assert_eq!(made.len(), 1);
        assert!(found.iter().all(|room| *room == made[0]), "{found:?}");
    }
}
