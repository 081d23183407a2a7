//! Lists of sessions, and how much waits.

use super::*;
use hubbub::features::portals::store::{Backlog, Filter};
use hubbub_core::limits::PAGE_BYTES;

for_every_store! {
    async fn sessions_are_listed_by_id(home: &Home) {
        let desk = Desk::at(home).await;
        let other = Desk::of(desk.stores(), "other").await;
        for (id, customer) in [("s3", "ana"), ("s1", "ana"), ("s2", "ben")] {
            desk.session_of(id, customer).await;
        }
        other.session("o1").await;
        let list = async |filter: Filter, after: Option<&str>, limit: usize| {
            let part = desk.portals().sessions(&filter, after.map(room).as_ref(), limit).await.expect("a list");
            (part.items.iter().map(|one| one.room.id.to_string()).collect::<Vec<_>>().join(" "), part.more)
        };
        let all = Filter::default;
        assert_eq!(list(all(), None, 10).await, ("o1 s1 s2 s3".into(), false));
        assert_eq!(list(all(), None, 2).await, ("o1 s1".into(), true));
        assert_eq!(list(all(), Some("s1"), 2).await, ("s2 s3".into(), false));
        let of_desk = || Filter { portal: Some(desk.portal.clone()), ..all() };
        assert_eq!(list(of_desk(), None, 10).await.0, "s1 s2 s3");
        assert_eq!(list(Filter { customer: Some(user("ana")), ..all() }, None, 10).await.0, "o1 s1 s3");
        assert_eq!(list(Filter { customer: Some(user("ana")), ..of_desk() }, Some("s1"), 10).await.0, "s3");
        assert_eq!(list(Filter { session: Some(room("s2")), ..of_desk() }, None, 10).await.0, "s2");
        assert_eq!(list(Filter { portal: Some(portal("nobody")), ..all() }, None, 10).await.0, "");

        let waiting = || Filter { waiting: true, ..all() };
        assert_eq!(list(waiting(), None, 10).await.0, "");
        for id in ["s1", "s3", "o1"] {
            desk.asks(id, "a").await;
        }
        let claims = desk.claim(10).await;
        let blocked = claims.iter().find(|claim| claim.session.as_str() == "s1").expect("a claim");
        assert!(desk.settle(blocked, given_up(Seq::new(3), true)).await);
        assert_eq!(list(waiting(), None, 10).await.0, "o1 s1 s3", "on its way, or standing still: it waits");
        assert_eq!(list(Filter { portal: Some(other.portal.clone()), ..waiting() }, None, 10).await.0, "o1");
    }

    async fn how_much_waits_is_counted(home: &Home) {
        let desk = Desk::at(home).await;
        Desk::of(desk.stores(), "other").await;
        for id in ["s1", "s2", "s3", "s4"] {
            desk.session(id).await;
        }
        let backlog = async || desk.portals().backlog().await.expect("a backlog");
        let nothing = |id: &str| Backlog { portal: portal(id), waiting: 0, oldest: None, dead: 0, quarantined: 0 };
        assert_eq!(backlog().await, [nothing("desk"), nothing("other")]);
        for id in ["s1", "s2", "s3"] {
            desk.asks(id, "a").await;
        }
        let oldest = desk.delivery("s1").await.waiting_since;
        assert_eq!(backlog().await, [Backlog { waiting: 3, oldest, ..nothing("desk") }, nothing("other")]);
        let claims = desk.claim(10).await;
        let of = |id: &str| claims.iter().find(|claim| claim.session.as_str() == id).expect("a claim");
        assert!(desk.settle(of("s1"), given_up(Seq::new(3), true)).await);
        assert!(desk.settle(of("s2"), given_up(Seq::new(3), false)).await);
        let waiting = Backlog { waiting: 2, oldest, dead: 2, ..nothing("desk") };
        assert_eq!(backlog().await, [waiting.clone(), nothing("other")], "one stands still, one is on its way");
        assert!(desk.settle(of("s3"), passed(Seq::new(3))).await);
        // To be sent again is something to do, and nothing that waits.
        desk.portals().replay(&desk.portal, hubbub::features::portals::store::Which::All).await.expect("replays");
        assert_eq!(backlog().await, [Backlog { waiting: 1, ..waiting }, nothing("other")]);
    }

    async fn heavy_lists_end_early(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let long = "x".repeat(8_000);
        for n in 0..30 {
            desk.pen.append(desk.pen.says("s1", "ana", &format!("k{n}"), &long)).await;
            let claim = desk.claim_one().await;
            assert!(desk.settle(&claim, given_up(Seq::new(3 + n), false)).await);
            let lost = Incoming { quarantine: true, ..desk.answer("gone", None, &long) };
            desk.receive(&lost).await;
        }
        let least = PAGE_BYTES / 8_000 / 2;
        let (mut after, mut all) = (0, 0);
        loop {
            let part = desk.portals().dead_letters(&Filter::default(), after, 100).await.expect("a list");
            assert!(part.items.len() < 20 && (part.items.len() > least || !part.more), "{}", part.items.len());
            (all, after) = (all + part.items.len(), part.items.last().expect("a dead letter").number);
            if !part.more {
                break;
            }
        }
        assert_eq!(all, 30);
        let part = desk.portals().quarantined(&desk.portal, 0, 100).await.expect("a list");
        assert!(part.more && (least..20).contains(&part.items.len()), "{}", part.items.len());
    }
}
