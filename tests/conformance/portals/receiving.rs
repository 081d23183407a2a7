//! Messages from portals: each once per event.

use super::*;
use futures_util::future::join_all;
use hubbub_core::log::room::PageOf;

impl Desk {
    /// What is said in a session, without what opened it; its numbers are without holes.
    async fn log(&self, id: &str) -> Vec<String> {
        let page = self.store().page(&room(id), PageOf::After(Seq::ZERO), 1_000).await.expect("a page");
        let page = page.expect("a room");
        assert_eq!(crate::store::seqs(&page.entries), (1..=page.head.get()).collect::<Vec<_>>());
        page.entries.iter().skip(2).map(|entry| text(&entry.what).to_owned()).collect()
    }
}

for_every_store! {
    async fn an_event_is_stored_once_whatever_its_repeats_say(home: &Home) {
        let desk = Desk::at(home).await;
        let other = Desk::of(desk.stores(), "other").await;
        desk.session("s1").await;
        desk.session("s2").await;
        other.session("o1").await;
        let first = desk.receive(&desk.answer("s1", Some("e1"), "hello")).await;
        assert_eq!(stored(&first), [3]);
        let Received::Stored { session, opening: None, place: stored_at } = &first else { panic!("{first:?}") };
        let page = desk.store().page(session, PageOf::After(Seq::new(2)), 10).await.expect("a page").expect("a room");
        assert_eq!((page.entries[0].from.as_str(), text(&page.entries[0].what)), ("portal:desk/ada", "hello"));
        assert_eq!((page.entries[0].id, page.entries[0].at), (stored_at.id, stored_at.at));
        assert_eq!(stored_at.epoch, desk.look("s1").await.room.epoch);
        for (session, text) in [("s1", "hello"), ("s1", "another body"), ("s2", "another session"), ("nowhere", "lost")] {
            match desk.receive(&desk.answer(session, Some("e1"), text)).await {
                Received::Repeated { session, place } => {
                    assert_eq!((session.as_str(), place.seq, place.id), ("s1", stored_at.seq, stored_at.id));
                    assert_eq!((place.at, place.epoch), (stored_at.at, stored_at.epoch));
                }
                received => panic!("{received:?}"),
            }
        }
        // Another portal has events of its own.
        assert_eq!(stored(&other.receive(&other.answer("o1", Some("e1"), "hi")).await), [3]);
        assert_eq!((desk.log("s1").await, desk.log("s2").await), (vec!["hello".to_owned()], vec![]));
    }

    async fn an_event_is_stored_once_that_comes_many_times_at_once(home: &Home) {
        let desk = Desk::at(home).await;
        let desks = match home {
            // One process has the file.
            Home::Sqlite(_) => [Desk::of(desk.stores(), "desk").await, desk],
            Home::Postgres { .. } => [Desk::at(home).await, desk],
        };
        for id in ["s0", "s1", "s2"] {
            desks[0].session(id).await;
        }
        for round in 0..8 {
            let event = |n: usize| format!("{round}-{n}");
            let messages: Vec<Vec<_>> = (0..12)
                .map(|n| {
                    let one = |k: usize| desks[0].answer(&format!("s{}", (n + k) % 3), Some(&event(k)), "hello");
                    // Batches name the same events, in different orders and for different sessions.
                    let mut batch: Vec<_> = (0..3).map(one).collect();
                    batch.rotate_left(n % 3);
                    batch
                })
                .collect();
            let all = messages.iter().enumerate().map(|(n, batch)| desks[n % 2].receive_all(batch));
            let mut places = std::collections::BTreeMap::<String, Vec<(String, u64, bool)>>::new();
            for (received, batch) in join_all(all).await.into_iter().zip(&messages) {
                for (one, message) in received.expect("an answer").iter().zip(batch) {
                    let (session, seq, fresh) = match one {
                        Received::Stored { session, place, .. } => (session.to_string(), place.seq.get(), true),
                        other => { let (session, seq) = repeated(other); (session, seq, false) }
                    };
                    places.entry(message.event.clone().expect("an event")).or_default().push((session, seq, fresh));
                }
            }
            assert_eq!(places.len(), 3);
            for (event, places) in places {
                assert_eq!(places.iter().filter(|(_, _, fresh)| *fresh).count(), 1, "{event}: {places:?}");
                assert!(places.iter().all(|place| (&place.0, place.1) == (&places[0].0, places[0].1)), "{places:?}");
            }
        }
        let all = desks[0].log("s0").await.len() + desks[0].log("s1").await.len() + desks[0].log("s2").await.len();
        assert_eq!(all, 24);
    }

    async fn a_batch_is_taken_one_after_another(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        desk.session("s2").await;
        let batch = [
            desk.answer("s2", Some("e1"), "one"),
            desk.answer("s1", Some("e2"), "two"),
            desk.answer("s1", Some("e1"), "one again, elsewhere"),
            desk.answer("s2", None, "three"),
            desk.answer("nowhere", Some("e3"), "lost"),
            desk.answer("s2", Some("e3"), "found"),
            desk.answer("s2", None, "three"),
        ];
        let received = desk.receive_all(&batch).await.expect("answers");
        assert_eq!((stored(&received[0]), stored(&received[1])), (vec![3], vec![3]));
        assert_eq!(repeated(&received[2]), ("s2".into(), 3));
        assert_eq!(stored(&received[3]), [4]);
        assert_eq!(received[4], Received::UnknownSession);
        assert_eq!(stored(&received[5]), [5], "what was refused has taken no event");
        assert_eq!(stored(&received[6]), [6], "nothing tells it from the third");
        assert_eq!(desk.log("s2").await, ["one", "three", "found", "three"]);
        assert!(desk.receive_all(&[]).await.expect("answers").is_empty());
    }

    async fn what_the_first_of_a_batch_says_holds_for_those_after_it(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let named = |session: Option<&str>, event: &str| Incoming {
            session: session.map(ToOwned::to_owned),
            external: Some("case 1".into()),
            quarantine: true,
            ..desk.answer("", Some(event), "hello")
        };
        let again = desk.answer("nowhere", Some("e1"), "one again, for nobody");
        let batch = [named(None, "e0"), named(Some("s1"), "e1"), again, named(None, "e2")];
        let received = desk.receive_all(&batch).await.expect("answers");
        assert!(matches!(received[0], Received::Quarantined(_)), "nobody had said so yet: {received:?}");
        assert_eq!(stored(&received[1]), [3]);
        assert_eq!(repeated(&received[2]), ("s1".into(), 3));
        assert_eq!(stored(&received[3]), [4]);
        assert_eq!(desk.look("s1").await.external.as_deref(), Some("case 1"));
    }

    async fn the_same_call_again_doubles_nothing(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let lost = Incoming { quarantine: true, ..desk.answer("nowhere", None, "lost") };
        let batch = [desk.answer("s1", Some("e1"), "one"), desk.answer("s1", None, "two"), lost];
        let first = desk.receive_all(&batch).await.expect("answers");
        assert_eq!((stored(&first[0]), stored(&first[1])), (vec![3], vec![4]));
        // Closed meanwhile: what is only told again does not open it.
        desk.set_state("s1", "over", SessionState::Closed).await;
        for _ in 0..2 {
            let again = desk.receive_all(&batch).await.expect("answers");
            assert_eq!(repeated(&again[0]), ("s1".into(), 3));
            assert_eq!(repeated(&again[1]), ("s1".into(), 4));
            assert_eq!(again[2], first[2]);
        }
        assert_eq!(desk.look("s1").await.state, SessionState::Closed);
        assert_eq!(desk.log("s1").await, ["one", "two", "closed"]);
        let kept = desk.portals().quarantined(&desk.portal, 0, 10).await.expect("a list");
        assert_eq!(kept.items.len(), 1);
    }

    async fn a_full_log_takes_no_event_and_is_not_opened(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        desk.session("s2").await;
        desk.set_state("s1", "over", SessionState::Closed).await;
        // What opens it would fit, and the answer would not.
        home.change(&format!("UPDATE rooms SET head = {} WHERE id = 's1'", Seq::MAX.get() - 1)).await;
        let answer = desk.answer("s1", Some("e1"), "hello");
        let again = desk.answer("s1", Some("e1"), "hello again");
        let received = desk.receive_all(&[answer, again]).await.expect("answers");
        assert_eq!(received, [Received::LogFull, Received::LogFull]);
        assert_eq!(desk.look("s1").await.state, SessionState::Closed);
        assert_eq!(desk.look("s1").await.room.head, Seq::new(Seq::MAX.get() - 1));
        assert_eq!(stored(&desk.receive(&desk.answer("s2", Some("e1"), "elsewhere")).await), [3]);
    }

    async fn a_session_is_found_by_its_id_and_else_by_the_portals(home: &Home) {
        let desk = Desk::at(home).await;
        let other = Desk::of(desk.stores(), "other").await;
        desk.session("s1").await;
        desk.session("s2").await;
        other.session("o1").await;
        assert_eq!(desk.receive(&desk.answer("o1", None, "hi")).await, Received::UnknownSession, "it is another portal's");
        let named = |session: Option<&str>, external: &str| Incoming {
            session: session.map(ToOwned::to_owned),
            external: Some(external.to_owned()),
            ..desk.answer("", None, "hello")
        };
        assert_eq!(desk.receive(&named(None, "case 1")).await, Received::UnknownSession);
        assert_eq!(stored(&desk.receive(&named(Some("s1"), "case 1")).await), [3]);
        assert_eq!(desk.look("s1").await.external.as_deref(), Some("case 1"), "it is remembered");
        assert_eq!(stored(&desk.receive(&named(None, "case 1")).await), [4]);
        assert_eq!(stored(&desk.receive(&named(Some("not one of ours"), "case 1")).await), [5]);
        // The id counts; and what is one session's is not another's.
        assert_eq!(stored(&desk.receive(&named(Some("s2"), "case 1")).await), [3]);
        assert_eq!(desk.look("s2").await.external, None);
        assert_eq!(stored(&desk.receive(&named(Some("s1"), "case 2")).await), [6]);
        assert_eq!(desk.look("s1").await.external.as_deref(), Some("case 1"));
        let elsewhere = Incoming { portal: other.portal.clone(), ..named(None, "case 1") };
        assert_eq!(desk.receive(&elsewhere).await, Received::UnknownSession);
        let unknown = Incoming { portal: portal("nobody"), ..named(Some("s1"), "case 1") };
        assert_eq!(desk.receive(&unknown).await, Received::UnknownSession);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_stays_locked_is_told_and_nothing_is_written() {
    let home = Home::postgres();
    let desk = Desk::at(&home).await;
    desk.session("s1").await;
    desk.asks("s1", "a").await;
    let claim = desk.claim_one().await;
    let answer = desk.answer("s1", Some("e1"), "hello");
    let holder = crate::store::instances::raw().await;
    holder.batch_execute(&format!("SET search_path = {}", home.schema())).await.expect("the schema");
    holder.batch_execute("BEGIN; SELECT FROM rooms FOR UPDATE").await.expect("a lock");
    let received = desk.receive_all(std::slice::from_ref(&answer)).await;
    assert!(matches!(received, Err(hubbub::store::StoreError::Locked)), "{received:?}");
    holder.batch_execute("ROLLBACK; BEGIN; SELECT FROM cursors FOR UPDATE").await.expect("a lock");
    let settled = desk.portals().settle(&[settlement(&claim, passed(Seq::new(3)))]).await;
    assert!(matches!(settled, Err(hubbub::store::StoreError::Locked)), "{settled:?}");
    let appended = desk.store().append(&[desk.pen.says("s1", "ana", "b", "hi")]).await;
    assert!(matches!(appended, Err(hubbub::store::StoreError::Locked)), "{appended:?}");
    holder.batch_execute("ROLLBACK").await.expect("the lock is given up");
    assert_eq!(stored(&desk.receive(&answer).await), [4]);
    assert!(desk.settle(&claim, passed(Seq::new(3))).await);
}
