use super::*;
use crate::{
    log::{
        entry::Before,
        features::Feature,
        hash::HashKey,
        kinds::{Banned, Joined, Left, Message, Right, Text, What},
    },
    model::{
        access::{Role, RoomKind},
        seq::Epoch,
    },
};

mod batches;
mod people;

const EPOCH: Epoch = Epoch { incarnation: 1, generation: 1 };

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn room() -> RoomId {
    RoomId::parse("general").unwrap()
}

fn ledger(kind: RoomKind, members: &[(&str, Standing)]) -> Ledger {
    let mut ledger = Ledger::default();
    ledger.rooms.insert(room(), RoomState::new(kind, Seq::ZERO, EPOCH));
    for (name, standing) in members {
        ledger.people.insert((room(), user(name)), Person::who(*standing));
    }
    ledger
}

fn draft(from: &str, key: &str, what: What) -> Draft {
    Draft {
        room: room(),
        id: Uuid::from_u128(u128::from(key.as_bytes()[0])),
        from: user(from),
        key: Key::parse(key).unwrap(),
        hash: HashKey([0; 32]).hash(&what),
        what,
        right: Right::Own,
        once: None,
        before: None,
        not_yet: None,
    }
}

/// An agent's answer that opens the session again, once by its event.
fn answer(room: &RoomId, key: &str, event: Option<&str>) -> Draft {
    let once = event.map(|name| EventName { scope: 1, name: name.into() }.into());
    let id = Uuid::from_u128(1_000 + u128::from(key.as_bytes()[0]));
    let before = Some(Before::new(id, Before::OPENS, &HashKey([0; 32])).into());
    let room = room.clone();
    Draft { room, right: Right::Portal, once, before, ..draft("portal:desk/ada", key, says("hello")) }
}

fn says(text: &str) -> What {
    What::Message(Message::new(Text::parse(text).unwrap(), None, None))
}

fn seq_of(outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Appended(place) => place.seq.get(),
        other => panic!("not appended: {other:?}"),
    }
}

const MEMBER: Standing = Standing::Member(Role::Member);
const ADMIN: Standing = Standing::Member(Role::Admin);

#[test]
fn numbers_are_dense_and_a_key_is_taken_once() {
    let mut ledger = ledger(RoomKind::Private, &[("ana", MEMBER)]);
    assert_eq!(seq_of(ledger.apply(&draft("ana", "a", says("hi")), Timestamp(1))), 1);
    let again = ledger.apply(&draft("ana", "a", says("hi")), Timestamp(2));
    assert!(matches!(again, Outcome::Known(place) if place.seq == Seq::new(1) && place.at == Timestamp(1)));
    let other = ledger.apply(&draft("ana", "a", says("ho")), Timestamp(3));
    assert!(matches!(other, Outcome::Conflict { seq, .. } if seq == Seq::new(1)));
    assert_eq!(seq_of(ledger.apply(&draft("ana", "b", says("ho")), Timestamp(4))), 2);
}

#[test]
fn a_key_answers_its_sender_even_after_the_removal() {
    let mut ledger = ledger(RoomKind::Private, &[("ana", MEMBER), ("ben", ADMIN)]);
    ledger.apply(&draft("ana", "a", says("hi")), Timestamp(1));
    ledger.apply(&draft("ben", "b", What::Left(Left { user: user("ana") })), Timestamp(2));
    let retry = ledger.apply(&draft("ana", "a", says("hi")), Timestamp(3));
    assert!(matches!(retry, Outcome::Known(_)));
    let fresh = ledger.apply(&draft("ana", "c", says("hi")), Timestamp(4));
    assert_eq!(fresh, Outcome::Refused(Refusal::UnknownRoom));
}

#[test]
fn what_somebody_does_not_know_is_not_taken_yet_but_what_was_taken_is_answered() {
    let mut ledger = ledger(RoomKind::Private, &[("ana", ADMIN), ("ben", MEMBER)]);
    let not_yet = |draft: Draft| Draft { not_yet: Some(Feature::Roles), ..draft };
    let joined = |role| What::Joined(Joined { user: user("ben"), role });
    let (reader, member) = (joined(Role::Reader), joined(Role::Member));
    assert_eq!(
        ledger.apply(&not_yet(draft("ana", "a", reader.clone())), Timestamp(1)),
        Outcome::NotYet(Feature::Roles)
    );
    assert_eq!(ledger.rooms[&room()].head, Seq::ZERO, "nothing is numbered");
    assert_eq!(ledger.standing(&room(), &user("ben")), MEMBER);
    // What a rule says comes first: things are as asked, or may never be so.
    assert_eq!(ledger.apply(&not_yet(draft("ana", "b", member)), Timestamp(1)), Outcome::Unchanged);
    let refused = ledger.apply(&not_yet(draft("mallory", "c", reader.clone())), Timestamp(1));
    assert_eq!(refused, Outcome::Refused(Refusal::UnknownRoom));
    // Its key was not used up.
    assert_eq!(seq_of(ledger.apply(&draft("ana", "a", reader.clone()), Timestamp(2))), 1);
    assert!(matches!(ledger.apply(&not_yet(draft("ana", "a", reader)), Timestamp(3)), Outcome::Known(_)));
    let conflict = ledger.apply(&not_yet(draft("ana", "a", joined(Role::Moderator))), Timestamp(3));
    assert!(matches!(conflict, Outcome::Conflict { .. }));
}

#[test]
fn a_private_room_looks_like_none_to_strangers() {
    let mut ledger = ledger(RoomKind::Private, &[("eve", Standing::Banned)]);
    for who in ["mallory", "eve"] {
        for what in [
            says("hi"),
            What::Joined(Joined { user: user(who), role: Role::Member }),
            What::Left(Left { user: user(who) }),
        ] {
            assert_eq!(ledger.apply(&draft(who, "k", what), Timestamp(0)), Outcome::Refused(Refusal::UnknownRoom));
        }
    }
}

#[test]
fn an_open_room_is_joined_and_left_by_oneself() {
    let mut ledger = ledger(RoomKind::Open, &[("eve", Standing::Banned)]);
    let becomes = |who: &str, role| What::Joined(Joined { user: user(who), role });
    let join = |who: &str| becomes(who, Role::Member);
    let not_admin = Outcome::Refused(Refusal::NotAdmin);
    assert_eq!(ledger.apply(&draft("ana", "z", becomes("ana", Role::Admin)), Timestamp(0)), not_admin);
    assert_eq!(ledger.apply(&draft("ana", "a", says("hi")), Timestamp(0)), Outcome::Refused(Refusal::NotMember));
    assert_eq!(seq_of(ledger.apply(&draft("ana", "b", join("ana")), Timestamp(0))), 1);
    assert_eq!(ledger.standing(&room(), &user("ana")), MEMBER);
    for role in [Role::Reader, Role::Moderator, Role::Admin] {
        assert_eq!(
            ledger.apply(&draft("ana", "y", becomes("ana", role)), Timestamp(0)),
            not_admin,
            "nor gives herself a role"
        );
    }
    assert_eq!(ledger.apply(&draft("ana", "c", join("ana")), Timestamp(0)), Outcome::Unchanged);
    assert_eq!(ledger.apply(&draft("eve", "d", join("eve")), Timestamp(0)), Outcome::Refused(Refusal::Banned));
    assert_eq!(seq_of(ledger.apply(&draft("ana", "e", What::Left(Left { user: user("ana") })), Timestamp(0))), 2);
}

#[test]
fn a_closed_session_takes_nothing_but_what_opens_it_and_its_agents_answers() {
    let mut ledger = ledger(RoomKind::Private, &[("ana", MEMBER)]);
    let state = |state| What::State(state);
    let refused = |refusal| Outcome::Refused(refusal);
    let close = draft("ana", "a", state(SessionState::Closed));
    assert_eq!(ledger.apply(&close, Timestamp(0)), refused(Refusal::NotSession));
    ledger.rooms.get_mut(&room()).unwrap().session = Some(SessionState::Open);
    assert_eq!(
        ledger.apply(&draft("eve", "a", state(SessionState::Closed)), Timestamp(0)),
        refused(Refusal::UnknownRoom)
    );
    assert_eq!(seq_of(ledger.apply(&close, Timestamp(0))), 1);
    assert_eq!(ledger.apply(&draft("ana", "b", state(SessionState::Closed)), Timestamp(0)), Outcome::Unchanged);
    assert_eq!(ledger.apply(&draft("ana", "c", says("hi")), Timestamp(0)), refused(Refusal::SessionClosed));
    let agent = Draft { right: Right::Portal, ..draft("portal:desk/ada", "d", says("one more thing")) };
    assert_eq!(seq_of(ledger.apply(&agent, Timestamp(0))), 2);
    assert_eq!(seq_of(ledger.apply(&draft("ana", "e", state(SessionState::Open)), Timestamp(0))), 3);
    assert_eq!(seq_of(ledger.apply(&draft("ana", "c", says("hi")), Timestamp(0))), 4);
    assert_eq!(ledger.changes.states[&room()], SessionState::Open);
}

#[test]
fn an_answer_opens_its_session_again_and_only_along_with_itself() {
    let mut ledger = ledger(RoomKind::Private, &[]);
    ledger.rooms.get_mut(&room()).unwrap().session = Some(SessionState::Closed);
    let first = answer(&room(), "a", Some("e1"));
    let outcome = ledger.apply(&first, Timestamp(3));
    let Outcome::Both { before, place } = outcome else { panic!("{outcome:?}") };
    assert_eq!((before.seq, place.seq), (Seq::new(1), Seq::new(2)));
    assert_eq!(ledger.rooms[&room()].session, Some(SessionState::Open));
    assert_eq!(seq_of(ledger.apply(&answer(&room(), "b", None), Timestamp(4))), 3);
    // Closed again: what is only told again does not open it.
    ledger.rooms.get_mut(&room()).unwrap().session = Some(SessionState::Closed);
    let repeated = Outcome::Repeated { room: room(), place };
    assert_eq!(ledger.apply(&first, Timestamp(5)), repeated);
    assert!(matches!(ledger.apply(&answer(&room(), "b", None), Timestamp(5)), Outcome::Known(_)));
    assert_eq!(ledger.rooms[&room()].session, Some(SessionState::Closed));
    // One number is left, and two entries are needed.
    ledger.rooms.get_mut(&room()).unwrap().head = Seq::new(Seq::MAX.get() - 1);
    let full = answer(&room(), "c", Some("e2"));
    assert_eq!(ledger.apply(&full, Timestamp(6)), Outcome::Refused(Refusal::LogFull));
    assert_eq!(ledger.rooms[&room()].session, Some(SessionState::Closed));
    assert_eq!(ledger.changes.taken.len(), 1, "what was refused has taken no event");
}

#[test]
fn an_event_is_taken_once_in_all_rooms() {
    let mut ledger = ledger(RoomKind::Private, &[]);
    let elsewhere = RoomId::parse("elsewhere").unwrap();
    let state = RoomState { session: Some(SessionState::Open), ..ledger.rooms[&room()].clone() };
    ledger.rooms.insert(elsewhere.clone(), state);
    // The first is refused: this room is no session.
    let refused = ledger.apply(&answer(&room(), "a", Some("e1")), Timestamp(1));
    assert_eq!(refused, Outcome::Refused(Refusal::NotSession));
    let Outcome::Appended(place) = ledger.apply(&answer(&elsewhere, "b", Some("e1")), Timestamp(2)) else {
        panic!("not appended")
    };
    ledger.rooms.get_mut(&room()).unwrap().session = Some(SessionState::Open);
    let again = ledger.apply(&answer(&room(), "c", Some("e1")), Timestamp(3));
    assert_eq!(again, Outcome::Repeated { room: elsewhere.clone(), place: place.into() });
    assert_eq!(ledger.changes.taken.into_values().collect::<Vec<_>>(), [(elsewhere, place.seq)]);
    let gone = EventName { scope: 1, name: "e2".into() };
    ledger.events.insert(gone, None);
    let mut ledger = Ledger { changes: Changes::default(), ..ledger };
    assert_eq!(ledger.apply(&answer(&room(), "d", Some("e2")), Timestamp(3)), Outcome::Unchanged);
}

#[test]
fn what_changes_nothing_has_taken_its_event_too() {
    let mut ledger = ledger(RoomKind::Private, &[("ana", MEMBER)]);
    let name = |event: &str| EventName { scope: 1, name: event.into() };
    let joins = |key: &str, event: &str| {
        let what = What::Joined(Joined { user: user("ana"), role: Role::Member });
        Draft { right: Right::Backend, once: Some(name(event).into()), ..draft("hubbub:api", key, what) }
    };
    assert_eq!(ledger.apply(&joins("a", "e1"), Timestamp(0)), Outcome::Unchanged, "she is a member");
    ledger.people.clear();
    assert_eq!(ledger.apply(&joins("b", "e1"), Timestamp(0)), Outcome::Unchanged, "it would be news now");
    assert_eq!(seq_of(ledger.apply(&joins("c", "e2"), Timestamp(0))), 1);
    let taken = [(name("e1"), (room(), Seq::ZERO)), (name("e2"), (room(), Seq::new(1)))];
    assert_eq!(ledger.changes.taken, taken.into());
}

#[test]
fn only_admins_govern() {
    let mut ledger = ledger(RoomKind::Private, &[("ana", ADMIN), ("ben", MEMBER)]);
    let ban = || What::Banned(Banned { user: user("ana") });
    assert_eq!(ledger.apply(&draft("ben", "a", ban()), Timestamp(0)), Outcome::Refused(Refusal::NotModerator));
    let add = What::Joined(Joined { user: user("cem"), role: Role::Member });
    assert_eq!(seq_of(ledger.apply(&draft("ana", "b", add), Timestamp(0))), 1);
    let backend = Draft { right: Right::Backend, ..draft("hubbub:api", "c", ban()) };
    assert_eq!(seq_of(ledger.apply(&backend, Timestamp(0))), 2);
    assert_eq!(ledger.changes.members[&(room(), user("ana"))].standing, Standing::Banned);
}

#[test]
fn an_admin_steps_down_where_another_is_left_and_who_joins_again_stays_what_they_are() {
    let mut ledger = ledger(RoomKind::Private, &[("ana", ADMIN), ("ben", MEMBER)]);
    ledger.facts.entry(room()).or_default().admins = (1, 2);
    let becomes = |who: &str, role| What::Joined(Joined { user: user(who), role });
    let joining = Draft { right: Right::Joining, ..draft("ana", "a", becomes("ana", Role::Member)) };
    assert_eq!(ledger.apply(&joining, Timestamp(0)), Outcome::Unchanged);
    for role in [Role::Reader, Role::Member, Role::Moderator] {
        let last = ledger.apply(&draft("ana", "b", becomes("ana", role)), Timestamp(0));
        assert_eq!(last, Outcome::Refused(Refusal::LastAdmin));
    }
    assert_eq!(seq_of(ledger.apply(&draft("ana", "c", becomes("ben", Role::Admin)), Timestamp(0))), 1);
    assert_eq!(seq_of(ledger.apply(&draft("ana", "d", becomes("ana", Role::Moderator)), Timestamp(0))), 2);
    let last = ledger.apply(&draft("ben", "e", becomes("ben", Role::Member)), Timestamp(0));
    assert_eq!(last, Outcome::Refused(Refusal::LastAdmin));
}

#[test]
fn who_may_not_is_told_so_also_where_things_are_as_asked() {
    let member = |name: &str| What::Joined(Joined { user: user(name), role: Role::Member });
    for kind in [RoomKind::Open, RoomKind::Private] {
        let mut ledger = ledger(kind, &[("ana", ADMIN), ("ben", MEMBER), ("cem", MEMBER)]);
        let seen = if kind == RoomKind::Open { Refusal::NotAdmin } else { Refusal::UnknownRoom };
        assert_eq!(ledger.apply(&draft("eve", "a", member("ben")), Timestamp(0)), Outcome::Refused(seen));
        assert_eq!(ledger.apply(&draft("cem", "b", member("ben")), Timestamp(0)), Outcome::Refused(Refusal::NotAdmin));
        assert_eq!(ledger.apply(&draft("ana", "c", member("ben")), Timestamp(0)), Outcome::Unchanged);
        ledger.rooms.get_mut(&room()).unwrap().settings.members_may.invite = true;
        assert_eq!(ledger.apply(&draft("cem", "d", member("ben")), Timestamp(0)), Outcome::Unchanged);
        assert_eq!(seq_of(ledger.apply(&draft("cem", "e", member("dan")), Timestamp(0))), 1);
    }
}

#[test]
fn an_edit_keeps_whom_it_mentioned_before_and_names_nobody_else_who_is_no_member() {
    use crate::log::kinds::{Content, Edited};
    let mentions = |text: &str, names: &[&str]| Content {
        mentions: names.iter().map(|name| user(name)).collect(),
        ..Content::text(Text::parse(text).unwrap())
    };
    let mut ledger = ledger(RoomKind::Private, &[("ana", ADMIN), ("ben", MEMBER)]);
    let message = Message { content: mentions("hi", &["ben"]), ..Message::new(Text::parse("").unwrap(), None, None) };
    ledger.facts.entry(room()).or_default().targets.insert(Seq::new(1), None);
    assert_eq!(seq_of(ledger.apply(&draft("ana", "a", What::Message(message)), Timestamp(0))), 1);
    assert_eq!(seq_of(ledger.apply(&draft("ana", "b", What::Left(Left { user: user("ben") })), Timestamp(0))), 2);
    let edit = |key: &str, names: &[&str]| {
        draft("ana", key, What::Edited(Edited { target: Seq::new(1), content: mentions(key, names) }))
    };
    assert_eq!(seq_of(ledger.apply(&edit("c", &["ben"]), Timestamp(0))), 3);
    let eve = Outcome::Refused(Refusal::NoSuchMember { field: "mentions", user: user("eve") });
    assert_eq!(ledger.apply(&edit("d", &["ben", "eve"]), Timestamp(0)), eve);
    let backend = Draft { right: Right::Backend, from: user("hubbub:api"), ..edit("e", &["eve"]) };
    assert_eq!(ledger.apply(&backend, Timestamp(0)), eve);
}

#[test]
fn what_retention_has_removed_is_told_apart_from_what_never_was() {
    use crate::{
        log::kinds::{Deleted, Pinned, Reacted, ReactionWord},
        wire::error::CommandError,
    };
    let mut ledger = ledger(RoomKind::Private, &[("ana", ADMIN)]);
    let state = ledger.rooms.get_mut(&room()).unwrap();
    (state.floor, state.head) = (Seq::new(10), Seq::new(20));
    let target = |seq: u64| Seq::new(seq);
    let message = |reply_to, thread| {
        What::Message(Message { thread, ..Message::new(Text::parse("hi").unwrap(), None, reply_to) })
    };
    let mut told = |what: What| match ledger.apply(&draft("ana", "k", what), Timestamp(0)) {
        Outcome::Refused(refusal) => {
            let error = CommandError::from(refusal);
            (error.code, error.message.into_owned())
        }
        other => panic!("{other:?}"),
    };
    for (seq, why) in [
        (9, "older than what this room keeps"),
        (1, "older than what this room keeps"),
        (10, "no such message in this room"),
        (0, "no such message in this room"),
        (21, "no such message in this room"),
    ] {
        let reaction = ReactionWord::parse("+1").unwrap();
        for (field, what) in [
            ("reply_to", message(Some(target(seq)), None)),
            ("thread", message(None, Some(target(seq)))),
            ("target", What::Deleted(Deleted { target: target(seq), of: None })),
            ("target", What::Pinned(Pinned { target: target(seq), pinned: true })),
            ("target", What::Reacted(Reacted { target: target(seq), reaction, added: true })),
        ] {
            assert_eq!(told(what), (107, format!("bad request: {field}: {why}")), "{seq}");
        }
    }
}
