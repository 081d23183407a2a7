//! Pages and lists.

use super::{Pen, for_every_store, json, place, room, seqs, user};
use hubbub_core::{
    limits::{PAGE_BYTES, TEXT_BYTES, USER_INFO_BYTES},
    log::{
        kinds::{Banned, Left, Message, Renamed, Text, What},
        room::PageOf,
    },
    model::{
        access::{Refusal, Role, RoomKind, Standing},
        seq::Seq,
    },
};

for_every_store! {
    async fn pages_go_in_every_direction(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        let batch: Vec<_> = (3..=50).map(|n| pen.says("general", "ben", &n.to_string(), "hi")).collect();
        pen.0.append(&batch).await.expect("outcomes");
        let page = async |page, limit| {
            let page = pen.0.page(&room("general"), page, limit).await.expect("a page").expect("a room");
            assert_eq!((page.head, page.floor), (Seq::new(50), Seq::new(1)));
            seqs(&page.entries)
        };
        let n = Seq::new;
        let none: Vec<u64> = Vec::new();
        let all = |range: std::ops::RangeInclusive<u64>| range.collect::<Vec<u64>>();
        assert_eq!(page(PageOf::Newest, 10).await, all(41..=50));
        assert_eq!(page(PageOf::Newest, 1000).await, all(1..=50));
        assert_eq!(page(PageOf::Before(n(41)), 10).await, all(31..=40));
        assert_eq!(page(PageOf::Before(n(4)), 10).await, all(1..=3));
        assert_eq!(page(PageOf::Before(n(1)), 10).await, none);
        assert_eq!(page(PageOf::Before(Seq::ZERO), 10).await, none);
        assert_eq!(page(PageOf::Before(Seq::MAX), 10).await, all(41..=50));
        assert_eq!(page(PageOf::After(Seq::ZERO), 10).await, all(1..=10));
        assert_eq!(page(PageOf::After(n(45)), 10).await, all(46..=50));
        assert_eq!(page(PageOf::After(n(50)), 10).await, none);
        assert_eq!(page(PageOf::After(Seq::MAX), 10).await, none);
        assert_eq!(page(PageOf::Around(n(20)), 10).await, all(15..=24));
        assert_eq!(page(PageOf::Around(n(20)), 1).await, [20]);
        assert_eq!(page(PageOf::Around(n(2)), 10).await, all(1..=6));
        assert_eq!(page(PageOf::Around(n(49)), 10).await, all(44..=50));
        assert_eq!(page(PageOf::Newest, 0).await, none);
        assert!(pen.0.page(&room("nowhere"), PageOf::Newest, 10).await.expect("an answer").is_none());
        assert!(pen.0.page_for(&user("ana"), &room("nowhere"), PageOf::Newest, 1).await.expect("an answer").is_none());
    }

    async fn a_key_is_found_in_its_room_and_by_its_author_alone(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        pen.room("other", RoomKind::Open, &[("ben", Role::Member)]).await;
        pen.0.append(&[pen.says("general", "ben", "k", "hi")]).await.expect("outcomes");
        let key = |key: &str| hubbub_core::model::ids::Key::parse(key).expect("a key");
        for (in_room, author, of, is) in [
            ("general", "ben", "k", true),
            ("general", "ana", "k", false),
            ("general", "ben", "K", false),
            ("other", "ben", "k", false),
            ("nowhere", "ben", "k", false),
        ] {
            let found = pen.0.has_key(&room(in_room), &user(author), &key(of)).await.expect("an answer");
            assert_eq!(found, is, "{in_room} {author} {of}");
        }
    }

    async fn an_empty_room_has_an_empty_page(home: &Home) {
        let pen = Pen(home.open().await);
        let made = pen.room("empty", RoomKind::Open, &[]).await;
        assert_eq!(made.head, Seq::ZERO);
        for which in [PageOf::Newest, PageOf::After(Seq::ZERO), PageOf::Around(Seq::new(1))] {
            let page = pen.0.page(&made.id, which, 10).await.expect("a page").expect("a room");
            assert_eq!((page.head, page.epoch, page.entries.len()), (Seq::ZERO, made.epoch, 0));
        }
    }

    async fn a_heavy_page_ends_early_at_its_far_end(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        let what = || What::Message(Message::new(Text::parse(&"x".repeat(TEXT_BYTES)).expect("a text"), None, None));
        let batch: Vec<_> = (3..=60).map(|n| pen.draft("general", "ben", &n.to_string(), what())).collect();
        pen.0.append(&batch).await.expect("outcomes");
        let most = PAGE_BYTES / TEXT_BYTES;
        let page = async |page| {
            let page = pen.0.page(&room("general"), page, 1000).await.expect("a page").expect("a room");
            let seqs = seqs(&page.entries);
            assert!(seqs.len() < most && seqs.len() + 3 > most, "{seqs:?}");
            assert!(seqs.windows(2).all(|two| two[1] == two[0] + 1), "{seqs:?}");
            seqs
        };
        assert_eq!(page(PageOf::Newest).await.last(), Some(&60));
        assert_eq!(page(PageOf::Before(Seq::new(50))).await.last(), Some(&49));
        assert_eq!(page(PageOf::After(Seq::new(10))).await.first(), Some(&11));
        assert!(page(PageOf::Around(Seq::new(30))).await.contains(&30));
    }

    async fn a_page_that_shows_somebody_as_a_member_ends_before_the_removal(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        let reader = {
            let pen = pen.clone();
            tokio::spawn(async move {
                loop {
                    let read = pen.0.page_for(&user("ben"), &room("general"), PageOf::Newest, 20).await.expect("a page");
                    let (view, page) = read.expect("a room");
                    assert_eq!(view.room.head, page.head);
                    assert!(page.entries.iter().all(|entry| entry.seq <= page.head));
                    let removed = page.entries.iter().any(|entry| entry.what.effects().removed() == Some(&user("ben")));
                    assert_eq!(view.may_read().is_err(), removed, "the page and the standing are of one moment");
                    if removed {
                        return;
                    }
                }
            })
        };
        for n in 0..50 {
            place(&pen.append(pen.says("general", "ana", &n.to_string(), "hi")).await);
        }
        place(&pen.append(pen.draft("general", "ana", "out", What::Left(Left { user: user("ben") }))).await);
        reader.await.expect("the reader");
    }

    async fn a_view_tells_the_room_and_the_standing(home: &Home) {
        let pen = Pen(home.open().await);
        let general = pen.general().await;
        let asks = ["ben", "eve"].map(|name| (room("general"), user(name)));
        let asks = [asks[0].clone(), (room("nowhere"), user("ben")), asks[1].clone()];
        let views = pen.0.look_up(&asks).await.expect("views");
        let (ben, eve) = (views[0].clone().expect("a room"), views[2].clone().expect("a room"));
        assert_eq!((&ben.room, ben.may_read()), (&general, Ok(())));
        assert!(views[1].is_none());
        assert_eq!((eve.standing, eve.may_read()), (Standing::Stranger, Err(Refusal::UnknownRoom)));
        assert!(pen.0.look_up(&[]).await.expect("views").is_empty());
    }

    async fn heads_come_in_the_order_asked(home: &Home) {
        let pen = Pen(home.open().await);
        let general = pen.general().await;
        pen.room("empty", RoomKind::Open, &[]).await;
        let asked = ["nowhere", "general", "empty", "general"].map(room);
        let heads = pen.0.heads(&asked).await.expect("heads");
        let numbers: Vec<_> = heads.iter().map(|head| head.map(|head| head.seq.get())).collect();
        assert_eq!(numbers, [None, Some(2), Some(0), Some(2)]);
        assert_eq!(heads[1].expect("a head").epoch, general.epoch);
    }

    async fn somebodys_rooms_come_by_id_with_their_newest_message(home: &Home) {
        let pen = Pen(home.open().await);
        // Byte order: "-" < "." < digits < capitals < "_" < small letters, in any locale.
        let ids = ["-a", ".a", "1", "A", "B", "_", "a", "b"];
        for id in ids.iter().rev() {
            pen.room(id, RoomKind::Private, &[("ana", Role::Admin), ("ben", Role::Member)]).await;
        }
        place(&pen.append(pen.says("A", "ben", "1", "old")).await);
        place(&pen.append(pen.says("A", "ben", "2", "new")).await);
        place(&pen.append(pen.draft("A", "ana", "3", What::Renamed(Renamed { name: "Alpha".into() }))).await);
        place(&pen.append(pen.draft("B", "ana", "1", What::Banned(Banned { user: user("ben") }))).await);
        place(&pen.append(pen.draft("b", "ana", "1", What::Left(Left { user: user("ben") }))).await);

        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = pen.0.rooms_of(&user("ben"), after.as_ref(), 3, false).await.expect("rooms");
            after = page.items.last().map(|last| last.room.id.clone());
            found.extend(page.items);
            if !page.more {
                break;
            }
        }
        let listed: Vec<_> = found.iter().map(|listed| listed.room.id.as_str()).collect();
        assert_eq!(listed, ["-a", ".a", "1", "A", "_", "a"]);
        let alpha = &found[3];
        assert_eq!((alpha.room.name.as_str(), alpha.room.head, alpha.standing), ("Alpha", Seq::new(5), super::MEMBER));
        let last = alpha.last.as_ref().expect("a message");
        assert_eq!((last.entry.seq, &last.entry.what), (Seq::new(4), &super::says("new")));
        assert!(found[0].last.is_none(), "a join is no message");
    }

    async fn members_come_by_id_with_what_is_known_of_them(home: &Home) {
        let pen = Pen(home.open().await);
        let people = ["Zoe", "ana", "ben", "Ängström", "é", "🙂"];
        let members: Vec<_> = people.iter().map(|name| (*name, Role::Member)).collect();
        pen.room("general", RoomKind::Private, &members).await;
        pen.0.put_users(&[(user("ben"), json(r#"{"name":"Ben"}"#))]).await.expect("kept");
        place(&pen.append(pen.by_backend("general", "ban", What::Banned(Banned { user: user("ana") }))).await);
        let mut sorted: Vec<_> = people.iter().map(|name| user(name)).filter(|id| *id != user("ana")).collect();
        sorted.sort();
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = pen.0.members(&room("general"), after.as_ref(), 2, false).await.expect("members");
            after = page.items.last().map(|last| last.user.clone());
            found.extend(page.items);
            if !page.more {
                break;
            }
        }
        assert_eq!(found.iter().map(|member| member.user.clone()).collect::<Vec<_>>(), sorted);
        let ben = found.iter().find(|member| member.user == user("ben")).expect("ben");
        assert_eq!((ben.membership.standing, ben.membership.since), (super::MEMBER, Seq::new(3)));
        assert_eq!(ben.info, Some(json(r#"{"name":"Ben"}"#)));
        assert!(pen.0.members(&room("nowhere"), None, 10, false).await.expect("members").items.is_empty());
        // Bans are a list of their own.
        let banned = pen.0.members(&room("general"), None, 10, true).await.expect("bans");
        let found: Vec<_> = banned.items.iter().map(|one| (one.user.clone(), one.membership.standing)).collect();
        assert_eq!((found, banned.more), (vec![(user("ana"), Standing::Banned)], false));
        assert!(pen.0.members(&room("general"), Some(&user("ana")), 10, true).await.expect("bans").items.is_empty());
    }

    async fn a_list_says_whether_there_is_more_and_a_heavy_one_ends_early(home: &Home) {
        let pen = Pen(home.open().await);
        let names: Vec<String> = (100..200).map(|n| format!("user-{n}")).collect();
        let members: Vec<_> = names.iter().map(|name| (name.as_str(), Role::Member)).collect();
        let heavy = || What::Message(Message::new(Text::parse(&"é".repeat(TEXT_BYTES / 2)).expect("a text"), None, None));
        let ids: Vec<String> = (100..140).map(|n| format!("room-{n}")).collect();
        for id in &ids {
            pen.room(id, RoomKind::Private, if id == "room-100" { &members } else { &members[..1] }).await;
            place(&pen.append(pen.draft(id, "user-100", "1", heavy())).await);
        }
        pen.room("room-light", RoomKind::Private, &members[..1]).await;

        let rooms = async |after: &str, limit| {
            let part = pen.0.rooms_of(&user("user-100"), Some(&room(after)), limit, false).await.expect("rooms");
            (part.items.into_iter().map(|listed| listed.room.id.to_string()).collect::<Vec<_>>(), part.more)
        };
        let whole = PAGE_BYTES / (TEXT_BYTES + 192);
        assert_eq!(rooms("a", 1000).await, (ids[..whole].to_vec(), true));
        assert_eq!(rooms("room-135", 3).await, (ids[36..39].to_vec(), true));
        assert!(!rooms("room-135", 5).await.1, "as many as asked, and no more there");
        assert_eq!(rooms("room-135", 1000).await, (vec!["room-136".into(), "room-137".into(), "room-138".into(), "room-139".into(), "room-light".into()], false));
        assert_eq!(rooms("room-light", 1).await, (vec![], false));

        let info = json(&format!(r#""{}""#, "x".repeat(USER_INFO_BYTES - 2)));
        let infos: Vec<_> = names[1..].iter().map(|name| (user(name), info.clone())).collect();
        pen.0.put_users(&infos).await.expect("kept");
        let people = async |after: &str, limit| {
            let part = pen.0.members(&room("room-100"), Some(&user(after)), limit, false).await.expect("members");
            (part.items.into_iter().map(|member| member.user.to_string()).collect::<Vec<_>>(), part.more)
        };
        assert_eq!(people("a", 1000).await, (names[..=PAGE_BYTES / USER_INFO_BYTES].to_vec(), true));
        assert_eq!(people("user-195", 3).await, (names[96..99].to_vec(), true));
        assert_eq!(people("user-195", 4).await, (names[96..].to_vec(), false));
    }

    async fn a_row_that_cannot_be_read_spoils_no_other_answer(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        pen.room("spoilt", RoomKind::Open, &[]).await;
        pen.room("worse", RoomKind::Open, &[]).await;
        home.change("UPDATE rooms SET kind = 'odd' WHERE id = 'spoilt'").await;
        home.change("UPDATE rooms SET generation = -1 WHERE id = 'worse'").await;
        let asks = ["spoilt", "general", "worse", "general"].map(|id| (room(id), user("ben")));
        let views = pen.0.look_up(&asks).await.expect("views");
        assert_eq!(views.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, false, true]);
        let heads = pen.0.heads(&["worse", "general"].map(room)).await.expect("heads");
        assert_eq!(heads.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
    }

    async fn what_the_product_says_of_users_is_kept(home: &Home) {
        let pen = Pen(home.open().await);
        assert!(pen.0.user(&user("ana")).await.expect("an answer").is_none());
        let info = |n: u32| json(&format!(r#"{{"n":{n},"z":"\u0000"}}"#));
        pen.0.put_users(&[(user("ana"), info(1)), (user("ben"), info(2)), (user("ana"), info(3))]).await.expect("kept");
        let (ana, at) = pen.0.user(&user("ana")).await.expect("an answer").expect("ana");
        assert_eq!(ana, info(3), "the last one counts");
        pen.0.put_users(&[(user("ana"), info(3))]).await.expect("kept");
        let (_, again) = pen.0.user(&user("ana")).await.expect("an answer").expect("ana");
        assert_eq!(at, again, "nothing changed");
        pen.0.put_users(&[]).await.expect("nothing");
    }
}
