//! Rooms as somebody has them in a list.

use super::{preferences::Preferences, unread::Unread};
use crate::{
    log::{
        fold::Shown,
        room::{Room, RoomInfo},
    },
    model::access::Standing,
};

/// A room in somebody's list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The room.
    pub room: Room,
    /// The asker's standing.
    pub standing: Standing,
    /// Topic and data.
    pub info: RoomInfo,
    /// The newest message that the room shows, as it is now, if it has one that the asker may read.
    pub last: Option<Shown>,
    /// What they have not read, where that was asked for.
    pub unread: Option<Unread>,
    /// How it is shown to them.
    pub preferences: Preferences,
}
