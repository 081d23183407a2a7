//! A list of all rooms on its way.

use super::{FoundRoom, FoundRooms, RoomQuery, StoreError};
use hubbub_core::{limits::ROOMS_LOOKED_AT, model::ids::RoomId};

/// How many rooms are looked at for a page of `limit`.
pub(crate) fn looked_at(query: &RoomQuery, limit: usize) -> usize {
    // There is no index of when something has happened: every message would have to change it.
    if query.active_since.is_some() { ROOMS_LOOKED_AT.max(limit) } else { limit }
}

/// See the module.
pub(crate) struct Finding {
    pub done: FoundRooms,
    limit: i64,
    looked_at: i64,
}

impl Finding {
    /// A page of `limit`, for which so many are looked at.
    pub fn new(limit: i64, looked_at: i64) -> Self {
        Self { done: FoundRooms::default(), limit, looked_at }
    }

    /// Takes one more: the `nth` that was looked at, which comes after `before`. Returns whether there is room for another.
    pub fn take(
        &mut self,
        nth: i64,
        before: Option<RoomId>,
        room: impl FnOnce() -> Result<FoundRoom, StoreError>,
    ) -> Result<bool, StoreError> {
        if self.done.rooms.len() as i64 >= self.limit {
            self.done.next = self.done.rooms.last().map(|last| last.room.id.clone());
        } else if nth > self.looked_at {
            self.done.next = before;
        } else {
            self.done.rooms.push(room()?);
            return Ok(true);
        }
        Ok(false)
    }
}
