//! What the model takes: who may do what, as `docs/protocol.md` says it.

use super::{
    model::{BACKEND, Message, Model, Standing},
    ops::{Answered, Doing, Op, Way},
};
use serde_json::Value;

/// What is to come of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is the next entry.
    Taken,
    /// Its key is that of this entry already.
    Known(u64),
    /// Things are so already.
    Unchanged,
    Refused(Why),
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    UnknownRoom,
    NotMember,
    Banned,
    NotAdmin,
    NotModerator,
    ReadOnly,
    Outranked,
    LastAdmin,
    Muted,
    Frozen,
    SlowMode,
    NoSuchMessage,
    NoSuchMember,
    InThread,
    BelowFloor,
    Deleted,
    NotAuthor,
    WindowOver,
    Conflict,
}

impl Why {
    /// The code of the protocol, the word of REST, and a part of what is said along with either.
    fn told(self) -> (u32, &'static str, &'static str) {
        match self {
            Self::UnknownRoom => (102, "unknown_room", "unknown room"),
            Self::NotMember => (103, "not_member", "not a member of this room"),
            Self::Banned => (103, "banned", "banned from this room"),
            Self::NotAdmin => (103, "not_admin", "only an admin"),
            Self::NotModerator => (103, "not_moderator", "only a moderator"),
            Self::ReadOnly => (103, "read_only", "a reader of this room"),
            Self::Outranked => (103, "outranked", "as high as yours"),
            Self::LastAdmin => (103, "last_admin", "the last admin"),
            Self::Muted => (103, "muted", "muted in this room until"),
            Self::Frozen => (103, "frozen", "this room is frozen"),
            Self::SlowMode => (111, "slow_mode", "slow mode: one message in"),
            Self::NoSuchMessage => (107, "invalid", "no such message in this room"),
            Self::NoSuchMember => (107, "invalid", "is not a member of this room"),
            Self::InThread => (107, "invalid", "is in a thread itself"),
            Self::BelowFloor => (107, "invalid", "older than what this room keeps"),
            Self::Deleted => (410, "deleted", "this message was deleted"),
            Self::NotAuthor => (103, "not_author", "only its author"),
            Self::WindowOver => (103, "window_over", "an author"),
            Self::Conflict => (409, "conflict", "this key belongs to"),
        }
    }

    /// Whether this is what was said.
    pub fn is(self, way: Way, code: &str, message: &str) -> bool {
        let (number, word, part) = self.told();
        let named = if way == Way::Socket { code == number.to_string() } else { code == word };
        named && message.contains(part)
    }
}

impl Verdict {
    /// Whether the answer says so; `next` is the number of the next entry.
    pub fn is(&self, answered: &Answered, way: Way, next: u64) -> bool {
        match (self, answered) {
            (Self::Taken, Answered::Taken(seq)) => *seq == next,
            (Self::Known(known), Answered::Taken(seq)) => known == seq,
            (Self::Unchanged, Answered::Unchanged) => true,
            (Self::Refused(why), Answered::Refused(code, message)) => why.is(way, code, message),
            _ => false,
        }
    }
}

/// `Ok(true)`: taken; `Ok(false)`: so already.
type Judged = Result<bool, Why>;

/// What needs a role.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    DeleteOwn,
    Write,
    Edit,
    React,
    MentionAll,
    Pin,
    Invite,
    DeleteOthers,
    Mute,
    Remove,
    Ban,
    SetRole,
    Change,
}

impl Model {
    /// What comes of this, now.
    pub fn judge(&self, doing: &Doing) -> Verdict {
        if let Some((seq, first)) = self.keyed(doing) {
            // Of what was blanked nobody knows what it said.
            let is_blank = self.log[seq as usize - 1]["gone"] == true;
            return if is_blank || first.op == doing.op {
                Verdict::Known(seq)
            } else {
                Verdict::Refused(Why::Conflict)
            };
        }
        match self.weigh(&doing.who, &doing.op) {
            Ok(true) => Verdict::Taken,
            Ok(false) => Verdict::Unchanged,
            Err(why) => Verdict::Refused(why),
        }
    }

    /// Whether somebody may read the room at all.
    pub fn may_read(&self, who: &str) -> Result<(), Why> {
        match self.somebody(who).standing {
            _ if who == BACKEND => Ok(()),
            standing if standing.is_member() => Ok(()),
            _ if self.kind == "private" => Err(Why::UnknownRoom),
            Standing::Banned => Err(Why::Banned),
            _ => Ok(()),
        }
    }

    fn may(&self, who: &str, act: Act) -> Result<(), Why> {
        use Act::{
            Ban, Change, DeleteOthers, DeleteOwn, Edit, Invite, MentionAll, Mute, Pin, React, Remove, SetRole, Write,
        };
        if who == BACKEND {
            return Ok(());
        }
        let me = self.somebody(who);
        let is_writing = matches!(act, Write | Edit | React | MentionAll | Pin);
        let members_may = |name: &str| self.settings["members_may"][name] == true;
        let (least, too_low) = match act {
            DeleteOwn => (Standing::Reader, Why::ReadOnly),
            Write | Edit | React => (Standing::Member, Why::ReadOnly),
            MentionAll if members_may("mention_all") => (Standing::Member, Why::NotModerator),
            Pin if members_may("pin") => (Standing::Member, Why::NotModerator),
            Invite if members_may("invite") => (Standing::Member, Why::NotAdmin),
            MentionAll | Pin | DeleteOthers | Mute | Remove | Ban => (Standing::Moderator, Why::NotModerator),
            Invite | SetRole | Change => (Standing::Admin, Why::NotAdmin),
        };
        if !me.standing.is_member() {
            self.may_read(who)?;
            return Err(if is_writing { Why::NotMember } else { too_low });
        }
        if me.standing < least {
            return Err(too_low);
        }
        if is_writing && me.muted.is_some() {
            return Err(Why::Muted);
        }
        if is_writing && self.settings["frozen"] == true && me.standing < Standing::Moderator {
            return Err(Why::Frozen);
        }
        Ok(())
    }

    /// The same where it is done to somebody: moderators do it to lower roles, admins to everybody.
    fn may_to(&self, who: &str, act: Act, user: &str) -> Result<(), Why> {
        self.may(who, act)?;
        let (own, theirs) = (self.somebody(who).standing, self.somebody(user).standing);
        let is_above = who == BACKEND || own == Standing::Admin || theirs < own;
        if is_above { Ok(()) } else { Err(Why::Outranked) }
    }

    fn takes_part(&self, who: &str) -> Result<(), Why> {
        if who == BACKEND || self.somebody(who).standing.is_member() {
            return Ok(());
        }
        self.may_read(who)?;
        Err(Why::NotMember)
    }

    /// Whether somebody gives roles.
    pub fn gives_roles(&self, who: &str) -> bool {
        self.may(who, Act::SetRole).is_ok()
    }

    /// A message, also a deleted one.
    pub fn any_message(&self, seq: u64) -> Result<&Message, Why> {
        self.messages.get(&seq).ok_or(Why::NoSuchMessage)
    }

    /// The same for somebody who writes: below where they read from they name their own messages alone.
    fn named(&self, who: &str, seq: u64) -> Result<&Message, Why> {
        let message = self.any_message(seq);
        let is_own = message.is_ok_and(|message| message.from == who);
        if seq != 0 && seq < self.floor(who) && !is_own { Err(Why::BelowFloor) } else { message }
    }

    fn message(&self, who: &str, seq: u64) -> Result<&Message, Why> {
        let message = self.named(who, seq)?;
        if message.gone { Err(Why::Deleted) } else { Ok(message) }
    }

    /// Authors change what they have written only so long; all windows that are set are either nothing or longer than a round.
    fn in_window(&self) -> Result<(), Why> {
        if self.settings["edit_window"] == 0 { Err(Why::WindowOver) } else { Ok(()) }
    }

    fn leaves_an_admin(&self, who: &str) -> Result<(), Why> {
        let count = |is: fn(Standing) -> bool| self.people.values().filter(|one| is(one.standing)).count();
        let is_last = self.somebody(who).standing == Standing::Admin && count(|one| one == Standing::Admin) == 1;
        if is_last && count(Standing::is_member) > 1 { Err(Why::LastAdmin) } else { Ok(()) }
    }

    /// Whether somebody may mention whom this mentions; what was mentioned before stays.
    fn may_mention(&self, who: &str, content: &Value, before: &Value) -> Result<(), Why> {
        if content["mention_all"] == true && before["mention_all"] != true {
            self.may(who, Act::MentionAll)?;
        }
        let names = |of: &Value| of["mentions"].as_array().cloned().unwrap_or_default();
        let known = names(before);
        let stranger = |name: &Value| !self.somebody(name.as_str().unwrap_or_default()).standing.is_member();
        if names(content).iter().any(|name| !known.contains(name) && stranger(name)) {
            return Err(Why::NoSuchMember);
        }
        Ok(())
    }

    fn weigh(&self, who: &str, op: &Op) -> Judged {
        let me = self.somebody(who);
        match op {
            Op::Say { content, reply_to, thread, .. } => {
                self.takes_part(who)?;
                self.may(who, Act::Write)?;
                reply_to.map_or(Ok(()), |seq| self.named(who, seq).map(drop))?;
                if let Some(root) = thread
                    && self.message(who, *root)?.thread.is_some()
                {
                    return Err(Why::InThread);
                }
                self.may_mention(who, content, &Value::Null)?;
                let is_slow = !self.settings["slow_mode"].is_null() && me.standing < Standing::Moderator;
                if is_slow && me.wrote { Err(Why::SlowMode) } else { Ok(true) }
            }
            Op::Edit { target, content } => {
                self.takes_part(who)?;
                self.may(who, Act::Edit)?;
                let message = self.message(who, *target)?;
                if who != BACKEND && message.from != who {
                    return Err(Why::NotAuthor);
                }
                if who != BACKEND {
                    self.in_window()?;
                }
                if message.content == *content {
                    return Ok(false);
                }
                self.may_mention(who, content, &message.content)?;
                Ok(true)
            }
            Op::Delete { target } => {
                self.takes_part(who)?;
                let message = self.named(who, *target)?;
                if message.from != who || who == BACKEND {
                    self.may(who, Act::DeleteOthers)?;
                } else if self.may(who, Act::DeleteOthers).is_err() {
                    self.may(who, Act::DeleteOwn)?;
                    if !message.gone {
                        self.in_window()?;
                    }
                }
                Ok(!message.gone)
            }
            Op::React { target, reaction, added } => {
                self.takes_part(who)?;
                self.may(who, Act::React)?;
                if *added {
                    self.message(who, *target)?;
                } else if self.named(who, *target)?.gone {
                    return Ok(false);
                }
                Ok(self.reactions.contains_key(&(*target, reaction.clone(), who.to_owned())) != *added)
            }
            Op::Pin { target, pinned } => {
                self.takes_part(who)?;
                self.may(who, Act::Pin)?;
                if *pinned {
                    self.message(who, *target)?
                } else {
                    self.named(who, *target)?
                };
                Ok(self.pins.contains_key(target) != *pinned)
            }
            Op::Mute { user, until } => {
                self.may_to(who, Act::Mute, user)?;
                if until.is_some() && !self.somebody(user).standing.is_member() {
                    return Err(Why::NoSuchMember);
                }
                Ok(self.somebody(user).muted != *until)
            }
            Op::Settings(change) => {
                self.may(who, Act::Change)?;
                Ok(self.with(change) != self.settings)
            }
            Op::Rename(_) => self.may(who, Act::Change).map(|()| true),
            Op::Role { user, role } if role == "banned" => {
                self.may_to(who, Act::Ban, user)?;
                if user == who {
                    self.leaves_an_admin(who)?;
                }
                Ok(self.somebody(user).standing != Standing::Banned)
            }
            Op::Role { user, role } => self.weigh_role(who, user, Standing::of(role)),
            Op::Remove { user } if user == who => self.weigh(who, &Op::Leave),
            Op::Remove { user } => {
                let theirs = self.somebody(user).standing;
                self.may_to(who, if theirs == Standing::Banned { Act::Ban } else { Act::Remove }, user)?;
                Ok(theirs != Standing::Stranger)
            }
            Op::Join if me.standing.is_member() => Ok(false),
            Op::Join => self.may_read(who).map(|()| true),
            Op::Leave if !me.standing.is_member() => self.may_read(who).map(|()| false),
            Op::Leave => self.leaves_an_admin(who).map(|()| true),
        }
    }

    fn weigh_role(&self, who: &str, user: &str, wanted: Standing) -> Judged {
        let theirs = self.somebody(user).standing;
        if who == user && theirs.is_member() && theirs == wanted {
            return Ok(false);
        }
        if who == user && !theirs.is_member() && wanted == Standing::Member {
            return self.may_read(who).map(|()| true);
        }
        let is_invited = (theirs == Standing::Stranger || theirs == wanted) && wanted <= Standing::Member;
        self.may(who, if is_invited { Act::Invite } else { Act::SetRole })?;
        if theirs == wanted {
            return Ok(false);
        }
        if who == user {
            self.leaves_an_admin(who)?;
        }
        Ok(true)
    }
}
