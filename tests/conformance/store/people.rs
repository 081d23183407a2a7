//! People in rooms, as what is no entry looks at them.

use super::{ADMIN, MEMBER, Pen, for_every_store, place, room, user};
use hubbub_core::{
    log::kinds::{Banned, Left, Muted, What},
    model::{
        access::{Role, RoomKind, Standing},
        seq::Seq,
        time::Timestamp,
    },
};

for_every_store! {
    async fn a_person_is_looked_at_with_their_room(home: &Home) {
        let pen = Pen(home.open().await);
        let made = pen.general().await;
        let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().expect("a time").as_millis()).expect("a time");
        let until = Timestamp((now + 3_600_000) / 1_000 * 1_000);
        let muted = What::Muted(Muted { user: user("ben"), until: Some(until) });
        place(&pen.append(pen.by_backend("general", "mute", muted)).await);
        let (state, ben) = pen.0.person(&room("general"), &user("ben")).await.expect("an answer").expect("a room");
        assert_eq!((state.kind, state.head, state.epoch, state.session), (RoomKind::Private, Seq::new(3), made.epoch, None));
        assert_eq!((ben.standing, ben.joined, ben.muted_until), (MEMBER, Seq::new(2), Some(until)));
        let ana = pen.0.person(&room("general"), &user("ana")).await.expect("an answer").expect("a room").1;
        assert_eq!((ana.standing, ana.muted_until), (ADMIN, None));
        let nobody = pen.0.person(&room("general"), &user("eve")).await.expect("an answer").expect("a room").1;
        assert_eq!(nobody.standing, Standing::Stranger);
        assert!(pen.0.person(&room("nowhere"), &user("ben")).await.expect("an answer").is_none());
    }

    async fn memberships_and_members_come_by_id_with_heads(home: &Home) {
        let pen = Pen(home.open().await);
        for id in ["b", "A", "c", "_"] {
            pen.room(id, RoomKind::Private, &[("ana", Role::Admin), ("ben", Role::Reader), ("Zoe", Role::Member)]).await;
        }
        place(&pen.append(pen.by_backend("c", "ban", What::Banned(Banned { user: user("ben") }))).await);
        place(&pen.append(pen.by_backend("b", "out", What::Left(Left { user: user("ben") }))).await);
        pen.room("empty", RoomKind::Open, &[]).await;
        let rooms = async |who: &str, after: Option<&str>, limit| {
            let after = after.map(room);
            let found = pen.0.memberships(&user(who), after.as_ref(), limit).await.expect("rooms");
            found.into_iter().map(|(room, head)| (room.to_string(), head.seq.get())).collect::<Vec<_>>()
        };
        let all = |of: &[(&str, u64)]| of.iter().map(|(id, head)| ((*id).to_owned(), *head)).collect::<Vec<_>>();
        assert_eq!(rooms("ana", None, 10).await, all(&[("A", 3), ("_", 3), ("b", 4), ("c", 4)]));
        assert_eq!(rooms("ana", Some("A"), 2).await, all(&[("_", 3), ("b", 4)]));
        assert_eq!(rooms("ben", None, 10).await, all(&[("A", 3), ("_", 3)]), "neither bans nor what was left");
        assert_eq!(rooms("nobody", None, 10).await, all(&[]));
        let members = async |id: &str, after: Option<&str>, limit| {
            let after = after.map(user);
            let (head, ids) = pen.0.member_ids(&room(id), after.as_ref(), limit).await.expect("an answer").expect("a room");
            (head.seq.get(), ids.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(members("A", None, 10).await, (3, vec!["Zoe".into(), "ana".into(), "ben".into()]));
        assert_eq!(members("A", Some("Zoe"), 1).await, (3, vec!["ana".into()]));
        assert_eq!(members("c", None, 10).await, (4, vec!["Zoe".into(), "ana".into()]));
        assert_eq!(members("A", Some("z"), 10).await, (3, vec![]));
        assert_eq!(members("empty", None, 10).await, (0, vec![]));
        assert!(pen.0.member_ids(&room("nowhere"), None, 10).await.expect("an answer").is_none());
    }

    async fn who_shares_a_room_with_somebody(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        pen.room("hall", RoomKind::Open, &[("ben", Role::Member), ("dora", Role::Reader), ("eve", Role::Member)]).await;
        place(&pen.append(pen.by_backend("hall", "ban", What::Banned(Banned { user: user("eve") }))).await);
        let company = async |who: &str| {
            let all = ["ana", "ben", "dora", "eve", "nobody"].map(user);
            let mut found = pen.0.who_shares_a_room(&user(who), &all).await.expect("an answer");
            found.sort();
            found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(company("ana").await, "ana ben");
        assert_eq!(company("ben").await, "ana ben dora");
        assert_eq!(company("dora").await, "ben dora");
        assert_eq!(company("eve").await, "", "whoever is banned is no member");
        assert_eq!(company("nobody").await, "");
        assert!(pen.0.who_shares_a_room(&user("ana"), &[]).await.expect("an answer").is_empty());
    }

    async fn when_people_were_last_seen_is_kept_and_shown_to_who_may_see_it(home: &Home) {
        let pen = Pen(home.open().await);
        let (ana, ben) = (user("ana"), user("ben"));
        let seen = async || {
            let mut found = pen.0.last_seen(&[ana.clone(), ben.clone(), user("eve")]).await.expect("an answer");
            found.sort();
            found.into_iter().map(|(user, at)| (user.to_string(), at.0)).collect::<Vec<_>>()
        };
        assert_eq!(seen().await, []);
        pen.0.show_last_seen(&ben, false).await.expect("kept");
        pen.0.see(&[ana.clone(), ben.clone()], Timestamp(120_000)).await.expect("kept");
        pen.0.see(std::slice::from_ref(&ana), Timestamp(60_000)).await.expect("kept");
        assert_eq!(seen().await, [("ana".into(), 120_000)], "not earlier than it was, and not of who hides it");
        pen.0.show_last_seen(&ben, true).await.expect("kept");
        assert_eq!(seen().await, [("ana".into(), 120_000), ("ben".into(), 120_000)]);
        pen.0.show_last_seen(&ana, false).await.expect("kept");
        pen.0.see(&[ana.clone(), user("eve")], Timestamp(180_000)).await.expect("kept");
        assert_eq!(seen().await, [("ben".into(), 120_000), ("eve".into(), 180_000)]);
        pen.0.see(&[], Timestamp(240_000)).await.expect("nobody");
    }
}
