//! Two entries that are one draft, and deletions that are too much for one transaction.

use super::*;
use crate::{
    limits::{BLANKED_AT_ONCE, EDITS_OF_MESSAGE},
    log::{
        entry::Proposal,
        kinds::{Changed, Deleted, Renamed},
    },
};

fn changed(json: &str) -> What {
    What::Changed(Changed::new(&serde_json::from_str(json).unwrap()))
}

/// A change of a room, by its key.
fn change(from: &str, key: &str, name: Option<&str>, settings: Option<&str>) -> Draft {
    let renamed = name.map(|name| What::Renamed(Renamed { name: name.into() }));
    let (before, what) = match (renamed, settings.map(changed)) {
        (renamed, Some(settings)) => (renamed, settings),
        (renamed, None) => (None, renamed.unwrap()),
    };
    let key = Key::parse(key).unwrap();
    let proposal = Proposal { before, ..Proposal::new(room(), user(from), Some(key), what, Right::Own) };
    let mut ids = 7_000..;
    proposal.draft(&HashKey([0; 32]), || Uuid::from_u128(ids.next().unwrap()))
}

#[test]
fn a_name_and_settings_are_changed_together_or_not_at_all() {
    let mut ledger = ledger(RoomKind::Private, &[("ana", ADMIN), ("ben", MEMBER)]);
    let both = change("ana", "a", Some("Kitchen"), Some(r#"{"frozen":true}"#));
    let not_yet = Draft { not_yet: Some(Feature::Settings), ..both.clone() };
    assert_eq!(ledger.apply(&not_yet, Timestamp(1)), Outcome::NotYet(Feature::Settings));
    let ben = change("ben", "a", Some("Kitchen"), Some(r#"{"frozen":true}"#));
    assert_eq!(ledger.apply(&ben, Timestamp(1)), Outcome::Refused(Refusal::NotAdmin));
    assert!(ledger.changes.renamed.is_empty() && ledger.rooms[&room()].head == Seq::ZERO);
    ledger.rooms.get_mut(&room()).unwrap().head = Seq::new(Seq::MAX.get() - 1);
    assert_eq!(ledger.apply(&both, Timestamp(1)), Outcome::Refused(Refusal::LogFull));
    ledger.rooms.get_mut(&room()).unwrap().head = Seq::ZERO;
    let Outcome::Both { before, place } = ledger.apply(&both, Timestamp(2)) else { panic!("not both") };
    assert_eq!((before.seq, place.seq), (Seq::new(1), Seq::new(2)));
    assert_eq!(ledger.changes.renamed[&room()], "Kitchen");
    assert!(ledger.changes.settings[&room()].frozen && ledger.rooms[&room()].settings.frozen);
    assert_eq!(ledger.apply(&both, Timestamp(3)), Outcome::Known(*place));
    for (name, settings) in [
        (Some("Kitchen"), None),
        (None, Some(r#"{"frozen":true}"#)),
        (Some("Bath"), Some(r#"{"frozen":true}"#)),
        (Some("Kitchen"), Some("{}")),
    ] {
        let outcome = ledger.apply(&change("ana", "a", name, settings), Timestamp(4));
        assert!(matches!(outcome, Outcome::Conflict { seq, .. } if seq == place.seq), "{name:?} {settings:?}");
    }
    assert_eq!(ledger.rooms[&room()].head, Seq::new(2));
}

#[test]
fn what_is_added_to_a_change_is_another_change_by_the_same_key() {
    for (name, settings) in [(Some("Kitchen"), None), (None, Some(r#"{"slow_mode":5}"#))] {
        let mut ledger = ledger(RoomKind::Private, &[("ana", ADMIN)]);
        assert_eq!(seq_of(ledger.apply(&change("ana", "k", name, settings), Timestamp(1))), 1);
        let both = change("ana", "k", Some("Kitchen"), Some(r#"{"slow_mode":5}"#));
        assert!(matches!(ledger.apply(&both, Timestamp(2)), Outcome::Conflict { seq, .. } if seq == Seq::new(1)));
        assert_eq!(ledger.rooms[&room()].head, Seq::new(1), "and nothing was written");
    }
}

#[test]
fn of_a_change_only_what_is_news_is_written() {
    let mut ledger = ledger(RoomKind::Private, &[("ana", ADMIN)]);
    let both = |key: &str, name: &str| change("ana", key, Some(name), Some(r#"{"frozen":false}"#));
    let Outcome::Filled { place, what } = ledger.apply(&both("a", "Kitchen"), Timestamp(1)) else {
        panic!("not filled")
    };
    assert_eq!((place.seq, &*what), (Seq::new(1), &What::Renamed(Renamed { name: "Kitchen".into() })));
    assert_eq!(ledger.apply(&both("a", "Kitchen"), Timestamp(2)), Outcome::Known(*place));
    assert!(matches!(ledger.apply(&both("a", "Bath"), Timestamp(2)), Outcome::Conflict { .. }));
    assert!(ledger.changes.settings.is_empty() && ledger.changes.renamed[&room()] == "Kitchen");
}

fn delete(from: &str, key: &str, target: u64) -> Draft {
    draft(from, key, What::Deleted(Deleted { target: Seq::new(target), of: None }))
}

/// A message with so many edits.
fn much_edited(edits: Option<usize>) -> Option<Target> {
    Some(Target {
        from: user("ana"),
        at: Timestamp(0),
        gone: false,
        thread: None,
        in_room: false,
        edit: edits.filter(|edits| *edits > 0).map(|_| Seq::new(9_000)),
        edits: edits.unwrap_or(5) as u32,
        content: None,
        edit_seqs: edits.map(|edits| (0..edits).map(|n| Seq::new(9_000 - n as u64)).collect()),
    })
}

#[test]
fn one_transaction_blanks_so_much_and_what_is_beyond_waits_in_its_room() {
    let mut ledger = ledger(RoomKind::Private, &[("ana", ADMIN)]);
    let elsewhere = RoomId::parse("elsewhere").unwrap();
    ledger.rooms.insert(elsewhere.clone(), ledger.rooms[&room()].clone());
    ledger.people.insert((elsewhere.clone(), user("ana")), Person::who(ADMIN));
    ledger.rooms.get_mut(&room()).unwrap().head = Seq::new(10_000);
    let facts = ledger.facts.entry(room()).or_default();
    for (seq, edits) in
        [(1, Some(EDITS_OF_MESSAGE)), (2, Some(0)), (3, Some(EDITS_OF_MESSAGE)), (4, None), (5, Some(3))]
    {
        facts.targets.insert(Seq::new(seq), much_edited(edits));
    }
    let there = |draft: Draft| Draft { room: elsewhere.clone(), ..draft };
    let drafts = [
        delete("ana", "a", 1),
        delete("ana", "b", 2),
        delete("eve", "c", 3),
        delete("ana", "d", 3),
        draft("ana", "e", says("behind it")),
        delete("ana", "f", 5),
        delete("ana", "a", 1),
        there(draft("ana", "g", says("elsewhere"))),
    ];
    const { assert!(2 * EDITS_OF_MESSAGE + 3 > BLANKED_AT_ONCE && EDITS_OF_MESSAGE < BLANKED_AT_ONCE) };
    let outcomes: Vec<_> = drafts.iter().map(|draft| ledger.apply(draft, Timestamp(1))).collect();
    assert!(matches!(&outcomes[..2], [Outcome::Filled { .. }, Outcome::Filled { .. }]), "{outcomes:?}");
    assert_eq!(outcomes[2], Outcome::Refused(Refusal::UnknownRoom), "who may not, is told so");
    assert!(outcomes[3..7].iter().all(|outcome| *outcome == Outcome::PutOff), "{outcomes:?}");
    assert!(matches!(outcomes[7], Outcome::Appended(_)), "{outcomes:?}");
    assert_eq!(ledger.changes.blanked[&room()].len(), EDITS_OF_MESSAGE + 2);
    assert_eq!(ledger.changes.deleted.len(), 2);

    // In another transaction they are taken. One whose edits were not read waits once more.
    let mut next = Ledger { blanked: 0, put_off: HashSet::default(), changes: Changes::default(), ..ledger };
    let outcomes: Vec<_> = drafts[3..6].iter().map(|draft| next.apply(draft, Timestamp(1))).collect();
    assert!(outcomes.iter().all(|o| matches!(o, Outcome::Filled { .. } | Outcome::Appended(_))), "{outcomes:?}");
    assert_eq!(next.apply(&delete("ana", "h", 4), Timestamp(1)), Outcome::PutOff);
}

#[test]
fn a_deleted_message_leaves_no_hash_of_itself_and_its_edits_and_others_keep_theirs() {
    use crate::log::kinds::{Content, Edited};
    let mut ledger = ledger(RoomKind::Private, &[("ana", ADMIN)]);
    let facts = ledger.facts.entry(room()).or_default();
    (1..20).for_each(|seq| drop(facts.targets.insert(Seq::new(seq), None)));
    let edit = |key: &str, target| {
        let content = Content::text(Text::parse(key).unwrap());
        draft("ana", key, What::Edited(Edited { target: Seq::new(target), content }))
    };
    for draft in [
        draft("ana", "a", says("first")),
        draft("ana", "b", says("second")),
        edit("c", 1),
        edit("d", 2),
        edit("e", 1),
        delete("ana", "f", 1),
    ] {
        assert!(matches!(ledger.apply(&draft, Timestamp(1)), Outcome::Appended(_) | Outcome::Filled { .. }));
    }
    let blank = |key: &str| ledger.known[&(room(), user("ana"), Key::parse(key).unwrap())].hash.is_none();
    assert_eq!(["a", "b", "c", "d", "e", "f"].map(blank), [true, false, true, false, true, false]);
    assert_eq!(ledger.changes.blanked[&room()], [1, 3, 5].map(Seq::new));
}
