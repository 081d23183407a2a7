//! What methods that write have in common: an entry on its way into a room's log, and where it went.
//!
//! What a client writes keeps the order of its connection in a room. So there is [`queue`], which has put the entry into the
//! queue of its room when it returns.

use super::{Actor, MethodError, views::room};
use crate::chat::{
    Chat, ChatError,
    log::{admission, committer::Submitted},
};
use hubbub_core::{
    log::{
        account::Use,
        entry::{Place, Right},
        kinds::What,
        source::Source,
    },
    model::{
        ids::{Invalid, Key, RoomId, UserId},
        seq::Seq,
    },
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::{IntoParams, ToSchema};

/// An entry on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writing {
    /// The room.
    pub room: RoomId,
    /// The client's key; without one nothing is recognised when it is sent again.
    pub key: Option<Key>,
    /// What is to happen.
    pub what: What,
    /// What is to happen right before it, along with it.
    pub first: Option<What>,
}

/// Where an entry went.
#[derive(Debug, Serialize, ToSchema)]
pub struct WrittenView {
    /// The entry's id, a UUID. This and what follows is absent where things were as asked already.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The room.
    room: String,
    /// The entry's number in the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    /// The epoch that the number belongs to: it changes when a backup is restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<String>,
    /// When the store took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
}

impl WrittenView {
    /// An acknowledgement.
    pub fn new(room: &RoomId, place: Option<Place>) -> Self {
        Self {
            id: place.map(|place| place.id.to_string()),
            room: room.to_string(),
            seq: place.map(|place| place.seq.get()),
            epoch: place.map(|place| place.epoch.to_string()),
            at: place.map(|place| place.at.to_string()),
        }
    }
}

impl Writing {
    /// An entry for the room and with the key that `data` names.
    ///
    /// # Errors
    /// Names the field.
    pub fn read(room_id: Option<&str>, key: Option<&str>, what: What) -> Result<Self, Invalid> {
        Ok(Self::new(room(room_id)?, key.map(Key::parse).transpose()?, what))
    }

    /// An entry for a room.
    pub const fn new(room: RoomId, key: Option<Key>, what: What) -> Self {
        Self { room, key, what, first: None }
    }

    /// What it takes of what its user may use, beside an entry.
    pub fn uses(&self, from: &UserId) -> Vec<Use> {
        let others = match &self.what {
            What::Joined(joined) if joined.user != *from => Some(Use::People(1)),
            _ => None,
        };
        others.into_iter().chain(self.first.as_ref().map(|_| Use::Entry)).collect()
    }

    /// Writes it, and waits until that is committed. For whoever has no connection, whose order would matter.
    ///
    /// # Errors
    /// Why it is not in the log; with [`ChatError::Unavailable`] it may be.
    pub async fn write(self, chat: &Chat, by: &Actor) -> Result<Option<Place>, MethodError> {
        self.first.iter().chain([&self.what]).try_for_each(|what| chat.quota().check_entry(what))?;
        chat.charge(by, &[&[Use::Entry], &*self.uses(&by.user)].concat())?;
        // The backend knows its rooms.
        Ok(queue(chat, &by.source, &by.user, by.right, self, !by.is_client())?.committed().await?)
    }

    /// The same, and says where it went.
    ///
    /// # Errors
    /// As above.
    pub async fn written(self, chat: &Chat, by: &Actor) -> Result<WrittenView, MethodError> {
        let room = self.room.clone();
        Ok(WrittenView::new(&room, self.write(chat, by).await?))
    }
}

/// An entry in the queue of its room.
pub struct Queued(Submitted);

impl Queued {
    /// Where it is in the log, once it is committed; `None`: things were as asked already.
    ///
    /// # Errors
    /// Why it is not in the log; with [`ChatError::Unavailable`] it may be.
    pub async fn committed(self) -> Result<Option<Place>, ChatError> {
        admission::settled(self.0).await
    }

    /// The same for who has a timer for many: see [`Submitted::outcome_when_polled`].
    ///
    /// # Errors
    /// As above.
    pub async fn committed_when_polled(self) -> Result<Option<Place>, ChatError> {
        admission::place(self.0.outcome_when_polled().await?)
    }
}

/// Puts an entry into the queue of its room. `vetted`: whoever writes it is known to read the room.
///
/// # Errors
/// It was not even queued.
pub fn queue(
    chat: &Chat,
    source: &Source,
    from: &UserId,
    right: Right,
    writing: Writing,
    vetted: bool,
) -> Result<Queued, ChatError> {
    chat.write(source, from, right, writing, vetted).map(Queued)
}

/// The message that `target` names.
///
/// # Errors
/// Where it names none.
pub fn target(target: Option<u64>) -> Result<Seq, Invalid> {
    target.map(Seq::new).ok_or_else(|| Invalid::missing("target"))
}

/// `data` of a method that is about a message and needs nothing else.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct MessageData<'a> {
    /// The room.
    #[serde(borrow)]
    pub room: Option<Cow<'a, str>>,
    /// The message.
    pub target: Option<u64>,
    /// What makes it happen once.
    #[serde(borrow)]
    pub key: Option<Cow<'a, str>>,
}

impl MessageData<'_> {
    /// The entry about it.
    ///
    /// # Errors
    /// Names the field.
    pub fn writing(&self, what: impl FnOnce(Seq) -> What) -> Result<Writing, Invalid> {
        // The room is looked at first.
        room(self.room.as_deref())?;
        Writing::read(self.room.as_deref(), self.key.as_deref(), what(target(self.target)?))
    }
}

/// `data` of a method that is about somebody in a room and needs nothing else.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct PersonData<'a> {
    /// The room.
    #[serde(borrow)]
    pub room: Option<Cow<'a, str>>,
    /// Who.
    #[serde(borrow)]
    pub user: Option<Cow<'a, str>>,
    /// What makes it happen once.
    #[serde(borrow)]
    pub key: Option<Cow<'a, str>>,
}

impl PersonData<'_> {
    /// The entry about them.
    ///
    /// # Errors
    /// Names the field.
    pub fn writing(&self, what: impl FnOnce(UserId) -> What) -> Result<Writing, Invalid> {
        room(self.room.as_deref())?;
        let user = UserId::parse(self.user.as_deref().ok_or_else(|| Invalid::missing("user"))?)?;
        Writing::read(self.room.as_deref(), self.key.as_deref(), what(user))
    }
}

/// In whose name the product's backend does something.
#[derive(Debug, Deserialize, Default, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InName {
    /// The user in whose name it is done, who may do no more than over a connection of their own. It may stand in the body instead.
    /// Where neither says it, the backend acts in its own name; `send`, `react` and `unreact` need somebody.
    pub from: Option<String>,
}

impl InName {
    /// Who acts. Both the query and the body may say so.
    ///
    /// # Errors
    /// Where they differ, or name nobody whom the backend speaks for.
    pub fn actor(&self, in_body: Option<&str>) -> Result<Actor, Invalid> {
        match (self.from.as_deref(), in_body) {
            (Some(one), Some(other)) if one != other => Err(Invalid::new("from", "not the same in query and body")),
            (None, None) => Ok(Actor::backend()),
            (one, other) => Ok(Actor::for_user(UserId::parse_outsider("from", one.or(other).unwrap_or_default())?)),
        }
    }

    /// Who acts, where it is a person's act and not the backend's.
    ///
    /// # Errors
    /// As above, and where nobody is named.
    pub fn person(&self, in_body: Option<&str>) -> Result<Actor, Invalid> {
        let by = self.actor(in_body)?;
        if by.is_backend() { Err(Invalid::missing("from")) } else { Ok(by) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backend_acts_in_somebodys_name_or_in_its_own() {
        let named = |query: Option<&str>, body| InName { from: query.map(str::to_owned) }.actor(body);
        assert!(named(None, None).unwrap().is_backend());
        for (query, body) in [(Some("ana"), None), (None, Some("ana")), (Some("ana"), Some("ana"))] {
            let actor = named(query, body).unwrap();
            assert_eq!((actor.user.as_str(), actor.right), ("ana", Right::Own));
        }
        for (query, body, why) in [
            (Some("ana"), Some("ben"), "from: not the same in query and body"),
            (Some(""), None, "from: empty"),
            (None, Some("hubbub:api"), "from: the prefix hubbub: and what looks like it are reserved"),
        ] {
            assert_eq!(named(query, body).unwrap_err().to_string(), why);
        }
    }

    #[test]
    fn who_adds_somebody_uses_a_person_and_who_changes_two_things_another_entry() {
        use hubbub_core::{
            log::kinds::{Joined, Renamed},
            model::access::Role,
        };
        let (ana, room) = (UserId::parse("ana").unwrap(), RoomId::parse("general").unwrap());
        let joined = |name: &str| What::Joined(Joined { user: UserId::parse(name).unwrap(), role: Role::Member });
        let uses = |what| Writing::new(room.clone(), None, what).uses(&ana);
        assert_eq!(uses(joined("ben")), [Use::People(1)]);
        assert_eq!(uses(joined("ana")), []);
        let renamed = What::Renamed(Renamed { name: "x".into() });
        let two = Writing { first: Some(renamed.clone()), ..Writing::new(room.clone(), None, renamed) };
        assert_eq!(two.uses(&ana), [Use::Entry]);
    }

    #[test]
    fn what_is_missing_is_named_the_room_first() {
        let about =
            |room: Option<&'static str>, target| MessageData { room: room.map(Cow::Borrowed), target, key: None };
        let what = |seq| What::Pinned(hubbub_core::log::kinds::Pinned { target: seq, pinned: true });
        let why = |data: MessageData<'_>| data.writing(what).unwrap_err().to_string();
        assert_eq!(why(about(None, None)), "room: missing");
        assert_eq!(why(about(Some("r"), None)), "target: missing");
        let somebody = PersonData { room: Some("r".into()), ..PersonData::default() };
        let left = |user| What::Left(hubbub_core::log::kinds::Left { user });
        assert_eq!(somebody.writing(left).unwrap_err().to_string(), "user: missing");
    }
}
