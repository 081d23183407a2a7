//! The store against the pure rules: random drafts, in random batches, must meet the same fate.

use super::{Pen, answers, for_every_store, room, user};
use crate::portals::Desk;
use hubbub::features::portals::store::{Opened, SessionState};
use hubbub_core::{
    log::{
        body::Columns,
        effects::Effects,
        entry::{Before, Draft, EventName, Outcome, Right},
        features::Features,
        kinds::{
            Banned, Changed, Content, Deleted, Edited, Gone, Joined, Left, Message, Muted, Pinned, Reacted,
            ReactionWord, Renamed, Text, What,
        },
        ledger::{Ledger, Person, RoomState},
        room::PageOf,
    },
    model::{
        access::{Refusal, Role, RoomKind, Standing},
        ids::{Key, UserId},
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
        ledger.rooms.insert(made.id.clone(), RoomState::new(*kind, made.head, made.epoch));
        ledger.facts.entry(made.id.clone()).or_default().admins = (1, 2);
        for (nth, (name, role)) in members.into_iter().enumerate() {
            let person = Person { joined: Seq::new(nth as u64 + 1), ..Person::who(Standing::Member(role)) };
            ledger.people.insert((made.id.clone(), user(name)), person);
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
            ledger.people.insert((made.id.clone(), user(name)), Person::who(Standing::Member(Role::Member)));
        }
        ledger.facts.entry(made.id.clone()).or_default().admins = (0, 2);
        let session = Some(SessionState::Open);
        let prepared = RoomState { session, ..RoomState::new(RoomKind::Private, made.head, made.epoch) };
        ledger.rooms.insert(made.id, prepared);
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
        // Every message has its place among what the rules may ask about.
        for (room, state) in &ledger.rooms {
            let facts = ledger.facts.entry(room.clone()).or_default();
            for ahead in 1..60 {
                facts.targets.entry(Seq::new(state.head.get() + ahead)).or_insert(None);
            }
        }
        let expected: Vec<Outcome> = drafts.iter().map(|draft| ledger.apply(draft, now())).collect();
        let outcomes = pen.0.append(&drafts).await.expect("outcomes");
        for ((draft, outcome), expected) in drafts.iter().zip(outcomes).zip(expected) {
            let (seq, what) = match &outcome {
                Outcome::Appended(place) => (Some(place.seq), &draft.what),
                Outcome::Filled { place, what } => (Some(place.seq), &**what),
                Outcome::Both { place, .. } => (Some(place.seq), &draft.what),
                _ => (None, &draft.what),
            };
            let draft = &Draft { what: what.clone(), ..draft.clone() };
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
            assert_eq!(view.standing, ledger.standing(id, &user(person)), "{person} in {id}");
        }
        let mut after = Seq::ZERO;
        while after < state.head {
            let page = pen.0.page(id, PageOf::After(after), 50).await.expect("a page").expect("a room");
            assert_eq!(page.entries[0].seq, after.next());
            for entry in page.entries {
                assert_eq!(entry.seq, after.next());
                after = entry.seq;
                if let Some(draft) = texts.get(&(id.to_string(), after.get())) {
                    assert_eq!((&entry.from, &entry.key, entry.id), (&draft.from, &draft.key, draft.id));
                    if ledger.changes.blanked.get(id).is_some_and(|blanked| blanked.contains(&after)) {
                        let Columns { target, thread, in_room, .. } = Columns::of(&draft.what);
                        let (word, effects) = (draft.what.word().into(), Effects::default());
                        assert_eq!(entry.what, What::Gone(Gone { word, effects, target, thread, in_room }));
                    } else {
                        assert_eq!(entry.what, draft.what);
                    }
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
        Outcome::Both { mut before, mut place } => {
            (before.at, place.at) = (Timestamp(0), Timestamp(0));
            Outcome::Both { before, place }
        }
        Outcome::Filled { mut place, what } => {
            place.at = Timestamp(0);
            Outcome::Filled { place, what }
        }
        Outcome::Refused(Refusal::SlowMode { seconds, .. }) => {
            Outcome::Refused(Refusal::SlowMode { seconds, wait_ms: 0 })
        }
        Outcome::Repeated { room, mut place } => {
            place.at = Timestamp(0);
            Outcome::Repeated { room, place }
        }
        other => other,
    }
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time");
    Timestamp(since.as_millis() as i64)
}

/// What changes messages, and who may write them. Targets are messages of the last few, others, and none.
fn about_messages(dice: &mut StdRng, head: u64, subject: UserId) -> What {
    let target = Seq::new((head + 3).saturating_sub(dice.random_range(0..12)));
    let text = Text::parse(&format!("text {}", dice.random_range(0..3))).expect("a text");
    let mut content = Content::text(text);
    if dice.random_ratio(1, 3) {
        content.mentions = [subject.clone()].into();
        content.mention_all = dice.random_bool(0.5);
    }
    match dice.random_range(0..12) {
        0..2 => What::Message(Message {
            thread: Some(target),
            in_room: dice.random_bool(0.5),
            reply_to: dice.random_bool(0.3).then_some(target),
            content,
        }),
        2..4 => What::Edited(Edited { target, content }),
        4..6 => What::Deleted(Deleted { target, of: None }),
        6..8 => What::Reacted(Reacted {
            target,
            reaction: ReactionWord::parse(["+1", "🎉"][dice.random_range(0..2_usize)]).expect("a reaction"),
            added: dice.random_ratio(2, 3),
        }),
        8..10 => What::Pinned(Pinned { target, pinned: dice.random_ratio(2, 3) }),
        10 => {
            let until = Timestamp(now().0 + [-5_000, 600_000, 900_000][dice.random_range(0..3_usize)]);
            What::Muted(Muted { user: subject, until: dice.random_ratio(1, 3).then_some(until) })
        }
        _ => {
            let change = [
                r#"{"slow_mode":3600}"#,
                r#"{"slow_mode":null,"frozen":false,"edit_window":null}"#,
                r#"{"slow_mode":null,"frozen":false,"edit_window":null}"#,
                r#"{"frozen":true}"#,
                r#"{"edit_window":0}"#,
                r#"{"members_may":{"pin":true,"mention_all":false,"invite":true}}"#,
            ][dice.random_range(0..6_usize)];
            What::Changed(Changed::new(&serde_json::from_str(change).expect("settings")))
        }
    }
}

fn draft(pen: &Pen, dice: &mut StdRng, ledger: &Ledger, seed: u64, only_messages: bool) -> Draft {
    let names = ROOMS.iter().map(|(name, _)| name).chain(SESSIONS.iter().map(|(name, _)| name));
    let name = names.collect::<Vec<_>>()[dice.random_range(0..ROOMS.len() + SESSIONS.len())];
    let room_id = room(&format!("{name}-{seed}"));
    let from = user(PEOPLE[dice.random_range(0..PEOPLE.len())]);
    let subject = user(PEOPLE[dice.random_range(0..PEOPLE.len())]);
    let role = [Role::Reader, Role::Member, Role::Moderator, Role::Admin][dice.random_range(0..4_usize)];
    let head = ledger.rooms.get(&room_id).map_or(0, |room| room.head.get());
    let what = match if only_messages { 0 } else { dice.random_range(0..24) } {
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
        11 => What::Renamed(Renamed { name: format!("name {}", dice.next_u32()) }),
        _ => about_messages(dice, head, subject),
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
    // And some changes of rooms come along with another.
    let renames = matches!(what, What::Changed(_)) && dice.random_ratio(1, 2);
    let first = match (is_said && dice.random_ratio(2, 3), renames) {
        (true, _) => Some(Before::OPENS),
        (_, true) => Some(What::Renamed(Renamed { name: format!("name {}", dice.next_u32()) })),
        _ => None,
    };
    let before = first.map(|what| Before::new(Uuid::now_v7(), what, &pen.0.identity().hash_key).into());
    let not_yet = (!only_messages && dice.random_ratio(1, 12)).then(|| Features::of(&what).iter().next()).flatten();
    Draft {
        room: room_id,
        id: Uuid::now_v7(),
        from,
        key: Key::parse(&format!("k{}", dice.random_range(0..60))).expect("a key"),
        hash: pen.0.identity().hash_key.hash(&what),
        what,
        right,
        once,
        before,
        not_yet,
    }
}
