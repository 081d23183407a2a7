//! Entries that were given up on, as operators look at them, have them sent again, or throw them away.

use super::{
    error::SupportError,
    store::{DeadLetter, Filter, Portal, Which},
    support::SupportChat,
};
use hubbub_core::{limits, log::room::ListPart, model::ids::Invalid, portal::PortalId};

impl Which {
    /// A range of numbers, both included, or all.
    ///
    /// # Errors
    /// Where it is neither of the two.
    pub fn of(from: Option<u64>, to: Option<u64>, all: bool) -> Result<Self, Invalid> {
        match (from, to, all) {
            (Some(from), Some(to), false) => Ok(Self::Range(from, to)),
            (None, None, true) => Ok(Self::All),
            _ => Err(Invalid::new("from", "give from and to, or all")),
        }
    }
}

impl SupportChat {
    /// Dead letters, by number, after `after`: at most `limit`. Those that were delivered since stay in the list.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn dead_letters(
        &self,
        filter: &Filter,
        after: u64,
        limit: usize,
    ) -> Result<ListPart<DeadLetter>, SupportError> {
        Ok(self.store.dead_letters(filter, after, limit).await?)
    }

    /// Whose dead letters are asked for: a portal, or one that was deleted and has left some.
    ///
    /// # Errors
    /// Where there is none of this id, or it cannot be an id.
    pub async fn left_by(&self, id: &str) -> Result<PortalId, SupportError> {
        let unknown = match self.portal(id).await {
            Ok(portal) => return Ok(portal.id),
            Err(unknown @ SupportError::UnknownPortal) => unknown,
            Err(other) => return Err(other),
        };
        let id = PortalId::parse(id)?;
        let filter = Filter { portal: Some(id.clone()), ..Filter::default() };
        let left = self.store.dead_letters(&filter, 0, 1).await?;
        if left.items.is_empty() { Err(unknown) } else { Ok(id) }
    }

    /// A dead letter of a portal.
    ///
    /// # Errors
    /// Where there is none of this number.
    pub async fn dead_letter(&self, portal: &PortalId, number: u64) -> Result<DeadLetter, SupportError> {
        let filter = Filter { portal: Some(portal.clone()), ..Filter::default() };
        let part = self.store.dead_letters(&filter, number.saturating_sub(1), 1).await?;
        part.items.into_iter().find(|letter| letter.number == number).ok_or(SupportError::UnknownDeadLetter)
    }

    /// Has one dead letter sent again, at its session's next turn. Says how many: none where it has been delivered.
    ///
    /// # Errors
    /// Where there is none of this number.
    pub async fn replay_dead_letter(&self, portal: &Portal, number: u64) -> Result<u64, SupportError> {
        let portal = self.dead_letter(&portal.id, number).await?.portal;
        Ok(self.store.replay(&portal, Which::One(number)).await?)
    }

    /// Has many dead letters sent again, each at its session's next turn, if they have not been delivered. Says how many.
    ///
    /// # Errors
    /// Where the store does not answer; a part of them may be sent again then.
    pub async fn replay_dead_letters(&self, portal: &PortalId, which: Which) -> Result<u64, SupportError> {
        let mut replaying = 0;
        loop {
            // In portions: their sessions are locked meanwhile.
            let more = self.store.replay(portal, which).await?;
            replaying += more;
            if more < limits::REPLAYED_TOGETHER as u64 {
                return Ok(replaying);
            }
        }
    }

    /// Throws a dead letter away; a session that stands still at it goes on.
    ///
    /// # Errors
    /// Where there is none of this number.
    pub async fn discard_dead_letter(&self, portal: &PortalId, number: u64) -> Result<(), SupportError> {
        self.store.discard(portal, number).await?.then_some(()).ok_or(SupportError::UnknownDeadLetter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_letters_are_named_by_a_range_or_all_and_by_nothing_else() {
        for (from, to, all, which) in [
            (Some(1), Some(9), false, Some(Which::Range(1, 9))),
            (None, None, true, Some(Which::All)),
            (None, None, false, None),
            (Some(1), None, false, None),
            (None, Some(9), false, None),
            (Some(1), Some(9), true, None),
        ] {
            assert_eq!(Which::of(from, to, all).ok(), which, "{from:?} {to:?} {all}");
        }
        assert_eq!(Which::Range(3, u64::MAX).numbers(), (3, i64::MAX));
    }
}
