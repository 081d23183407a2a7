//! What operators do about portals and about what waits in sessions.

use super::*;
use hubbub::features::portals::store::{Filter, Steer, Trouble};

impl Desk {
    async fn steer(&self, id: &str, how: Steer) -> bool {
        self.portals().steer(&room(id), &how).await.expect("an answer")
    }

    fn later(n: i64) -> DeliveryStep {
        DeliveryStep::Later { attempt: attempt(n, Some("422")), counted: 2, again_in: LEASE }
    }
}

for_every_store! {
    async fn what_waits_is_skipped_and_is_a_dead_letter(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let (first, second) = (desk.asks("s1", "a").await, desk.asks("s1", "b").await);
        let claim = desk.claim_one().await;
        assert!(desk.settle(&claim, Desk::later(7)).await);
        let position = desk.delivery("s1").await.position;
        let skip = |position, seq| Steer::Skip { position, seq };
        assert!(!desk.steer("s1", skip(Seq::new(1), first)).await, "it is elsewhere by now");
        assert!(!desk.steer("s1", skip(position, Seq::new(99))).await, "there is no such entry");
        assert!(!desk.steer("s9", skip(position, first)).await);
        assert!(desk.steer("s1", skip(position, first)).await);
        let delivery = desk.delivery("s1").await;
        assert_eq!((delivery.position, delivery.failed, delivery.attempts), (first, vec![first], vec![]));
        // It goes on at once; who is under way with something that is skipped has lost it.
        let claim = desk.claim_one().await;
        assert!(desk.steer("s1", skip(first, second)).await);
        assert!(!desk.settle(&claim, passed(second)).await);
        let delivery = desk.delivery("s1").await;
        assert_eq!((delivery.position, delivery.failed, delivery.due_at), (second, vec![first, second], None));
    }

    async fn what_waits_is_tried_at_once_as_if_for_the_first_time(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        desk.asks("s1", "a").await;
        let claim = desk.claim_one().await;
        assert!(desk.settle(&claim, Desk::later(7)).await);
        desk.nothing_is_due().await;
        assert!(desk.steer("s1", Steer::Retry).await);
        let claim = desk.claim_one().await;
        assert_eq!((claim.delivery.counted, claim.delivery.since, claim.delivery.attempts.len()), (0, None, 1));
        assert!(desk.steer("s1", Steer::Retry).await);
        desk.nothing_is_due().await;
    }

    async fn a_session_is_disabled_without_its_portal(home: &Home) {
        let desk = Desk::at(home).await;
        for id in ["s1", "s2"] {
            desk.session(id).await;
        }
        let first = desk.asks("s1", "a").await;
        desk.asks("s1", "b").await;
        let claim = desk.claim_one().await;
        assert!(desk.steer("s1", Steer::Disable).await);
        // What is under way is the last.
        let kept = Settlement { keep: Some(LEASE), ..settlement(&claim, passed(first)) };
        assert!(!desk.settle_as(kept).await, "it is written, and no more is to be sent");
        assert_eq!(desk.delivery("s1").await.position, first);
        desk.asks("s1", "c").await;
        desk.nothing_is_due().await;
        assert!(desk.delivery("s1").await.blocked);
        desk.asks("s2", "a").await;
        assert_eq!(desk.claim_one().await.session, room("s2"));
        assert!(desk.steer("s1", Steer::Enable).await);
        let claim = desk.claim_one().await;
        assert_eq!(claim.entries.len(), 2);
        // One that stands still at a dead letter is not let go on by that.
        assert!(desk.settle(&claim, given_up(Seq::new(first.get() + 1), true)).await);
        assert!(desk.steer("s1", Steer::Disable).await);
        assert!(desk.steer("s1", Steer::Enable).await);
        assert!(desk.delivery("s1").await.blocked);
        desk.nothing_is_due().await;
    }

    async fn a_deleted_portal_is_no_more_and_its_history_is_kept(home: &Home) {
        let desk = Desk::at(home).await;
        for n in 0..5 {
            desk.session(&format!("s{n}")).await;
        }
        let lost = desk.asks("s0", "lost").await;
        let claim = desk.claim_one().await;
        assert!(desk.settle(&claim, given_up(lost, false)).await);
        let asked = desk.asks("s1", "a").await;
        let before = desk.kept().await;
        assert!(desk.portals().orphans(10).await.expect("orphans").is_empty());
        assert!(desk.portals().delete_portal(&desk.portal).await.expect("an answer"));
        assert!(!desk.portals().delete_portal(&desk.portal).await.expect("an answer"));
        assert!(desk.portals().portals().await.expect("portals").is_empty());
        assert!(desk.portals().backlog().await.expect("a backlog").is_empty());
        desk.nothing_is_due().await;
        assert!(!desk.portals().write_portal(&before).await.expect("an answer"), "not even who read it before");
        assert!(!desk.portals().create_portal(&before).await.expect("an answer"), "its id is not given again");
        for id in ["s1", "new"] {
            let wish = desk.wish(id, "ana");
            let opened = desk.portals().open_session(&wish).await.expect("an answer");
            assert!(matches!(opened, Opened::UnknownPortal), "{opened:?}");
        }
        assert_eq!(desk.look("s1").await.delivery.head, asked);
        let mut seen = std::collections::BTreeSet::new();
        loop {
            let orphans = desk.portals().orphans(2).await.expect("orphans");
            if orphans.is_empty() {
                break;
            }
            for orphan in orphans {
                assert_eq!(orphan.waits, (orphan.session == room("s1")).then_some(asked), "{orphan:?}");
                let closed = desk.set_state(orphan.session.as_str(), "end", SessionState::Closed).await;
                assert!(matches!(closed, Outcome::Appended(_)), "{closed:?}");
                assert!(seen.insert(orphan.session));
            }
        }
        assert_eq!(seen.len(), 5);
        let filter = Filter { portal: Some(desk.portal.clone()), ..Filter::default() };
        let left = desk.portals().dead_letters(&filter, 0, 10).await.expect("dead letters").items;
        assert_eq!(left.iter().map(|letter| letter.entry.seq).collect::<Vec<_>>(), [lost]);
        assert!(desk.portals().discard(&desk.portal, left[0].number).await.expect("an answer"));
        assert!(desk.portals().dead_letters(&filter, 0, 10).await.expect("dead letters").items.is_empty());
    }

    async fn what_is_the_matter_with_a_portal_is_written_down_until_it_is_changed(home: &Home) {
        let desk = Desk::at(home).await;
        let trouble = Trouble { class: "credentials".into(), why: "status 401".into(), since: 7 };
        let note = async |trouble: Option<&Trouble>| desk.portals().note_trouble(&desk.portal, trouble).await.expect("done");
        let before = desk.kept().await;
        note(Some(&trouble)).await;
        let kept = desk.kept().await;
        assert_eq!((kept.trouble.as_ref(), kept.revision), (Some(&trouble), before.revision));
        note(None).await;
        assert_eq!(desk.kept().await, before);
        note(Some(&trouble)).await;
        assert!(desk.portals().write_portal(&before).await.expect("an answer"));
        assert_eq!(desk.kept().await.trouble, None, "somebody has mended it, perhaps");
    }
}
