//! Webhooks that were refused and are kept for a while.

use super::*;
use hubbub::features::portals::store::Which;
use hubbub_core::{
    limits::{HOOK_BYTES, REFUSED_HOOK_WEIGHT, REFUSED_HOOKS, REFUSED_HOOKS_BYTES, REFUSED_HOOKS_FOR},
    portal::refused::{Refused, RefusedHook, Verdict},
};
use std::{collections::BTreeMap, time::SystemTime};

fn now() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_millis() as i64
}

impl Desk {
    fn refused(&self, name: &str, at: i64, body: &[u8]) -> Refused {
        Refused {
            portal: self.portal.clone(),
            name: name.into(),
            at: Timestamp(at),
            last_at: Timestamp(at),
            times: 1,
            verdict: Verdict::new(422, "unmapped", &format!("why {name}")),
            headers: BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]),
            body: body.to_vec(),
        }
    }

    async fn keeps(&self, refused: &[Refused]) -> Vec<(PortalId, u64)> {
        self.portals().keep_refused(refused).await.expect("an answer")
    }

    async fn kept_refused(&self) -> Vec<RefusedHook> {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let part = self.portals().list_refused(&self.portal, after, 1_000).await.expect("a list");
            all.extend(part.items);
            match all.last() {
                Some(last) if part.more => after = last.number,
                _ => return all,
            }
        }
    }

    async fn in_order(&self, after: (Timestamp, u64), limit: usize) -> Vec<(Timestamp, u64)> {
        self.portals().refused_in_order(&self.portal, after, limit).await.expect("a list")
    }

    async fn drops(&self, which: Which) -> u64 {
        self.portals().drop_refused(&self.portal, which).await.expect("an answer")
    }
}

for_every_store! {
    async fn a_refused_webhook_is_kept_once_and_counted_and_is_as_it_came_last(home: &Home) {
        let desk = Desk::at(home).await;
        let other = Desk::of(desk.stores(), "other").await;
        let body = b"\0\xff not even a text";
        let came = now();
        let first = desk.refused("a", came, body);
        assert_eq!(desk.keeps(&[first.clone(), desk.refused("b", came + 1, b"{}"), other.refused("a", came, b"{}")]).await, []);
        let list = desk.kept_refused().await;
        assert_eq!(list.len(), 2);
        let a = &list[0];
        assert_eq!((a.at, a.last_at, a.times, a.bytes), (Timestamp(came), Timestamp(came), 1, first.bytes() as u64));
        assert_eq!((&a.portal, &a.verdict, &a.headers), (&desk.portal, &first.verdict, &first.headers));
        let look = async |number: u64| desk.portals().refused_hook(&desk.portal, number).await.expect("an answer");
        assert_eq!(look(a.number).await, Some((a.clone(), body.to_vec())));
        assert_eq!(look(u64::MAX).await, None);
        assert_eq!(other.portals().refused_hook(&other.portal, a.number).await.expect("an answer"), None);

        let mut again = desk.refused("a", came + 9, b"again");
        again.times = 3;
        again.verdict = Verdict::new(404, "unknown_session", "nobody");
        again.headers.insert("webhook-id".into(), "7".into());
        assert_eq!(desk.keeps(&[again.clone()]).await, []);
        let (seen, body) = look(a.number).await.expect("it is there");
        assert_eq!((seen.at, seen.last_at, seen.times), (Timestamp(came), Timestamp(came + 9), 4));
        assert_eq!((&seen.verdict, &seen.headers, &body[..]), (&again.verdict, &again.headers, &b"again"[..]));
        assert_eq!(desk.portals().count_refused().await.expect("counts"),
            [(desk.portal.clone(), 2), (other.portal.clone(), 1)]);
        let part = desk.portals().list_refused(&desk.portal, 0, 1).await.expect("a list");
        assert!(part.more && part.items.len() == 1);
    }

    async fn a_refused_webhook_is_refused_again_or_thrown_away(home: &Home) {
        let desk = Desk::at(home).await;
        let other = Desk::of(desk.stores(), "other").await;
        let came = now();
        // Written down in another order than they came in: by two instances.
        desk.keeps(&[desk.refused("c", came + 3, b"c"), desk.refused("b", came + 2, b"b")]).await;
        desk.keeps(&[desk.refused("a", came + 1, b"a"), desk.refused("d", came + 3, b"d"), other.refused("x", came, b"")]).await;
        let list = desk.kept_refused().await;
        let named = |name: &str| list.iter().find(|one| one.verdict.why == format!("why {name}")).expect("one").number;
        let order = desk.in_order((Timestamp(0), 0), 10).await;
        assert_eq!(order.iter().map(|(_, number)| *number).collect::<Vec<_>>(), ["a", "b", "c", "d"].map(named));
        assert_eq!(desk.in_order(order[0], 2).await, order[1..3]);
        assert_eq!(desk.in_order(order[2], 2).await, order[3..], "two of one moment");

        let verdict = Verdict::new(404, "unknown_session", "nobody");
        let again = async |desk: &Desk, number| desk.portals().refuse_again(&desk.portal, number, &verdict).await.expect("an answer");
        assert!(again(&desk, named("a")).await);
        assert!(!again(&other, named("a")).await, "it is another portal's");
        let seen = desk.kept_refused().await.into_iter().find(|one| one.number == named("a")).expect("it stays");
        assert_eq!((&seen.verdict, seen.times, seen.last_at), (&verdict, 1, Timestamp(came + 1)));

        assert_eq!(other.drops(Which::One(named("a"))).await, 0);
        assert_eq!((desk.drops(Which::One(named("a"))).await, desk.drops(Which::One(named("a"))).await), (1, 0));
        assert!(!again(&desk, named("a")).await);
        assert_eq!(desk.drops(Which::All).await, 3);
        assert_eq!(desk.portals().count_refused().await.expect("counts"), [(other.portal.clone(), 1)]);
        // A number is not given again: replays are told by it.
        desk.keeps(&[desk.refused("e", came, b"e")]).await;
        let last = list.iter().map(|one| one.number).max().expect("some");
        assert!(desk.kept_refused().await[0].number > last);
    }

    async fn of_a_portals_refused_webhooks_the_oldest_give_way(home: &Home) {
        let desk = Desk::at(home).await;
        let other = Desk::of(desk.stores(), "other").await;
        let came = now();
        other.keeps(&[other.refused("old", came - 1_000_000, b"old")]).await;
        let all: Vec<Refused> = (0..REFUSED_HOOKS as i64).map(|n| desk.refused(&format!("{n}"), came + n, b"{}")).collect();
        assert_eq!(desk.keeps(&all).await, []);
        let more: Vec<Refused> = (0..5).map(|n| desk.refused(&format!("more {n}"), came + 2_000 + n, b"{}")).collect();
        assert_eq!(desk.keeps(&more).await, [(desk.portal.clone(), 5)]);
        let kept = desk.kept_refused().await;
        assert_eq!((kept.len(), kept[0].verdict.why.as_str()), (REFUSED_HOOKS, "why 5"));
        // A repeat makes no room, and is no newer than its first.
        assert_eq!(desk.keeps(&[desk.refused("5", came + 5_000, b"{}")]).await, []);
        assert_eq!(desk.keeps(&[desk.refused("one more", came + 5_001, b"{}")]).await, [(desk.portal.clone(), 1)]);
        assert_eq!(desk.kept_refused().await[0].verdict.why, "why 6");

        // By what they weigh.
        assert_eq!(desk.drops(Which::All).await, REFUSED_HOOKS as u64);
        let large = vec![b'x'; HOOK_BYTES];
        let fit = REFUSED_HOOKS_BYTES / desk.refused("00", came, &large).weight();
        let mut dropped = 0;
        for part in (0..fit + 7).collect::<Vec<_>>().chunks(10) {
            let part: Vec<Refused> = part.iter().map(|n| desk.refused(&format!("{n:02}"), came + *n as i64, &large)).collect();
            dropped += desk.keeps(&part).await.into_iter().map(|(_, hooks)| hooks).sum::<u64>();
        }
        let kept = desk.kept_refused().await;
        assert_eq!((dropped, kept.len()), (7, fit));
        assert_eq!(kept[0].verdict.why, "why 07");
        let weight: u64 = kept.iter().map(|one| one.bytes + REFUSED_HOOK_WEIGHT as u64).sum();
        assert!(weight <= REFUSED_HOOKS_BYTES as u64);
        assert_eq!(other.kept_refused().await.len(), 1, "another portal's");
    }

    async fn refused_webhooks_end_with_their_time_and_with_their_portal(home: &Home) {
        let desk = Desk::at(home).await;
        let other = Desk::of(desk.stores(), "other").await;
        let old = now() - REFUSED_HOOKS_FOR.as_millis() as i64;
        desk.keeps(&[desk.refused("old", old - 60_000, b"{}"), desk.refused("new", old + 600_000, b"{}")]).await;
        other.keeps(&[other.refused("a", now(), b"{}")]).await;
        // One that is repeated all the time is no younger for it.
        desk.keeps(&[desk.refused("old", now(), b"{}")]).await;
        assert_eq!(desk.portals().sweep_refused().await.expect("an answer"), [(desk.portal.clone(), 1)]);
        assert_eq!(desk.portals().sweep_refused().await.expect("an answer"), []);
        assert_eq!(desk.kept_refused().await.len(), 1);
        assert!(desk.portals().delete_portal(&desk.portal).await.expect("an answer"));
        assert!(desk.kept_refused().await.is_empty());
        // What an instance has refused that does not know it yet.
        assert_eq!(desk.keeps(&[desk.refused("late", now(), b"{}"), other.refused("b", now(), b"{}")]).await, []);
        assert!(desk.kept_refused().await.is_empty());
        assert_eq!(desk.portals().count_refused().await.expect("counts"), [(other.portal.clone(), 2)]);
    }

    async fn refused_webhooks_are_kept_and_thrown_away_by_several_at_once(home: &Home) {
        let desk = Arc::new(Desk::at(home).await);
        let other = Arc::new(Desk::of(desk.stores(), "other").await);
        let came = now();
        let keeping = (0..4).map(|keeper: i64| {
            let (desk, other) = (desk.clone(), other.clone());
            async move {
                for round in 0..10 {
                    // The same names, in another order each time, of two portals.
                    let mut all: Vec<Refused> = (0..20).map(|n| desk.refused(&format!("{n}"), came + n, b"{}")).collect();
                    all.extend((0..20).map(|n| other.refused(&format!("{n}"), came + n, b"{}")));
                    all.rotate_left(usize::try_from(keeper * 7 + round).expect("a number") % 40);
                    if keeper % 2 == 0 {
                        all.reverse();
                    }
                    desk.keeps(&all).await;
                    if keeper == 3 {
                        desk.drops(Which::All).await;
                        desk.portals().sweep_refused().await.expect("an answer");
                    }
                }
            }
        });
        futures_util::future::join_all(keeping).await;
        let kept = other.kept_refused().await;
        assert_eq!(kept.len(), 20);
        assert!(kept.iter().all(|one| one.times == 40), "{kept:?}");
    }
}
