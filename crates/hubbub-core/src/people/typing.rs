//! Who types: told at most every [`TYPING_EVERY`] of each person in a room, and over by itself after
//! [`TYPING_FOR`](crate::limits::TYPING_FOR).

use crate::{
    limits::TYPING_EVERY,
    live::signal::{Audience, Saying, Signal},
    log::situation::{Facts, Person, Right, RoomState, Situation, Target},
    model::{
        access::Refusal,
        ids::{RoomId, UserId},
        json::{Json, to_json},
        rights::Act,
        seq::Seq,
        time::Timestamp,
    },
};
use serde::Serialize;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// At so many it is looked who has not typed for a while.
const LOOKED_AT: usize = 1_024;

/// Of whom it was told lately that they type.
#[derive(Debug, Default)]
pub struct Typing {
    told: HashMap<(RoomId, UserId), Instant>,
    looked: usize,
}

impl Typing {
    /// Whether it may be told again that somebody types.
    pub fn is_due(&self, room: &RoomId, user: &UserId, now: Instant) -> bool {
        // Nobody else makes such pairs: they cost two counts.
        let told = self.told.get(&(room.clone(), user.clone()));
        told.is_none_or(|at| *at + TYPING_EVERY <= now)
    }

    /// It is told now, if it may be.
    pub fn tell(&mut self, room: &RoomId, user: &UserId, now: Instant) -> bool {
        if !self.is_due(room, user, now) {
            return false;
        }
        if self.told.len() >= self.looked.max(LOOKED_AT) {
            self.told.retain(|_, at| *at + TYPING_EVERY > now);
            self.looked = 2 * self.told.len();
        }
        self.told.insert((room.clone(), user.clone()), now);
        true
    }

    /// A message of theirs is there: what they type next is another, and told at once.
    pub fn end(&mut self, room: &RoomId, user: &UserId) {
        if !self.told.is_empty() {
            self.told.remove(&(room.clone(), user.clone()));
        }
    }
}

/// Whether somebody may be seen to type: who may write a message, as the log has it.
///
/// # Errors
/// Why not.
pub fn may_type(room: &RoomState, user: &UserId, person: Person, at: Timestamp) -> Result<(), Refusal> {
    let situation = Situation { right: Right::Own, from: user, at, room, facts: &Alone(person), successor: None };
    situation.may_take_part()?;
    situation.may(Act::Write)
}

/// What the readers of the room are told.
pub fn signal(room: (&RoomId, &RoomState), user: &UserId, thread: Option<Seq>, lasts: Duration) -> Signal {
    #[derive(Serialize)]
    struct Body<'a> {
        r#type: &'static str,
        user: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        thread: Option<Seq>,
        r#for: u64,
    }
    let body = Body { r#type: "typing", user: user.as_str(), thread, r#for: lasts.as_secs() };
    let (id, state) = room;
    Signal {
        audience: Audience::Room(Saying {
            room: id.clone(),
            epoch: state.epoch,
            at: state.head,
            from: user.clone(),
            kind: "typing".into(),
            lasts: Some(lasts),
        }),
        body: Json::trusted(to_json(&body)),
    }
}

/// One person, of whom alone something is asked.
struct Alone(Person);

impl Facts for Alone {
    fn person(&self, _: &UserId) -> Person {
        self.0
    }

    fn target(&self, _: Seq) -> Option<&Target> {
        None
    }

    fn has_reacted(&self, _: Seq, _: &str, _: &UserId) -> bool {
        false
    }

    fn reactions(&self, _: Seq, _: &str) -> (usize, bool) {
        (0, false)
    }

    fn is_pinned(&self, _: Seq) -> bool {
        false
    }

    fn pins(&self) -> usize {
        0
    }

    fn admins(&self) -> (u64, u64) {
        (0, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        limits::TYPING_FOR,
        log::kinds::SessionState,
        model::{
            access::{Role, RoomKind, Standing},
            seq::Epoch,
        },
    };

    const EPOCH: Epoch = Epoch { incarnation: 1, generation: 1 };

    fn user(name: &str) -> UserId {
        UserId::parse(name).unwrap()
    }

    fn room(name: &str) -> RoomId {
        RoomId::parse(name).unwrap()
    }

    #[test]
    fn ten_thousand_signals_of_one_person_are_one() {
        let (mut typing, now) = (Typing::default(), Instant::now());
        let told = |typing: &mut Typing, after: Duration| {
            (0..10_000).filter(|_| typing.tell(&room("general"), &user("eve"), now + after)).count()
        };
        assert_eq!(told(&mut typing, Duration::ZERO), 1);
        assert_eq!(told(&mut typing, TYPING_EVERY - Duration::from_millis(1)), 0);
        assert_eq!(told(&mut typing, TYPING_EVERY), 1);
        assert!(typing.tell(&room("general"), &user("ana"), now), "others are not concerned");
        assert!(typing.tell(&room("kitchen"), &user("eve"), now), "nor other rooms");
        typing.end(&room("general"), &user("eve"));
        assert_eq!(told(&mut typing, TYPING_EVERY), 1, "a message ends it");
    }

    #[test]
    fn who_has_not_typed_for_a_while_is_forgotten() {
        let (mut typing, now) = (Typing::default(), Instant::now());
        for n in 0..100_000_u32 {
            let at = now + TYPING_EVERY / 1_000 * n;
            assert!(typing.tell(&room("general"), &user(&format!("u{n}")), at));
        }
        assert!(typing.told.len() <= 4 * LOOKED_AT, "{}", typing.told.len());
    }

    #[test]
    fn who_may_write_may_be_seen_to_type() {
        let may = |state: &RoomState, person| may_type(state, &user("ana"), person, Timestamp(1_000));
        let open = RoomState::new(RoomKind::Open, Seq::new(3), EPOCH);
        let private = RoomState { kind: RoomKind::Private, ..open.clone() };
        let is = |role| Person::who(Standing::Member(role));
        for role in [Role::Member, Role::Moderator, Role::Admin] {
            assert_eq!(may(&open, is(role)), Ok(()));
        }
        assert_eq!(may(&open, is(Role::Reader)), Err(Refusal::ReadOnly));
        assert_eq!(may(&open, Person::default()), Err(Refusal::NotMember));
        assert_eq!(may(&private, Person::default()), Err(Refusal::UnknownRoom));
        assert_eq!(may(&open, Person::who(Standing::Banned)), Err(Refusal::Banned));
        let muted = |until| Person { muted_until: Some(Timestamp(until)), ..is(Role::Member) };
        assert_eq!(may(&open, muted(2_000)), Err(Refusal::Muted(Timestamp(2_000))));
        assert_eq!(may(&open, muted(1_000)), Ok(()), "it is over");
        let mut frozen = open.clone();
        frozen.settings.frozen = true;
        assert_eq!(may(&frozen, is(Role::Member)), Err(Refusal::Frozen));
        assert_eq!(may(&frozen, is(Role::Moderator)), Ok(()));
        let closed = RoomState { session: Some(SessionState::Closed), ..open };
        assert_eq!(may(&closed, is(Role::Member)), Err(Refusal::SessionClosed));
    }

    #[test]
    fn the_readers_are_told_who_and_for_how_long() {
        let state = RoomState::new(RoomKind::Open, Seq::new(41), EPOCH);
        let told = signal((&room("general"), &state), &user("a \"b\""), Some(Seq::new(5)), TYPING_FOR);
        assert_eq!(told.body.as_str(), r#"{"type":"typing","user":"a \"b\"","thread":5,"for":6}"#);
        let Audience::Room(saying) = told.audience else { panic!() };
        assert_eq!((saying.at, saying.epoch, saying.lasts), (Seq::new(41), EPOCH, Some(TYPING_FOR)));
    }
}
