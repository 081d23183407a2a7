//! What the rule of an entry looks at: the room under its lock, and what it asks about in it.

use super::{
    content::Content,
    room::{RoomInfo, floor_of},
    settings::Settings,
};
use crate::model::{
    access::{Refusal, Role, RoomKind, Standing},
    ids::UserId,
    rights::Act,
    seq::{Epoch, Seq},
    time::Timestamp,
};
use std::sync::LazyLock;

pub use super::kinds::SessionState;

/// A room as a transaction found it, and as it leaves it.
#[derive(Debug, Clone)]
pub struct RoomState {
    /// Its kind.
    pub kind: RoomKind,
    /// The last number given.
    pub head: Seq,
    /// The first number that retention has kept.
    pub floor: Seq,
    /// What its numbers belong to.
    pub epoch: Epoch,
    /// Where it stands as a support session; `None`: it is none.
    pub session: Option<SessionState>,
    /// What an admin has set.
    pub settings: Settings,
}

impl RoomState {
    /// A room of which nothing is set and nothing was removed, and that is no session.
    pub fn new(kind: RoomKind, head: Seq, epoch: Epoch) -> Self {
        Self { kind, head, floor: Seq::new(1), epoch, session: None, settings: Settings::default() }
    }
}

/// Somebody in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Person {
    /// How they stand.
    pub standing: Standing,
    /// The entry with which they last became a member.
    pub joined: Seq,
    /// Until when they are muted. It outlives the membership.
    pub muted_until: Option<Timestamp>,
    /// When they last wrote a message, where the room has a slow mode. It outlives the membership.
    pub wrote_at: Option<Timestamp>,
    /// Whether they were a reader when they were last a member: by their own joining they are one again.
    pub was_reader: bool,
    /// Whether the room is a direct room of two, of whom one has blocked the other.
    pub blocked: bool,
}

impl Person {
    /// Somebody who stands so, and of whom nothing else is known.
    pub fn who(standing: Standing) -> Self {
        Self { standing, ..Self::default() }
    }
}

/// A message that an entry is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Who wrote it.
    pub from: UserId,
    /// When.
    pub at: Timestamp,
    /// Whether its content was blanked.
    pub gone: bool,
    /// The root of its thread.
    pub thread: Option<Seq>,
    /// Whether it is shown in the room although it is in a thread.
    pub in_room: bool,
    /// Its newest edit.
    pub edit: Option<Seq>,
    /// How many edits it has.
    pub edits: u32,
    /// What it says now; only where [`Needs::content`] asked for it.
    pub content: Option<Content>,
    /// The numbers of its edits, the newest first. `None`: [`Needs::edits`] did not ask for it, or they are too many to be read
    /// along with those of other messages ([`BLANKED_AT_ONCE`](crate::limits::BLANKED_AT_ONCE)).
    pub edit_seqs: Option<Vec<Seq>>,
}

/// What a rule asks about, to be read under the room's lock.
#[derive(Debug, Default)]
pub struct Needs<'a> {
    /// How these people stand, beside the sender.
    pub people: Vec<&'a UserId>,
    /// Messages.
    pub targets: Vec<Seq>,
    /// Of which of these what they say now.
    pub content: Vec<Seq>,
    /// Of which of these the numbers of their edits.
    pub edits: Vec<Seq>,
    /// Whether the sender has added this reaction to this message, and which others it has.
    pub reactions: Vec<(Seq, &'a str)>,
    /// Whether to read which messages are pinned.
    pub pins: bool,
    /// Whether to read the room's topic and data.
    pub info: bool,
    /// Whether to count the room's admins and members.
    pub admins: bool,
    /// The same, where this is the sender, who does it by their own right.
    pub admins_if_by: Option<&'a UserId>,
}

/// Topic and data of a room that was not asked about.
pub(super) static NO_INFO: LazyLock<RoomInfo> = LazyLock::new(RoomInfo::default);

/// The answers to what a rule [needs](Needs). What it has not asked for is answered as if it were not there.
pub trait Facts {
    /// Somebody in the room.
    fn person(&self, user: &UserId) -> Person;
    /// A message of the room; `None`: there is no such, or it is no message.
    fn target(&self, seq: Seq) -> Option<&Target>;
    /// Whether `user` has added this reaction to this message.
    fn has_reacted(&self, target: Seq, reaction: &str, user: &UserId) -> bool;
    /// How many different reactions this message has, and whether this is one of them.
    fn reactions(&self, target: Seq, reaction: &str) -> (usize, bool);
    /// Whether this message is pinned.
    fn is_pinned(&self, target: Seq) -> bool;
    /// How many messages are pinned.
    fn pins(&self) -> usize;
    /// How many admins and how many members of any role there are.
    fn admins(&self) -> (u64, u64);
    /// The room's topic and data.
    fn info(&self) -> &RoomInfo {
        &NO_INFO
    }
}

/// By whose right something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// The sender's own standing in the room decides.
    Own,
    /// The sender's own, to become a member: who is one already stays what they are.
    Joining,
    /// The sender's own, as somebody whom the room is for and who has left it: they may come back, unless they are banned.
    Returning,
    /// The product's backend asked; messages still need a sender who is a member.
    Backend,
    /// A portal asked, for a session of its own: its agents write without being members, also where the session is closed.
    Portal,
}

impl Right {
    /// Whether the sender's own standing decides.
    pub const fn is_own(self) -> bool {
        matches!(self, Self::Own | Self::Joining | Self::Returning)
    }
}

/// The room under its lock, and the draft.
pub struct Situation<'a> {
    /// By whose right it is done.
    pub right: Right,
    /// Who does it.
    pub from: &'a UserId,
    /// When, by the store's clock.
    pub at: Timestamp,
    /// The room.
    pub room: &'a RoomState,
    /// What was asked about.
    pub facts: &'a dyn Facts,
    /// Whom the same draft makes an admin, right before what is decided.
    pub successor: Option<&'a UserId>,
}

const SECOND: i64 = 1_000;

impl Situation<'_> {
    /// How the sender stands.
    pub fn own(&self) -> Standing {
        self.facts.person(self.from).standing
    }

    /// How somebody stands.
    pub fn standing(&self, user: &UserId) -> Standing {
        self.facts.person(user).standing
    }

    /// Whether the sender writes here now: is a member, and the session is open.
    ///
    /// # Errors
    /// Why not.
    pub fn may_take_part(&self) -> Result<(), Refusal> {
        let own = self.own();
        if self.right == Right::Portal {
            self.room.session.ok_or(Refusal::NotSession)?;
        } else if !own.is_member() {
            self.room.kind.may_read(own)?;
            return Err(Refusal::NotMember);
        } else if self.room.session == Some(SessionState::Closed) {
            return Err(Refusal::SessionClosed);
        }
        Ok(())
    }

    /// Whether the sender may do this, by role, by mute and by what is set of the room. Membership is looked at first.
    ///
    /// # Errors
    /// Why not.
    pub fn may(&self, act: Act) -> Result<(), Refusal> {
        if matches!(self.right, Right::Backend | Right::Portal) && !act.is_writing() {
            return self.is_not_archived(act);
        }
        let person = self.facts.person(self.from);
        let Standing::Member(role) = person.standing else {
            if self.right == Right::Portal {
                return self.is_not_archived(act);
            }
            self.room.kind.may_read(person.standing)?;
            return Err(if act.is_writing() { Refusal::NotMember } else { self.too_low(act) });
        };
        // The two people of a direct room have no one above them.
        let is_enough = self.room.kind == RoomKind::Direct && act == Act::Pin;
        if role < act.least(self.room.settings.members_may) && !is_enough {
            return Err(self.too_low(act));
        }
        self.is_not_archived(act)?;
        if !act.is_writing() {
            return Ok(());
        }
        if person.blocked {
            return Err(Refusal::Blocked);
        }
        if let Some(until) = person.muted_until.filter(|until| self.at < *until) {
            return Err(Refusal::Muted(until));
        }
        if self.room.settings.frozen && role < Role::Moderator {
            return Err(Refusal::Frozen);
        }
        Ok(())
    }

    /// Whether the room takes this while it may be archived, of whomever.
    ///
    /// # Errors
    /// [`Refusal::Archived`].
    pub fn is_not_archived(&self, act: Act) -> Result<(), Refusal> {
        if self.room.settings.archived && act.needs_no_archive() { Err(Refusal::Archived) } else { Ok(()) }
    }

    /// Why a role is not enough. In a direct room there is nobody whose role would be.
    fn too_low(&self, act: Act) -> Refusal {
        match (self.room.kind, act) {
            (RoomKind::Direct, Act::DeleteOthers) => Refusal::NotAuthor,
            (RoomKind::Direct, _) if !act.is_writing() => Refusal::FixedMembers,
            _ => too_low(act),
        }
    }

    /// Whether the sender may do this to `user`.
    ///
    /// # Errors
    /// Why not.
    pub fn may_to(&self, act: Act, user: &UserId) -> Result<(), Refusal> {
        self.may(act)?;
        let (own, theirs) = (self.own().role(), self.standing(user).role());
        if self.right.is_own() && act.needs_higher_role() && own != Some(Role::Admin) && theirs >= own {
            return Err(Refusal::Outranked);
        }
        Ok(())
    }

    /// Whether people of the room are added, removed or renamed at all: not where they are who they are by nature.
    ///
    /// # Errors
    /// [`Refusal::FixedMembers`] in a direct room, to those who may see it.
    pub fn is_changeable(&self) -> Result<(), Refusal> {
        if self.room.kind != RoomKind::Direct {
            return Ok(());
        }
        if self.right.is_own() {
            self.room.kind.may_read(self.own())?;
        }
        Err(Refusal::FixedMembers)
    }

    /// Whether the sender does not leave other members without an admin.
    ///
    /// # Errors
    /// [`Refusal::LastAdmin`].
    pub fn is_not_last_admin(&self) -> Result<(), Refusal> {
        let (admins, members) = self.facts.admins();
        let is_own = self.right == Right::Own && self.own() == Standing::Member(Role::Admin);
        let leaves_none = is_own && admins < 2 && self.successor.is_none();
        if leaves_none && members > 1 { Err(Refusal::LastAdmin) } else { Ok(()) }
    }

    /// Whether whoever is to be admin in the sender's place is a member.
    ///
    /// # Errors
    /// They are none.
    pub fn has_successor_among_members(&self) -> Result<(), Refusal> {
        match self.successor {
            Some(user) if !self.standing(user).is_member() => {
                Err(Refusal::NoSuchMember { field: "user", user: user.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Whether slow mode lets the sender write now.
    ///
    /// # Errors
    /// How long to wait.
    pub fn is_time(&self) -> Result<(), Refusal> {
        let person = self.facts.person(self.from);
        let exempt = self.right == Right::Portal || person.standing.role() >= Some(Role::Moderator);
        let (Some(seconds), false) = (self.room.settings.slow_mode, exempt) else { return Ok(()) };
        let free = person.wrote_at.map_or(self.at, |at| Timestamp(at.0 + i64::from(seconds.get()) * SECOND));
        if self.at < free {
            let wait_ms = free.0.saturating_sub(self.at.0).unsigned_abs();
            return Err(Refusal::SlowMode { seconds: seconds.get(), wait_ms });
        }
        Ok(())
    }

    /// The message that `field` names.
    ///
    /// # Errors
    /// There is none, or it was deleted.
    pub fn message(&self, field: &'static str, seq: Seq) -> Result<&Target, Refusal> {
        let target = self.any_message(field, seq)?;
        if target.gone { Err(Refusal::Deleted(field)) } else { Ok(target) }
    }

    /// The message that `field` names, which may have been deleted.
    ///
    /// # Errors
    /// There is none.
    pub fn any_message(&self, field: &'static str, seq: Seq) -> Result<&Target, Refusal> {
        if seq == Seq::ZERO {
            return Err(Refusal::NoSuchMessage(field));
        }
        let target = self.facts.target(seq).filter(|_| seq >= self.room.floor);
        // Below it there are the sender's own messages, and of the rest nobody learns which numbers are messages.
        if seq < self.floor() && !target.is_some_and(|target| self.is_author(target)) {
            return Err(Refusal::BelowFloor(field));
        }
        target.ok_or(Refusal::NoSuchMessage(field))
    }

    /// The first seq that the sender may name.
    fn floor(&self) -> Seq {
        let (kept, from) = (self.room.floor, self.room.settings.history_from);
        if !self.right.is_own() {
            return kept;
        }
        let Person { standing, joined, .. } = self.facts.person(self.from);
        floor_of(kept, self.room.head, from, standing, joined)
    }

    /// Whether the sender is the author of `target`: an agent is that of whatever the same portal has written.
    pub fn is_author(&self, target: &Target) -> bool {
        let portal = self.from.portal().filter(|_| self.right == Right::Portal);
        target.from == *self.from || (portal.is_some() && target.from.portal() == portal)
    }

    /// Whether the author of `target` may still change it.
    ///
    /// # Errors
    /// The window is over.
    pub fn is_in_window(&self, target: &Target) -> Result<(), Refusal> {
        match self.room.settings.edit_window {
            Some(seconds) if self.right == Right::Own && self.at.0 >= target.at.0 + i64::from(seconds) * SECOND => {
                Err(Refusal::WindowOver(seconds.into()))
            }
            _ => Ok(()),
        }
    }
}

/// Why a role is not enough.
pub fn too_low(act: Act) -> Refusal {
    match act {
        Act::MentionAll => Refusal::MayNotMentionAll,
        Act::Pin | Act::Reports | Act::DeleteOthers | Act::Mute | Act::Remove | Act::Ban => Refusal::NotModerator,
        Act::Invite | Act::SetRole | Act::Rename | Act::ChangeSettings => Refusal::NotAdmin,
        Act::Read => Refusal::NotMember,
        Act::Write | Act::EditOwn | Act::React | Act::DeleteOwn => Refusal::ReadOnly,
    }
}
