//! From where on somebody reads.

use super::{
    super::{Pen, for_every_store, room, says, seqs, user},
    N, pin, react, replies, settings,
};
use hubbub::store::{Listed, ReactorsOf, ShownOf};
use hubbub_core::{
    log::{
        entry::Outcome,
        kinds::{Joined, Left, What},
        room::PageOf,
    },
    model::{
        access::{Refusal, Role, RoomKind},
        ids::UserId,
        seq::Seq,
    },
};

for_every_store! {
    async fn members_read_from_where_they_joined_on_where_the_room_says_so(home: &Home) {
        let pen = Pen(home.open().await);
        for (name, kind) in [("general", RoomKind::Private), ("hall", RoomKind::Open)] {
            pen.room(name, kind, &[("ana", Role::Admin), ("ben", Role::Member)]).await;
            let by = |from: &str, key: &str, what| pen.draft(name, from, key, what);
            let joins = |who: &str, role| What::Joined(Joined { user: user(who), role });
            for (key, from, what) in [
                ("3", "ana", says("before")),
                ("4", "ben", react(3, "+1", true)),
                ("5", "ana", pin(3, true)),
                ("6", "ben", replies("in the thread", 3, false)),
                ("7", "ana", settings(r#"{"history_from":"joined"}"#)),
                ("8", "ana", joins("cem", Role::Member)),
                ("9", "ben", replies("later", 3, true)),
                // Another role is no other membership.
                ("10", "ana", joins("cem", Role::Moderator)),
                ("11", "ana", What::Left(Left { user: user("ben") })),
                ("12", "ana", joins("ben", Role::Member)),
            ] {
                let outcome = pen.append(by(from, key, what)).await;
                assert!(matches!(outcome, Outcome::Appended(place) if place.seq.to_string() == key), "{key}: {outcome:?}");
            }
            for (who, floor) in [("ana", 1), ("ben", 12), ("cem", 8), ("eve", 13)] {
                let who = user(who);
                let view = pen.0.look_up(&[(room(name), who.clone())]).await.expect("views")[0].clone().expect("a room");
                assert_eq!(view.room.floor, N(floor), "{who} in {name}");
                let (view, raw) =
                    pen.0.page_for(&who, &room(name), PageOf::After(Seq::ZERO), 100).await.expect("a page").expect("a room");
                assert_eq!((view.room.floor, raw.floor, raw.head), (N(floor), N(floor), N(12)));
                assert_eq!(seqs(&raw.entries), (floor..=12).collect::<Vec<_>>(), "{who} in {name}");
                let shown = async |of| {
                    let page = pen.shows(Some(who.as_str()), name, of, 100).await;
                    assert_eq!(page.floor, N(floor));
                    page.entries.iter().map(|shown| shown.entry.seq.get()).collect::<Vec<_>>()
                };
                let from = |all: &[u64]| all.iter().copied().filter(|seq| *seq >= floor).collect::<Vec<_>>();
                assert_eq!(shown(ShownOf::Room(PageOf::Newest)).await, from(&[1, 2, 3, 7, 8, 9, 10, 11, 12]));
                assert_eq!(shown(ShownOf::Room(PageOf::Around(N(3)))).await, from(&[1, 2, 3, 7, 8, 9, 10, 11, 12]));
                assert_eq!(shown(ShownOf::Thread(N(3), PageOf::Newest)).await, from(&[6, 9]));
                assert_eq!(shown(ShownOf::Pins(PageOf::Newest)).await, from(&[3]));
                assert_eq!(shown(ShownOf::One(N(3))).await, from(&[3]));
                let of = ReactorsOf::default();
                let read = pen.0.reactors(Some(&who), &room(name), N(3), &of, 10).await.expect("reactors");
                assert_eq!(read.expect("a room").0.room.floor, N(floor), "the asker sees that it is below");
            }
            // The product's backend and the server itself read everything.
            let all = pen.0.page(&room(name), PageOf::Newest, 100).await.expect("a page").expect("a room");
            assert_eq!((all.floor, all.entries.len()), (N(1), 12));
            assert_eq!(pen.shows(None, name, ShownOf::Room(PageOf::Newest), 100).await.entries.len(), 9);
            let backend = pen.0.look_up(&[(room(name), UserId::backend())]).await.expect("views")[0].clone();
            assert_eq!(backend.expect("a room").room.floor, N(1));
            assert!(matches!(
                pen.append(by("ana", "again", settings(r#"{"history_from":"all"}"#))).await,
                Outcome::Appended(_)
            ));
            assert_eq!(pen.shows(Some("ben"), name, ShownOf::One(N(3)), 1).await.entries.len(), 1);
            pen.append(by("ana", "and again", settings(r#"{"history_from":"joined"}"#))).await;
        }
        let last = async |who: &str| {
            let listed = pen.0.rooms_of(&user(who), None, 10, false).await.expect("rooms").items;
            let last = |listed: &Listed| {
                (listed.room.floor.get(), listed.last.as_ref().map(|shown| shown.entry.seq.get()))
            };
            listed.iter().map(last).collect::<Vec<_>>()
        };
        assert_eq!(last("ana").await, [(1, Some(9)), (1, Some(9))]);
        assert_eq!(last("ben").await, [(12, None), (12, None)]);
        assert_eq!(last("cem").await, [(8, Some(9)), (8, Some(9))]);
        let view = pen.0.look_up(&[(room("general"), user("eve"))]).await.expect("views")[0].clone().expect("a room");
        assert_eq!(view.may_read(), Err(Refusal::UnknownRoom));
    }
}
