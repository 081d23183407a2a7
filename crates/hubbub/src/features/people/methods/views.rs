//! Answers that several of these methods share, and what they read alike.

use crate::{
    chat::methods::rest::room_kind,
    features::people::{
        invites::{Invite, ListedInvite},
        store::Report,
    },
};
use hubbub_core::{
    log::{checks, room::ListPart},
    model::{
        ids::{Invalid, RoomId, UserId},
        seq::Seq,
    },
    people::preferences::Preferences,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// How a room is shown to somebody.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreferencesView {
    /// The room.
    room: String,
    /// What they are told of: `all`, `mentions` or `nothing`.
    notify: &'static str,
    /// Whether it stands before the others.
    pinned: bool,
    /// Whether it is left out.
    hidden: bool,
    /// Where unread begins, whatever the mark says; absent where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread_from: Option<u64>,
}

impl PreferencesView {
    /// Those of a room.
    pub fn new(room: &RoomId, preferences: Preferences) -> Self {
        let Preferences { notify, pinned, hidden, unread_from } = preferences;
        let unread_from = unread_from.map(Seq::get);
        Self { room: room.to_string(), notify: notify.word(), pinned, hidden, unread_from }
    }
}

/// A report.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportView {
    /// Its number.
    report: u64,
    /// The room.
    room: String,
    /// The seq of the message.
    target: u64,
    /// Who reports it.
    from: String,
    /// Why, in their words.
    reason: String,
    /// When.
    at: String,
    /// Where it stands: `open`, `settled` or `dismissed`.
    state: &'static str,
    /// When it was settled or dismissed.
    #[serde(skip_serializing_if = "Option::is_none")]
    settled_at: Option<String>,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    settled_by: Option<String>,
}

impl ReportView {
    /// A report.
    pub fn new(report: &Report) -> Self {
        Self {
            report: report.number,
            room: report.room.to_string(),
            target: report.target.get(),
            from: report.reporter.to_string(),
            reason: report.reason.clone(),
            at: report.at.to_string(),
            state: report.state.word(),
            settled_at: report.settled.as_ref().map(|(at, _)| at.to_string()),
            settled_by: report.settled.as_ref().map(|(_, by)| by.to_string()),
        }
    }
}

/// An invitation.
#[derive(Debug, Serialize, ToSchema)]
pub struct InviteView {
    /// The room.
    room: String,
    /// Who is invited.
    user: String,
    /// By whom.
    by: String,
    /// When.
    at: String,
    /// Until when it waits.
    expires_at: String,
    /// What kind of room; this and what follows is there in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = room_kind, required = false)]
    kind: Option<&'static str>,
    /// The room's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl InviteView {
    /// An invitation.
    pub fn new(invite: &Invite) -> Self {
        Self {
            room: invite.room.to_string(),
            user: invite.user.to_string(),
            by: invite.by.to_string(),
            at: invite.at.to_string(),
            expires_at: invite.expires_at.to_string(),
            kind: None,
            name: None,
        }
    }

    /// The same for whom it is for.
    pub fn with_room(listed: &ListedInvite) -> Self {
        Self { kind: Some(listed.kind.word()), name: Some(listed.name.clone()), ..Self::new(&listed.invite) }
    }
}

/// What to ask for after this part of a list; none on the last one.
pub fn next<T, N>(part: &ListPart<T>, name: impl Fn(&T) -> N) -> Option<N> {
    part.items.last().filter(|_| part.more).map(name)
}

/// `data` of a method that is about another user.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct OtherData<'a> {
    /// Who.
    #[serde(borrow)]
    pub user: Option<Cow<'a, str>>,
}

/// Whom somebody blocks, or does not any more.
///
/// # Errors
/// Where nobody is named.
pub fn other(named: Option<&str>) -> Result<UserId, Invalid> {
    UserId::parse_outsider("user", named.ok_or_else(|| Invalid::missing("user"))?)
}

/// `after` and `limit` of a list by numbers.
///
/// # Errors
/// Names the limit.
pub fn numbers(after: Option<u64>, limit: Option<u64>) -> Result<(u64, usize), Invalid> {
    let after = after.unwrap_or_default();
    if i64::try_from(after).is_err() {
        return Err(Invalid::new("after", "no report has such a number"));
    }
    Ok((after, checks::page_limit(limit)?))
}
