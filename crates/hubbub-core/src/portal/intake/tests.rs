use super::*;
use crate::{
    log::{
        entry::Right,
        hash::HashKey,
        kinds::{Message, SessionState, Text, What},
        ledger::RoomState,
    },
    model::{access::RoomKind, time::Timestamp},
};
use uuid::Uuid;

const EPOCH: Epoch = Epoch { incarnation: 1, generation: 1 };

fn session(n: i64) -> (RoomId, i64) {
    (RoomId::parse(&format!("s{n}")).unwrap(), n)
}

fn draft(key: &str, what: What) -> Draft {
    Draft {
        room: RoomId::parse("placeholder").unwrap(),
        id: Uuid::from_u128(u128::from(key.as_bytes()[0])),
        from: PortalId::parse("desk").unwrap().agent(None),
        key: Key::parse(key).unwrap(),
        hash: HashKey([0; 32]).hash(&what),
        what,
        right: Right::Portal,
    }
}

fn message(key: &str, event: Option<&str>, external: Option<&str>) -> Incoming {
    let said = What::Message(Message { text: Text::parse("hi").unwrap(), data: None, reply_to: None });
    Incoming {
        portal: PortalId::parse("desk").unwrap(),
        session: None,
        external: external.map(ToOwned::to_owned),
        event: event.map(ToOwned::to_owned),
        draft: draft(key, said),
        opening: draft(&format!("{key}-opens"), What::State(SessionState::Open)),
        quarantine: false,
    }
}

fn to(session: Option<(RoomId, i64)>, external: Option<&str>) -> Addressee {
    Addressee { portal: Some(1), session, external: external.map(ToOwned::to_owned) }
}

/// A ledger with the sessions 1 and 2, which are open.
fn ledger() -> Ledger {
    let mut ledger = Ledger::default();
    for n in [1, 2] {
        let session_state = Some(SessionState::Open);
        let room = RoomState { kind: RoomKind::Private, head: Seq::new(2), epoch: EPOCH, session: session_state };
        ledger.rooms.insert(session(n).0, room);
    }
    ledger
}

fn decide(batch: &mut Batch<'_>, ledger: &mut Ledger) -> Vec<usize> {
    let of = batch.open(true);
    let fresh = batch.answer_logged(&of, ledger);
    let drafts = batch.drafts(&fresh);
    let outcomes: Vec<_> = drafts.iter().map(|draft| ledger.apply(draft, Timestamp(5))).collect();
    batch.decided(&fresh, &drafts, &outcomes)
}

#[test]
fn messages_behind_one_that_tells_the_portals_own_id_are_found_by_it() {
    let messages = ["a", "b", "c", "d"].map(|key| message(key, None, Some("case 1")));
    let mut all = [to(None, None), to(Some(session(1)), None), to(None, None), to(Some(session(2)), None)];
    introduce(&messages, &mut all);
    let rooms = all.each_ref().map(|to| to.session.as_ref().map(|(_, number)| *number));
    assert_eq!(rooms, [None, Some(1), Some(1), Some(2)], "the first came before anybody knew");
    let batch = Batch::new(&messages, &all);
    let learned: Vec<_> = batch.learned().into_iter().map(|(session, id)| (session.as_str(), id)).collect();
    assert_eq!(learned, [("s1", "case 1"), ("s2", "case 1")], "the store keeps an id for one of them only");
}

#[test]
fn a_repeat_within_a_batch_shares_the_answer_of_the_first() {
    let messages = [
        message("a", Some("e1"), None),
        message("b", Some("e2"), None),
        message("c", Some("e1"), None),
        message("d", Some("e3"), None),
        message("e", Some("e3"), None),
    ];
    let all = [
        to(Some(session(1)), None),
        to(Some(session(1)), None),
        to(Some(session(2)), None),
        to(None, None),
        to(Some(session(2)), None),
    ];
    let mut batch = Batch::new(&messages, &all);
    batch.set_repeats_aside();
    assert_eq!((batch.open(true), batch.open(false)), (vec![0, 1, 4], vec![3]));
    assert_eq!(decide(&mut batch, &mut ledger()), [] as [usize; 0]);
    let numbered = batch.numbered(&[0, 1, 2, 3, 4]);
    let numbers = [("e1", 3), ("e2", 4), ("e3", 3)].map(|(event, seq)| ((1, event), Seq::new(seq)));
    assert_eq!(numbered, numbers);
    let answers = batch.answers();
    let first = answers[0].place().unwrap();
    assert_eq!(answers[2], Received::Repeated { session: first.0.clone(), place: first.1 });
    assert_eq!(answers[3], Received::UnknownSession, "what is stored nowhere takes no event");
    assert!(matches!(&answers[4], Received::Stored { entries, .. } if entries.len() == 1));
}

#[test]
fn what_the_log_has_is_only_told_again() {
    let (messages, all) = ([message("a", None, None)], [to(Some(session(1)), None)]);
    let mut ledger = ledger();
    ledger.rooms.get_mut(&session(1).0).unwrap().session = Some(SessionState::Closed);
    let mut first = Batch::new(&messages, &all);
    decide(&mut first, &mut ledger);
    let first = first.answers();
    assert!(matches!(&first[0], Received::Stored { entries, .. } if entries.len() == 2), "it opens the session");
    let mut again = Batch::new(&messages, &all);
    decide(&mut again, &mut ledger);
    let (room, place) = first[0].place().unwrap();
    assert_eq!(again.answers(), [Received::Repeated { session: room.clone(), place }]);
    assert_eq!(ledger.rooms[room].head, Seq::new(4));
}

#[test]
fn what_leaves_quarantine_has_a_key_of_its_number() {
    let kept = Incoming { session: Some("s1".into()), quarantine: true, ..message("a", Some("e1"), None) };
    let (released, elsewhere) = (kept.released(7, None), kept.released(7, Some(&session(2).0)));
    assert_eq!((released.draft.key.as_str(), released.quarantine), ("quarantine-7", false));
    assert_eq!((released.session.as_deref(), elsewhere.session.as_deref()), (Some("s1"), Some("s2")));
}
