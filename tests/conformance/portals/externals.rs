//! The portals' own ids of conversations: several of one session, one of several sessions, and those that are not known yet.

use super::*;
use crate::store::room;
use futures_util::future::join_all;
use hubbub::features::portals::store::{Filter, Learned, Teacher};
use hubbub_core::{limits, log::room::PageOf, portal::settings::ExternalConflict};

impl Desk {
    async fn teaches(&self, session: &str, external: &str) {
        self.teaches_by(session, external, Teacher::Answer).await;
    }

    async fn teaches_by(&self, session: &str, external: &str, by: Teacher) {
        let learned = Learned { session: room(session), external: external.into(), by };
        self.portals().learn(&[learned]).await.expect("learned");
    }

    /// A message that is kept until its session is known.
    fn early(&self, external: &str, event: &str) -> Incoming {
        Incoming { quarantine: true, ..self.by_external(external, Some(event), event) }
    }

    /// What the program does with what may leave quarantine; says the texts.
    async fn releases(&self) -> Vec<String> {
        let due = self.portals().releasable().await.expect("what leaves");
        let mut texts = Vec::new();
        for one in due {
            let message = Incoming { event: one.kept.event.clone(), ..self.answer("", None, &one.kept.text) };
            let message = Arc::new(message.released(one.kept.number, Some(&one.session)));
            let to = Destination::Log { portal: one.portal, session: one.session };
            let resolved = Resolved { to, learned: None, shared: vec![], awaited: false, portal: Some(1) };
            let received = self.put(&[message], vec![resolved]).await.expect("an answer");
            assert!(received[0].place().is_some(), "{received:?}");
            self.portals().released(&[one.kept.number], &[]).await.expect("gone");
            texts.push(one.kept.text);
        }
        texts
    }

    async fn texts(&self, session: &str) -> Vec<String> {
        let page = self.store().page(&room(session), PageOf::After(Seq::ZERO), 1_000).await.expect("a page");
        page.expect("a room").entries.iter().skip(2).map(|entry| text(&entry.what).to_owned()).collect()
    }
}

fn kept(received: &Received) -> u64 {
    match received {
        Received::Quarantined(number) => *number,
        other => panic!("not in quarantine: {other:?}"),
    }
}

for_every_store! {
    async fn what_named_an_id_too_early_leaves_quarantine_in_order_and_nothing_overtakes_it(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        desk.session("s2").await;
        for event in ["one", "two", "three"] {
            kept(&desk.receive(&desk.early("case 1", event)).await);
        }
        kept(&desk.receive(&desk.early("case 2", "of another")).await);
        assert_eq!(desk.releases().await, <Vec<String>>::new());
        desk.teaches("s1", "case 1").await;
        // It is known by now, by every name; and is kept behind them.
        let four = Incoming { quarantine: false, ..desk.early("case 1", "four") };
        kept(&desk.receive(&four).await);
        kept(&desk.receive(&desk.answer("s1", Some("five"), "five")).await);
        assert_eq!(stored(&desk.receive(&desk.answer("s2", None, "elsewhere")).await), [3]);
        let again = desk.receive(&Incoming { quarantine: false, ..desk.early("case 1", "two") }).await;
        kept(&again);
        // Whoever should have done it is gone.
        drop(desk);
        let desk = Desk::at(home).await;
        assert_eq!(desk.releases().await, ["one", "two", "three", "four", "five"]);
        assert_eq!(stored(&desk.receive(&desk.answer("s1", None, "six")).await), [8]);
        assert_eq!(desk.texts("s1").await, ["one", "two", "three", "four", "five", "six"]);
        assert_eq!(repeated(&desk.receive(&desk.early("case 1", "two")).await), ("s1".into(), 4));
        // The first that names a session and an id tells it, and comes behind what waits for it.
        let tells = Incoming { external: Some("case 2".into()), ..desk.answer("s2", Some("six"), "six") };
        kept(&desk.receive(&tells).await);
        assert_eq!(desk.releases().await, ["of another", "six"]);
        assert_eq!(desk.texts("s2").await, ["elsewhere", "of another", "six"]);
        assert_eq!(desk.look("s2").await.external.as_deref(), Some("case 2"));
    }

    async fn a_session_that_is_opened_takes_what_waited_for_it_by_either_name(home: &Home) {
        let desk = Desk::at(home).await;
        kept(&desk.receive(&Incoming { quarantine: true, ..desk.answer("s1", Some("a"), "by its id") }).await);
        kept(&desk.receive(&desk.early("case 1", "by the portal's")).await);
        kept(&desk.receive(&Incoming { quarantine: true, ..desk.answer("s2", Some("b"), "of another") }).await);
        let new = SessionProposal { external: Some("case 1".into()), ..desk.wish("s1", "ana") };
        assert!(matches!(desk.portals().open_session(&new).await.expect("an answer"), Opened::New(..)));
        assert_eq!(desk.releases().await, ["by its id", "by the portal's"]);
        assert_eq!(desk.texts("s1").await, ["by its id", "by the portal's"]);
    }

    async fn only_what_may_be_in_an_answer_on_its_way_is_awaited(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let awaited = |event: &str| {
            let externals = ExternalRules { awaited: true, ..ExternalRules::default() };
            Incoming { quarantine: false, externals, ..desk.early("case 1", event) }
        };
        assert_eq!(desk.receive(&awaited("a")).await, Received::UnknownSession, "nothing is on its way");
        desk.asks("s1", "a").await;
        kept(&desk.receive(&awaited("b")).await);
        let claim = desk.claim_one().await;
        kept(&desk.receive(&awaited("c")).await);
        let nowhere = Incoming { quarantine: false, ..awaited("d") };
        let nowhere = Incoming { session: Some("s9".into()), external: None, ..nowhere };
        assert_eq!(desk.receive(&nowhere).await, Received::UnknownSession);
        let told = Settlement { external: Some("case 1".into()), ..settlement(&claim, passed(Seq::new(3))) };
        assert!(desk.settle_as(told).await);
        assert_eq!(desk.releases().await, ["b", "c"]);
        assert_eq!(desk.receive(&awaited("e")).await.place().map(|(_, place)| place.seq), Some(Seq::new(6)));
        // What nobody tells is thrown away after a while; what an operator wants to see is not.
        desk.asks("s1", "b").await;
        let lost = |event: &str| Incoming { external: Some("case 9".into()), ..awaited(event) };
        kept(&desk.receive(&lost("f")).await);
        kept(&desk.receive(&Incoming { quarantine: true, ..lost("g") }).await);
        assert_eq!(desk.portals().sweep_quarantine().await.expect("swept"), []);
        home.change("UPDATE quarantine SET until = 5 WHERE until IS NOT NULL").await;
        assert_eq!(desk.portals().sweep_quarantine().await.expect("swept"), [(desk.portal.clone(), 1)]);
        let left = desk.portals().quarantined(&desk.portal, 0, 10).await.expect("a list").items;
        assert_eq!(left.iter().map(|one| (one.text.as_str(), one.awaits, one.until)).collect::<Vec<_>>(), [("g", true, None)]);
    }

    async fn an_id_of_two_sessions_means_one_by_the_rule(home: &Home) {
        let desk = Desk::at(home).await;
        for id in ["s1", "s2", "s3"] {
            desk.session(id).await;
        }
        desk.teaches("s1", "case 1").await;
        desk.teaches("s2", "case 1").await;
        desk.teaches("s3", "case 1").await;
        desk.teaches("s3", "case 3").await;
        assert_eq!(desk.portals().called(&desk.portal, "case 1").await.expect("sessions"), [room("s2"), room("s1")]);
        assert_eq!(desk.look("s1").await.shared_with, [room("s2")]);
        assert_eq!(desk.look("s3").await.shared_with, []);
        let shared = Filter { shared: true, ..Filter::default() };
        let listed = desk.portals().sessions(&shared, None, 10).await.expect("a list").items;
        assert_eq!(listed.iter().map(|one| one.room.id.as_str()).collect::<Vec<_>>(), ["s1", "s2"]);
        let by = |conflict, event: &str| {
            let externals = ExternalRules { conflict, ..ExternalRules::default() };
            Incoming { quarantine: false, externals, ..desk.early("case 1", event) }
        };
        let both = vec![room("s1"), room("s2")];
        assert_eq!(desk.receive(&by(ExternalConflict::Refuse, "a")).await, Received::Shared(both.clone()));
        let number = kept(&desk.receive(&by(ExternalConflict::Quarantine, "b")).await);
        assert_eq!(desk.releases().await, <Vec<String>>::new(), "an operator decides");
        desk.portals().sweep_quarantine().await.expect("swept");
        assert_eq!(desk.releases().await, <Vec<String>>::new());
        assert!(desk.portals().drop_quarantined(&desk.portal, number).await.expect("an answer"));
        let newest = async |event: &str| desk.receive(&by(ExternalConflict::Newest, event)).await;
        assert_eq!(newest("c").await.place().map(|(session, _)| session.as_str().to_owned()).as_deref(), Some("s2"));
        desk.set_state("s2", "over", SessionState::Closed).await;
        assert_eq!(newest("d").await.place().map(|(session, _)| session.as_str().to_owned()).as_deref(), Some("s1"));
        desk.set_state("s1", "over", SessionState::Closed).await;
        assert_eq!(newest("e").await.place().map(|(session, _)| session.as_str().to_owned()).as_deref(), Some("s2"));
        let one = desk.receive(&Incoming { external: Some("case 3".into()), ..by(ExternalConflict::Refuse, "f") }).await;
        assert!(one.place().is_some(), "it is one session's: {one:?}");
        // A session is made with an id that others have, if it may be.
        let refused = SessionProposal { external: Some("case 1".into()), ..desk.wish("s4", "ana") };
        let made = SessionProposal { shares_external: true, ..refused.clone() };
        assert!(matches!(desk.portals().open_session(&refused).await.expect("an answer"), Opened::ExternalTaken(_)));
        let Opened::New(made, _) = desk.portals().open_session(&made).await.expect("an answer") else { panic!("new") };
        assert_eq!((made.external.as_deref(), made.shared_with.len()), (Some("case 1"), 2));
    }

    async fn a_webhook_teaches_what_nobody_else_has_and_leads_where_no_answer_does(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        desk.session("s2").await;
        let says = async |session: &str, external: &str, webhooks_lead: bool| {
            let externals = ExternalRules { webhooks_lead, ..ExternalRules::default() };
            let message = Incoming { externals, external: Some(external.into()), ..desk.answer(session, None, "hello") };
            desk.receive(&message).await;
            desk.look(session).await.external
        };
        let called = |external: &str| Some(external.to_owned());
        assert_eq!(says("s1", "case 1", false).await, called("case 1"), "the first");
        assert_eq!(says("s1", "case 2", false).await, called("case 1"), "it may be late");
        assert_eq!(says("s1", "case 3", true).await, called("case 3"));
        assert_eq!(says("s1", "case 2", true).await, called("case 3"), "it is no news");
        assert_eq!(says("s2", "case 2", true).await, None, "it is another session's");
        for external in ["case 1", "case 2", "case 3"] {
            assert_eq!(desk.receive(&desk.by_external(external, None, "hi")).await.place().map(|(session, _)| session.clone()), Some(room("s1")));
        }
    }

    async fn what_an_instance_of_the_program_before_keeps_counts(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        desk.session("s2").await;
        kept(&desk.receive(&desk.early("case 1", "early")).await);
        home.change("UPDATE sessions SET external = 'case 1' WHERE id = 's1'").await;
        assert_eq!(desk.look("s1").await.external.as_deref(), Some("case 1"));
        kept(&desk.receive(&desk.by_external("case 1", Some("late"), "late")).await);
        desk.portals().sweep_quarantine().await.expect("swept");
        assert_eq!(desk.releases().await, ["early", "late"]);
        desk.teaches("s1", "case 2").await;
        desk.teaches("s2", "case 2").await;
        assert_eq!(desk.look("s1").await.externals, ["case 1"]);
        assert!(desk.receive(&desk.by_external("case 1", None, "hi")).await.place().is_some());
        // And it finds what is learned here, as far as it can.
        let found = home.numbers(["room"], "FROM sessions WHERE external = 'case 2'").await;
        assert_eq!(found.len(), 1);
    }

    async fn an_id_is_taught_while_it_is_named(home: &Home) {
        let desk = Desk::at(home).await;
        let desks = match home {
            Home::Sqlite(_) => [Desk::of(desk.stores(), "desk").await, desk],
            Home::Postgres { .. } => [Desk::at(home).await, desk],
        };
        for round in 0..12 {
            let (session, external) = (format!("s{round}"), format!("case {round}"));
            desks[0].session(&session).await;
            let names = async |n: usize| {
                // One after another, as a portal does that waits for its answers.
                for k in 0..3 {
                    desks[n % 2].receive(&desks[0].early(&external, &format!("{round}-{n}-{k}"))).await;
                }
            };
            tokio::join!(join_all((0..4).map(names)), desks[1].teaches(&session, &external));
            while !desks[0].releases().await.is_empty() {}
            let left = desks[0].portals().quarantined(&desks[0].portal, 0, 10).await.expect("a list").items;
            assert_eq!(left, [], "nobody is left waiting");
            let texts = desks[0].texts(&session).await;
            assert_eq!(texts.len(), 12, "{texts:?}");
            for n in 0..4 {
                let of_one: Vec<_> = texts.iter().filter(|text| text.starts_with(&format!("{round}-{n}-"))).collect();
                assert!(of_one.is_sorted(), "{texts:?}");
            }
        }
    }

    async fn only_so_much_is_kept(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let (portal, most) = ("(SELECT no FROM portals WHERE id = 'desk')", limits::QUARANTINED);
        let fill = match home {
            Home::Sqlite(_) => format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most})
                 INSERT INTO quarantine (portal, id, author, text, at) SELECT {portal}, randomblob(16), 'portal:desk', 'x', 1 FROM n"
            ),
            Home::Postgres { .. } => format!(
                "INSERT INTO quarantine (portal, id, author, text, at)
                 SELECT {portal}, gen_random_uuid(), 'portal:desk', 'x', 1 FROM generate_series(1, {most})"
            ),
        };
        home.change(&fill).await;
        assert_eq!(desk.receive(&desk.early("case 1", "a")).await, Received::QuarantineFull);
        desk.asks("s1", "a").await;
        let externals = ExternalRules { awaited: true, ..ExternalRules::default() };
        let awaited = Incoming { quarantine: false, externals, ..desk.early("case 1", "b") };
        assert_eq!(desk.receive(&awaited).await, Received::UnknownSession);
        assert!(desk.receive(&desk.answer("s1", None, "hello")).await.place().is_some());
        // Nor is a session called by more names than can be.
        for n in 0..=limits::EXTERNALS_PER_SESSION {
            desk.teaches("s1", &format!("case {n}")).await;
        }
        let rows = home.numbers(["count(*)"], "FROM session_externals").await;
        assert_eq!(rows, [[Some(limits::EXTERNALS_PER_SESSION as i64)]]);
        assert_eq!(desk.receive(&desk.by_external("case 0", None, "hi")).await, Received::UnknownSession);
        assert!(desk.receive(&desk.by_external("case 1", None, "hi")).await.place().is_some());
    }

    async fn who_ended_a_membership_is_known(home: &Home) {
        let desk = Desk::at(home).await;
        desk.session("s1").await;
        let removed_by = async || desk.portals().removed_by(&room("s1"), &user("ana")).await.expect("an answer");
        assert_eq!(removed_by().await, None);
        let left = What::Left(hubbub_core::log::kinds::Left { user: user("ana") });
        desk.pen.append(desk.pen.draft("s1", "ana", "a", left.clone())).await;
        assert_eq!(removed_by().await, Some(user("ana")));
        let back = What::Joined(Joined { user: user("ana"), role: Role::Member });
        let back = Draft { right: Right::Returning, ..desk.pen.draft("s1", "ana", "b", back) };
        assert!(matches!(desk.pen.append(back).await, Outcome::Appended(_)));
        desk.pen.append(desk.pen.by_backend("s1", "c", left)).await;
        assert_eq!(removed_by().await, Some(UserId::backend()));
        let banned = What::Banned(hubbub_core::log::kinds::Banned { user: user("ana") });
        desk.pen.append(desk.pen.by_backend("s1", "d", banned)).await;
        let back = What::Joined(Joined { user: user("ana"), role: Role::Member });
        let back = Draft { right: Right::Returning, ..desk.pen.draft("s1", "ana", "e", back) };
        assert!(matches!(desk.pen.append(back).await, Outcome::Refused(_)), "who is banned does not come back");
    }
}
