//! What people are told as it happens and is kept nowhere: who types, how far somebody has read.
//!
//! A signal is never needed: it has no number, is never recovered, and where there are too many, the newest of each kind and
//! person stays. A room's signal names the head of the log at which it was said. It is heard by readers who have read so far and
//! still stand: what a removal has ended, it has ended for signals, too, whichever of the two comes first.

use super::item::SharedPush;
use crate::{
    limits,
    model::{
        ids::{RoomId, UserId},
        json::{Json, to_json},
        seq::{Epoch, Seq},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{
    borrow::Cow,
    num::NonZeroU32,
    str::FromStr,
    time::{Duration, Instant},
};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// Who hears it.
    pub audience: Audience,
    /// What they are told: an object, with its kind as `type`. At most [`limits::SIGNAL_BYTES`].
    pub body: Json,
}

/// Who hears a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// The readers of a room.
    Room(Saying),
    /// All devices of a user.
    User(UserId),
    /// All devices of somebody who was a member of a room that was deleted: it is on the room's lane, behind what came before.
    Member(RoomId, UserId),
}

/// Who says something in a room, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saying {
    /// The room.
    pub room: RoomId,
    /// What `at` counts in.
    pub epoch: Epoch,
    /// The head of the log when it was seen that `from` may say it.
    pub at: Seq,
    /// Of this person and kind, a later one takes the place of an earlier one.
    pub from: UserId,
    /// The same.
    pub kind: Box<str>,
    /// After this it is over; a message of this person ends it sooner. `None`: it holds until there is a later one.
    pub lasts: Option<Duration>,
}

/// A room's signal on its way to its readers, framed once for all of them.
#[derive(Debug)]
pub struct RoomSignal {
    /// Who says it.
    pub saying: Saying,
    /// Between the head that it names and this entry there is no message of theirs.
    pub heard_to: Seq,
    /// When it is over.
    pub until: Option<Instant>,
    /// What is delivered.
    pub push: SharedPush,
}

impl RoomSignal {
    /// Whether the other says the same later.
    pub fn is_replaced_by(&self, other: &Self) -> bool {
        let (own, theirs) = (&self.saying, &other.saying);
        (&own.room, &own.from, &own.kind) == (&theirs.room, &theirs.from, &theirs.kind)
    }

    /// Whether nobody is told any more.
    pub fn is_over(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// How many signals that pass by themselves so many readers on one instance are told a second: beyond
/// [`limits::SIGNAL_READERS`] the more there are, the fewer.
pub fn per_second(readers: usize) -> NonZeroU32 {
    const MOST: NonZeroU32 = NonZeroU32::new(limits::SIGNALS_PER_SECOND).unwrap();
    let all = limits::SIGNALS_PER_SECOND as usize * limits::SIGNAL_READERS;
    let some = u32::try_from(all / readers.max(1)).ok().and_then(NonZeroU32::new);
    if readers == 0 { MOST } else { some.unwrap_or(NonZeroU32::MIN).min(MOST) }
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct WireSignal<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    user: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    room: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    epoch: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<u64>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    from: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    kind: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lasts_ms: Option<u64>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    body: Option<&'a RawValue>,
}

/// How it lies in a wake.
pub(super) fn encode(signal: &Signal) -> String {
    let wire = WireSignal { body: serde_json::from_str(signal.body.as_str()).ok(), ..WireSignal::default() };
    match &signal.audience {
        Audience::User(user) => to_json(&WireSignal { user: Some(user.as_str().into()), ..wire }),
        Audience::Member(room, user) => {
            to_json(&WireSignal { user: Some(user.as_str().into()), room: Some(room.as_str().into()), ..wire })
        }
        Audience::Room(Saying { room, epoch, at, from, kind, lasts }) => to_json(&WireSignal {
            room: Some(room.as_str().into()),
            epoch: Some(epoch.to_string().into()),
            at: Some(at.get()),
            from: Some(from.as_str().into()),
            kind: Some((&**kind).into()),
            lasts_ms: lasts.map(|lasts| u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX)),
            ..wire
        }),
    }
}

/// The same, read. `None`: not one of ours, or of a newer version.
pub(super) fn decode(text: &str) -> Option<Signal> {
    let wire: WireSignal<'_> = serde_json::from_str(text).ok()?;
    let body = wire.body?.get();
    if body.len() > limits::SIGNAL_BYTES || !body.starts_with('{') {
        return None;
    }
    let audience = match (wire.user, wire.room) {
        (Some(user), None) => Audience::User(UserId::parse(&user).ok()?),
        (Some(user), Some(room)) => Audience::Member(RoomId::parse(&room).ok()?, UserId::parse(&user).ok()?),
        (None, Some(room)) => Audience::Room(Saying {
            room: RoomId::parse(&room).ok()?,
            epoch: Epoch::from_str(&wire.epoch?).ok()?,
            at: Seq::new(wire.at?),
            from: UserId::parse(&wire.from?).ok()?,
            kind: wire.kind?.into(),
            lasts: wire.lasts_ms.map(Duration::from_millis),
        }),
        _ => return None,
    };
    if matches!(&audience, Audience::Room(saying) if saying.lasts > Some(limits::SIGNAL_LASTS)) {
        return None;
    }
    Some(Signal { audience, body: Json::trusted(body.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::wake::Wake;

    fn saying(from: &str, lasts: Option<Duration>) -> Saying {
        Saying {
            room: RoomId::parse("general").unwrap(),
            epoch: Epoch { incarnation: 9, generation: 1 },
            at: Seq::new(41),
            from: UserId::parse(from).unwrap(),
            kind: "typing".into(),
            lasts,
        }
    }

    fn signal(audience: Audience, body: &str) -> Wake {
        Wake::Signal(Signal { audience, body: Json::trusted(body.into()) })
    }

    #[test]
    fn a_signal_survives_the_bus() {
        for wake in [
            signal(Audience::User(UserId::parse("ana \"a\"").unwrap()), r#"{"type":"read","room":"general","seq":41}"#),
            signal(Audience::Room(saying("ben \\", None)), r#"{"type":"read","user":"ben \\","seq":41}"#),
            signal(
                Audience::Room(saying("ana", Some(Duration::from_secs(6)))),
                r#"{"type":"typing","user":"ana","entry":{}}"#,
            ),
        ] {
            let line = wake.encode();
            assert!(!line.contains('\n'), "{line}");
            assert_eq!(Wake::decode(&line.clone().into()), Some(wake), "{line}");
        }
    }

    #[test]
    fn the_larger_a_hall_the_fewer_are_seen_to_type() {
        let most = limits::SIGNALS_PER_SECOND;
        for (readers, told) in [
            (0, most),
            (1, most),
            (limits::SIGNAL_READERS, most),
            (2 * limits::SIGNAL_READERS, most / 2),
            (10_000, 2),
            (100_000, 1),
        ] {
            assert_eq!(per_second(readers).get(), told, "{readers} readers");
        }
        for readers in (1_000..30_000).step_by(777) {
            let pushes = per_second(readers).get() as usize * readers;
            assert!(pushes <= (most as usize * limits::SIGNAL_READERS).max(readers), "{readers} readers: {pushes}");
        }
    }

    #[test]
    fn an_older_instance_passes_over_a_signal() {
        // Whatever it knows stands at the top of a wake: here there is one member, of which it knows nothing.
        for audience in [Audience::User(UserId::parse("ana").unwrap()), Audience::Room(saying("ana", None))] {
            let line = signal(audience, r#"{"type":"x"}"#).encode();
            let members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&line).unwrap();
            assert_eq!(members.keys().collect::<Vec<_>>(), ["signal"]);
            assert_eq!(Wake::decode(&line.replace("\"signal\"", "\"later\"").into()), None, "unknown to this version");
        }
    }

    #[test]
    fn what_is_no_signal_of_ours_is_passed_over() {
        let lasting = |ms: u64| {
            let room = r#""room":"general","epoch":"00000009.1","at":41,"from":"ana","kind":"typing""#;
            format!(r#"{{"signal":{{{room},"lasts_ms":{ms},"body":{{}}}}}}"#)
        };
        let long = format!(r#"{{"signal":{{"user":"ana","body":{{"x":"{}"}}}}}}"#, "x".repeat(limits::SIGNAL_BYTES));
        for line in [
            r#"{"signal":{}}"#,
            r#"{"signal":{"user":"ana"}}"#,
            r#"{"signal":{"user":"ana","body":[1]}}"#,
            r#"{"signal":{"user":"ana","room":"a room","body":{}}}"#,
            r#"{"signal":{"room":"general","from":"ana","kind":"typing","body":{}}}"#,
            &long,
            &lasting(u64::MAX),
            &lasting(3_600_001),
        ] {
            assert_eq!(Wake::decode(&line.to_owned().into()), None, "{line}");
        }
        assert!(Wake::decode(&lasting(3_600_000).into()).is_some());
    }
}
