//! Dead letters: sessions that go on or wait, replays, discards.

use super::*;
use hubbub::features::portals::store::{DeadLetter, Filter, Which};

impl Desk {
    async fn dead(&self) -> Vec<DeadLetter> {
        self.portals().dead_letters(&Filter::default(), 0, 100).await.expect("dead letters").items
    }

    /// Has the messages of a session given up on, one after another; the numbers of the dead letters.
    async fn lose(&self, id: &str, messages: usize, block: bool) -> Vec<u64> {
        for n in 0..messages {
            let seq = self.asks(id, &format!("lost {n}")).await;
            let claim = self.claim_one().await;
            assert!(self.settle(&claim, given_up(seq, block)).await);
        }
        self.dead().await.iter().filter(|letter| letter.entry.room.as_str() == id).map(|letter| letter.number).collect()
    }

    async fn replay(&self, which: Which) -> u64 {
        self.portals().replay(&self.portal, which).await.expect("an answer")
    }

    async fn discard(&self, number: u64) -> bool {
        self.portals().discard(&self.portal, number).await.expect("an answer")
    }
}

fn replayed(claim: &Claim, error: Option<&str>) -> DeliveryStep {
    let number = claim.replay.as_ref().expect("a dead letter").number;
    DeliveryStep::Replayed { number, attempt: attempt(11, error) }
}

for_every_store! {
    async fn what_is_given_up_on_is_kept_and_the_session_goes_on(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let (poison, next) = (desk.asks("s1", "a").await, desk.asks("s1", "b").await);
        let claim = desk.claim_one().await;
        let later = DeliveryStep::Later { attempt: attempt(8, Some("timeout")), counted: 1, again_in: Duration::ZERO };
        assert!(desk.settle(&claim, later).await);
        let claim = desk.claim_one().await;
        assert!(desk.settle(&claim, given_up(poison, false)).await);

        let dead = desk.dead().await;
        assert_eq!(dead.len(), 1);
        assert_eq!((dead[0].entry.seq, dead[0].why.as_str(), &dead[0].portal), (poison, "six attempts", &desk.portal));
        assert_eq!(dead[0].attempts, [attempt(8, Some("timeout")), attempt(9, Some("500"))]);
        assert_eq!((text(&dead[0].entry.what), dead[0].replaying, dead[0].delivered_at), ("question a", false, None));
        let delivery = desk.delivery("s1").await;
        assert_eq!((delivery.position, delivery.blocked, delivery.failed), (poison, false, vec![poison]));
        assert_eq!((delivery.counted, delivery.since, delivery.attempts.len()), (0, None, 0));
        let claim = desk.claim_one().await;
        assert_eq!(crate::store::seqs(&claim.entries), [next.get()]);
        assert!(desk.settle(&claim, passed(next)).await);

        assert_eq!(desk.replay(Which::All).await, 1);
        assert_eq!(desk.replay(Which::All).await, 0, "it is to be sent already");
        let claim = desk.claim_one().await;
        assert!(claim.entries.is_empty());
        assert_eq!(claim.replay.as_ref().map(|letter| letter.entry.clone()), Some(dead[0].entry.clone()));
        assert!(desk.settle(&claim, replayed(&claim, None)).await);
        let dead = desk.dead().await;
        assert!(dead[0].delivered_at.is_some() && !dead[0].replaying);
        assert_eq!(dead[0].attempts.len(), 3);
        assert_eq!(desk.delivery("s1").await.failed, []);
        assert_eq!(desk.replay(Which::All).await, 0, "it has been delivered");
        desk.nothing_is_due().await;
        assert!(desk.kept().await.succeeded_at.is_some());
    }

    async fn a_session_that_is_to_wait_stands_still_until_the_replay(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let (passed_over, poison) = (desk.asks("s1", "a").await, desk.asks("s1", "b").await);
        let next = desk.asks("s1", "c").await;
        let claim = desk.claim_one().await;
        assert!(desk.settle(&claim, given_up(poison, true)).await);
        let delivery = desk.delivery("s1").await;
        assert_eq!((delivery.position, delivery.blocked, delivery.due_at), (passed_over, true, None));
        desk.asks("s1", "d").await;
        desk.receive(&desk.answer("s1", None, "anybody there?")).await;
        desk.set_state("s1", "e", SessionState::Waiting).await;
        desk.nothing_is_due().await;
        let backlog = desk.portals().backlog().await.expect("a backlog");
        assert_eq!((backlog[0].waiting, backlog[0].dead), (1, 1));
        assert_eq!(backlog[0].oldest, desk.delivery("s1").await.waiting_since);

        let number = desk.dead().await[0].number;
        assert_eq!(desk.replay(Which::One(number)).await, 1);
        let claim = desk.claim_one().await;
        assert!(claim.entries.is_empty(), "nothing overtakes it");
        assert!(desk.settle(&claim, replayed(&claim, Some("500"))).await);
        desk.nothing_is_due().await;
        assert!(desk.delivery("s1").await.blocked);
        assert!(!desk.dead().await[0].replaying);

        assert_eq!(desk.replay(Which::Range(number, number)).await, 1, "it is left for another try");
        let claim = desk.claim_one().await;
        assert!(desk.settle(&claim, replayed(&claim, None)).await);
        let claim = desk.claim_one().await;
        assert_eq!((claim.delivery.position, claim.delivery.blocked), (poison, false));
        assert_eq!(claim.delivery.waiting_since, Some(claim.entries[0].at));
        assert_eq!(claim.entries[0].seq, next);
    }

    async fn a_session_goes_on_when_its_dead_letter_is_thrown_away(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let poison = desk.asks("s1", "a").await;
        let claim = desk.claim_one().await;
        assert!(desk.settle(&claim, given_up(poison, true)).await);
        let next = desk.asks("s1", "b").await;
        desk.nothing_is_due().await;
        let number = desk.dead().await[0].number;
        let other = Desk::of(desk.stores(), "other").await;
        assert!(!other.discard(number).await, "it is another portal's");
        assert!(desk.discard(number).await);
        assert!(!desk.discard(number).await);
        let claim = desk.claim_one().await;
        assert_eq!(crate::store::seqs(&claim.entries), [next.get()]);
        assert_eq!((claim.delivery.blocked, desk.delivery("s1").await.failed), (false, vec![]));
    }

    async fn a_replay_kept_by_its_claim_goes_on_with_what_waits(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let numbers = desk.lose("s1", 2, false).await;
        let next = desk.asks("s1", "b").await;
        assert_eq!(desk.replay(Which::All).await, 2);
        let claim = desk.claim_one().await;
        assert_eq!(crate::store::seqs(&claim.entries), [next.get()]);
        let kept = Settlement { keep: Some(LEASE), ..settlement(&claim, replayed(&claim, None)) };
        assert!(desk.settle_as(kept.clone()).await);
        assert!(desk.settle_as(kept).await, "an answer that was lost is asked for again");
        desk.nothing_is_due().await;
        assert!(desk.settle(&claim, passed(next)).await);
        let claim = desk.claim_one().await;
        assert_eq!(claim.replay.as_ref().map(|letter| letter.number), Some(numbers[1]), "it counted once");
        assert!(desk.settle(&claim, replayed(&claim, None)).await);
        desk.nothing_is_due().await;
    }

    async fn what_is_given_up_on_twice_as_the_answer_was_lost_keeps_its_attempts(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        for (key, block) in [("a", false), ("b", true)] {
            let seq = desk.asks("s1", key).await;
            let claim = desk.claim_one().await;
            let later = DeliveryStep::Later { attempt: attempt(8, Some("timeout")), counted: 1, again_in: Duration::ZERO };
            assert!(desk.settle(&claim, later).await);
            let claim = desk.claim_one().await;
            let kept = Settlement { keep: Some(LEASE), ..settlement(&claim, given_up(seq, block)) };
            assert!(desk.settle_as(kept.clone()).await);
            let (dead, delivery) = (desk.dead().await, desk.delivery("s1").await);
            assert!(desk.settle_as(kept.clone()).await);
            assert_eq!(desk.dead().await, dead);
            assert_eq!(dead.last().map(|letter| letter.attempts.len()), Some(2));
            let again = desk.delivery("s1").await;
            assert_eq!((again.position, again.blocked), (delivery.position, block));
            if block {
                // Thrown away before it is asked for again: the session does not stand still at what is no more.
                assert!(desk.discard(dead.last().expect("a dead letter").number).await);
                assert!(desk.settle_as(kept).await);
                assert_eq!((desk.delivery("s1").await.blocked, desk.dead().await.len()), (false, 1));
            }
            assert!(desk.settle(&claim, DeliveryStep::Released).await);
        }
    }

    async fn each_replay_is_sent_whatever_becomes_of_the_others(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let numbers = desk.lose("s1", 3, false).await;
        assert_eq!(desk.replay(Which::All).await, 3);
        let claim = desk.claim_one().await;
        assert_eq!(claim.replay.as_ref().map(|letter| letter.number), Some(numbers[0]), "the oldest first");
        // Thrown away while it is on its way.
        assert!(desk.discard(numbers[0]).await);
        assert!(desk.settle(&claim, replayed(&claim, None)).await);
        // Failed, and thrown away before it is asked for again.
        let claim = desk.claim_one().await;
        assert_eq!(claim.replay.as_ref().map(|letter| letter.number), Some(numbers[1]));
        assert!(desk.settle(&claim, replayed(&claim, Some("500"))).await);
        assert!(desk.discard(numbers[1]).await);
        let claim = desk.claim_one().await;
        assert_eq!(claim.replay.as_ref().map(|letter| letter.number), Some(numbers[2]));
        assert!(desk.settle(&claim, replayed(&claim, None)).await);
        desk.nothing_is_due().await;
        assert_eq!(desk.delivery("s1").await.due_at, None);
    }

    async fn only_those_asked_for_are_replayed(home: &Home) {
        let desk = Desk::at(home).await;
        let other = Desk::of(desk.stores(), "other").await;
        desk.session("s1").await;
        let numbers = desk.lose("s1", 3, false).await;
        other.session("o1").await;
        other.lose("o1", 1, false).await;
        assert_eq!(desk.replay(Which::One(u64::MAX)).await, 0);
        assert_eq!(desk.replay(Which::Range(u64::MAX - 1, u64::MAX)).await, 0);
        assert_eq!(desk.replay(Which::Range(numbers[2], numbers[0])).await, 0);
        assert_eq!(desk.replay(Which::Range(0, numbers[0])).await, 1);
        assert_eq!(desk.replay(Which::Range(numbers[1], u64::MAX)).await, 2);
        other.nothing_is_due().await;
        let mut replaying: Vec<_> = desk.dead().await.iter().filter(|one| one.replaying).map(|one| one.number).collect();
        replaying.sort_unstable();
        assert_eq!(replaying, numbers);
    }

    async fn dead_letters_are_listed_by_number(home: &Home) {
        let desk = Desk::at(home).await;
        let other = Desk::of(desk.stores(), "other").await;
        for id in ["s1", "s2"] {
            desk.session(id).await;
            desk.lose(id, 2, false).await;
        }
        other.session("o1").await;
        other.lose("o1", 1, false).await;
        let list = async |filter: Filter, after: u64, limit: usize| {
            let part = desk.portals().dead_letters(&filter, after, limit).await.expect("a list");
            (part.items.iter().map(|one| one.number).collect::<Vec<_>>(), part.more)
        };
        let (all, more) = list(Filter::default(), 0, 100).await;
        assert_eq!((all.len(), more, all.is_sorted()), (5, false, true));
        assert_eq!(list(Filter::default(), 0, 2).await, (all[..2].to_vec(), true));
        assert_eq!(list(Filter::default(), all[2], 2).await, (all[3..].to_vec(), false));
        assert_eq!(list(Filter::default(), u64::MAX, 2).await, (vec![], false));
        let of = |portal: &Desk| Filter { portal: Some(portal.portal.clone()), ..Filter::default() };
        assert_eq!(list(of(&other), 0, 9).await.0, all[4..]);
        assert_eq!(list(Filter { session: Some(room("s2")), ..of(&desk) }, 0, 9).await.0, all[2..4]);
        assert_eq!(list(Filter { session: Some(room("s2")), ..of(&other) }, 0, 9).await.0, [0; 0]);
        assert_eq!(list(Filter { customer: Some(user("ben")), ..Filter::default() }, 0, 9).await.0, [0; 0]);
        assert_eq!(list(Filter { customer: Some(user("ana")), ..Filter::default() }, 0, 9).await.0, all);
    }
}
