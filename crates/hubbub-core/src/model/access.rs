//! Who may do what in a room.

use crate::model::{ids::Invalid, seq::Seq};
use std::fmt;

/// What kind of room, fixed when it is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoomKind {
    /// Anyone signed in may read and join; members write.
    Open,
    /// Members only; to others it does not exist.
    Private,
    /// Two people, one room per pair, nobody joins or leaves.
    Direct,
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Reads and writes.
    Member,
    /// Also adds, removes and bans members and renames the room.
    Admin,
}

/// How somebody stands to a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Standing {
    /// Not a member.
    #[default]
    Stranger,
    /// A member.
    Member(Role),
    /// Banned: may neither read nor join, whatever the kind of room.
    Banned,
}

/// A membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// How the person stands now.
    pub standing: Standing,
    /// The entry that made it so.
    pub since: Seq,
}

/// Why the log did not take a draft, or why a room may not be read. One refusal, one request: it never ends a connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such room, or one the asker may not see: the same answer for both.
    #[error("unknown room")]
    UnknownRoom,
    /// The room can be seen, but only members may do this.
    #[error("not a member of this room; join it first")]
    NotMember,
    /// The asker is banned from an open room.
    #[error("banned from this room")]
    Banned,
    /// Only an admin of the room, or the product's backend, may do this.
    #[error("only an admin of this room may do this")]
    NotAdmin,
    /// The two people of a direct room are fixed.
    #[error("nobody joins, leaves or renames a direct room")]
    FixedMembers,
    /// `reply_to` names an entry that is not in the log.
    #[error("reply_to: no such entry in this room")]
    NoSuchEntry,
    /// The room has as many entries as a JSON number can count.
    #[error("this room's log is full")]
    LogFull,
    /// The support session has ended.
    #[error("this session is closed; open it again with open_session")]
    SessionClosed,
    /// The room is no support session.
    #[error("room: not a support session")]
    NotSession,
}

impl RoomKind {
    /// Whether somebody with this standing may read the log.
    pub fn may_read(self, standing: Standing) -> Result<(), Refusal> {
        match (self, standing) {
            (_, Standing::Member(_)) | (Self::Open, Standing::Stranger) => Ok(()),
            (Self::Open, Standing::Banned) => Err(Refusal::Banned),
            (Self::Private | Self::Direct, _) => Err(Refusal::UnknownRoom),
        }
    }

    /// The word used on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Private => "private",
            Self::Direct => "direct",
        }
    }

    /// Reads the word used on the wire.
    pub fn parse(word: &str) -> Result<Self, Invalid> {
        [Self::Open, Self::Private, Self::Direct]
            .into_iter()
            .find(|kind| kind.word() == word)
            .ok_or_else(|| Invalid::new("kind", "one of open, private, direct"))
    }
}

impl Role {
    /// The word used on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }

    /// Reads the word used on the wire.
    pub fn parse(word: &str) -> Result<Self, Invalid> {
        match word {
            "member" => Ok(Self::Member),
            "admin" => Ok(Self::Admin),
            _ => Err(Invalid::new("role", "one of member, admin")),
        }
    }
}

impl Standing {
    /// The word used on the wire and in the store; a stranger has no row, and no word.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Stranger => None,
            Self::Member(role) => Some(role.word()),
            Self::Banned => Some("banned"),
        }
    }

    /// Reads the word used in the store.
    pub fn parse(word: Option<&str>) -> Self {
        match word {
            Some("banned") => Self::Banned,
            Some(role) => Role::parse(role).map_or(Self::Stranger, Self::Member),
            None => Self::Stranger,
        }
    }

    /// Whether this is a member.
    pub const fn is_member(self) -> bool {
        matches!(self, Self::Member(_))
    }
}

impl fmt::Display for RoomKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
