//! Who may do what in a room.

use crate::model::{
    ids::{Invalid, UserId},
    seq::Seq,
    time::Timestamp,
};
use std::fmt;

/// What kind of room, fixed when it is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoomKind {
    /// Anyone signed in may read and join; members write.
    Open,
    /// Members only; to others it does not exist.
    Private,
    /// A set of people, one room per set, nobody joins or leaves.
    Direct,
    /// What is left of a room that was deleted: its id, which is never used again.
    Deleted,
}

/// What a member is; [`rights`](super::rights) says what that allows. Each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads, and does not write.
    Reader,
    /// Reads and writes.
    Member,
    /// Also keeps order: deletes what others wrote, pins, mutes, removes and bans.
    Moderator,
    /// Also adds members, gives roles, and changes the room.
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
    /// The entry with which the person last became a member: a change of role leaves it as it is.
    pub joined: Seq,
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
    /// The people of a direct room are fixed and alike, and nothing is set of it.
    #[error("a direct room is of its people: nobody joins, leaves or is muted there, and nothing of it is changed")]
    FixedMembers,
    /// Only a moderator or an admin of the room, or the product's backend, may do this.
    #[error("only a moderator of this room may do this")]
    NotModerator,
    /// Readers do not write.
    #[error("a reader of this room does not write there")]
    ReadOnly,
    /// Nobody acts against somebody of a higher role than their own.
    #[error("user: this member's role is as high as yours, or higher")]
    Outranked,
    /// A room with members keeps an admin.
    #[error("the last admin does not leave the others without one; make somebody else an admin first")]
    LastAdmin,
    /// Muted: may read and not write for now.
    #[error("muted in this room until {0}")]
    Muted(Timestamp),
    /// For now only moderators write.
    #[error("this room is frozen: only its moderators write")]
    Frozen,
    /// Nobody writes, and nothing of the room is changed, until that is taken back.
    #[error(
        "this room is archived: nothing is written or changed there; an admin or the product's backend can take that back"
    )]
    Archived,
    /// One of the two people of a direct room has blocked the other: neither is told who.
    #[error("blocked: no messages are taken between the two people of this room")]
    Blocked,
    /// The room is no more. Nobody hears of it but those who were in it.
    #[error("this room was deleted; its id is never used again")]
    RoomDeleted,
    /// The room takes one message of each member in this time.
    #[error("slow mode: one message in {seconds} s; retry in {wait_ms} ms with the same key")]
    SlowMode {
        /// The time.
        seconds: u32,
        /// So many milliseconds of it are left.
        wait_ms: u64,
    },
    /// The field names no message of this room.
    #[error("{0}: no such message in this room")]
    NoSuchMessage(&'static str),
    /// The field names a message that retention has removed.
    #[error("{0}: older than what this room keeps")]
    BelowFloor(&'static str),
    /// The field names a message that was deleted.
    #[error("{0}: this message was deleted")]
    Deleted(&'static str),
    /// Only the author changes a message.
    #[error("target: only its author may do this")]
    NotAuthor,
    /// The message is too old to be changed by its author.
    #[error("target: {}", window(*.0))]
    WindowOver(u64),
    /// A thread has no threads.
    #[error("thread: this message is in a thread itself; name its root, {0}")]
    InThread(Seq),
    /// The field names somebody who is not a member.
    #[error("{field}: {user} is not a member of this room")]
    NoSuchMember {
        /// The field.
        field: &'static str,
        /// Who.
        user: UserId,
    },
    /// Only moderators mention everybody here.
    #[error("mention_all: only a moderator of this room may do this")]
    MayNotMentionAll,
    /// There are as many of something as there may be.
    #[error("{field}: there are {limit} {what} already; that is the limit")]
    TooMany {
        /// The field.
        field: &'static str,
        /// What there are too many of.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// A time that has passed, or is too far away.
    #[error("until: between now and {0} days from now is expected")]
    NoSuchTime(u32),
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

fn window(seconds: u64) -> String {
    match seconds {
        0 => "an author changes nothing here: the room's edit_window is 0".to_owned(),
        _ => format!("older than the {seconds} s within which an author may change a message here"),
    }
}

impl RoomKind {
    /// Whether somebody with this standing may read the log.
    pub fn may_read(self, standing: Standing) -> Result<(), Refusal> {
        match (self, standing) {
            (Self::Deleted, Standing::Member(_)) => Err(Refusal::RoomDeleted),
            (_, Standing::Member(_)) | (Self::Open, Standing::Stranger) => Ok(()),
            (Self::Open, Standing::Banned) => Err(Refusal::Banned),
            (Self::Private | Self::Direct | Self::Deleted, _) => Err(Refusal::UnknownRoom),
        }
    }

    /// The word used on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Private => "private",
            Self::Direct => "direct",
            Self::Deleted => "deleted",
        }
    }

    /// Reads the word used on the wire.
    pub fn parse(word: &str) -> Result<Self, Invalid> {
        [Self::Open, Self::Private, Self::Direct]
            .into_iter()
            .find(|kind| kind.word() == word)
            .ok_or_else(|| Invalid::new("kind", "one of open, private, direct"))
    }

    /// Reads what lies in the store.
    ///
    /// # Errors
    /// When it is no kind.
    pub fn read(word: &str) -> Result<Self, Invalid> {
        if word == Self::Deleted.word() { Ok(Self::Deleted) } else { Self::parse(word) }
    }
}

impl Role {
    /// The word used on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Member => "member",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
        }
    }

    /// Reads the word used on the wire.
    pub fn parse(word: &str) -> Result<Self, Invalid> {
        [Self::Reader, Self::Member, Self::Moderator, Self::Admin]
            .into_iter()
            .find(|role| role.word() == word)
            .ok_or_else(|| Invalid::new("role", "one of reader, member, moderator, admin"))
    }

    /// How it lies in the store: a word that every version knows, and the role's own word where that is another. A program of the
    /// first version takes a moderator and a reader for members, and not for strangers.
    pub const fn stored(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Reader | Self::Moderator => ("member", Some(self.word())),
            Self::Member | Self::Admin => (self.word(), None),
        }
    }
}

impl Standing {
    /// The word used on the wire; a stranger has none.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Stranger => None,
            Self::Member(role) => Some(role.word()),
            Self::Banned => Some("banned"),
        }
    }

    /// How it lies in the store: see [`Role::stored`]. A stranger has no row.
    pub const fn stored(self) -> Option<(&'static str, Option<&'static str>)> {
        match self {
            Self::Stranger => None,
            Self::Member(role) => Some(role.stored()),
            Self::Banned => Some(("banned", None)),
        }
    }

    /// Reads what lies in the store. A role of a newer version is one of a member.
    pub fn read(word: Option<&str>, rank: Option<&str>) -> Self {
        match word {
            Some("banned") => Self::Banned,
            Some(role) => {
                let role = rank.and_then(|rank| Role::parse(rank).ok()).map_or_else(|| Role::parse(role), Ok);
                role.map_or(Self::Stranger, Self::Member)
            }
            None => Self::Stranger,
        }
    }

    /// The role of a member.
    pub const fn role(self) -> Option<Role> {
        match self {
            Self::Member(role) => Some(role),
            Self::Stranger | Self::Banned => None,
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
