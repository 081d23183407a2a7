//! What a room remembers of people, and from where on they may name messages.

use super::*;
use crate::log::{
    kinds::{Changed, Content, Deleted, Edited, Pinned, Reacted, ReactionWord, Renamed},
    settings::Settings,
};

fn joined(name: &str, role: Role) -> What {
    What::Joined(Joined { user: user(name), role })
}

fn left(name: &str) -> What {
    What::Left(Left { user: user(name) })
}

const READER: Standing = Standing::Member(Role::Reader);

/// A room of which a few are members, and a reader who may write.
struct Hall {
    ledger: Ledger,
    keys: u32,
}

impl Hall {
    fn new(kind: RoomKind) -> Self {
        let mut ledger = ledger(kind, &[("ana", ADMIN), ("ben", MEMBER), ("rea", READER)]);
        ledger.facts.entry(room()).or_default().admins = (1, 3);
        ledger.rooms.get_mut(&room()).unwrap().settings.members_may.invite = true;
        Self { ledger, keys: 0 }
    }

    fn does(&mut self, right: Right, from: &str, what: What) -> Outcome {
        self.keys += 1;
        let draft = Draft { right, ..draft(from, &format!("k{}", self.keys), what) };
        self.ledger.apply(&draft, Timestamp(0))
    }

    /// It is taken; returns what it became.
    fn becomes(&mut self, right: Right, from: &str, what: What) -> What {
        match self.does(right, from, what.clone()) {
            Outcome::Appended(_) => what,
            Outcome::Filled { what, .. } => *what,
            other => panic!("{from}: {what:?}: {other:?}"),
        }
    }

    fn rea(&self) -> Standing {
        self.ledger.standing(&room(), &user("rea"))
    }
}

#[test]
fn who_was_a_reader_comes_back_as_one_by_whatever_way_they_find_themselves() {
    let as_reader = joined("rea", Role::Reader);
    let as_member = || joined("rea", Role::Member);
    let ban = || What::Banned(Banned { user: user("rea") });
    for (out, by) in [(vec![left("rea")], "rea"), (vec![left("rea")], "ana"), (vec![ban(), left("rea")], "ana")] {
        for (right, who) in
            [(Right::Own, "rea"), (Right::Joining, "rea"), (Right::Returning, "rea"), (Right::Own, "ben")]
        {
            let mut hall = Hall::new(RoomKind::Open);
            for what in out.clone() {
                hall.becomes(Right::Own, by, what);
            }
            assert_eq!(hall.becomes(right, who, as_member()), as_reader, "{out:?} by {by}, then {who}");
            assert_eq!(hall.rea(), READER);
            assert_eq!(hall.does(Right::Own, "rea", says("hi")), Outcome::Refused(Refusal::ReadOnly));
            let memory = hall.ledger.changes.speakers[&(room(), user("rea"))];
            assert!(!memory.was_reader, "while it stands so in the membership");
            // And again.
            hall.becomes(Right::Own, "rea", left("rea"));
            assert!(hall.ledger.changes.speakers[&(room(), user("rea"))].was_reader);
            assert_eq!(hall.becomes(Right::Joining, "rea", as_member()), as_reader);
        }
    }
}

#[test]
fn an_admin_and_the_backend_let_a_reader_come_back_as_they_like_and_that_forgets_it() {
    for (right, by) in [(Right::Own, "ana"), (Right::Backend, "hubbub:api")] {
        for role in [Role::Member, Role::Moderator] {
            let mut hall = Hall::new(RoomKind::Open);
            hall.becomes(Right::Own, "rea", left("rea"));
            assert_eq!(hall.becomes(right, by, joined("rea", role)), joined("rea", role));
            hall.becomes(Right::Own, "rea", left("rea"));
            hall.becomes(Right::Joining, "rea", joined("rea", Role::Member));
            assert_eq!(hall.rea(), MEMBER, "{by}");
        }
        // While they are in as well.
        let mut hall = Hall::new(RoomKind::Open);
        hall.becomes(right, by, joined("rea", Role::Member));
        hall.becomes(Right::Own, "rea", left("rea"));
        hall.becomes(Right::Joining, "rea", joined("rea", Role::Member));
        assert_eq!(hall.rea(), MEMBER, "{by}");
    }
    let mut hall = Hall::new(RoomKind::Open);
    hall.becomes(Right::Own, "ben", left("ben"));
    assert!(hall.ledger.changes.speakers.is_empty(), "of others nothing is written");
    hall.becomes(Right::Joining, "ben", joined("ben", Role::Member));
    assert_eq!(hall.ledger.standing(&room(), &user("ben")), MEMBER);
}

fn message(reply_to: Option<u64>, thread: Option<u64>) -> What {
    let message = Message::new(Text::parse("hi").unwrap(), None, reply_to.map(Seq::new));
    What::Message(Message { thread: thread.map(Seq::new), ..message })
}

fn about(target: u64) -> [What; 6] {
    let target = Seq::new(target);
    let reaction = ReactionWord::parse("+1").unwrap();
    [
        message(Some(target.get()), None),
        message(None, Some(target.get())),
        What::Edited(Edited { target, content: Content::text(Text::parse("other").unwrap()) }),
        What::Reacted(Reacted { target, reaction, added: true }),
        What::Pinned(Pinned { target, pinned: true }),
        What::Deleted(Deleted { target, of: None }),
    ]
}

/// Of 20 entries number 4 is ana's message, 5 cem's own, 6 an edit, 12 ana's.
fn read_from_joined(since: u64) -> Ledger {
    let mut ledger = ledger(RoomKind::Private, &[("ana", ADMIN)]);
    let person = Person { joined: Seq::new(since), ..Person::who(Standing::Member(Role::Moderator)) };
    ledger.people.insert((room(), user("cem")), person);
    let state = ledger.rooms.get_mut(&room()).unwrap();
    state.head = Seq::new(20);
    state.settings = Settings::default().with(&serde_json::from_str(r#"{"history_from":"joined"}"#).unwrap());
    let facts = ledger.facts.entry(room()).or_default();
    for seq in 0..30 {
        let from = match seq {
            4 | 12 => "ana",
            5 => "cem",
            _ => {
                facts.targets.insert(Seq::new(seq), None);
                continue;
            }
        };
        let content = Some(Content::text(Text::parse("first").unwrap()));
        let target = Target {
            from: user(from),
            at: Timestamp(0),
            gone: false,
            thread: None,
            in_room: false,
            edit: None,
            edits: 0,
            content,
            edit_seqs: Some(vec![]),
        };
        facts.targets.insert(Seq::new(seq), Some(target));
    }
    ledger
}

#[test]
fn nobody_learns_by_writing_what_is_below_where_they_read_from() {
    for since in [7, 11] {
        for seq in [1, 2, 4, 6] {
            for what in about(seq) {
                let outcome = read_from_joined(since).apply(&draft("cem", "k", what.clone()), Timestamp(1));
                assert!(matches!(outcome, Outcome::Refused(Refusal::BelowFloor(_))), "{what:?}: {outcome:?}");
                let Outcome::Refused(refusal) = outcome else { continue };
                assert!(refusal.to_string().ends_with(": older than what this room keeps"));
            }
        }
        // Their own are named as ever, and so is what is theirs to read.
        for (seq, from) in [(5, "cem"), (12, "cem"), (4, "ana")] {
            for what in about(seq) {
                let outcome = read_from_joined(since).apply(&draft(from, "k", what.clone()), Timestamp(1));
                let is_others = matches!(what, What::Edited(_)) && seq == 12;
                if is_others {
                    assert_eq!(outcome, Outcome::Refused(Refusal::NotAuthor));
                } else {
                    assert!(matches!(outcome, Outcome::Appended(_) | Outcome::Filled { .. }), "{what:?}: {outcome:?}");
                }
            }
        }
        // What is not there at all is told so.
        let none = read_from_joined(since).apply(&draft("cem", "k", message(Some(15), None)), Timestamp(1));
        assert_eq!(none, Outcome::Refused(Refusal::NoSuchMessage("reply_to")));
        let none = read_from_joined(since).apply(&draft("cem", "k", message(None, Some(0))), Timestamp(1));
        assert_eq!(none, Outcome::Refused(Refusal::NoSuchMessage("thread")));
    }
    // The product's backend names everything, in its own name.
    let pin = Draft { right: Right::Backend, ..draft("hubbub:api", "k", about(4)[4].clone()) };
    assert!(matches!(read_from_joined(7).apply(&pin, Timestamp(1)), Outcome::Appended(_)));
    // Where everything is read, everything is named.
    let mut ledger = read_from_joined(7);
    ledger.rooms.get_mut(&room()).unwrap().settings = Settings::default();
    assert!(matches!(ledger.apply(&draft("cem", "k", message(Some(4), None)), Timestamp(1)), Outcome::Appended(_)));
}

#[test]
fn whoever_is_no_portals_is_not_the_author_of_what_customers_write() {
    let mut ledger = ledger(RoomKind::Private, &[("cus", MEMBER)]);
    ledger.rooms.get_mut(&room()).unwrap().session = Some(SessionState::Open);
    let facts = ledger.facts.entry(room()).or_default();
    (1..20).for_each(|seq| drop(facts.targets.insert(Seq::new(seq), None)));
    assert_eq!(seq_of(ledger.apply(&draft("cus", "a", says("mine")), Timestamp(0))), 1);
    let agent = |from: &str, key: &str, what| Draft { right: Right::Portal, ..draft(from, key, what) };
    assert_eq!(seq_of(ledger.apply(&agent("portal:desk/ada", "b", says("theirs")), Timestamp(0))), 2);
    let edit =
        |target| What::Edited(Edited { target: Seq::new(target), content: Content::text(Text::parse("x").unwrap()) });
    for from in ["eve", "portal:other/ada", "portal:desk/bob"] {
        let outcome = ledger.apply(&agent(from, "c", edit(1)), Timestamp(1));
        assert_eq!(outcome, Outcome::Refused(Refusal::NotAuthor), "{from}");
    }
    let other = ledger.apply(&agent("portal:other/ada", "d", edit(2)), Timestamp(1));
    assert_eq!(other, Outcome::Refused(Refusal::NotAuthor));
    assert_eq!(seq_of(ledger.apply(&agent("portal:desk/bob", "e", edit(2)), Timestamp(1))), 3);
    let changed = What::Changed(Changed::new(&serde_json::from_str(r#"{"frozen":true}"#).unwrap()));
    assert!(matches!(ledger.apply(&draft("cus", "f", changed), Timestamp(1)), Outcome::Refused(_)));
}

#[test]
fn in_an_archived_room_nothing_is_said_or_changed_but_that() {
    let set = |json: &str| What::Changed(Changed::new(&serde_json::from_str(json).unwrap()));
    let mut hall = Hall::new(RoomKind::Open);
    hall.ledger.rooms.get_mut(&room()).unwrap().session = Some(SessionState::Open);
    let written = says("before");
    let first = draft("ben", "once", written.clone());
    let taken = hall.ledger.apply(&first, Timestamp(0));
    hall.becomes(Right::Own, "ana", set(r#"{"archived":true}"#));
    hall.ledger.facts.entry(room()).or_default().targets.insert(
        Seq::new(1),
        Some(Target {
            from: user("ben"),
            at: Timestamp(0),
            gone: false,
            thread: None,
            in_room: false,
            edit: None,
            edits: 0,
            content: Some(Content::text(Text::parse("before").unwrap())),
            edit_seqs: Some(Vec::new()),
        }),
    );
    let content = Content::text(Text::parse("after").unwrap());
    let pinned = What::Pinned(Pinned { target: Seq::new(1), pinned: true });
    let reaction = ReactionWord::parse("+1").unwrap();
    for (right, from, what) in [
        (Right::Own, "ben", says("hi")),
        (Right::Own, "ana", says("hi")),
        (Right::Backend, "ana", says("hi")),
        (Right::Portal, "portal:desk/ada", What::Edited(Edited { target: Seq::new(1), content: content.clone() })),
        (Right::Backend, "hubbub:api", What::Edited(Edited { target: Seq::new(1), content: content.clone() })),
        (Right::Own, "ben", What::Edited(Edited { target: Seq::new(1), content })),
        (Right::Own, "ben", What::Reacted(Reacted { target: Seq::new(1), reaction, added: true })),
        (Right::Own, "ana", pinned.clone()),
        (Right::Backend, "hubbub:api", pinned),
        (Right::Own, "ana", What::Renamed(Renamed { name: "x".into() })),
        (Right::Backend, "hubbub:api", What::Renamed(Renamed { name: "x".into() })),
        (Right::Own, "ana", set(r#"{"frozen":true}"#)),
        (Right::Backend, "hubbub:api", set(r#"{"frozen":true,"archived":true}"#)),
    ] {
        assert_eq!(hall.does(right, from, what.clone()), Outcome::Refused(Refusal::Archived), "{from}: {what:?}");
    }
    // Whoever may not do it at all is told that.
    assert_eq!(hall.does(Right::Own, "eve", says("hi")), Outcome::Refused(Refusal::NotMember));
    assert_eq!(hall.does(Right::Own, "ben", set(r#"{"archived":false}"#)), Outcome::Refused(Refusal::NotAdmin));
    assert_eq!(hall.does(Right::Own, "ana", set(r#"{"archived":true}"#)), Outcome::Unchanged);
    // A retry, who is in it, and deletions.
    assert!(matches!((hall.ledger.apply(&first, Timestamp(9)), taken), (Outcome::Known(_), Outcome::Appended(_))));
    hall.becomes(Right::Own, "ana", joined("cem", Role::Member));
    hall.becomes(Right::Own, "cem", left("cem"));
    hall.becomes(Right::Own, "ben", What::Deleted(Deleted { target: Seq::new(1), of: None }));
    hall.becomes(Right::Backend, "hubbub:api", set(r#"{"archived":false,"frozen":false}"#));
    hall.becomes(Right::Own, "ben", written);
}

/// A draft by which somebody makes another an admin and takes a lower role.
fn hands_over(from: &str, to: &str, role: Role) -> Draft {
    let key = crate::log::hash::HashKey([7; 32]);
    let before = crate::log::entry::Before::new(Uuid::from_u128(99), joined(to, Role::Admin), &key);
    Draft { before: Some(before.into()), ..draft(from, &format!("over-{from}-{to}"), joined(from, role)) }
}

#[test]
fn the_last_admin_hands_over_to_a_member_in_one_act() {
    for role in [Role::Reader, Role::Member, Role::Moderator] {
        let mut hall = Hall::new(RoomKind::Private);
        let alone = hall.does(Right::Own, "ana", joined("ana", role));
        assert_eq!(alone, Outcome::Refused(Refusal::LastAdmin));
        let outcome = hall.ledger.apply(&hands_over("ana", "ben", role), Timestamp(0));
        let Outcome::Both { before, place } = outcome else { panic!("{outcome:?}") };
        assert_eq!(before.seq.next(), place.seq);
        assert_eq!(hall.ledger.standing(&room(), &user("ana")), Standing::Member(role));
        assert_eq!(hall.ledger.standing(&room(), &user("ben")), ADMIN);
        assert_eq!(hall.ledger.facts[&room()].admins, (1, 3), "there is one at any time");
    }
}

#[test]
fn nobody_hands_over_what_is_not_theirs_or_to_whom_is_not_there() {
    for (from, to, why) in [
        ("ben", "rea", Refusal::NotAdmin),
        ("rea", "ben", Refusal::NotAdmin),
        ("eve", "ben", Refusal::UnknownRoom),
        ("ana", "eve", Refusal::NoSuchMember { field: "user", user: user("eve") }),
    ] {
        let mut hall = Hall::new(RoomKind::Private);
        let outcome = hall.ledger.apply(&hands_over(from, to, Role::Member), Timestamp(0));
        assert_eq!(outcome, Outcome::Refused(why), "{from} to {to}");
        assert!(hall.ledger.changes.members.is_empty(), "nothing half done");
    }
    let mut two = Hall::new(RoomKind::Direct);
    let outcome = two.ledger.apply(&hands_over("ana", "ben", Role::Member), Timestamp(0));
    assert_eq!(outcome, Outcome::Refused(Refusal::FixedMembers));
}

#[test]
fn two_people_of_whom_one_has_blocked_the_other_write_nothing_and_delete_their_own() {
    let mut hall = Hall::new(RoomKind::Direct);
    hall.becomes(Right::Own, "ben", says("before"));
    for name in ["ana", "ben"] {
        hall.ledger.people.get_mut(&(room(), user(name))).unwrap().blocked = true;
    }
    let pin = What::Pinned(Pinned { target: Seq::new(1), pinned: true });
    for (who, what) in [("ana", says("hi")), ("ben", says("hi")), ("ana", pin)] {
        assert_eq!(hall.does(Right::Own, who, what), Outcome::Refused(Refusal::Blocked), "{who}");
    }
    // By the product's backend in their name as well.
    assert_eq!(hall.does(Right::Backend, "ben", says("hi")), Outcome::Refused(Refusal::Blocked));
}
