//! The store against the pure rules: random drafts, in random batches, must meet the same fate.

use super::{Pen, answers, for_every_store, room, user};
use crate::portals::Desk;
use hubbub::features::portals::store::{Opened, SessionState};
use hubbub_core::{
    log::{
        entry::{Draft, EventName, Opening, Outcome, Right},
        kinds::{Banned, Joined, Left, Renamed, What},
        ledger::{Ledger, RoomState},
        room::PageOf,
    },
    model::{
        access::{Role, RoomKind},
        ids::Key,
        seq::Seq,
        time::Timestamp,
    },
};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use std::collections::HashMap;
use uuid::Uuid;

const ROOMS: [(&str, RoomKind); 4] = [
    ("open", RoomKind::Open),
    ("private", RoomKind::Private),
    ("direct", RoomKind::Direct),
    ("nowhere", RoomKind::Open),
];
/// Private rooms that are support sessions.
const SESSIONS: [(&str, SessionState); 2] = [("session", SessionState::Open), ("closed", SessionState::Closed)];
const PEOPLE: [&str; 5] = ["ana", "ben", "cem", "eve", "Ω"];

for_every_store! {
    async fn random_drafts_meet_the_fate_the_rules_say(home: &Home) {
        for seed in 0..6 {
            // Half of the runs are of messages only, which Postgres numbers by itself.
            compare(home, seed, seed % 2 == 0).await;
        }
    }
}

async fn compare(home: &super::Home, seed: u64, only_messages: bool) {
    let mut dice = StdRng::seed_from_u64(seed);
    let stores = home.open_all().await;
    let pen = Pen(stores.logs.clone());
    let prefixed = |name: &str| format!("{name}-{seed}");
    let mut ledger = Ledger::default();
    for (name, kind) in &ROOMS[..3] {
        let members = [("ana", Role::Admin), ("ben", Role::Member)];
        let made = pen.room(&prefixed(name), *kind, &members).await;
        ledger
            .rooms
            .insert(made.id.clone(), RoomState { kind: *kind, head: made.head, epoch: made.epoch, session: None });
        for (name, role) in members {
            ledger.standings.insert((made.id.clone(), user(name)), hubbub_core::model::access::Standing::Member(role));
        }
    }
    let desk = Desk::of(stores, "desk").await;
    for (name, state) in SESSIONS {
        let id = prefixed(name);
        let joined = What::Joined(Joined { user: user("ben"), role: Role::Member });
        let mut new = desk.wish(&id, "ana");
        new.first.push(pen.by_backend(&id, "second", joined));
        let made = match desk.portals().open_session(&new).await.expect("a session") {
            Opened::New(session, _) => session.room,
            other => panic!("no new session: {other:?}"),
        };
        for name in ["ana", "ben"] {
            ledger
                .standings
                .insert((made.id.clone(), user(name)), hubbub_core::model::access::Standing::Member(Role::Member));
        }
        let session = Some(SessionState::Open);
        ledger
            .rooms
            .insert(made.id, RoomState { kind: RoomKind::Private, head: made.head, epoch: made.epoch, session });
        let state = pen.by_backend(&id, "state", What::State(state));
        assert_eq!(normal(pen.append(state.clone()).await), normal(ledger.apply(&state, Timestamp(0))));
    }
    if only_messages {
        let ban = pen.by_backend(&prefixed("open"), "ban", What::Banned(Banned { user: user("eve") }));
        assert_eq!(normal(pen.append(ban.clone()).await), normal(ledger.apply(&ban, Timestamp(0))));
    }

    let mut texts: HashMap<(String, u64), Draft> = HashMap::new();
    for _ in 0..40 {
        let drafts: Vec<Draft> =
            (0..dice.random_range(1..25)).map(|_| draft(&pen, &mut dice, &ledger, seed, only_messages)).collect();
        let expected: Vec<Outcome> = drafts.iter().map(|draft| ledger.apply(draft, Timestamp(0))).collect();
        let outcomes = pen.0.append(&drafts).await.expect("outcomes");
        for ((draft, outcome), expected) in drafts.iter().zip(outcomes).zip(expected) {
            let seq = match &outcome {
                Outcome::Appended(place) => Some(place.seq),
                Outcome::Reopened { place, .. } => Some(place.seq),
                _ => None,
            };
            texts.extend(seq.map(|seq| ((draft.room.to_string(), seq.get()), draft.clone())));
            assert_eq!(normal(outcome), normal(expected), "seed {seed}: {draft:?}");
        }
    }

    for (id, state) in &ledger.rooms {
        let session = desk.portals().session(id).await.expect("an answer");
        assert_eq!(session.as_ref().map(|session| session.state), state.session, "{id}");
        if let Some(session) = session {
            assert_eq!(session.delivery.head, state.head, "{id}: the cursor knows of every entry");
            assert!(session.delivery.due_at.is_some(), "{id}");
        }
        for person in PEOPLE {
            let view = pen.0.look_up(&[(id.clone(), user(person))]).await.expect("a view")[0].clone().expect("a room");
            assert_eq!(view.room.head, state.head);
            let expected = ledger.standings.get(&(id.clone(), user(person))).copied().unwrap_or_default();
            assert_eq!(view.standing, expected, "{person} in {id}");
        }
        let mut after = Seq::ZERO;
        while after < state.head {
            let page = pen.0.page(id, PageOf::After(after), 50).await.expect("a page").expect("a room");
            assert_eq!(page.entries[0].seq, after.next());
            for entry in page.entries {
                assert_eq!(entry.seq, after.next());
                after = entry.seq;
                if let Some(draft) = texts.get(&(id.to_string(), after.get())) {
                    assert_eq!(
                        (&entry.what, &entry.from, &entry.key, entry.id),
                        (&draft.what, &draft.from, &draft.key, draft.id)
                    );
                    assert!(entry.at > Timestamp(0));
                }
            }
        }
    }
}

/// The time is the store's; and refusals, places and conflicts are the same.
pub fn normal(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Appended(mut place) => {
            place.at = Timestamp(0);
            Outcome::Appended(place)
        }
        Outcome::Known(mut place) => {
            place.at = Timestamp(0);
            Outcome::Known(place)
        }
        Outcome::Reopened { mut opening, mut place } => {
            (opening.at, place.at) = (Timestamp(0), Timestamp(0));
            Outcome::Reopened { opening, place }
        }
        Outcome::Repeated { room, mut place } => {
            place.at = Timestamp(0);
            Outcome::Repeated { room, place }
        }
        other => other,
    }
}

fn draft(pen: &Pen, dice: &mut StdRng, ledger: &Ledger, seed: u64, only_messages: bool) -> Draft {
    let names = ROOMS.iter().map(|(name, _)| name).chain(SESSIONS.iter().map(|(name, _)| name));
    let name = names.collect::<Vec<_>>()[dice.random_range(0..ROOMS.len() + SESSIONS.len())];
    let room_id = room(&format!("{name}-{seed}"));
    let from = user(PEOPLE[dice.random_range(0..PEOPLE.len())]);
    let subject = user(PEOPLE[dice.random_range(0..PEOPLE.len())]);
    let role = if dice.random_ratio(1, 4) { Role::Admin } else { Role::Member };
    let head = ledger.rooms.get(&room_id).map_or(0, |room| room.head.get());
    let what = match if only_messages { 0 } else { dice.random_range(0..12) } {
        0..4 => {
            let reply_to = match dice.random_range(0..20) {
                0 => Some(0),
                1 => Some(dice.random_range(0..head + 2)),
                2 => Some(head + dice.random_range(0..20)),
                _ => None,
            };
            answers(&format!("text {}", dice.random_range(0..3)), reply_to)
        }
        4..6 => What::Joined(Joined { user: if dice.random_bool(0.5) { from.clone() } else { subject }, role }),
        6..8 => What::Left(Left { user: if dice.random_bool(0.5) { from.clone() } else { subject } }),
        8 => What::Banned(Banned { user: subject }),
        9..11 => What::State(
            [SessionState::Open, SessionState::Waiting, SessionState::Closed][dice.random_range(0..3_usize)],
        ),
        _ => What::Renamed(Renamed { name: format!("name {}", dice.next_u32()) }),
    };
    let right = match if only_messages { 9 } else { dice.random_range(0..10) } {
        0..2 => Right::Backend,
        2 => Right::Portal,
        _ => Right::Own,
    };
    // Of portals, some messages have events, and some open their sessions again.
    let is_said = right == Right::Portal && matches!(what, What::Message(_));
    let once = (is_said && dice.random_ratio(2, 3)).then(|| {
        EventName { scope: 1_000 + seed.cast_signed(), name: format!("e{}", dice.random_range(0..8)).into() }.into()
    });
    let opening = (is_said && dice.random_ratio(2, 3))
        .then(|| Opening { id: Uuid::now_v7(), hash: pen.0.identity().hash_key.hash(Opening::WHAT) }.into());
    Draft {
        room: room_id,
        id: Uuid::now_v7(),
        from,
        key: Key::parse(&format!("k{}", dice.random_range(0..60))).expect("a key"),
        hash: pen.0.identity().hash_key.hash(&what),
        what,
        right,
        once,
        opening,
    }
}
