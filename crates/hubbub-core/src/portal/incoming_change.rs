//! Edits and deletions that come from a portal: of which message, and what they become in its log.

use super::{PortalId, mapping::Meaning};
use crate::{
    log::{
        content::Content,
        entry::{EventName, Proposal, Right},
        kinds::{Deleted, Edited, What},
    },
    model::{
        access::Refusal,
        ids::{RoomId, UserId},
        seq::Seq,
    },
};

/// A change of a message that the portal brought, or that it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingChange {
    /// The portal.
    pub portal: PortalId,
    /// The names by one of which the message is known, at most two.
    pub targets: Vec<String>,
    /// What tells repeats of the change; `None`: nothing does.
    pub event: Option<String>,
    /// The agent.
    pub from: UserId,
    /// What becomes of the message.
    pub becomes: Becomes,
}

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Becomes {
    /// It says this.
    Edited(Content),
    /// It is gone.
    Deleted,
}

impl Becomes {
    /// The word that is kept for it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Edited(_) => "edit",
            Self::Deleted => "deletion",
        }
    }

    /// What it says from now on.
    pub const fn content(&self) -> Option<&Content> {
        match self {
            Self::Edited(content) => Some(content),
            Self::Deleted => None,
        }
    }

    /// What an event means, with what it says; `None`: it changes nothing.
    pub fn of(means: Meaning, content: Content) -> Option<Self> {
        match means {
            Meaning::Message => None,
            Meaning::Edit => Some(Self::Edited(content)),
            Meaning::Deletion => Some(Self::Deleted),
        }
    }
}

/// A change whose message has not come yet: it waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingChange {
    /// Its number among all of them.
    pub number: u64,
    /// The change.
    pub change: IncomingChange,
}

/// A change that has waited for its message, and need not any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueChange {
    /// The change.
    pub waiting: WaitingChange,
    /// Where its message is.
    pub target: Target,
}

/// Where a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The portal's number inside the database.
    pub portal: i64,
    /// The session.
    pub session: RoomId,
    /// The message's number there.
    pub seq: Seq,
}

impl IncomingChange {
    /// What is to go into the log. It opens no session: nobody waits for an answer to it.
    pub fn proposal(&self, target: &Target) -> Proposal {
        let what = match &self.becomes {
            Becomes::Edited(content) => What::Edited(Edited { target: target.seq, content: content.clone() }),
            Becomes::Deleted => What::Deleted(Deleted { target: target.seq, of: None }),
        };
        let once = self.event.as_deref().map(|name| EventName { scope: target.portal, name: name.into() }.into());
        Proposal { once, ..Proposal::new(target.session.clone(), self.from.clone(), None, what, Right::Portal) }
    }
}

impl WaitingChange {
    /// The change, with a name of its own where it has none: done twice it is one. No portal's event has such a name: see
    /// [`super::mapping::Event::repeat_key`].
    #[must_use]
    pub fn named(&self) -> IncomingChange {
        let event = self.change.event.clone().unwrap_or_else(|| format!("w:{}", self.number));
        IncomingChange { event: Some(event), ..self.change.clone() }
    }
}

/// Why a change changes nothing, and never will: the portal is not to send it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// The message says so already, or is gone already.
    Unchanged,
    /// The message was deleted.
    Gone,
    /// The portal did not write the message: it may be the echo of a change of ours.
    NotAuthor,
    /// A rule of the room, or a limit.
    Refused,
}

impl Idle {
    /// The word for it in answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Gone => "gone",
            Self::NotAuthor => "not_author",
            Self::Refused => "refused",
        }
    }

    /// What a refusal means for a change. `None`: nothing is decided by it.
    pub fn of(refusal: &Refusal) -> Option<Self> {
        match refusal {
            Refusal::Deleted(_) | Refusal::NoSuchMessage(_) | Refusal::BelowFloor(_) | Refusal::RoomDeleted => {
                Some(Self::Gone)
            }
            Refusal::NotAuthor => Some(Self::NotAuthor),
            Refusal::LogFull | Refusal::Archived => None,
            _ => Some(Self::Refused),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::kinds::Text;

    fn change(becomes: Becomes, event: Option<&str>) -> IncomingChange {
        let portal = PortalId::parse("desk").unwrap();
        let from = portal.agent(Some("ada"));
        let targets = vec!["m:2:c1:7".to_owned()];
        IncomingChange { portal, targets, event: event.map(ToOwned::to_owned), from, becomes }
    }

    fn target() -> Target {
        Target { portal: 4, session: RoomId::parse("s1").unwrap(), seq: Seq::new(9) }
    }

    #[test]
    fn a_change_is_an_entry_about_its_message_by_the_agent_and_opens_nothing() {
        let content = Content::text(Text::parse("so").unwrap());
        let edit = change(Becomes::Edited(content.clone()), Some("e:1")).proposal(&target());
        assert_eq!(edit.what, What::Edited(Edited { target: Seq::new(9), content }));
        assert_eq!((edit.right, edit.opens, edit.from.as_str()), (Right::Portal, false, "portal:desk/ada"));
        assert_eq!(edit.once, Some(EventName { scope: 4, name: "e:1".into() }.into()));
        let deletion = change(Becomes::Deleted, None).proposal(&target());
        assert_eq!(deletion.what, What::Deleted(Deleted { target: Seq::new(9), of: None }));
        assert_eq!(deletion.once, None);
    }

    #[test]
    fn what_has_waited_has_a_name_so_that_two_who_do_it_do_it_once() {
        let waiting = |event| WaitingChange { number: 12, change: change(Becomes::Deleted, event) };
        assert_eq!(waiting(None).named().event.as_deref(), Some("w:12"));
        assert_eq!(waiting(Some("h:x")).named().event.as_deref(), Some("h:x"));
    }

    #[test]
    fn only_a_full_or_archived_log_leaves_it_open_what_becomes_of_a_change() {
        for (refusal, idle) in [
            (Refusal::Deleted("target"), Some(Idle::Gone)),
            (Refusal::NotAuthor, Some(Idle::NotAuthor)),
            (Refusal::TooMany { field: "target", what: "edits", limit: 1 }, Some(Idle::Refused)),
            (Refusal::RoomDeleted, Some(Idle::Gone)),
            (Refusal::LogFull, None),
            (Refusal::Archived, None),
        ] {
            assert_eq!(Idle::of(&refusal), idle, "{refusal:?}");
        }
    }
}
