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
        message: Message { text: Text::parse("hi").unwrap(), data: None, reply_to: None },
        quarantine: false,
    }
}

fn to(session: Option<RoomId>, external: Option<&str>) -> Addressee {
    Addressee { portal: Some(1), session, external: external.map(ToOwned::to_owned) }
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
        let room = RoomState { kind: RoomKind::Private, head: Seq::new(2), epoch: EPOCH, session: session_state };
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
    let all = vec![to(None, None), to(Some(session(1)), None), to(None, None), to(Some(session(2)), None)];
    let resolved = Intake::new(&messages, all).resolved();
    let nowhere = Destination::Nowhere(Received::UnknownSession);
    let expected = [nowhere, into(session(1)), into(session(1)), into(session(2))];
    assert_eq!(destinations(&resolved), expected, "the first came before anybody knew");
    let learned: Vec<_> = resolved.into_iter().filter_map(|one| one.learned).collect();
    let case = |n| (session(n), "case 1".to_owned());
    assert_eq!(learned, [case(1), case(2)], "the store keeps an id for one of them only");
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
    let all = vec![
        to(Some(session(1)), None),
        to(Some(session(1)), None),
        to(Some(session(2)), None),
        to(None, None),
        to(Some(session(2)), None),
    ];
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
    assert_eq!(ledger.taken.into_iter().collect::<Vec<_>>(), numbers);
    let first = received[0].place().unwrap();
    assert_eq!(received[2], Received::Repeated { session: first.0.clone(), place: first.1 });
    assert_eq!(received[3], Received::UnknownSession, "what is stored nowhere takes no event");
    assert!(matches!(&received[4], Received::Stored { opening: None, .. }));
}

#[test]
fn a_repeat_of_what_is_kept_for_an_operator_is_kept_with_it() {
    let kept = Incoming { quarantine: true, ..message("a", Some("e1"), None) };
    let messages = [kept, message("b", Some("e1"), None), message("c", None, None)].map(Arc::new);
    let mut intake = Intake::new(&messages, vec![to(None, None), to(Some(session(1)), None), to(None, None)]);
    intake.join_repeats();
    assert_eq!(intake.homeless(), [(0, 1), (1, 1)]);
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
    let resolved = || Intake::new(&messages, vec![to(Some(session(1)), None)]).resolved();
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
