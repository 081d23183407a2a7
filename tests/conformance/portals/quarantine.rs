//! Events for sessions that are not known.

use super::*;
use hubbub::features::portals::store::Quarantined;

impl Desk {
    fn lost(&self, session: &str, event: Option<&str>, text: &str) -> Incoming {
        Incoming { quarantine: true, ..self.answer(session, event, text) }
    }

    async fn quarantine(&self) -> Vec<Quarantined> {
        self.portals().quarantined(&self.portal, 0, 100).await.expect("a list").items
    }

    /// Takes an event out, as an operator does.
    async fn release(&self, number: u64, session: Option<&str>) -> Option<Received> {
        let kept = self.quarantine().await.into_iter().find(|kept| kept.number == number);
        let message = match &kept {
            Some(kept) => Incoming {
                session: kept.session.clone(),
                external: kept.external.clone(),
                event: kept.event.clone(),
                ..self.lost("", None, &kept.text)
            },
            None => self.lost("", None, ""),
        };
        let message = Arc::new(message.released(number, session.map(room).as_ref()));
        let resolved = self.portals().resolve_quarantined(number, &message).await.expect("an answer")?;
        let received = self.put(&[message], vec![resolved]).await.expect("an answer").pop();
        if received.as_ref().and_then(Received::place).is_some() {
            assert!(self.portals().drop_quarantined(&self.portal, number).await.expect("an answer"));
        }
        received
    }
}

fn number(received: &Received) -> u64 {
    match received {
        Received::Quarantined(number) => *number,
        other => panic!("not in quarantine: {other:?}"),
    }
}

for_every_store! {
    async fn an_event_for_nobody_waits_for_an_operator_once(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        assert_eq!(desk.receive(&desk.answer("gone", Some("e1"), "lost")).await, Received::UnknownSession);
        let mut lost = desk.lost("gone", Some("e1"), "lost");
        lost.external = Some("case 3".into());
        let kept = number(&desk.receive(&lost).await);
        let batch = [desk.lost("gone", Some("e2"), "two"), desk.lost("s1", Some("e1"), "one"), desk.lost("gone", Some("e2"), "")];
        let received = desk.receive_all(&batch).await.expect("answers");
        assert_eq!(number(&received[1]), kept, "also for a session that is there");
        assert_eq!(number(&received[0]), number(&received[2]));
        let list = desk.quarantine().await;
        assert_eq!(list.iter().map(|one| one.number).collect::<Vec<_>>(), [kept, number(&received[0])]);
        assert_eq!((list[0].session.as_deref(), list[0].external.as_deref()), (Some("gone"), Some("case 3")));
        assert_eq!((list[0].from.as_str(), list[0].text.as_str(), list[0].event.as_deref()),
            ("portal:desk/ada", "lost", Some("e1")));
        assert_eq!(desk.portals().backlog().await.expect("a backlog")[0].quarantined, 2);

        assert_eq!(desk.release(kept, None).await, Some(Received::UnknownSession), "it stays");
        assert_eq!(desk.quarantine().await.len(), 2);
        assert_eq!(stored(&desk.release(kept, Some("s1")).await.expect("it is there")), [3]);
        assert_eq!(desk.release(kept, Some("s1")).await, None);
        assert_eq!(repeated(&desk.receive(&desk.lost("gone", Some("e1"), "again")).await), ("s1".into(), 3));
        assert_eq!(desk.quarantine().await.len(), 1);
        assert_eq!(desk.look("s1").await.external.as_deref(), Some("case 3"), "the next one finds its way");
    }

    async fn an_event_is_released_into_the_session_that_it_names(home: &Home) {
        let desk = Desk::at(home).await;
        let by_id = number(&desk.receive(&desk.lost("later", None, "early")).await);
        let by_external = Incoming { session: None, external: Some("case 9".into()), ..desk.lost("", None, "too early") };
        let by_external = number(&desk.receive(&by_external).await);
        desk.session("later").await;
        desk.portals().open_session(&SessionProposal { external: Some("case 9".into()), ..desk.wish("other", "ben") }).await
            .expect("a session");
        assert_eq!(stored(&desk.release(by_id, None).await.expect("it is there")), [3]);
        assert_eq!(stored(&desk.release(by_external, None).await.expect("it is there")), [3]);
        assert_eq!(desk.look("other").await.room.head, Seq::new(3));
        assert!(desk.quarantine().await.is_empty());
        desk.nothing_is_due().await;
    }

    async fn two_operators_who_release_an_event_at_once_make_one_message(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        desk.session("s2").await;
        for event in [Some("e1"), None] {
            let lost = desk.lost("gone", event, "lost");
            let kept = number(&desk.receive(&lost).await);
            let mut received = Vec::new();
            let both = ["s1", "s2"].map(|session| Arc::new(lost.released(kept, Some(&room(session)))));
            let resolve = async |message| desk.portals().resolve_quarantined(kept, message).await.expect("an answer");
            let resolved = [resolve(&both[0]).await, resolve(&both[1]).await];
            for (message, resolved) in both.into_iter().zip(resolved) {
                received.extend(desk.put(&[message], vec![resolved.expect("it is there")]).await.expect("an answer"));
            }
            let first = stored(&received[0]);
            assert_eq!(repeated(&received[1]), ("s1".into(), first[0]));
            assert!(desk.portals().drop_quarantined(&desk.portal, kept).await.expect("an answer"));
        }
        assert_eq!(desk.look("s2").await.room.head, Seq::new(2));
    }

    async fn an_event_is_thrown_away(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let other = Desk::of(desk.stores(), "other").await;
        let kept = number(&desk.receive(&desk.lost("gone", Some("e1"), "lost")).await);
        let drop = async |desk: &Desk| desk.portals().drop_quarantined(&desk.portal, kept).await.expect("an answer");
        assert!(!drop(&other).await, "it is another portal's");
        assert_eq!(other.release(kept, None).await, None);
        assert!(drop(&desk).await);
        assert!(!drop(&desk).await);
        assert_eq!(desk.release(kept, Some("s1")).await, None);
        assert_eq!(desk.look("s1").await.room.head, Seq::new(2));
    }

    async fn a_released_event_opens_a_closed_session(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        desk.set_state("s1", "over", SessionState::Closed).await;
        let kept = number(&desk.receive(&desk.lost("gone", Some("e1"), "lost")).await);
        assert_eq!(stored(&desk.release(kept, Some("s1")).await.expect("it is there")), [4, 5]);
        assert_eq!(desk.look("s1").await.state, SessionState::Open);
    }
}
