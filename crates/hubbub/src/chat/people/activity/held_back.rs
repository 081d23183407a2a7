//! Mentions of which nobody is told: by whom they have blocked.

use super::Activity;
use crate::log::Summary;
use hubbub_core::{
    model::seq::Seq,
    people::watch::{Telling, UserNo},
};
use std::collections::HashSet;

/// Mentions of which nobody was told.
static UNTOLD: Summary = Summary::new("it could not be read who has blocked whom: hints of mentions were left out");

impl Activity {
    /// Who is not told of which entry: they have blocked its author. `None`: that is not known, and nobody is told of any.
    pub(super) async fn held_back(&self, telling: &Telling) -> Option<HashSet<(Seq, UserNo)>> {
        let entries = telling.mentioning();
        if entries.is_empty() {
            return Some(HashSet::new());
        }
        match self.store.blockers(&telling.room, &entries).await {
            Ok(blockers) => {
                let state = self.state();
                Some(blockers.iter().filter_map(|(seq, user)| Some((*seq, state.watch.user(user)?))).collect())
            }
            Err(error) => {
                UNTOLD.note(|| error.to_string());
                None
            }
        }
    }
}
