//! What calls of one entry leave behind: how far they have come, what was picked, which messages the portal has.

use super::*;
use hubbub::features::portals::store::{Filter, Progress, SentMessage, Which};
use std::collections::BTreeMap;

fn progress(seq: Seq, done: &[&str]) -> Progress {
    Progress { seq: seq.get(), done: done.iter().map(|name| (*name).to_owned()).collect(), ..Progress::default() }
}

fn called(seq: Seq, done: &[&str]) -> DeliveryStep {
    DeliveryStep::Called { letter: None, progress: progress(seq, done) }
}

fn refs(all: &[(&str, &str)]) -> BTreeMap<String, String> {
    all.iter().map(|(name, id)| ((*name).to_owned(), (*id).to_owned())).collect()
}

for_every_store! {
    async fn whoever_goes_on_knows_which_calls_were_made(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let (seq, next) = (desk.asks("s1", "a").await, desk.asks("s1", "b").await);
        let first = desk.wait_for_claim(Duration::from_millis(1)).await;
        assert_eq!(first.delivery.calls.of(seq.get()), None);
        let kept = Settlement {
            external: Some("conv-1".into()),
            refs: Some(refs(&[("contact", "c-1")])),
            keep: Some(Duration::from_millis(1)),
            ..settlement(&first, called(seq, &["find", "make"]))
        };
        assert!(desk.settle_as(kept.clone()).await);
        // It dies here; its lease ends.
        let second = desk.wait_for_claim(LEASE).await;
        assert_eq!(second.delivery.calls.of(seq.get()), Some(&progress(seq, &["find", "make"])));
        assert_eq!(second.delivery.position, Seq::new(2), "the portal has not got the message");
        assert_eq!(desk.look("s1").await.refs, refs(&[("contact", "c-1")]));
        assert_eq!(desk.look("s1").await.external.as_deref(), Some("conv-1"));
        assert!(desk.kept().await.succeeded_at.is_none());
        // It was only slow: nothing that it says is written any more.
        let late = Settlement {
            refs: Some(refs(&[("contact", "late")])),
            sent: vec![SentMessage { seq: seq.get(), id: "late".into() }],
            ..settlement(&first, called(seq, &["find", "make", "send"]))
        };
        let before = desk.delivery("s1").await;
        assert!(!desk.settle_as(late).await);
        assert_eq!((desk.delivery("s1").await, desk.look("s1").await.refs), (before, refs(&[("contact", "c-1")])));

        let sent = vec![SentMessage { seq: seq.get(), id: "m-1".into() }];
        let more = Settlement { sent: sent.clone(), keep: Some(LEASE), ..settlement(&second, passed(seq)) };
        assert!(desk.settle_as(more.clone()).await);
        assert!(desk.settle_as(more).await, "an answer that was lost is asked for again");
        let delivery = desk.delivery("s1").await;
        assert_eq!((delivery.position, delivery.calls.entry, delivery.calls.sent), (seq, None, sent));
        assert!(desk.settle(&second, passed(next)).await);
        assert_eq!(desk.look("s1").await.refs, refs(&[("contact", "c-1")]), "they are the session's");
    }

    async fn a_failure_between_two_calls_forgets_nothing(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let seq = desk.asks("s1", "a").await;
        let claim = desk.claim_one().await;
        let kept = Settlement { keep: Some(LEASE), ..settlement(&claim, called(seq, &["find"])) };
        assert!(desk.settle_as(kept).await);
        let later = DeliveryStep::Later { attempt: attempt(7, Some("500")), counted: 1, again_in: Duration::from_millis(1) };
        assert!(desk.settle(&claim, later).await);
        let claim = desk.wait_for_claim(LEASE).await;
        assert_eq!(claim.delivery.calls.of(seq.get()), Some(&progress(seq, &["find"])));
        assert_eq!(claim.delivery.attempts.len(), 1);
    }

    async fn a_dead_letter_that_is_sent_again_makes_only_the_calls_that_are_left(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let seq = desk.asks("s1", "a").await;
        let claim = desk.claim_one().await;
        let kept = Settlement { keep: Some(LEASE), ..settlement(&claim, called(seq, &["find"])) };
        assert!(desk.settle_as(kept).await);
        assert!(desk.settle(&claim, given_up(seq, false)).await);
        assert_eq!(desk.delivery("s1").await.calls.entry, None);
        assert_eq!(desk.portals().replay(&desk.portal, Which::All).await.expect("an answer"), 1);
        let claim = desk.claim_one().await;
        let letter = claim.replay.clone().expect("a dead letter");
        assert_eq!(letter.progress, Some(progress(seq, &["find"])));
        let step = DeliveryStep::Called { letter: Some(letter.number), progress: progress(seq, &["find", "make"]) };
        assert!(desk.settle(&claim, step).await);
        let claim = desk.claim_one().await;
        let letter = claim.replay.clone().expect("it is still to be sent");
        assert_eq!(letter.progress, Some(progress(seq, &["find", "make"])));
        let step = DeliveryStep::Replayed { number: letter.number, attempt: attempt(9, None) };
        assert!(desk.settle(&claim, step).await);
        let dead = desk.portals().dead_letters(&Filter::default(), 0, 10).await.expect("dead letters").items;
        assert!(dead[0].delivered_at.is_some());
    }

    async fn the_portals_own_webhook_about_our_message_is_a_repeat_of_it(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let seq = desk.asks("s1", "a").await;
        let events = vec!["m:6:conv-1:m-1".to_owned(), "m:2:s1:m-1".to_owned()];
        for _ in 0..2 {
            desk.portals().note_echoes(&room("s1"), seq, &events).await.expect("an answer");
        }
        for event in &events {
            let echo = desk.receive(&desk.answer("s1", Some(event), "question a")).await;
            assert_eq!(repeated(&echo), ("s1".to_owned(), seq.get()));
        }
        assert_eq!(desk.look("s1").await.room.head, seq);
        assert_eq!(stored(&desk.receive(&desk.answer("s1", Some("m:2:s1:m-2"), "hello")).await), [4]);
        desk.portals().note_echoes(&room("nowhere"), seq, &events).await.expect("an answer");
    }
}
