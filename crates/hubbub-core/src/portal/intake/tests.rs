use super::*;
use crate::{
    log::{
        hash::HashKey,
        kinds::{SessionState, Text},
        ledger::{Ledger, RoomState},
    },
    model::{
        access::RoomKind,
        seq::{Epoch, Seq},
        time::Timestamp,
    },
};

const EPOCH: Epoch = Epoch { incarnation: 1, generation: 1 };

fn session(n: usize) -> RoomId {
    RoomId::parse(&format!("s{n}")).unwrap()
}

fn message(key: &str, event: Option<&str>, external: Option<&str>) -> Incoming {
    let portal = PortalId::parse("desk").unwrap();
    Incoming {
        from: portal.agent(None),
        portal,
        session: None,
        external: external.map(ToOwned::to_owned),
        event: event.map(ToOwned::to_owned),
        id: Uuid::from_u128(u128::from(key.as_bytes()[0])),
        key: Key::parse(key).unwrap(),
        message: Message::new(Text::parse("hi").unwrap(), None, None),
        quarantine: false,
        externals: ExternalRules::default(),
    }
}

fn to(session: Option<RoomId>) -> Addressee {
    Addressee { portal: Some(1), session, ..Addressee::default() }
}

fn holder(n: usize) -> Holder {
    Holder { session: session(n), made: n as i64, open: true, current: true }
}

fn into(session: RoomId) -> Destination {
    Destination::Log { portal: 1, session }
}

fn destinations(resolved: &[Resolved]) -> Vec<Destination> {
    resolved.iter().map(|one| one.to.clone()).collect()
}

/// A ledger with the sessions 1 and 2, which are open.
fn ledger() -> Ledger {
    let mut ledger = Ledger::default();
    for n in [1, 2] {
        let session_state = Some(SessionState::Open);
        let room = RoomState { session: session_state, ..RoomState::new(RoomKind::Private, Seq::new(2), EPOCH) };
        ledger.rooms.insert(session(n), room);
    }
    ledger
}

/// What becomes of messages when one transaction takes them.
fn receive(messages: &[Arc<Incoming>], resolved: Vec<Resolved>, ledger: &mut Ledger) -> Vec<Received> {
    let mut ids = 100;
    let each = messages.iter().zip(resolved);
    each.map(|(message, resolved)| match resolved.to {
        Destination::Nowhere(received) => received,
        Destination::Log { portal, session } => {
            let proposal = message.proposal(portal, session.clone());
            let draft = proposal.draft(&HashKey([0; 32]), || {
                ids += 1;
                Uuid::from_u128(ids)
            });
            Received::of(session, ledger.apply(&draft, Timestamp(5)))
        }
    })
    .collect()
}

#[test]
fn messages_behind_one_that_tells_the_portals_own_id_are_found_by_it() {
    let messages = ["a", "b", "c", "d"].map(|key| Arc::new(message(key, None, Some("case 1"))));
    let all = vec![to(None), to(Some(session(1))), to(None), to(Some(session(2)))];
    let resolved = Intake::new(&messages, all).resolved();
    let nowhere = Destination::Nowhere(Received::UnknownSession);
    let expected = [nowhere, into(session(1)), into(session(1)), into(session(2))];
    assert_eq!(destinations(&resolved), expected, "the first came before anybody knew");
    let learned: Vec<_> = resolved.into_iter().filter_map(|one| one.learned).collect();
    let by = Teacher::Webhook { leads: true };
    let learned_first = Learned { session: session(1), external: "case 1".to_owned(), by };
    assert_eq!(learned, [learned_first], "an id is kept for one of them only");
}

#[test]
fn a_repeat_among_others_shares_the_fate_of_the_first() {
    let messages = [
        message("a", Some("e1"), None),
        message("b", Some("e2"), None),
        message("c", Some("e1"), None),
        message("d", Some("e3"), None),
        message("e", Some("e3"), None),
    ]
    .map(Arc::new);
    let all = vec![to(Some(session(1))), to(Some(session(1))), to(Some(session(2))), to(None), to(Some(session(2)))];
    let mut intake = Intake::new(&messages, all);
    intake.join_repeats();
    assert_eq!(intake.homeless(), []);
    let resolved = intake.resolved();
    assert_eq!(resolved[2].to, into(session(1)), "it is recognised where the first is");
    let mut ledger = ledger();
    let received = receive(&messages, resolved, &mut ledger);
    let numbers = [("e1", 1, 3), ("e2", 1, 4), ("e3", 2, 3)];
    let numbers =
        numbers.map(|(event, n, seq)| (EventName { scope: 1, name: event.into() }, (session(n), Seq::new(seq))));
    assert_eq!(ledger.changes.taken.into_iter().collect::<Vec<_>>(), numbers);
    let first = received[0].place().unwrap();
    assert_eq!(received[2], Received::Repeated { session: first.0.clone(), place: first.1 });
    assert_eq!(received[3], Received::UnknownSession, "what is stored nowhere takes no event");
    assert!(matches!(&received[4], Received::Stored { opening: None, .. }));
}

#[test]
fn a_repeat_of_what_is_kept_for_an_operator_is_kept_with_it() {
    let kept = Incoming { quarantine: true, ..message("a", Some("e1"), None) };
    let messages = [kept, message("b", Some("e1"), None), message("c", None, None)].map(Arc::new);
    let mut intake = Intake::new(&messages, vec![to(None), to(Some(session(1))), to(None)]);
    intake.join_repeats();
    assert_eq!(intake.homeless().iter().map(|one| (one.n, one.portal)).collect::<Vec<_>>(), [(0, 1), (1, 1)]);
    for n in [0, 1] {
        intake.know(n, Received::Quarantined(7));
    }
    let nowhere = |received| Destination::Nowhere(received);
    let expected = [Received::Quarantined(7), Received::Quarantined(7), Received::UnknownSession].map(nowhere);
    assert_eq!(destinations(&intake.resolved()), expected);
}

#[test]
fn what_the_log_has_is_only_told_again() {
    let messages = [Arc::new(message("a", None, None))];
    let resolved = || Intake::new(&messages, vec![to(Some(session(1)))]).resolved();
    let mut ledger = ledger();
    ledger.rooms.get_mut(&session(1)).unwrap().session = Some(SessionState::Closed);
    let first = receive(&messages, resolved(), &mut ledger);
    assert!(matches!(&first[0], Received::Stored { opening: Some(_), .. }), "it opens the session");
    let again = receive(&messages, resolved(), &mut ledger);
    let (room, place) = first[0].place().unwrap();
    assert_eq!(again, [Received::Repeated { session: room.clone(), place }]);
    assert_eq!(ledger.rooms[room].head, Seq::new(4));
}

#[test]
fn what_leaves_quarantine_has_a_key_of_its_number() {
    let kept = Incoming { session: Some("s1".into()), quarantine: true, ..message("a", Some("e1"), None) };
    let (released, elsewhere) = (kept.released(7, None), kept.released(7, Some(&session(2))));
    assert_eq!((released.key.as_str(), released.quarantine), ("quarantine-7", false));
    assert_eq!((released.session.as_deref(), elsewhere.session.as_deref()), (Some("s1"), Some("s2")));
}

fn lost(key: &str, external: &str, rules: ExternalRules) -> Arc<Incoming> {
    Arc::new(Incoming { externals: rules, ..message(key, None, Some(external)) })
}

#[test]
fn what_may_be_in_an_answer_on_its_way_is_awaited_and_nothing_else() {
    let awaited = ExternalRules { awaited: true, ..ExternalRules::default() };
    let sent = Addressee { under_way: true, ..to(None) };
    let homeless = |message: Arc<Incoming>, to: Addressee| Intake::new(&[message], vec![to]).homeless().pop();
    let kept = homeless(lost("a", "case 1", awaited), sent.clone()).unwrap();
    assert!(kept.awaits && kept.expires && kept.session.is_none());
    assert_eq!(homeless(lost("a", "case 1", awaited), to(None)), None, "nothing is on its way");
    assert_eq!(homeless(lost("a", "case 1", ExternalRules::default()), sent.clone()), None, "no answer tells it");
    let nameless =
        Arc::new(Incoming { external: None, session: Some("s9".into()), ..(*lost("a", "", awaited)).clone() });
    assert_eq!(homeless(nameless, sent.clone()), None, "a session of ours that is not there will not be told");
    let asked_for = Arc::new(Incoming { quarantine: true, ..(*lost("a", "case 1", awaited)).clone() });
    assert!(!homeless(asked_for, sent).unwrap().expires);
}

#[test]
fn nothing_overtakes_what_waits_in_its_session() {
    let named = |key| Arc::new(Incoming { session: Some("s1".into()), ..message(key, None, None) });
    let messages = [lost("a", "case 1", ExternalRules::default()), named("b"), named("c"), named("d")];
    let waits = Addressee { behind: true, ..to(Some(session(1))) };
    let all = vec![waits, to(Some(session(1))), to(Some(session(2))), to(Some(session(1)))];
    let mut intake = Intake::new(&messages, all);
    let homeless = intake.homeless();
    assert_eq!(homeless.iter().map(|one| one.n).collect::<Vec<_>>(), [0, 1, 3]);
    assert!(homeless.iter().all(|one| one.session == Some(session(1)) && one.awaits && !one.expires));
    assert_eq!(homeless[0].learned.as_ref().map(|learned| learned.external.as_str()), Some("case 1"));
    intake.turn_away(&homeless[1]);
    intake.overtake();
    assert_eq!(intake.homeless(), []);
    let full = Destination::Nowhere(Received::QuarantineFull);
    let expected = [into(session(1)), full, into(session(2)), into(session(1))];
    assert_eq!(destinations(&intake.resolved()), expected);
}

#[test]
fn what_several_sessions_are_called_is_shared_out_by_the_rule() {
    let shared = Addressee { holders: vec![holder(1), holder(2)], ..to(None) };
    for (conflict, expected, keeps) in [
        (ExternalConflict::Newest, into(session(2)), false),
        (ExternalConflict::Refuse, Destination::Nowhere(Received::Shared(vec![session(1), session(2)])), false),
        (ExternalConflict::Quarantine, Destination::Nowhere(Received::Shared(vec![session(1), session(2)])), true),
    ] {
        let rules = ExternalRules { conflict, awaited: true, ..ExternalRules::default() };
        let messages = [lost("a", "case 1", rules)];
        let intake = Intake::new(&messages, vec![Addressee { under_way: true, ..shared.clone() }]);
        let homeless = intake.homeless();
        assert_eq!(homeless.len(), usize::from(keeps), "{conflict:?}");
        assert!(homeless.iter().all(|one| !one.awaits), "an operator decides");
        let resolved = intake.resolved().pop().unwrap();
        assert_eq!((resolved.to, resolved.shared), (expected, vec![session(1), session(2)]), "{conflict:?}");
    }
}

#[test]
fn a_webhook_takes_no_id_from_another_session_and_leads_only_where_no_answer_does() {
    let learned = |rules: ExternalRules, to: Addressee| {
        let messages = [lost("a", "case 1", rules)];
        let resolved = Intake::new(&messages, vec![to]).resolved().pop().unwrap();
        (resolved.learned.map(|learned| learned.by), resolved.shared)
    };
    let (answers, webhooks) =
        (ExternalRules::default(), ExternalRules { webhooks_lead: true, ..ExternalRules::default() });
    let known = Addressee { has_external: true, ..to(Some(session(1))) };
    let tells = |leads| (Some(Teacher::Webhook { leads }), vec![]);
    assert_eq!(learned(answers, known.clone()), tells(false));
    assert_eq!(learned(webhooks, known.clone()), tells(true));
    assert_eq!(learned(answers, to(Some(session(1)))), tells(true), "it is the first");
    let its_own = Addressee { holders: vec![holder(1)], ..known.clone() };
    assert_eq!(learned(webhooks, its_own), (None, vec![]));
    let others = Addressee { holders: vec![holder(2)], ..known };
    assert_eq!(learned(webhooks, others), (None, vec![session(2)]));
}

/// A webhook without ids that comes again is a repeat for a day from when it came, whatever midnights are in between; what is not
/// stored of it yet has the names that it had before midnight.
#[test]
fn repeats_by_their_bytes_are_told_for_a_day_also_over_midnight() {
    const DAY: i64 = 86_400_000;
    let midnight = 20_000 * DAY;
    // What is done with a body that comes now, by what came before.
    let comes = |known: &mut HashMap<String, i64>, at: i64| {
        let spans = Spans::at(Timestamp(at));
        let name = |span| of_body(b"[1,2]", 0, span);
        let came_before = known.get(&name(spans.before)).is_some_and(|at| *at > spans.since.0);
        let name = name(if came_before { spans.before } else { spans.now });
        let is_new = !known.contains_key(&name);
        known.entry(name.clone()).or_insert(at);
        (is_new, name)
    };
    for first in [0, 1, DAY / 2, DAY - 2, DAY - 1] {
        for later in [0, 1, 2, 1_000, DAY / 2, DAY - 1_000, DAY - 1] {
            let mut known = HashMap::new();
            let (is_new, named) = comes(&mut known, midnight + first);
            assert!(is_new);
            assert_eq!(comes(&mut known, midnight + first + later), (false, named), "{first}, again after {later}");
        }
        let mut known = HashMap::new();
        comes(&mut known, midnight + first);
        for later in [DAY, DAY + 1, 2 * DAY] {
            let mut known = known.clone();
            let (is_new, _) = comes(&mut known, midnight + first + later);
            assert!(is_new, "{first}, again after {later}: another day, and another message");
        }
    }
    // Before 1970, and at the ends of time, nothing overflows.
    for at in [-1, 0, i64::MIN, i64::MAX] {
        let spans = Spans::at(Timestamp(at));
        assert!(spans.before < spans.now && spans.since.0 <= at, "{at}");
    }
}

#[test]
fn an_archived_session_says_so_and_a_deleted_one_is_not_known() {
    let refused = |refusal| Received::of(session(1), Outcome::Refused(refusal));
    assert_eq!(refused(Refusal::Archived), Received::Archived);
    assert_eq!(refused(Refusal::RoomDeleted), Received::UnknownSession);
    assert_eq!(refused(Refusal::LogFull), Received::LogFull);
}
