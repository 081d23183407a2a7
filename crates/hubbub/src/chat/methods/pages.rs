//! What methods that answer with pages of a room share.

use super::{Actor, entry::EntryView, views::After};
use crate::store::ShownPage;
use hubbub_core::{
    log::{checks, fold::Shown, room::PageOf},
    model::ids::{Invalid, UserId},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

/// What people read, as it is now.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShownView {
    /// Messages and lines, ascending, each as its entry, with what became of it.
    #[schema(value_type = Vec<EntryView>)]
    entries: Vec<Box<RawValue>>,
    /// The seq up to which everything is in what is shown: who folds later entries into it skips those up to here.
    as_of: u64,
    /// The last seq of the room.
    head: u64,
    /// The first seq that may be read.
    floor: u64,
    /// What the numbers count in.
    epoch: String,
}

impl ShownView {
    /// A page.
    pub fn new(page: &ShownPage) -> Self {
        Self {
            entries: page.entries.iter().map(Shown::raw).collect(),
            as_of: page.head.get(),
            head: page.head.get(),
            floor: page.floor.get(),
            epoch: page.epoch.to_string(),
        }
    }
}

/// Which page of a room.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// What is before this seq, the nearest to it.
    pub before: Option<u64>,
    /// What is after this seq, the nearest to it.
    pub after: Option<u64>,
    /// What is around this seq.
    pub around: Option<u64>,
    /// 1 to 1,000; 100 without.
    pub limit: Option<u64>,
    /// The user in whose name it is read; without, the backend reads everything that is kept.
    pub by: Option<String>,
}

impl PageQuery {
    /// Which page, of how many, and for whom.
    ///
    /// # Errors
    /// Names the field, and the limit where there is one.
    pub fn read(&self) -> Result<(PageOf, usize, Actor), Invalid> {
        let page = checks::page_of(self.before, self.after, self.around)?;
        Ok((page, checks::page_limit(self.limit)?, reader(self.by.as_deref())?))
    }
}

/// In whose name something is read over REST.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ByQuery {
    /// The user in whose name it is read; without, the backend reads everything that is kept.
    pub by: Option<String>,
}

/// The product's backend, or one of its users.
///
/// # Errors
/// Where `by` is no id of a user.
pub fn reader(by: Option<&str>) -> Result<Actor, Invalid> {
    Ok(match by {
        Some(user) => Actor::for_user(UserId::parse_outsider("by", user)?),
        None => Actor::backend(),
    })
}

/// Which page of a room, as `data` of a call says it.
///
/// # Errors
/// Names the field, and the limit where there is one.
pub fn page_of(
    before: Option<u64>,
    after: Option<After<'_>>,
    around: Option<u64>,
    limit: Option<u64>,
) -> Result<(PageOf, usize), Invalid> {
    Ok((checks::page_of(before, After::seq(after)?, around)?, checks::page_limit(limit)?))
}
