//! Tokens that open portals: renewed by one at a time, never lost to a pause, an operator's above all.

use super::*;
use futures_util::future::join_all;
use hubbub::features::portals::{
    access::store::{Grant, GrantClaim, GrantStep},
    vault::Kept,
};

fn renewed(access: &str, refresh: Option<&str>) -> GrantStep {
    GrantStep::Renewed {
        access: access.into(),
        renew_at: Some(Timestamp(7)),
        made_for: "settings".into(),
        refresh: refresh.map(Kept::from),
    }
}

impl Desk {
    async fn grant(&self) -> Grant {
        self.portals().grant(&self.portal).await.expect("an answer").expect("a grant")
    }

    async fn claims_grant(&self, generation: u64, lease: Duration) -> Option<GrantClaim> {
        self.portals().claim_grant(&self.portal, generation, lease).await.expect("an answer")
    }

    async fn brings(&self, claim: &GrantClaim, step: &GrantStep) -> bool {
        self.portals().settle_grant(claim, step).await.expect("an answer")
    }

    async fn gives(&self, refresh: &str) {
        assert!(self.portals().give_grant(&self.portal, &refresh.into()).await.expect("an answer"));
    }

    /// Waits until the claim that there is has ended.
    async fn claims_late(&self, generation: u64) -> GrantClaim {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(claim) = self.claims_grant(generation, LEASE).await {
                return claim;
            }
            assert!(Instant::now() < deadline, "the lease does not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

for_every_store! {
    async fn one_at_a_time_renews_a_token(home: &Home) {
        let desk = Desk::at(home).await;
        assert_eq!(desk.portals().grant(&desk.portal).await.expect("an answer"), None);
        let claims = join_all((0..8).map(|_| desk.claims_grant(0, LEASE))).await;
        let [claim] = &claims.into_iter().flatten().collect::<Vec<_>>()[..] else { panic!("not one") };
        assert!(desk.brings(claim, &renewed("a1", Some("r1"))).await);
        let grant = desk.grant().await;
        let expected = Grant {
            portal: desk.portal.clone(),
            access: Some("a1".into()),
            renew_at: Some(Timestamp(7)),
            made_for: Some("settings".into()),
            refresh: Some("r1".into()),
            generation: 1,
            refused: None,
        };
        assert_eq!(grant, expected);
        assert_eq!(desk.portals().grants().await.expect("an answer"), [grant]);
        // Whoever has looked before finds that there is another one.
        assert_eq!(desk.claims_grant(0, LEASE).await, None);
        // It was given back: the next one claims at once, and one without a new refresh token leaves the old one.
        let claim = desk.claims_grant(1, LEASE).await.expect("a claim");
        assert_eq!(desk.claims_grant(1, LEASE).await, None);
        assert!(desk.brings(&claim, &renewed("a2", None)).await);
        assert_eq!((desk.grant().await.access, desk.grant().await.refresh), (Some("a2".into()), Some("r1".into())));
        let claim = desk.claims_grant(2, LEASE).await.expect("a claim");
        assert!(desk.brings(&claim, &GrantStep::GivenBack).await);
        assert!(desk.claims_grant(2, LEASE).await.is_some());
        assert!(!desk.portals().give_grant(&portal("nobody"), &"r".into()).await.expect("an answer"));
        assert_eq!(desk.portals().claim_grant(&portal("nobody"), 0, LEASE).await.expect("an answer"), None);
    }

    async fn what_a_pause_has_fetched_is_kept_unless_somebody_else_was_quicker(home: &Home) {
        let desk = Desk::at(home).await;
        desk.gives("r0").await;
        let paused = desk.claims_grant(1, Duration::from_millis(1)).await.expect("a claim");
        let other = desk.claims_late(1).await;
        assert!(other.fence > paused.fence);
        // The old refresh token may be good no more: what was got for it is not lost.
        assert!(desk.brings(&paused, &renewed("a1", Some("r1"))).await);
        assert_eq!(desk.grant().await.refresh, Some("r1".into()));
        // Whoever holds the claim is the newer one.
        assert!(desk.brings(&other, &renewed("a2", Some("r2"))).await);
        assert!(!desk.brings(&paused, &renewed("a3", Some("r3"))).await);
        assert!(!desk.brings(&paused, &GrantStep::Refused("late".into())).await);
        assert!(!desk.brings(&paused, &GrantStep::GivenBack).await);
        assert_eq!((desk.grant().await.refresh, desk.grant().await.refused), (Some("r2".into()), None));
    }

    async fn a_refused_grant_is_not_tried_until_an_operator_does_something(home: &Home) {
        let desk = Desk::at(home).await;
        desk.gives("r0").await;
        let claim = desk.claims_grant(1, LEASE).await.expect("a claim");
        assert!(desk.brings(&claim, &GrantStep::Refused("invalid_grant".into())).await);
        let refused = desk.grant().await;
        assert_eq!((refused.refused.as_deref(), refused.refresh), (Some("invalid_grant"), Some("r0".into())));
        assert_eq!(desk.claims_grant(refused.generation, LEASE).await, None);
        desk.portals().forgive_grant(&desk.portal).await.expect("an answer");
        let claim = desk.claims_grant(refused.generation, LEASE).await.expect("a claim");
        assert!(desk.brings(&claim, &GrantStep::Refused("invalid_grant".into())).await);
        desk.gives("r1").await;
        let given = desk.grant().await;
        assert_eq!((given.refused, given.refresh, given.access), (None, Some("r1".into()), None));
        assert!(desk.claims_grant(given.generation, LEASE).await.is_some());
    }

    async fn what_an_operator_gives_is_not_overwritten_by_what_was_under_way(home: &Home) {
        let desk = Desk::at(home).await;
        desk.gives("r0").await;
        let claim = desk.claims_grant(1, LEASE).await.expect("a claim");
        desk.gives("r9").await;
        for step in [renewed("a1", Some("r1")), GrantStep::Refused("no".into()), GrantStep::GivenBack] {
            assert!(!desk.brings(&claim, &step).await, "{step:?}");
        }
        let grant = desk.grant().await;
        assert_eq!((grant.refresh, grant.access, grant.refused), (Some("r9".into()), None, None));
    }

    async fn a_token_that_was_refused_is_void_once_in_a_while(home: &Home) {
        let desk = Desk::at(home).await;
        desk.gives("r0").await;
        let voids = async |generation, again| desk.portals().void_grant(&desk.portal, generation, again).await.expect("an answer");
        let claim = desk.claims_grant(1, LEASE).await.expect("a claim");
        assert!(desk.brings(&claim, &renewed("a1", None)).await);
        assert!(!voids(1, LEASE).await, "that was the one before");
        assert!(voids(2, LEASE).await);
        assert_eq!((desk.grant().await.access, desk.grant().await.generation), (None, 3));
        let claim = desk.claims_grant(3, LEASE).await.expect("a claim");
        assert!(desk.brings(&claim, &renewed("a2", None)).await);
        assert!(!voids(4, LEASE).await, "not so soon again");
        assert!(voids(4, Duration::ZERO).await);
    }

    async fn tokens_are_sealed_anew_only_where_they_are_the_same(home: &Home) {
        let desk = Desk::at(home).await;
        desk.gives("r0").await;
        let seen = desk.grant().await;
        let anew = Grant { refresh: Some("sealed".into()), ..seen.clone() };
        assert!(desk.portals().reseal_grant(&anew).await.expect("an answer"));
        assert_eq!(desk.grant().await, anew, "and everything else stays");
        let claim = desk.claims_grant(seen.generation, LEASE).await.expect("a claim");
        assert!(desk.brings(&claim, &renewed("a1", Some("r1"))).await);
        assert!(!desk.portals().reseal_grant(&anew).await.expect("an answer"));
        assert_eq!(desk.grant().await.refresh, Some("r1".into()));
    }
}
