//! What is kept of what people decide.

use super::invites::{Invite, Invited, ListedInvite, NewInvite};
use crate::store::StoreError;
use async_trait::async_trait;
use hubbub_core::{
    limits::PAGE_BYTES,
    log::room::ListPart,
    model::{
        ids::{Invalid, RoomId, UserId},
        seq::Seq,
        time::Timestamp,
    },
    people::preferences::{Preferences, PreferencesChange},
};

/// What became of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocked {
    /// It is so.
    Done,
    /// There are as many as there may be.
    TooMany,
}

/// A report to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReport {
    /// The room.
    pub room: RoomId,
    /// The message.
    pub target: Seq,
    /// Who reports it.
    pub reporter: UserId,
    /// Why, in their words.
    pub reason: String,
}

/// Where a report stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportState {
    /// Nobody has dealt with it.
    Open,
    /// Something was done.
    Settled,
    /// Nothing was to be done.
    Dismissed,
}

impl ReportState {
    /// The words, in order.
    pub const WORDS: [&str; 3] = ["open", "settled", "dismissed"];

    /// Its word.
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }

    /// Reads its word.
    ///
    /// # Errors
    /// When it is none of them.
    pub fn parse(word: &str) -> Result<Self, Invalid> {
        let all = [Self::Open, Self::Settled, Self::Dismissed];
        let found = all.into_iter().find(|state| state.word() == word);
        found.ok_or_else(|| Invalid::new("state", "one of open, settled, dismissed"))
    }
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its number.
    pub number: u64,
    /// The room.
    pub room: RoomId,
    /// The message.
    pub target: Seq,
    /// Who reports it.
    pub reporter: UserId,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// Where it stands.
    pub state: ReportState,
    /// When it was settled or dismissed, and by whom.
    pub settled: Option<(Timestamp, UserId)>,
}

/// A part of a list of reports, of which one more than `limit` was looked at: it ends early by its weight.
pub fn part_of_reports(mut items: Vec<Report>, limit: usize) -> ListPart<Report> {
    let mut weight = 0;
    let fits = items.iter().take_while(|report| {
        weight += report.reason.len();
        weight <= PAGE_BYTES
    });
    let most = fits.count().clamp(1, limit.max(1));
    let more = items.len() > most;
    items.truncate(most);
    ListPart { items, more }
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reported {
    /// It was kept.
    New(Report),
    /// This person has reported this message before: that report stays as it is.
    Is(Report),
    /// This person has as many open reports as they may have.
    TooMany,
    /// There is no such room any more.
    NoRoom,
}

/// Which reports.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportFilter {
    /// Of this room alone.
    pub room: Option<RoomId>,
    /// Those that stand so.
    pub state: Option<ReportState>,
}

/// See the module.
#[async_trait]
pub trait PeopleStore: Send + Sync + 'static {
    /// Changes how a room is shown to a member. `None`: they are none.
    async fn set_preferences(
        &self,
        user: &UserId,
        room: &RoomId,
        change: PreferencesChange,
    ) -> Result<Option<Preferences>, StoreError>;

    /// The rooms of a member that are shown otherwise than usual, by id.
    async fn preferences(
        &self,
        user: &UserId,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<ListPart<(RoomId, Preferences)>, StoreError>;

    /// Has somebody take no direct messages from somebody else, as long as there are fewer than `most` of those.
    async fn block(&self, user: &UserId, other: &UserId, most: usize) -> Result<Blocked, StoreError>;

    /// Ends that.
    async fn unblock(&self, user: &UserId, other: &UserId) -> Result<(), StoreError>;

    /// From whom somebody takes no direct messages, by id, and since when.
    async fn blocks(
        &self,
        user: &UserId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<ListPart<(UserId, Timestamp)>, StoreError>;

    /// Keeps a report, as long as its reporter has fewer than `most` open ones.
    async fn report(&self, new: &NewReport, most: usize) -> Result<Reported, StoreError>;

    /// Reports after this number, by number.
    async fn reports(&self, filter: &ReportFilter, after: u64, limit: usize) -> Result<ListPart<Report>, StoreError>;

    /// Has a report stand so, by somebody; `in_room`: only where it is of this room. One that stands so stays as it is. `None`: there is
    /// none.
    async fn settle_report(
        &self,
        number: u64,
        in_room: Option<&RoomId>,
        state: ReportState,
        by: &UserId,
    ) -> Result<Option<Report>, StoreError>;

    /// Has an invitation wait, as long as fewer than `most` do for the room.
    async fn invite(&self, new: &NewInvite, most: usize) -> Result<Invited, StoreError>;

    /// Where somebody is invited, by the room's id: of each room the first invitation that waits, and none by whom they have blocked.
    async fn invites(
        &self,
        user: &UserId,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<ListPart<ListedInvite>, StoreError>;

    /// The invitations of somebody into a room that wait, the first one first.
    async fn invites_into(&self, user: &UserId, room: &RoomId) -> Result<Vec<Invite>, StoreError>;

    /// Ends all invitations of somebody into a room.
    async fn end_invites(&self, room: &RoomId, user: &UserId) -> Result<(), StoreError>;

    /// Some of the moderators and admins of a room.
    async fn moderators(&self, room: &RoomId, limit: usize) -> Result<Vec<UserId>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_reports_ends_by_number_and_by_weight() {
        let report = |number: u64, bytes: usize| Report {
            number,
            room: RoomId::parse("hall").unwrap(),
            target: Seq::new(1),
            reporter: UserId::parse("ana").unwrap(),
            reason: "x".repeat(bytes),
            at: Timestamp(0),
            state: ReportState::Open,
            settled: None,
        };
        let part = |bytes: &[usize], limit| {
            let items = bytes.iter().zip(1..).map(|(bytes, number)| report(number, *bytes)).collect();
            let part = part_of_reports(items, limit);
            (part.items.len(), part.more)
        };
        assert_eq!(part(&[], 10), (0, false));
        assert_eq!(part(&[1, 1, 1], 2), (2, true));
        assert_eq!(part(&[1, 1], 2), (2, false));
        assert_eq!(part(&[PAGE_BYTES, 1, 1], 10), (1, true));
        assert_eq!(part(&[PAGE_BYTES + 1, 1], 10), (1, true), "one in any case");
    }

    #[test]
    fn a_state_has_a_word() {
        for word in ReportState::WORDS {
            assert_eq!(ReportState::parse(word).unwrap().word(), word);
        }
        assert_eq!(ReportState::parse("shut").unwrap_err().to_string(), "state: one of open, settled, dismissed");
    }
}
