//! Messages are numbered by SQL of their own on Postgres. Here every case that its verdicts tell apart is compared with the rule
//! of the core, alone and in pairs.

use super::{ADMIN, MEMBER, Pen, answers, for_every_store, reference::normal, room, user};
use hubbub_core::{
    log::{
        batch::BatchReads,
        entry::{Draft, Outcome, Right},
        kinds::SessionState,
        ledger::{Known, Ledger, Person, RoomState, Target},
        settings::Settings,
    },
    model::{
        access::{Role, RoomKind, Standing},
        ids::UserId,
        seq::Seq,
        time::Timestamp,
    },
};
use uuid::Uuid;

const KINDS: [RoomKind; 3] = [RoomKind::Open, RoomKind::Private, RoomKind::Direct];
const SESSIONS: [Option<SessionState>; 4] =
    [None, Some(SessionState::Open), Some(SessionState::Waiting), Some(SessionState::Closed)];
const PEOPLE: [(&str, Standing); 4] =
    [("ana", ADMIN), ("ben", MEMBER), ("dan", Standing::Stranger), ("eve", Standing::Banned)];
/// Keys: one that the log has with this body, one that it has with another, and one that it does not have.
const KEYS: [&str; 3] = ["same", "other", "fresh"];

for_every_store! {
    async fn every_verdict_on_a_message_is_that_of_the_rule(home: &Home) {
        let pen = Pen(home.open().await);
        let mut compared = 0;
        for kind in KINDS {
            for session in SESSIONS {
                let id = format!("{kind}-{}", session.map_or("none", SessionState::state));
                let mut ledger = prepared(home, &pen, &id, kind, session).await;
                for draft in every_message(&pen, &ledger, &id) {
                    compared += 1;
                    agree(&pen, &mut ledger, &[draft]).await;
                }
                for (first, second) in [(None, 0), (None, 1), (Some(1), 1), (Some(2), 0), (None, 2)] {
                    for (name, _) in PEOPLE {
                        for key in ["a", "b"] {
                            compared += 1;
                            let head = ledger.rooms[&room(&id)].head.get();
                            let relative = |ahead: Option<u64>| ahead.map(|ahead| head + ahead);
                            let text = format!("{key} {compared}");
                            let one = pen.draft(&id, name, &format!("a {compared}"), answers(&text, relative(first)));
                            let reply = relative(Some(second).filter(|ahead| *ahead > 0));
                            let other = pen.draft(&id, name, &format!("{key} {compared}"), answers(&text, reply));
                            agree(&pen, &mut ledger, &[one, other]).await;
                        }
                    }
                }
            }
        }
        assert!(compared > 2_000, "only {compared} cases");
    }

    async fn settings_roles_and_mutes_decide_over_messages_as_the_rule_does(home: &Home) {
        let pen = Pen(home.open().await);
        let settings = [
            "",
            r#"{"frozen":true}"#,
            r#"{"slow_mode":30}"#,
            r#"{"archived":true}"#,
            r#"{"edit_window":0}"#,
            r#"{"history_from":"joined"}"#,
            r#"{"members_may":{"pin":true}}"#,
        ];
        // Until when somebody is muted: never, until a moment ago, for long.
        let mutes = [None, Some(0), Some(i64::MAX / 2)];
        for (n, json) in settings.into_iter().enumerate() {
            let id = format!("set-{n}");
            let names: Vec<String> = (0..12).map(|n| format!("user-{n}")).collect();
            let members: Vec<(&str, Role)> = names.iter().map(|name| (name.as_str(), Role::Member)).collect();
            let made = pen.room(&id, RoomKind::Private, &members).await;
            let set = Settings::read(Some(json).filter(|json| !json.is_empty())).expect("settings");
            if let Some(stored) = set.stored() {
                home.change(&format!("UPDATE rooms SET settings = '{stored}' WHERE id = '{id}'")).await;
            }
            let mut ledger = Ledger::default();
            ledger.rooms.insert(room(&id), RoomState { settings: set, ..RoomState::new(RoomKind::Private, made.head, made.epoch) });
            for (n, name) in names.iter().enumerate() {
                let (role, muted) = ([Role::Member, Role::Reader][n / 3 % 2], mutes[n % 3]);
                let its = format!("user_id = '{name}' AND room = (SELECT no FROM rooms WHERE id = '{id}')");
                if role == Role::Reader {
                    home.change(&format!("UPDATE members SET rank = 'reader' WHERE {its}")).await;
                }
                if let Some(until) = muted {
                    let row = format!("SELECT no, '{name}', {until} FROM rooms WHERE id = '{id}'");
                    home.change(&format!("INSERT INTO speakers (room, user_id, muted_until) {row}")).await;
                }
                let person = Person { muted_until: muted.map(Timestamp), ..Person::who(Standing::Member(role)) };
                ledger.people.insert((room(&id), user(name)), person);
                let reply = (n >= 6 && n % 3 != 2 && !json.contains("history_from")).then_some(1);
                agree(&pen, &mut ledger, &[pen.draft(&id, name, "first", answers("hi", reply))]).await;
            }
        }
    }
}

/// A room of this kind and state, in which everybody has said something under the known keys; and what the rule is told of it.
async fn prepared(home: &super::Home, pen: &Pen, id: &str, kind: RoomKind, session: Option<SessionState>) -> Ledger {
    let members: Vec<(&str, Role)> = PEOPLE.iter().map(|(name, _)| (*name, Role::Member)).collect();
    let made = pen.room(id, kind, &members).await;
    let mut ledger = Ledger::default();
    let mut head = made.head;
    let mut messages = Vec::new();
    for (name, standing) in PEOPLE {
        for (key, text) in [("same", "hi"), ("other", "something else")] {
            let draft = pen.says(id, name, key, text);
            let Outcome::Appended(place) = pen.append(draft.clone()).await else { panic!("{draft:?}") };
            let known = Known { id: place.id, seq: place.seq, at: Timestamp(0), hash: Some(draft.hash) };
            ledger.known.insert((draft.room, draft.from, draft.key), known);
            head = place.seq;
            messages.push((place.seq, user(name)));
        }
        let word = standing.word().map_or("NULL".to_owned(), |word| format!("'{word}'"));
        let its = format!("user_id = '{name}' AND room = (SELECT no FROM rooms WHERE id = '{id}')");
        match standing.word() {
            Some(_) => home.change(&format!("UPDATE members SET standing = {word} WHERE {its}")).await,
            None => home.change(&format!("DELETE FROM members WHERE {its}")).await,
        }
        ledger.people.insert((room(id), user(name)), Person::who(standing));
    }
    if let Some(state) = session {
        home.change(&format!("UPDATE rooms SET session = '{}' WHERE id = '{id}'", state.state())).await;
    }
    let facts = ledger.facts.entry(room(id)).or_default();
    for (seq, from) in messages {
        facts.targets.insert(seq, Some(message(from)));
    }
    ledger.rooms.insert(room(id), RoomState { session, ..RoomState::new(kind, head, made.epoch) });
    ledger
}

/// What the rule is told of a message that can be answered.
fn message(from: UserId) -> Target {
    Target {
        from,
        at: Timestamp(0),
        gone: false,
        thread: None,
        in_room: false,
        edit: None,
        edits: 0,
        content: None,
        edit_seqs: None,
    }
}

/// Every message by its sender, right, key and what it answers.
fn every_message(pen: &Pen, ledger: &Ledger, id: &str) -> Vec<Draft> {
    let head = ledger.rooms[&room(id)].head.get();
    let mut drafts = Vec::new();
    for (name, _) in PEOPLE {
        for right in [Right::Own, Right::Backend] {
            for key in KEYS {
                for reply in [None, Some(0), Some(1), Some(head), Some(head + 1_000), Some(Seq::MAX.get())] {
                    let key = if key == "fresh" { Uuid::new_v4().to_string() } else { key.to_owned() };
                    drafts.push(Draft { right, ..pen.draft(id, name, &key, answers("hi", reply)) });
                }
            }
        }
    }
    drafts
}

async fn agree(pen: &Pen, ledger: &mut Ledger, drafts: &[Draft]) {
    for ((room, seq), _) in BatchReads::of(drafts).targets {
        ledger.facts.entry(room.clone()).or_default().targets.entry(seq).or_insert(None);
    }
    let expected: Vec<_> = drafts.iter().map(|draft| normal(ledger.apply(draft, Timestamp(0)))).collect();
    let outcomes = pen.0.append(drafts).await.expect("outcomes");
    let outcomes: Vec<_> = outcomes.into_iter().map(normal).collect();
    assert_eq!(outcomes, expected, "{drafts:?}");
}
