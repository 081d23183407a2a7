//! Who may do what in a room: the one table of it, for every edge.
//!
//! The product's backend may do all of it, in its own name; a portal may in its own sessions, where agents write without being
//! members. What somebody does to their own membership, joining an open room and leaving, needs no role.

use super::access::Role;

/// Something that needs a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// To say how far one has read, and to see how far others have.
    Read,
    /// To delete what one has written oneself.
    DeleteOwn,
    /// To write a message.
    Write,
    /// To edit what one has written oneself.
    EditOwn,
    /// To add a reaction, or take back one's own.
    React,
    /// To mention everybody.
    MentionAll,
    /// To pin a message, or unpin one.
    Pin,
    /// To add somebody as a member or reader.
    Invite,
    /// To see what was reported, and to settle it.
    Reports,
    /// To delete what somebody else has written.
    DeleteOthers,
    /// To mute somebody of a lower role, or end that.
    Mute,
    /// To remove somebody of a lower role.
    Remove,
    /// To ban somebody of a lower role, or end that.
    Ban,
    /// To give somebody another role, or to add somebody as moderator or admin.
    SetRole,
    /// To rename the room.
    Rename,
    /// To change the room's settings.
    ChangeSettings,
}

/// What members may do by a room's settings that else needs a higher role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MembersMay {
    /// Pin and unpin; without, moderators do.
    pub pin: bool,
    /// Mention everybody; without, moderators do.
    pub mention_all: bool,
    /// Add members; without, admins do.
    pub invite: bool,
}

impl Default for MembersMay {
    fn default() -> Self {
        Self { pin: false, mention_all: true, invite: false }
    }
}

impl Act {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Read,
        Self::DeleteOwn,
        Self::Write,
        Self::EditOwn,
        Self::React,
        Self::MentionAll,
        Self::Pin,
        Self::Invite,
        Self::Reports,
        Self::DeleteOthers,
        Self::Mute,
        Self::Remove,
        Self::Ban,
        Self::SetRole,
        Self::Rename,
        Self::ChangeSettings,
    ];

    /// What it is, in a few words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Read => "say how far one has read, and see how far others have",
            Self::DeleteOwn => "delete one's own messages",
            Self::Write => "write messages",
            Self::EditOwn => "edit one's own messages",
            Self::React => "add reactions, and take back one's own",
            Self::MentionAll => "mention everybody",
            Self::Pin => "pin and unpin messages",
            Self::Invite => "add members and readers",
            Self::Reports => "see reports, and settle them",
            Self::DeleteOthers => "delete messages of others",
            Self::Mute => "mute lower roles, and end that",
            Self::Remove => "remove lower roles",
            Self::Ban => "ban lower roles, and end that",
            Self::SetRole => "give roles",
            Self::Rename => "rename the room",
            Self::ChangeSettings => "change the room's settings",
        }
    }

    /// The setting of `members_may` by which members may do it.
    pub const fn setting(self) -> Option<&'static str> {
        match self {
            Self::Pin => Some("pin"),
            Self::MentionAll => Some("mention_all"),
            Self::Invite => Some("invite"),
            _ => None,
        }
    }

    /// The table: the lowest role that may do this.
    pub const fn least(self, may: MembersMay) -> Role {
        match self {
            Self::Read | Self::DeleteOwn => Role::Reader,
            Self::Write | Self::EditOwn | Self::React => Role::Member,
            Self::MentionAll if may.mention_all => Role::Member,
            Self::Pin if may.pin => Role::Member,
            Self::Invite if may.invite => Role::Member,
            Self::MentionAll
            | Self::Pin
            | Self::Reports
            | Self::DeleteOthers
            | Self::Mute
            | Self::Remove
            | Self::Ban => Role::Moderator,
            Self::Invite | Self::SetRole | Self::Rename | Self::ChangeSettings => Role::Admin,
        }
    }

    /// Whether it is writing: not for who is muted, nor for members while the room is frozen.
    pub const fn is_writing(self) -> bool {
        matches!(self, Self::Write | Self::EditOwn | Self::React | Self::MentionAll | Self::Pin)
    }

    /// Whether nobody does it in a room that is archived. Settings have a rule of their own: one of them takes it back.
    pub const fn needs_no_archive(self) -> bool {
        self.is_writing() || matches!(self, Self::Rename)
    }

    /// Whether it is done to somebody, who must have a lower role; an admin may do it to everybody.
    pub const fn needs_higher_role(self) -> bool {
        matches!(self, Self::Mute | Self::Remove | Self::Ban)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_this() {
        let of = |role: Role, may: MembersMay| -> Vec<Act> {
            Act::ALL.into_iter().filter(|act| role >= act.least(may)).collect()
        };
        let strict = MembersMay { pin: false, mention_all: false, invite: false };
        let free = MembersMay { pin: true, mention_all: true, invite: true };
        use Act::*;
        assert_eq!(of(Role::Reader, free), [Read, DeleteOwn]);
        assert_eq!(of(Role::Member, strict), [Read, DeleteOwn, Write, EditOwn, React]);
        assert_eq!(of(Role::Member, MembersMay::default()), [Read, DeleteOwn, Write, EditOwn, React, MentionAll]);
        assert_eq!(of(Role::Member, free), [Read, DeleteOwn, Write, EditOwn, React, MentionAll, Pin, Invite]);
        let moderator =
            [Read, DeleteOwn, Write, EditOwn, React, MentionAll, Pin, Reports, DeleteOthers, Mute, Remove, Ban];
        assert_eq!(of(Role::Moderator, strict), moderator);
        assert_eq!(of(Role::Admin, strict), Act::ALL);
    }
}
