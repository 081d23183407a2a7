//! Claims: who has a session to itself, and for how long.

use super::*;
use hubbub_core::limits::{ATTEMPTS_KEPT, DELIVERY_ENTRIES};
use std::collections::BTreeSet;

for_every_store! {
    async fn a_lease_that_expires_is_claimed_by_another(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let seq = desk.asks("s1", "a").await;
        let first = desk.wait_for_claim(Duration::from_millis(1)).await;
        let second = desk.wait_for_claim(LEASE).await;
        assert!(second.fence > first.fence);
        let before = desk.delivery("s1").await;
        for step in [
            passed(seq),
            given_up(seq, true),
            DeliveryStep::Later { attempt: attempt(1, Some("no")), counted: 1, again_in: LEASE },
            DeliveryStep::Released,
        ] {
            let late = Settlement { external: Some("late".into()), keep: Some(LEASE), ..settlement(&first, step) };
            assert!(!desk.settle_as(late).await);
        }
        assert_eq!(desk.delivery("s1").await, before, "nothing was written");
        assert_eq!(desk.look("s1").await.external, None);
        assert!(desk.kept().await.succeeded_at.is_none());
        assert!(desk.settle(&second, passed(seq)).await);
        assert!(!desk.settle(&second, passed(seq)).await, "it was given up");
    }

    async fn a_claim_is_kept_from_message_to_message(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let (first, second) = (desk.asks("s1", "a").await, desk.asks("s1", "b").await);
        let claim = desk.claim_one().await;
        let kept = Settlement { keep: Some(LEASE), ..settlement(&claim, passed(first)) };
        assert!(desk.settle_as(kept.clone()).await);
        assert!(desk.settle_as(kept).await, "an answer that was lost is asked for again");
        desk.nothing_is_due().await;
        assert_eq!(desk.delivery("s1").await.position, first);
        assert!(desk.settle(&claim, passed(second)).await);
        let delivery = desk.delivery("s1").await;
        assert_eq!((delivery.position, delivery.due_at), (second, None));
        assert!(desk.kept().await.succeeded_at.is_some());
    }

    async fn a_claim_that_is_given_up_is_due_again(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        desk.asks("s1", "a").await;
        let claim = desk.claim_one().await;
        let released = Settlement { keep: Some(LEASE), ..settlement(&claim, DeliveryStep::Released) };
        assert!(desk.settle_as(released).await);
        assert_eq!(desk.claim_one().await.entries.len(), 1);
    }

    async fn a_failure_is_tried_again_later(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let seq = desk.asks("s1", "a").await;
        let due = || DeliveryStep::Later { attempt: attempt(7, Some("500")), counted: 1, again_in: Duration::from_millis(1) };
        for _ in 0..=ATTEMPTS_KEPT {
            let claim = desk.wait_for_claim(LEASE).await;
            assert!(desk.settle(&claim, due()).await);
        }
        let claim = desk.wait_for_claim(LEASE).await;
        let later = DeliveryStep::Later { attempt: attempt(8, Some("502")), counted: 3, again_in: LEASE };
        let kept = Settlement { keep: Some(LEASE), ..settlement(&claim, later) };
        assert!(desk.settle_as(kept).await);
        assert!(!desk.settle(&claim, DeliveryStep::Released).await, "a failure ends the claim");
        desk.nothing_is_due().await;
        desk.asks("s1", "b").await;
        desk.nothing_is_due().await;
        let delivery = desk.delivery("s1").await;
        assert_eq!((delivery.position, delivery.counted, delivery.since), (Seq::new(2), 3, Some(Timestamp(7))));
        assert_eq!(delivery.attempts.len(), ATTEMPTS_KEPT);
        assert_eq!(delivery.attempts.last(), Some(&attempt(8, Some("502"))));

        home.change("UPDATE cursors SET due_at = 1").await;
        let claim = desk.claim_one().await;
        assert_eq!(claim.delivery.attempts, delivery.attempts);
        assert!(desk.settle(&claim, passed(seq)).await);
        let delivery = desk.delivery("s1").await;
        assert_eq!((delivery.counted, delivery.since, delivery.attempts.len()), (0, None, 0));
    }

    async fn those_due_longest_are_claimed_first_and_no_more_than_asked(home: &Home) {
        let desk = Desk::at(home).await;
        let other = Desk::of(desk.stores(), "other").await;
        for n in 0..6 {
            desk.session(&format!("s{n}")).await;
            desk.asks(&format!("s{n}"), "a").await;
            other.session(&format!("o{n}")).await;
            desk.asks(&format!("o{n}"), "a").await;
            // Time passes between them.
            home.change(&format!("UPDATE cursors SET due_at = {n} WHERE due_at > 1000")).await;
        }
        let wanted = |most: [usize; 2]| {
            [Wanted { portal: desk.portal.clone(), places: Places::all(most[0]) }, Wanted { portal: other.portal.clone(), places: Places::all(most[1]) }]
        };
        let ids = |claims: Vec<Claim>| claims.iter().map(|claim| claim.session.to_string()).collect::<BTreeSet<_>>();
        let claims = desk.portals().claim(&wanted([2, 1]), LEASE).await.expect("claims");
        assert_eq!(ids(claims), ["o0", "s0", "s1"].map(str::to_owned).into());
        let claims = desk.portals().claim(&wanted([0, 2]), LEASE).await.expect("claims");
        assert_eq!(ids(claims), ["o1", "o2"].map(str::to_owned).into());
        let claims = desk.portals().claim(&wanted([10, 0]), LEASE).await.expect("claims");
        assert_eq!(ids(claims), ["s2", "s3", "s4", "s5"].map(str::to_owned).into());
        assert!(desk.portals().claim(&[], LEASE).await.expect("claims").is_empty());
    }

    async fn a_claim_brings_a_page(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let drafts: Vec<_> = (0..40).map(|n| desk.pen.says("s1", "ana", &format!("k{n}"), "hi")).collect();
        desk.store().append(&drafts).await.expect("outcomes");
        let claim = desk.claim_one().await;
        assert_eq!(crate::store::seqs(&claim.entries), (3..3 + DELIVERY_ENTRIES as u64).collect::<Vec<_>>());
        assert_eq!(claim.delivery.head, Seq::new(42));
        assert!(desk.settle(&claim, passed(Seq::new(30))).await);
        assert_eq!(crate::store::seqs(&desk.claim_one().await.entries), (31..=42).collect::<Vec<_>>());
        // Heavy ones come fewer at a time.
        desk.session("s2").await;
        let long = "x".repeat(8_000);
        let drafts: Vec<_> = (0..30).map(|n| desk.pen.says("s2", "ana", &format!("k{n}"), &long)).collect();
        desk.store().append(&drafts).await.expect("outcomes");
        let entries = desk.claim_one().await.entries.len();
        assert!((10..20).contains(&entries), "{entries} of 8 kB");
    }

    async fn settlements_of_one_transaction_stand_each_for_itself(home: &Home) {
        let desk = Desk::at(home).await;
        for id in ["s1", "s2", "s3"] {
            desk.session(id).await;
            desk.asks(id, "a").await;
        }
        let mut claims = desk.claim(3).await;
        claims.sort_by(|one, other| one.session.cmp(&other.session));
        assert!(desk.settle(&claims[1], DeliveryStep::Released).await);
        let all = [
            settlement(&claims[0], passed(Seq::new(3))),
            settlement(&claims[1], passed(Seq::new(3))),
            settlement(&claims[2], DeliveryStep::Later { attempt: attempt(1, Some("500")), counted: 1, again_in: LEASE }),
            Settlement { session: room("nowhere"), ..settlement(&claims[0], DeliveryStep::Released) },
        ];
        assert_eq!(desk.portals().settle(&all).await.expect("answers"), [true, false, true, false]);
        assert!(desk.portals().settle(&[]).await.expect("answers").is_empty());
        let positions = [desk.delivery("s1").await, desk.delivery("s2").await, desk.delivery("s3").await];
        assert_eq!(positions.map(|delivery| delivery.position.get()), [3, 2, 2]);
        assert_eq!(desk.claim_one().await.session.as_str(), "s2");
    }

    async fn what_the_portals_newest_answer_calls_a_session_goes_out(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let mut seq = 2;
        for (key, external) in [("a", "case 7"), ("b", "case 8"), ("c", "case 7"), ("d", "case 9")] {
            desk.asks("s1", key).await;
            let claim = desk.claim_one().await;
            seq += 1;
            let told = Settlement { external: Some(external.into()), ..settlement(&claim, passed(Seq::new(seq))) };
            assert!(!desk.settle_as(Settlement { fence: claim.fence + 1, external: Some("late".into()), ..told.clone() }).await);
            assert!(desk.settle_as(told).await);
            assert_eq!(desk.look("s1").await.external.as_deref(), Some(external));
        }
        desk.asks("s1", "e").await;
        assert_eq!(desk.claim_one().await.external.as_deref(), Some("case 9"));
        assert_eq!(desk.look("s1").await.externals, ["case 7", "case 8"], "what a claim says that has gone is not kept");
        for external in ["case 8", "case 7", "case 9"] {
            assert_eq!(stored(&desk.receive(&desk.by_external(external, None, "hello")).await), [desk.look("s1").await.room.head.get()]);
        }
        assert_eq!(desk.receive(&desk.by_external("late", None, "hello")).await, Received::UnknownSession);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_claim_different_sessions() {
    let home = Home::postgres();
    let (one, other) = (Desk::at(&home).await, Desk::at(&home).await);
    for n in 0..40 {
        one.session(&format!("s{n}")).await;
        one.asks(&format!("s{n}"), "a").await;
    }
    // Whose row is held by somebody is passed over, and not waited for.
    let holder = crate::store::instances::raw().await;
    let schema = home.schema();
    let held = "SELECT c.room FROM cursors c JOIN sessions s ON s.room = c.room WHERE s.id = 's7' FOR UPDATE OF c";
    holder.batch_execute(&format!("SET search_path = {schema}; BEGIN; {held}")).await.expect("a lock");
    let began = Instant::now();
    let mut claims = Vec::new();
    while claims.len() < 39 {
        let (first, second) = tokio::join!(one.claim(5), other.claim(5));
        assert!(!first.is_empty() || !second.is_empty(), "{} of 39", claims.len());
        claims.extend(first.into_iter().chain(second).map(|claim| claim.session));
    }
    assert!(began.elapsed() < hubbub_core::limits::LOCK_TIMEOUT * 5);
    let different: BTreeSet<_> = claims.iter().collect();
    assert_eq!((different.len(), claims.len()), (39, 39));
    one.nothing_is_due().await;
    holder.batch_execute("ROLLBACK").await.expect("the lock is given up");
    assert_eq!(other.claim_one().await.session.as_str(), "s7");
}
