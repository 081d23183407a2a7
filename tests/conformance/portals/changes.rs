//! Edits and deletions that come from portals: what waits for its message, and what a portal calls a message.

use super::*;
use hubbub::features::portals::store::{Filter, Which};
use hubbub_core::{
    limits::CHANGES_WAITING,
    log::{
        content::Content,
        kinds::{Deleted, Edited},
    },
    model::access::Refusal,
    portal::incoming_change::{Becomes, DueChange, IncomingChange, Target},
};

impl Desk {
    fn change(&self, targets: &[&str], event: Option<&str>, becomes: Becomes) -> IncomingChange {
        IncomingChange {
            portal: self.portal.clone(),
            targets: targets.iter().map(|name| (*name).to_owned()).collect(),
            event: event.map(ToOwned::to_owned),
            from: self.agent(),
            becomes,
        }
    }

    async fn awaits(&self, change: &IncomingChange) -> bool {
        self.portals().keep_change(change).await.expect("an answer")
    }

    async fn wait(&self, targets: &[&str]) -> bool {
        let targets: Vec<String> = targets.iter().map(|name| (*name).to_owned()).collect();
        self.portals().changes_wait(&self.portal, &targets).await.expect("an answer")
    }

    async fn due(&self) -> Vec<DueChange> {
        self.portals().due_changes(&[]).await.expect("changes")
    }

    /// What the program does with a change whose message is known.
    async fn changes(&self, change: &IncomingChange, target: &Target) -> Outcome {
        let proposal = change.proposal(target);
        self.pen.append(proposal.draft(&self.store().identity().hash_key, uuid::Uuid::now_v7)).await
    }

    /// An agent's message, and where it is.
    async fn answered(&self, session: &str, event: &str, text: &str) -> (Seq, Target) {
        let seq = match self.receive(&self.answer(session, Some(event), text)).await {
            Received::Stored { place, .. } => place.seq,
            other => panic!("not stored: {other:?}"),
        };
        let change = self.change(&[event], None, Becomes::Deleted);
        assert!(self.awaits(&change).await);
        let due = self.due().await.pop().expect("its message is there");
        self.portals().drop_changes(&[due.waiting.number]).await.expect("an answer");
        assert_eq!(due.target.seq, seq);
        (seq, due.target)
    }
}

fn edit(text: &str) -> Becomes {
    Becomes::Edited(Content::text(Text::parse(text).expect("a text")))
}

fn place(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Appended(place) => place.seq.get(),
        Outcome::Filled { place, .. } => place.seq.get(),
        other => panic!("not appended: {other:?}"),
    }
}

for_every_store! {
    async fn what_comes_before_its_message_waits_for_it_in_its_order(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let data = hubbub_core::model::json::Json::trusted(r#"{"attachments":[1.50]}"#.into());
        let rich = Becomes::Edited(Content { data: Some(data), ..Content::text(Text::parse("\u{1f642} b").expect("a text")) });
        let first = desk.change(&["m:2:c1:7", "m:2:s1:7"], Some("e:1"), rich);
        let second = desk.change(&["m:2:s1:7"], None, Becomes::Deleted);
        assert!(desk.awaits(&first).await && desk.awaits(&first).await, "the same is kept once");
        assert!(desk.awaits(&second).await);
        assert!(desk.wait(&["m:2:c1:7"]).await && desk.wait(&["x", "m:2:s1:7"]).await);
        assert!(!desk.wait(&["m:2:c1:8"]).await && !desk.wait(&[]).await);
        let other = Desk::of(desk.stores(), "other").await;
        assert!(!other.wait(&["m:2:c1:7"]).await, "names are a portal's own");
        assert!(desk.due().await.is_empty(), "its message has not come");
        assert_eq!(stored(&desk.receive(&desk.answer("s1", Some("m:2:s1:8"), "another")).await), [3]);
        assert!(desk.due().await.is_empty(), "another one has");
        assert_eq!(other.receive(&other.answer("s1", Some("m:2:s1:7"), "a")).await, Received::UnknownSession);

        // By its second name, too.
        assert_eq!(stored(&desk.receive(&desk.answer("s1", Some("m:2:s1:7"), "a")).await), [4]);
        let due = desk.due().await;
        let changes: Vec<_> = due.iter().map(|due| due.waiting.change.clone()).collect();
        assert_eq!(changes, [first, second]);
        assert!(due.iter().all(|due| due.target.session == room("s1") && due.target.seq == Seq::new(4)));
        for (n, due) in due.iter().enumerate() {
            // Two who do it do it once.
            let done = [desk.changes(&due.waiting.named(), &due.target).await, desk.changes(&due.waiting.named(), &due.target).await];
            assert_eq!(place(&done[0]), 5 + n as u64);
            assert!(matches!(&done[1], Outcome::Repeated { place, .. } if place.seq.get() == 5 + n as u64), "{done:?}");
        }
        let numbers: Vec<u64> = due.iter().map(|due| due.waiting.number).collect();
        desk.portals().drop_changes(&numbers).await.expect("an answer");
        assert!(desk.due().await.is_empty() && !desk.wait(&["m:2:s1:7"]).await);
        let known = desk.portals().known_message(&room("s1"), Seq::new(4)).await.expect("an answer").expect("a message");
        assert_eq!((known.gone, known.events), (true, vec!["m:2:s1:7".to_owned()]));
    }

    async fn what_has_waited_too_long_is_thrown_away_unless_its_message_is_in_quarantine(home: &Home) {
        let desk = Desk::at(home).await;
        assert!(desk.portals().sweep_changes().await.expect("an answer").is_empty());
        let held = Incoming { quarantine: true, ..desk.by_external("c9", Some("m:2:c9:1"), "who is it?") };
        assert!(matches!(desk.receive(&held).await, Received::Quarantined(_)));
        for targets in [&["m:2:c1:7"][..], &["m:2:c1:8", "m:2:c9:1"], &["m:2:c9:1"]] {
            assert!(desk.awaits(&desk.change(targets, None, edit("x"))).await);
        }
        // The message of these is there, and something else holds them up: an older instance perhaps.
        desk.session("s1").await;
        for (targets, event) in [(&["m:2:s1:1"][..], "e:1"), (&["m:2:c1:9", "m:2:s1:1"], "e:2")] {
            assert!(desk.awaits(&desk.change(targets, Some(event), edit("x"))).await);
        }
        assert_eq!(stored(&desk.receive(&desk.answer("s1", Some("m:2:s1:1"), "a")).await), [3]);
        assert!(desk.portals().sweep_changes().await.expect("an answer").is_empty(), "they have just come");
        home.change("UPDATE portal_changes SET until = 5").await;
        let swept = desk.portals().sweep_changes().await.expect("an answer");
        assert_eq!(swept, [(desk.portal.clone(), 1)]);
        assert!(!desk.wait(&["m:2:c1:7"]).await && desk.wait(&["m:2:c9:1"]).await && desk.wait(&["m:2:c1:8"]).await);
        assert_eq!(desk.due().await.len(), 2, "they are done once they can be");
    }

    async fn changes_of_sessions_that_are_held_up_are_passed_over(home: &Home) {
        let desk = Desk::at(home).await;
        for session in ["s1", "s2", "s3"] {
            desk.session(session).await;
            let name = format!("m:2:{session}:1");
            for text in ["b", "c"] {
                assert!(desk.awaits(&desk.change(&[&name], None, edit(text))).await);
            }
            assert_eq!(stored(&desk.receive(&desk.answer(session, Some(&name), "a")).await), [3]);
        }
        let due = async |except: &[&str]| {
            let except: Vec<_> = except.iter().map(|id| room(id)).collect();
            let due = desk.portals().due_changes(&except).await.expect("changes");
            due.into_iter().map(|one| one.target.session.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(due(&[]).await, ["s1", "s1", "s2", "s2", "s3", "s3"]);
        assert_eq!(due(&["s1", "s3", "s9"]).await, ["s2", "s2"]);
        assert_eq!(due(&["s1", "s2", "s3"]).await, [""; 0]);
    }

    async fn nobody_takes_up_changes_of_a_portal_that_is_deleted(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let name = "m:2:s1:1";
        assert!(desk.awaits(&desk.change(&[name], None, edit("b"))).await);
        assert!(desk.awaits(&desk.change(&["m:2:s1:2"], None, edit("never"))).await);
        assert_eq!(stored(&desk.receive(&desk.answer("s1", Some(name), "a")).await), [3]);
        let other = Desk::of(desk.stores(), "other").await;
        assert!(other.awaits(&other.change(&[name], None, edit("b"))).await);
        // As an older program deletes it, which knows nothing of changes.
        home.change("UPDATE portals SET deleted_at = 7 WHERE id = 'desk'").await;
        assert!(desk.due().await.is_empty());
        assert!(desk.portals().sweep_changes().await.expect("an answer").is_empty(), "nobody is to be told");
        let kept = async || home.numbers(["count(*)"], "FROM portal_changes").await;
        assert_eq!(kept().await, [[Some(1)]], "that of the other portal");
        assert!(other.portals().delete_portal(&other.portal).await.expect("an answer"));
        assert_eq!(kept().await, [[Some(0)]]);
    }

    async fn what_changed_nothing_and_is_told_again_undoes_nothing(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let (seq, target) = desk.answered("s1", "m:2:s1:1", "said").await;
        let change = async |event: &str, text: &str| {
            desk.changes(&desk.change(&["m:2:s1:1"], Some(event), edit(text)), &target).await
        };
        assert_eq!(change("e:1", "said").await, Outcome::Unchanged, "it says so already");
        assert_eq!(place(&change("e:2", "said better").await), seq.get() + 1);
        for _ in 0..2 {
            assert_eq!(change("e:1", "said").await, Outcome::Unchanged, "it is the same webhook");
        }
        assert_eq!(desk.changes(&desk.change(&["m:2:s1:1"], Some("e:1"), Becomes::Deleted), &target).await, Outcome::Unchanged);
        assert_eq!(place(&change("e:3", "said").await), seq.get() + 2, "this is another one");
        let known = desk.portals().known_message(&room("s1"), seq).await.expect("an answer").expect("a message");
        assert_eq!((known.gone, known.events), (false, vec!["m:2:s1:1".to_owned()]));
        // Two that come together, and a deletion of what is gone.
        assert!(matches!(change("e:4", "said").await, Outcome::Unchanged));
        let deletes = |event: &str| desk.change(&["m:2:s1:1"], Some(event), Becomes::Deleted);
        assert_eq!(place(&desk.changes(&deletes("e:5"), &target).await), seq.get() + 3);
        assert_eq!(desk.changes(&deletes("e:6"), &target).await, Outcome::Unchanged);
        assert!(matches!(desk.changes(&deletes("e:5"), &target).await, Outcome::Repeated { .. }));
    }

    async fn what_a_portal_said_of_a_message_that_was_deleted_is_not_kept(home: &Home) {
        let desk = Desk::at(home).await;
        for (session, while_it_is_sent) in [("s1", false), ("s2", true)] {
            desk.session(session).await;
            let poison = desk.asks(session, "a").await;
            let delete = async || {
                let gone = What::Deleted(Deleted { target: poison, of: None });
                desk.pen().append(desk.pen().draft(session, "ana", "gone", gone)).await;
            };
            let claim = desk.claim_one().await;
            let quotes = |at| attempt(at, Some("status 422: cannot take `a`"));
            let later = DeliveryStep::Later { attempt: quotes(8), counted: 1, again_in: Duration::ZERO };
            assert!(desk.settle(&claim, later).await);
            let claim = desk.claim_one().await;
            if while_it_is_sent {
                delete().await;
                assert!(desk.delivery(session).await.attempts.is_empty(), "those before");
            }
            let step = DeliveryStep::GivenUp { seq: poison, attempt: quotes(9), why: "no".into(), block: true };
            assert!(desk.settle(&claim, step).await);
            if !while_it_is_sent {
                delete().await;
            }
            // Nor where it is sent again by somebody who has not heard of it.
            assert_eq!(desk.portals().replay(&desk.portal, Which::All).await.expect("an answer"), 1);
            let claim = desk.claim_one().await;
            let number = claim.replay.as_ref().expect("a dead letter").number;
            assert!(desk.settle(&claim, DeliveryStep::Replayed { number, attempt: quotes(10) }).await);
            let letters = desk.portals().dead_letters(&Filter::default(), 0, 9).await.expect("letters").items;
            let letter = letters.iter().find(|letter| letter.number == number).expect("the letter");
            assert_eq!(letter.attempts.last().map(|last| last.at), Some(10), "{letter:?}");
            assert!(!format!("{:?}", letter.attempts).contains("cannot take"), "{letter:?}");
            assert!(desk.portals().discard(&desk.portal, number).await.expect("an answer"));
            let claim = desk.claim_one().await;
            assert!(desk.settle(&claim, passed(Seq::new(poison.get() + 1))).await);
        }
        // What waits before it is not forgotten.
        desk.session("s3").await;
        let (first, second) = (desk.asks("s3", "a").await, desk.asks("s3", "b").await);
        let claim = desk.claim_one().await;
        assert!(desk.settle(&claim, passed(first)).await);
        let claim = desk.claim_one().await;
        let later = DeliveryStep::Later { attempt: attempt(8, Some("no")), counted: 1, again_in: LEASE };
        assert!(desk.settle(&claim, later).await);
        let gone = |target| What::Deleted(Deleted { target, of: None });
        desk.pen().append(desk.pen().draft("s3", "ana", "g1", gone(first))).await;
        assert_eq!(desk.delivery("s3").await.attempts.len(), 1, "it was of another message");
        desk.pen().append(desk.pen().draft("s3", "ana", "g2", gone(second))).await;
        assert_eq!(desk.delivery("s3").await.attempts.len(), 0);
    }

    async fn as_many_wait_as_may_and_none_of_a_portal_that_is_gone(home: &Home) {
        let desk = Desk::at(home).await;
        assert!(desk.awaits(&desk.change(&["m:1:c:1"], Some("e:1"), Becomes::Deleted)).await);
        let many = "WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < LIMIT)
            SELECT portal, target, author, means, text, at, until FROM portal_changes, n"
            .replace("LIMIT", &CHANGES_WAITING.to_string());
        home.change(&format!("INSERT INTO portal_changes (portal, target, author, means, text, at, until) {many}")).await;
        assert!(!desk.awaits(&desk.change(&["m:1:c:2"], Some("e:2"), Becomes::Deleted)).await, "there is no room");
        assert!(desk.awaits(&desk.change(&["m:1:c:1"], Some("e:1"), Becomes::Deleted)).await, "it is there");
        let other = Desk::of(desk.stores(), "other").await;
        assert!(other.awaits(&other.change(&["m:1:c:2"], None, Becomes::Deleted)).await, "others have theirs");
        assert!(other.portals().delete_portal(&other.portal).await.expect("an answer"));
        assert!(!other.awaits(&other.change(&["m:1:c:3"], None, Becomes::Deleted)).await);
    }

    async fn an_agent_changes_what_the_portal_wrote_and_nothing_else(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let asked = desk.asks("s1", "a").await;
        let (seq, target) = desk.answered("s1", "m:2:s1:1", "answer").await;
        let change = |event: &str, becomes| desk.change(&["m:2:s1:1"], Some(event), becomes);
        // Another agent of the same desk may.
        let bob = IncomingChange { from: desk.portal.agent(Some("bob")), ..change("e:1", edit("better")) };
        assert_eq!(place(&desk.changes(&bob, &target).await), seq.get() + 1);
        assert!(matches!(desk.changes(&bob, &target).await, Outcome::Repeated { .. }), "the same webhook again");
        assert_eq!(desk.changes(&change("e:2", edit("better")), &target).await, Outcome::Unchanged);
        let of_customer = Target { seq: asked, ..target.clone() };
        for becomes in [edit("never said"), Becomes::Deleted] {
            assert_eq!(desk.changes(&change("e:3", becomes), &of_customer).await, Outcome::Refused(Refusal::NotAuthor));
        }
        // A closed session takes it, and stays closed.
        desk.set_state("s1", "over", SessionState::Closed).await;
        assert_eq!(place(&desk.changes(&change("e:4", Becomes::Deleted), &target).await), seq.get() + 3);
        assert_eq!(desk.look("s1").await.state, SessionState::Closed);
        assert_eq!(desk.changes(&change("e:5", Becomes::Deleted), &target).await, Outcome::Unchanged);
        let late = desk.changes(&change("e:6", edit("too late")), &target).await;
        assert_eq!(late, Outcome::Refused(Refusal::Deleted("target")));
    }

    async fn a_portals_names_of_a_message_are_found_by_the_message(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let (seq, next) = (desk.asks("s1", "a").await, desk.asks("s1", "b").await);
        let names = ["m:2:s1:17.1".to_owned(), "m:6:conv-1:17.1".to_owned()];
        desk.portals().note_echoes(&room("s1"), seq, &names).await.expect("an answer");
        let known = async |id: &str, seq| desk.portals().known_message(&room(id), seq).await.expect("an answer");
        let found = known("s1", seq).await.expect("a message");
        assert_eq!((found.gone, found.events), (false, names.to_vec()));
        assert_eq!(known("s1", next).await.expect("a message").events, [""; 0]);
        assert_eq!(known("s1", Seq::new(99)).await, None);
        assert_eq!(known("s2", seq).await, None);
    }

    async fn a_dead_letter_that_was_deleted_is_withdrawn_and_holds_nothing_up(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let (lost, next) = (desk.asks("s1", "a").await, desk.asks("s1", "b").await);
        let claim = desk.claim_one().await;
        assert!(desk.settle(&claim, given_up(lost, true)).await);
        let dead = async || desk.portals().backlog().await.expect("a backlog")[0].dead;
        assert_eq!(dead().await, 1);
        desk.pen().append(desk.pen().draft("s1", "ana", "gone", What::Deleted(Deleted { target: lost, of: None }))).await;
        assert_eq!(dead().await, 0, "nobody needs to look at it");
        desk.nothing_is_due().await;
        assert_eq!(desk.portals().replay(&desk.portal, Which::All).await.expect("an answer"), 1);
        let claim = desk.claim_one().await;
        let letter = claim.replay.clone().expect("a dead letter");
        assert!(matches!(letter.entry.what, What::Gone(_)), "{letter:?}");
        let withdrawn = DeliveryStep::Withdrawn { number: letter.number, attempt: attempt(11, Some("deleted")) };
        assert!(desk.settle(&claim, withdrawn.clone()).await);
        assert!(!desk.settle(&claim, withdrawn).await, "the claim is over");
        let letters = desk.portals().dead_letters(&Filter::default(), 0, 9).await.expect("letters").items;
        assert_eq!((letters[0].replaying, letters[0].delivered_at), (false, None));
        assert_eq!(letters[0].attempts.last(), Some(&attempt(11, Some("deleted"))));
        let claim = desk.claim_one().await;
        assert!(claim.replay.is_none());
        assert_eq!(crate::store::seqs(&claim.entries), [next.get(), next.get() + 1], "the session goes on");
        assert!(matches!(&claim.entries[1].what, What::Deleted(deleted) if deleted.target == lost));
        assert!(desk.kept().await.succeeded_at.is_none(), "the portal took nothing");
    }

    async fn an_edit_and_a_deletion_by_the_customer_are_due_like_messages(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let seq = desk.asks("s1", "a").await;
        let claim = desk.claim_one().await;
        assert!(desk.settle(&claim, passed(seq)).await);
        desk.nothing_is_due().await;
        let content = Content::text(Text::parse("said better").expect("a text"));
        let edited = What::Edited(Edited { target: seq, content });
        desk.pen().append(desk.pen().draft("s1", "ana", "edit", edited)).await;
        let claim = desk.claim_one().await;
        assert!(matches!(&claim.entries[..], [entry] if matches!(&entry.what, What::Edited(_))), "{claim:?}");
        assert!(desk.settle(&claim, passed(claim.entries[0].seq)).await);
        desk.pen().append(desk.pen().draft("s1", "ana", "gone", What::Deleted(Deleted { target: seq, of: None }))).await;
        let claim = desk.claim_one().await;
        assert!(matches!(&claim.entries[..], [entry] if matches!(&entry.what, What::Deleted(_))), "{claim:?}");
        // What the portal itself changes makes a cursor that has nothing to do move along.
        assert!(desk.settle(&claim, passed(claim.entries[0].seq)).await);
        let (_, target) = desk.answered("s1", "m:2:s1:1", "answer").await;
        desk.changes(&desk.change(&[], Some("e:1"), edit("better")), &target).await;
        desk.nothing_is_due().await;
    }
}
