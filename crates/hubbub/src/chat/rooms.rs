//! Rooms and their members.

use super::{Chat, ChatError, log::committer::Source};
use crate::store::{Created, Listed, Member, NewRoom, Page, Part, Room, View};
use hubbub_core::{
    log::{
        entry::{Draft, Outcome, Place, Right},
        kinds::{Banned, Joined, Left, Renamed, What},
        room::PageOf,
    },
    model::{
        access::{Refusal, Role, RoomKind, Standing},
        ids::{RoomId, UserId},
    },
    wire::rpc::CreateRoom,
};
use uuid::Uuid;

/// A change of one membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Make a member of this role.
    Become(Role),
    /// Remove; also lifts a ban.
    Remove,
    /// Ban.
    Ban,
}

/// What became of it: where the entry is, or that things were so already.
pub type Changed = Result<Option<Place>, ChatError>;

impl Chat {
    /// Makes a room for a client, or finds the one it made before under this id.
    pub async fn create_room(&self, by: &UserId, create: CreateRoom) -> Result<Room, ChatError> {
        match create {
            CreateRoom::Group { id, kind, name, members } => {
                let id = match id {
                    Some(id) => id,
                    None => RoomId::parse(&Uuid::now_v7().to_string()).map_err(|_| ChatError::Unavailable)?,
                };
                let mut roles = vec![(by.clone(), Role::Admin)];
                roles.extend(members.into_iter().filter(|m| m != by).map(|m| (m, Role::Member)));
                let (room, made) = self.make_room(&id, kind, &name, by, &roles).await?;
                if !made && (room.kind != kind || !self.is_admin(&id, by).await?) {
                    return Err(ChatError::RoomExists);
                }
                Ok(room)
            }
            CreateRoom::Direct { with } => self.direct_room(by, &with).await,
        }
    }

    /// The one direct room of two people.
    pub async fn direct_room(&self, one: &UserId, other: &UserId) -> Result<Room, ChatError> {
        let id = RoomId::direct(one, other);
        let mut people = vec![(one.clone(), Role::Member)];
        if one != other {
            people.push((other.clone(), Role::Member));
        }
        let (room, _) = self.make_room(&id, RoomKind::Direct, "", one, &people).await?;
        if room.kind == RoomKind::Direct { Ok(room) } else { Err(ChatError::RoomExists) }
    }

    /// Makes a room with these members, unless there is one of this id. Says which.
    pub async fn make_room(
        &self,
        id: &RoomId,
        kind: RoomKind,
        name: &str,
        by: &UserId,
        members: &[(UserId, Role)],
    ) -> Result<(Room, bool), ChatError> {
        let mut first: Vec<Draft> = Vec::with_capacity(members.len());
        for (user, role) in members {
            let what = What::Joined(Joined { user: user.clone(), role: *role });
            first.push(self.draft(id, by, None, what, Right::Backend));
        }
        let new = NewRoom { id: id.clone(), kind, name: name.to_owned(), first };
        match self.store.create_room(&new).await? {
            Created::New(room, entries) => {
                self.announcer.announce_entries(room.epoch, &entries);
                Ok((room, true))
            }
            Created::Exists(room) => Ok((room, false)),
        }
    }

    async fn is_admin(&self, room: &RoomId, user: &UserId) -> Result<bool, ChatError> {
        let view = self.look_ups.ask(room.clone(), user.clone()).await?;
        Ok(view.is_some_and(|view| view.standing == Standing::Member(Role::Admin)))
    }

    /// Changes a membership.
    pub async fn change(
        &self,
        source: Source,
        room: &RoomId,
        by: &UserId,
        right: Right,
        user: &UserId,
        change: Change,
    ) -> Changed {
        let mut outcomes = self.change_many(source, room, by, right, &[(user.clone(), change)]).await;
        outcomes.pop().unwrap_or(Err(ChatError::Unavailable))
    }

    /// Changes many memberships of a room, in this order; each is an entry of its own.
    pub async fn change_many(
        &self,
        source: Source,
        room: &RoomId,
        by: &UserId,
        right: Right,
        changes: &[(UserId, Change)],
    ) -> Vec<Changed> {
        let submitted: Vec<_> = changes
            .iter()
            .map(|(user, change)| {
                let user = user.clone();
                let what = match change {
                    Change::Become(role) => What::Joined(Joined { user, role: *role }),
                    Change::Remove => What::Left(Left { user }),
                    Change::Ban => What::Banned(Banned { user }),
                };
                self.post.submit(source, self.draft(room, by, None, what, right))
            })
            .collect();
        let mut changed = Vec::with_capacity(submitted.len());
        for submitted in submitted {
            changed.push(match submitted {
                Ok(outcome) => settled(outcome.await.unwrap_or(Err(ChatError::Unavailable))),
                Err(error) => Err(error),
            });
        }
        changed
    }

    /// Gives a room another name.
    pub async fn rename(&self, room: &RoomId, by: &UserId, right: Right, name: String) -> Changed {
        let draft = self.draft(room, by, None, What::Renamed(Renamed { name }), right);
        let submitted = self.post.submit(Source::NONE, draft)?;
        settled(submitted.await.unwrap_or(Err(ChatError::Unavailable)))
    }

    /// A page of the log for somebody who may read it.
    pub async fn page(&self, user: &UserId, room: &RoomId, page: PageOf, limit: usize) -> Result<Page, ChatError> {
        let (view, page) = self.store.page_for(user, room, page, limit).await?.ok_or(ChatError::UNKNOWN_ROOM)?;
        view.may_read()?;
        Ok(page)
    }

    /// A page of the log for the product's backend.
    pub async fn page_for_backend(&self, room: &RoomId, page: PageOf, limit: usize) -> Result<Page, ChatError> {
        self.store.page(room, page, limit).await?.ok_or(ChatError::UNKNOWN_ROOM)
    }

    /// A user's rooms, by id.
    pub async fn rooms_of(
        &self,
        user: &UserId,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<Part<Listed>, ChatError> {
        Ok(self.store.rooms_of(user, after, limit).await?)
    }

    /// A room as somebody sees it.
    pub async fn view(&self, user: &UserId, room: &RoomId) -> Result<View, ChatError> {
        self.look_ups.ask(room.clone(), user.clone()).await?.ok_or(ChatError::UNKNOWN_ROOM)
    }

    /// The members of a room, by id, for somebody who may read it.
    pub async fn members(
        &self,
        user: &UserId,
        room: &RoomId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Part<Member>, ChatError> {
        // The list first: who may read after it was read may see it.
        let members = self.store.members(room, after, limit).await?;
        self.view(user, room).await?.may_read()?;
        Ok(members)
    }
}

fn settled(outcome: Result<Outcome, ChatError>) -> Changed {
    match outcome? {
        Outcome::Appended(place) | Outcome::Known(place) => Ok(Some(place)),
        Outcome::Unchanged => Ok(None),
        Outcome::Conflict { id, seq } => Err(ChatError::Conflict { id, seq }),
        Outcome::Refused(refusal) => Err(Refusal::into(refusal)),
    }
}
