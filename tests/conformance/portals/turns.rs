//! Whose turn it is.

use super::*;
use hubbub_core::limits::TURNS_LOOKED_AT;
use std::collections::HashMap;

impl Desk {
    /// Sessions of a customer in which something waits, due from `at` on.
    async fn waiting(&self, home: &Home, customer: &str, ids: std::ops::Range<usize>, at: i64) {
        let mut drafts = Vec::new();
        for n in ids {
            let id = format!("{customer}{n}");
            self.session_of(&id, customer).await;
            drafts.push(self.pen.says(&id, customer, "k", "hi"));
        }
        self.store().append(&drafts).await.expect("outcomes");
        home.change(&format!("UPDATE cursors SET due_at = {at} + room WHERE due_at > 1000000 AND NOT leased")).await;
    }

    async fn claims(&self, places: Places) -> HashMap<String, usize> {
        let wanted = [Wanted { portal: self.portal.clone(), places }];
        let mut customers = HashMap::new();
        for claim in self.portals().claim(&wanted, LEASE).await.expect("claims") {
            *customers.entry(claim.customer.to_string()).or_default() += 1;
        }
        customers
    }
}

fn each(most: usize, each: usize) -> Places {
    Places { each, ..Places::all(most) }
}

for_every_store! {
    async fn a_customer_with_many_sessions_fills_no_more_than_their_places(home: &Home) {
        let desk = Desk::at(home).await;
        desk.waiting(home, "ana", 0..20, 1_000).await;
        desk.waiting(home, "ben", 0..2, 2_000).await;
        desk.waiting(home, "eva", 0..1, 3_000).await;
        assert_eq!(desk.claims(each(6, 4)).await, [("ana".into(), 3), ("ben".into(), 2), ("eva".into(), 1)].into());
        let busy = Places { under_way: [(user("ana"), 3)].into(), ..each(6, 4) };
        assert_eq!(desk.claims(busy).await, [("ana".into(), 1)].into());
        let busy = Places { under_way: [(user("ana"), 4)].into(), ..each(6, 4) };
        assert_eq!(desk.claims(busy).await, HashMap::new());
        let none = Places { fresh: 0, failing: 0, ..each(6, 6) };
        assert_eq!(desk.claims(none).await, HashMap::new());
    }

    async fn nobody_is_hidden_in_a_crowd(home: &Home) {
        let desk = Desk::at(home).await;
        desk.waiting(home, "ana", 0..TURNS_LOOKED_AT + 5, 1_000).await;
        desk.waiting(home, "ben", 0..1, 2_000).await;
        // Ben is due in the middle of Ana's many.
        desk.waiting(home, "ana", 1_000..1_000 + TURNS_LOOKED_AT + 5, 3_000).await;
        let busy = Places { under_way: [(user("ana"), 2)].into(), ..each(2, 2) };
        assert_eq!(desk.claims(busy).await, [("ben".into(), 1)].into());
        // Who comes last is seen as well as who came first.
        desk.waiting(home, "eva", 0..1, 900_000).await;
        assert_eq!(desk.claims(each(2, 2)).await, [("ana".into(), 1), ("eva".into(), 1)].into());
    }

    async fn who_has_failed_comes_after_who_has_not(home: &Home) {
        let desk = Desk::at(home).await;
        desk.waiting(home, "bad", 0..6, 1_000).await;
        for _ in 0..6 {
            let claim = desk.wait_for_claim(LEASE).await;
            let later = DeliveryStep::Later {
                attempt: attempt(7, Some("500")),
                counted: 1,
                again_in: Duration::from_millis(1),
            };
            assert!(desk.settle(&claim, later).await);
        }
        home.change("UPDATE cursors SET due_at = 1 WHERE due_at IS NOT NULL").await;
        desk.waiting(home, "ana", 0..3, 5_000).await;
        assert_eq!(desk.claims(each(3, 9)).await, [("ana".into(), 2), ("bad".into(), 1)].into());
        assert_eq!(desk.claims(Places { fresh: 0, failing: 2, ..each(9, 9) }).await, [("bad".into(), 2)].into());
        assert_eq!(desk.claims(Places { failing: 0, ..each(9, 9) }).await, [("ana".into(), 1)].into());
        assert_eq!(desk.claims(Places { failing: 2, ..each(1, 9) }).await, [("bad".into(), 1)].into());
    }

    async fn two_who_claim_at_once_share_what_is_due(home: &Home) {
        let desk = Desk::at(home).await;
        for n in 0..12 {
            desk.waiting(home, &format!("c{n:02}x"), 0..1, 1_000).await;
        }
        let claims = async || desk.claims(each(6, 2)).await;
        let (one, other) = tokio::join!(claims(), claims());
        let all: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
        assert_eq!((one.len(), other.len(), all.len()), (6, 6, 12), "{one:?} {other:?}");
    }
}
