//! What becomes due, and what does not.

use super::*;
use hubbub_core::log::{entry::EventName, kinds::Renamed};
use tokio::time::timeout;

for_every_store! {
    async fn a_message_is_due_at_once(home: &Home) {
        let desk = Desk::at(home).await;
        let session = desk.session("s1").await;
        assert_eq!(session.delivery.position, Seq::new(2), "nothing of what opened it is forwarded");
        desk.nothing_is_due().await;
        let due = desk.store().due();
        let told = due.notified();
        let seq = desk.asks("s1", "a").await;
        timeout(PATIENCE, told).await.expect("it is told");

        let delivery = desk.delivery("s1").await;
        assert_eq!((delivery.position, delivery.head), (Seq::new(2), seq));
        assert!(delivery.due_at.is_some() && delivery.due_at == delivery.waiting_since);
        let claim = desk.claim_one().await;
        assert_eq!((claim.session.as_str(), claim.customer.as_str(), &claim.portal), ("s1", "ana", &desk.portal));
        assert_eq!((claim.entries.len(), claim.entries[0].seq), (1, seq));
        assert_eq!(text(&claim.entries[0].what), "question a");
        assert_eq!(claim.delivery.waiting_since, Some(claim.entries[0].at));
        desk.nothing_is_due().await;
        assert!(desk.settle(&claim, passed(seq)).await);
        let delivery = desk.delivery("s1").await;
        assert_eq!((delivery.position, delivery.due_at, delivery.waiting_since), (seq, None, None));
        desk.nothing_is_due().await;
    }

    async fn a_message_is_due_at_once_that_is_taken_with_other_entries(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let due = desk.store().due();
        let told = due.notified();
        let rename = desk.pen.by_backend("s1", "name", What::Renamed(Renamed { name: "Help".into() }));
        let outcomes = desk.store().append(&[desk.pen.says("s1", "ana", "a", "hi"), rename]).await.expect("outcomes");
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Appended(_))), "{outcomes:?}");
        timeout(PATIENCE, told).await.expect("it is told");
        let claim = desk.claim_one().await;
        assert_eq!(claim.entries.iter().map(|entry| text(&entry.what)).collect::<Vec<_>>(), ["hi", "renamed"]);
    }

    /// Where the cursor cannot be written the message is not taken either.
    async fn a_message_is_due_in_its_own_transaction(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        home.change(match home {
            Home::Sqlite(_) => "CREATE TRIGGER no BEFORE UPDATE ON cursors BEGIN SELECT RAISE(ABORT, 'no'); END",
            Home::Postgres { .. } => "ALTER TABLE cursors ADD CONSTRAINT no CHECK (head < 3)",
        })
        .await;
        let message = desk.pen.says("s1", "ana", "a", "hi");
        let state = desk.pen.by_backend("s1", "b", What::State(SessionState::Waiting));
        for drafts in [vec![message.clone()], vec![message.clone(), state]] {
            desk.store().append(&drafts).await.expect_err("no cursor, no message");
            assert_eq!(desk.look("s1").await.room.head, Seq::new(2));
        }
        home.change(match home {
            Home::Sqlite(_) => "DROP TRIGGER no",
            Home::Postgres { .. } => "ALTER TABLE cursors DROP CONSTRAINT no",
        })
        .await;
        assert!(matches!(desk.pen.append(message).await, Outcome::Appended(place) if place.seq == Seq::new(3)));
        assert_eq!(desk.claim_one().await.entries.len(), 1);
    }

    async fn an_agents_answer_makes_an_idle_session_not_due(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        assert_eq!(stored(&desk.receive(&desk.answer("s1", Some("e1"), "hello")).await), [3]);
        let delivery = desk.delivery("s1").await;
        assert_eq!((delivery.position, delivery.head, delivery.due_at), (Seq::new(3), Seq::new(3), None));
        desk.set_state("s1", "waits", SessionState::Waiting).await;
        let claim = desk.claim_one().await;
        assert!(desk.settle(&claim, DeliveryStep::Passed { position: Seq::new(4), taken: false }).await);
        // What opens it again is the portal's own, too.
        assert_eq!(stored(&desk.receive(&desk.answer("s1", Some("e2"), "here I am")).await), [5, 6]);
        assert_eq!(desk.delivery("s1").await.position, Seq::new(6));
        desk.nothing_is_due().await;
    }

    async fn an_agents_answer_does_not_overtake_what_waits(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        desk.asks("s1", "a").await;
        desk.receive(&desk.answer("s1", Some("e1"), "hello")).await;
        assert_eq!(desk.delivery("s1").await.position, Seq::new(2));
        let claim = desk.claim_one().await;
        assert_eq!(claim.entries.iter().map(|entry| text(&entry.what)).collect::<Vec<_>>(), ["question a", "hello"]);
        // Nor what is on its way.
        desk.receive(&desk.answer("s1", Some("e2"), "well?")).await;
        assert!(desk.settle(&claim, passed(Seq::new(4))).await);
        let claim = desk.claim_one().await;
        assert_eq!(crate::store::seqs(&claim.entries), [5]);
    }

    /// Customers and agents enter by one door: one transaction takes messages of both.
    async fn a_batch_of_customers_and_agents_moves_each_cursor_by_what_is_new_in_its_room(home: &Home) {
        let desk = Desk::at(home).await;
        for id in ["both", "turned", "agents", "customers"] {
            desk.session(id).await;
        }
        desk.set_state("agents", "over", SessionState::Closed).await;
        let claim = desk.claim_one().await;
        assert!(desk.settle(&claim, DeliveryStep::Passed { position: Seq::new(3), taken: false }).await);
        // What an answer becomes, by the portal's own number.
        let answers = ["both", "turned", "agents"].map(|id| Arc::new(desk.answer(id, Some(id), "hello")));
        let resolved = desk.portals().resolve(&answers).await.expect("destinations");
        let mut answers = answers.iter().zip(resolved).map(|(message, resolved)| match resolved.to {
            Destination::Log { portal, session } => desk.draft_of(message, portal, session),
            other => panic!("{other:?}"),
        });
        let mut answer = || answers.next().expect("three");
        let asks = |id: &str| desk.pen.says(id, "ana", "a", "hi");
        let batch = [asks("both"), answer(), answer(), asks("turned"), answer(), asks("customers")];
        let due = desk.store().due();
        let _ = timeout(Duration::ZERO, due.notified()).await;
        let told = due.notified();
        let outcomes = desk.store().append(&batch).await.expect("outcomes");
        timeout(PATIENCE, told).await.expect("it is told");
        for (n, outcome) in outcomes.iter().enumerate() {
            match outcome {
                Outcome::Appended(_) => assert_ne!(n, 4),
                Outcome::Both { before, place } => assert_eq!((n, before.seq.next()), (4, place.seq)),
                other => panic!("{n}: {other:?}"),
            }
        }
        let places = async |id| {
            let delivery = desk.delivery(id).await;
            (delivery.position.get(), delivery.head.get(), delivery.due_at.is_some())
        };
        assert_eq!(places("both").await, (2, 4, true));
        assert_eq!(places("turned").await, (2, 4, true));
        assert_eq!(places("agents").await, (5, 5, false), "its portal wrote all of it");
        assert_eq!(places("customers").await, (2, 3, true));
        let claims: std::collections::BTreeMap<_, _> = desk.claim(10).await.into_iter()
            .map(|claim| (claim.session.to_string(), claim.entries.iter().map(|one| text(&one.what).to_owned()).collect::<Vec<_>>()))
            .collect();
        assert_eq!(claims["both"], ["hi", "hello"]);
        assert_eq!(claims["turned"], ["hello", "hi"]);
        assert_eq!((claims["customers"].as_slice(), claims.len()), (["hi".to_owned()].as_slice(), 3));
        // The same batch again, as after an answer that was lost.
        let again = desk.store().append(&batch).await.expect("outcomes");
        assert!(matches!(again[..], [
            Outcome::Known(_), Outcome::Repeated { .. }, Outcome::Repeated { .. },
            Outcome::Known(_), Outcome::Repeated { .. }, Outcome::Known(_)
        ]), "{again:?}");
        // An event that nobody can take is left for whoever comes next.
        let nowhere = Draft { room: room("nowhere"), ..batch[1].clone() };
        let event = |name: &str, draft: Draft| {
            let once = draft.once.map(|event| EventName { name: name.into(), ..*event }.into());
            Draft { once, key: Key::parse(name).expect("a key"), id: uuid::Uuid::now_v7(), ..draft }
        };
        let next = [event("new", nowhere), event("new", batch[4].clone()), event("new", batch[2].clone())];
        let outcomes = desk.store().append(&next).await.expect("outcomes");
        assert_eq!(outcomes[0], Outcome::Refused(hubbub_core::model::access::Refusal::UnknownRoom));
        assert!(matches!(&outcomes[1], Outcome::Appended(place) if place.seq == Seq::new(6)), "{outcomes:?}");
        assert!(matches!(&outcomes[2], Outcome::Repeated { room, place } if room.as_str() == "agents" && place.seq == Seq::new(6)));
    }

    /// While instances are replaced, one that knows no cursors may write.
    async fn an_agents_answer_does_not_hide_what_an_older_program_took(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let id = match home {
            Home::Sqlite(_) => "randomblob(16)",
            Home::Postgres { .. } => "gen_random_uuid()",
        };
        home.change(&format!(
            "INSERT INTO entries (room, seq, id, kind, author, at, key)
             SELECT no, head + 1, {id}, 'message', 'ana', 1, 'old' FROM rooms WHERE id = 's1';
             UPDATE rooms SET head = head + 1 WHERE id = 's1'"
        ))
        .await;
        assert_eq!(stored(&desk.receive(&desk.answer("s1", Some("e1"), "hello")).await), [4]);
        assert_eq!(crate::store::seqs(&desk.claim_one().await.entries), [3, 4]);
    }

    async fn what_comes_during_a_post_is_due_after_it(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let first = desk.asks("s1", "a").await;
        let claim = desk.claim_one().await;
        let second = desk.asks("s1", "b").await;
        desk.nothing_is_due().await;
        let due = desk.store().due();
        // What was told before is taken first.
        let _ = timeout(Duration::ZERO, due.notified()).await;
        let told = due.notified();
        assert!(desk.settle(&claim, passed(first)).await);
        timeout(PATIENCE, told).await.expect("it is told");
        let claim = desk.claim_one().await;
        assert_eq!(crate::store::seqs(&claim.entries), [second.get()]);
        assert_eq!(claim.delivery.waiting_since, Some(claim.entries[0].at), "since this one, and not the first");
    }

    async fn only_an_active_portal_is_served(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        desk.asks("s1", "a").await;
        for standing in [PortalStanding::Paused, PortalStanding::Disabled("410".into())] {
            desk.stands(standing.clone()).await;
            assert_eq!(desk.kept().await.standing, standing);
            desk.nothing_is_due().await;
            // What it sends is taken.
            stored(&desk.receive(&desk.answer("s1", None, "still here")).await);
        }
        desk.stands(PortalStanding::Active).await;
        assert_eq!(desk.claim_one().await.entries.len(), 3);
    }

    async fn ordinary_rooms_are_nobodys_business(home: &Home) {
        let desk = Desk::at(home).await;
        desk.pen.room("team", hubbub_core::model::access::RoomKind::Private, &[("ana", Role::Member)]).await;
        desk.asks("team", "a").await;
        assert_eq!(desk.set_state("team", "b", SessionState::Closed).await,
            Outcome::Refused(hubbub_core::model::access::Refusal::NotSession));
        desk.nothing_is_due().await;
        assert!(desk.portals().session(&room("team")).await.expect("an answer").is_none());
        assert_eq!(desk.receive(&desk.answer("team", None, "hello")).await, Received::UnknownSession);
    }
}
