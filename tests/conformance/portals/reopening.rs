//! Closed sessions: who may write in them, and what opens them again.

use super::*;
use hubbub_core::{
    log::{entry::Outcome::Refused, kinds::Renamed, room::PageOf},
    model::access::Refusal,
};

for_every_store! {
    async fn a_closed_session_refuses_its_customer_and_an_answer_opens_it(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        desk.pen.room("team", hubbub_core::model::access::RoomKind::Private, &[("ana", Role::Member)]).await;
        let said = desk.pen.says("s1", "ana", "a", "hi");
        desk.pen.append(said.clone()).await;
        assert!(matches!(desk.set_state("s1", "over", SessionState::Closed).await, Outcome::Appended(_)));
        assert_eq!(desk.look("s1").await.state, SessionState::Closed);

        // Messages alone, and messages among other entries: they take different ways through Postgres.
        let message = || desk.pen.says("s1", "ana", "b", "one more thing");
        assert_eq!(desk.pen.append(message()).await, Refused(Refusal::SessionClosed));
        let beside = desk.pen.says("team", "ana", "b", "lunch?");
        let outcomes = desk.store().append(&[message(), beside, said.clone()]).await.expect("outcomes");
        assert_eq!(outcomes[0], Refused(Refusal::SessionClosed));
        assert!(matches!(outcomes[1], Outcome::Appended(_)), "other rooms' are taken");
        assert!(matches!(outcomes[2], Outcome::Known(_)), "what was taken before is answered");
        let rename = desk.pen.by_backend("s1", "name", What::Renamed(Renamed { name: "Help".into() }));
        let outcomes = desk.store().append(&[rename, message(), said]).await.expect("outcomes");
        assert!(matches!(outcomes[0], Outcome::Appended(_)));
        assert_eq!(outcomes[1], Refused(Refusal::SessionClosed));
        assert!(matches!(outcomes[2], Outcome::Known(_)));
        let stranger = desk.pen.says("s1", "eve", "b", "hi");
        assert_eq!(desk.pen.append(stranger).await, Refused(Refusal::UnknownRoom), "strangers learn nothing");

        let head = desk.look("s1").await.room.head.get();
        let batch = [desk.answer("s1", Some("e1"), "yes?"), desk.answer("s1", Some("e2"), "still there?")];
        let received = desk.receive_all(&batch).await.expect("answers");
        assert_eq!(stored(&received[0]), [head + 1, head + 2]);
        assert_eq!(stored(&received[1]), [head + 3], "it is open by then");
        let page = desk.store().page(&room("s1"), PageOf::After(Seq::new(head)), 2).await.expect("a page");
        let entries = page.expect("a room").entries;
        assert!(entries.iter().all(|entry| entry.from == desk.agent()));
        assert_eq!(entries.iter().map(|entry| text(&entry.what)).collect::<Vec<_>>(), ["opened", "yes?"]);
        assert_eq!(desk.look("s1").await.state, SessionState::Open);
        assert!(matches!(desk.pen.append(message()).await, Outcome::Appended(place) if place.seq == Seq::new(head + 4)));
    }

    async fn a_session_of_which_an_answer_waits_is_open_again(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        desk.set_state("s1", "waits", SessionState::Waiting).await;
        assert_eq!(desk.set_state("s1", "still waits", SessionState::Waiting).await, Outcome::Unchanged);
        desk.asks("s1", "a").await;
        assert_eq!(desk.look("s1").await.state, SessionState::Waiting);
        assert_eq!(stored(&desk.receive(&desk.answer("s1", None, "here I am")).await), [5, 6]);
        assert_eq!(desk.look("s1").await.state, SessionState::Open);
    }

    async fn agents_write_in_sessions_without_being_members(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        desk.pen.room("team", hubbub_core::model::access::RoomKind::Private, &[("ana", Role::Member)]).await;
        let draft = |id: &str, key: &str| Draft { room: room(id), ..desk.by_portal(key, says("hello")) };
        assert!(matches!(desk.pen.append(draft("s1", "a")).await, Outcome::Appended(_)));
        desk.set_state("s1", "over", SessionState::Closed).await;
        assert!(matches!(desk.pen.append(draft("s1", "b")).await, Outcome::Appended(_)));
        assert_eq!(desk.pen.append(draft("team", "c")).await, Refused(Refusal::NotSession));
    }
}
