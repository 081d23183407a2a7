//! What clients call their rooms: see [`hubbub_core::model::room_ids`].

use super::{Chat, ChatError, methods::MethodError};
use crate::store::View;
use hubbub_core::{
    log::{kinds::What, room::PageOf},
    model::{
        access::{Role, RoomKind, Standing},
        ids::{RoomId, UserId},
        seq::Seq,
    },
};

impl Chat {
    /// The room that a user calls `name`, and how she stands to it where it is there. A room that she made by this id before names
    /// were a user's own keeps it. Of another's room nothing is told: not even that it is there.
    ///
    /// # Errors
    /// The name is an id that is made here, of a room that she has not made.
    pub async fn named(&self, user: &UserId, name: &RoomId) -> Result<(RoomId, Option<View>), MethodError> {
        let own = RoomId::named(user, name);
        // Both at once: what is there costs as much as what is not.
        let (by_id, by_name) = tokio::join!(self.see(user, name), self.see(user, &own));
        // The newer one holds where both are there: an instance of before may have made the other beside it.
        let (by_id, by_name) = (by_id?, by_name?);
        if let Some(view) = by_id.filter(|view| view.standing.is_member() && by_name.is_none())
            && self.maker(&view.room.id).await?.as_ref() == Some(user)
        {
            return Ok((name.clone(), Some(view)));
        }
        name.check_chosen()?;
        Ok((own, by_name))
    }

    /// The client who made a room by an id that she chose, or opened it as a session: its first entry has her join by her own
    /// right, as nobody can who joins a room that is there. `None`: the product's backend made it, or there is no such room.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn maker(&self, room: &RoomId) -> Result<Option<UserId>, ChatError> {
        let Some(page) = self.store.page(room, PageOf::After(Seq::ZERO), 1).await? else { return Ok(None) };
        let Some(first) = page.entries.into_iter().next().filter(|first| first.seq == Seq::new(1)) else {
            return Ok(None);
        };
        let What::Joined(joined) = &first.what else { return Ok(None) };
        if joined.user != first.from {
            return Ok(None);
        }
        if joined.role == Role::Admin {
            return Ok(Some(first.from));
        }
        // In an open room it may be the first of those who join.
        let view = self.see(&first.from, room).await?;
        Ok(view.filter(|view| view.room.kind != RoomKind::Open).map(|_| first.from))
    }

    /// A room and how somebody stands to it; `None`: there is none.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn see(&self, user: &UserId, room: &RoomId) -> Result<Option<View>, ChatError> {
        self.look_ups.ask(room.clone(), user.clone()).await
    }

    /// Whether somebody may read a room: asked first, so that a room that is not there and one that is not theirs cost the same.
    ///
    /// # Errors
    /// Why not.
    pub async fn may_read(&self, user: &UserId, room: &RoomId) -> Result<(), ChatError> {
        Ok(self.view(user, room).await?.may_read()?)
    }
}

/// Whether a room that was found may be the answer to whoever would make it: its kind is the one, and it is theirs to govern.
pub fn may_find(view: &View, kind: RoomKind) -> bool {
    view.room.kind == kind && view.standing == Standing::Member(Role::Admin)
}
