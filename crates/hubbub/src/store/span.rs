//! Which part of a log a page is, as two ranges that meet.

use super::columns::{count, number};
use hubbub_core::{
    limits::PAGE_BYTES,
    log::room::{PageOf, ShownOf},
    model::seq::Seq,
};

/// At most `before` entries below `pivot`, the nearest to it, and at most `from` entries from `pivot` on.
/// Neither part weighs more than its bytes, unless its first entry alone does.
pub(crate) struct Span {
    pub pivot: i64,
    pub before: i64,
    pub before_bytes: usize,
    pub from: i64,
    pub from_bytes: usize,
}

impl Span {
    pub fn of_shown(of: ShownOf, limit: usize) -> Self {
        if let ShownOf::One(seq) = of {
            return Self { pivot: number(seq), before: 0, before_bytes: 0, from: 1, from_bytes: PAGE_BYTES };
        }
        Self::of(of.page(), limit)
    }

    pub fn of(page: PageOf, limit: usize) -> Self {
        let limit = count(limit);
        let backwards = |pivot| Self { pivot, before: limit, before_bytes: PAGE_BYTES, from: 0, from_bytes: 0 };
        match page {
            PageOf::Newest => backwards(number(Seq::MAX) + 1),
            PageOf::Before(seq) => backwards(number(seq)),
            PageOf::After(seq) => {
                Self { pivot: number(seq) + 1, before: 0, before_bytes: 0, from: limit, from_bytes: PAGE_BYTES }
            }
            PageOf::Around(seq) => Self {
                pivot: number(seq),
                before: limit / 2,
                before_bytes: PAGE_BYTES / 2,
                from: limit - limit / 2,
                from_bytes: PAGE_BYTES / 2,
            },
        }
    }
}
