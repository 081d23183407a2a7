//! Portals and sessions: made once, changed by whoever has seen the newest.

use super::*;
use futures_util::future::join_all;
use hubbub::features::portals::store::Secret;

for_every_store! {
    async fn a_portal_is_changed_by_whoever_has_read_it_as_it_is(home: &Home) {
        let desk = Desk::at(home).await;
        let made = desk.kept().await;
        assert!(made.created_at > Timestamp(0));
        assert!(!desk.portals().create_portal(&Portal { standing: PortalStanding::Paused, ..made.clone() }).await.expect("an answer"));
        assert_eq!(desk.kept().await, made, "there is one already");
        let secret = |value: &str| Secret { value: value.into(), until: Some(5) };
        let changed = Portal {
            settings: PortalSettings { name: "Another".into(), concurrency: 3, ..made.settings.clone() },
            secrets: Secrets { outgoing: vec![secret("a")], incoming: vec![secret("b"), secret("c")], challenge: vec![secret("d")], access: vec![secret("e")] },
            standing: PortalStanding::Disabled("410".into()),
            ..made.clone()
        };
        assert!(desk.portals().write_portal(&changed).await.expect("an answer"));
        let kept = desk.kept().await;
        assert!(kept.revision > made.revision);
        assert_eq!(kept, Portal { revision: kept.revision, ..changed.clone() });
        assert!(!desk.portals().write_portal(&changed).await.expect("an answer"), "it has changed since");
        assert!(!desk.portals().write_portal(&Portal { id: portal("nobody"), ..kept.clone() }).await.expect("an answer"));
        assert_eq!(desk.kept().await, kept);

        Desk::of(desk.stores(), "alpha").await;
        let all = desk.portals().portals().await.expect("portals");
        assert_eq!(all.iter().map(|portal| portal.id.as_str()).collect::<Vec<_>>(), ["alpha", "desk"]);
        desk.portals().succeeded(std::slice::from_ref(&desk.portal)).await.expect("noted");
        assert!(desk.kept().await.succeeded_at.is_some());
        assert_eq!(desk.portals().portals().await.expect("portals")[0].succeeded_at, None);
    }

    async fn a_session_is_made_once(home: &Home) {
        let desk = Desk::at(home).await;
        let other = Desk::of(desk.stores(), "other").await;
        let new = SessionProposal { external: Some("case 1".into()), ..desk.wish("s1", "ana") };
        let Opened::New(made, entries) = desk.portals().open_session(&new).await.expect("an answer") else { panic!("new") };
        assert_eq!(entries.iter().map(|entry| text(&entry.what)).collect::<Vec<_>>(), ["joined", "opened"]);
        assert_eq!((made.room.head, made.room.name.as_str()), (Seq::new(2), "The session s1"));
        assert_eq!((made.state, made.external.as_deref()), (SessionState::Open, Some("case 1")));
        assert_eq!((made.delivery.position, made.delivery.head), (Seq::new(2), Seq::new(2)));
        let view = desk.store().look_up(&[(room("s1"), user("ana"))]).await.expect("views")[0].clone().expect("a room");
        assert!(view.standing.is_member());

        desk.asks("s1", "a").await;
        // Whoever asks for it, and however many there are.
        for again in [new.clone(), SessionProposal { most: Some(0), ..other.wish("s1", "ben") }] {
            let Opened::Exists(there) = desk.portals().open_session(&again).await.expect("an answer") else { panic!("{again:?}") };
            assert_eq!((there.customer.as_str(), &there.portal, there.room.head), ("ana", &desk.portal, Seq::new(3)));
        }
        let answer = async |new: SessionProposal| desk.portals().open_session(&new).await.expect("an answer");
        desk.pen.room("team", hubbub_core::model::access::RoomKind::Open, &[]).await;
        assert!(matches!(answer(desk.wish("team", "ana")).await, Opened::OtherRoom));
        assert!(matches!(answer(SessionProposal { portal: portal("nobody"), ..desk.wish("s2", "ana") }).await, Opened::UnknownPortal));
        let taken = SessionProposal { external: Some("case 1".into()), ..desk.wish("s2", "ana") };
        assert!(matches!(answer(taken.clone()).await, Opened::ExternalTaken(session) if session.as_str() == "s1"));
        assert!(matches!(answer(SessionProposal { most: Some(1), ..desk.wish("s2", "ana") }).await, Opened::TooMany));
        for id in ["s2", "nowhere"] {
            assert!(desk.portals().session(&room(id)).await.expect("an answer").is_none());
            assert!(desk.store().page(&room(id), hubbub_core::log::room::PageOf::Newest, 1).await.expect("an answer").is_none());
        }
        let elsewhere = SessionProposal { portal: other.portal.clone(), most: Some(1), ..taken };
        assert!(matches!(answer(elsewhere).await, Opened::New(..)), "another portal has ids and limits of its own");
        assert!(matches!(answer(SessionProposal { most: Some(2), ..desk.wish("s3", "ana") }).await, Opened::New(..)));
    }

    async fn many_open_one_session_at_once(home: &Home) {
        let desk = Desk::at(home).await;
        let new = desk.wish("s1", "ana");
        let all = join_all((0..8).map(|_| desk.portals().open_session(&new))).await;
        let made = all.iter().filter(|one| matches!(one, Ok(Opened::New(..)))).count();
        let there = all.iter().filter(|one| matches!(one, Ok(Opened::Exists(_)))).count();
        assert_eq!((made, there), (1, 7), "{all:?}");
        assert_eq!(desk.look("s1").await.room.head, Seq::new(2));
    }

    async fn a_customer_has_no_more_sessions_than_allowed_however_many_are_opened_at_once(home: &Home) {
        let desk = Desk::at(home).await;
        let open = async |customer: &str| {
            let wish = |n| SessionProposal { most: Some(2), ..desk.wish(&format!("{customer}-{n}"), customer) };
            let all: Vec<_> = (0..8).map(wish).collect();
            let all = join_all(all.iter().map(|new| desk.portals().open_session(new))).await;
            let made = all.iter().filter(|one| matches!(one, Ok(Opened::New(..)))).count();
            let refused = all.iter().filter(|one| matches!(one, Ok(Opened::TooMany))).count();
            assert_eq!((made, refused), (2, 6), "{all:?}");
        };
        tokio::join!(open("ana"), open("ben"));
    }

    async fn what_is_kept_outlives_the_store(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        desk.asks("s1", "a").await;
        desk.receive(&desk.answer("s1", Some("e1"), "hello")).await;
        let (session, portal) = (desk.delivery("s1").await, desk.kept().await);
        drop(desk);
        let desk = Desk::at(home).await;
        assert_eq!((desk.delivery("s1").await, desk.kept().await), (session, portal));
        assert_eq!(repeated(&desk.receive(&desk.answer("s1", Some("e1"), "hello")).await), ("s1".into(), 4));
        assert_eq!(desk.claim_one().await.entries.len(), 2);
    }
}
