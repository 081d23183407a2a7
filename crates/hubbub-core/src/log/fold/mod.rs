//! The state of messages: a pure function of the entries that are about them.
//!
//! A page shows messages as they are at one moment and says which: `as_of`, the head it was read at. Whoever applies the entries
//! after it, in order, has the page of a later moment:
//!
//! `fold(page as of k, entries k+1 to n) == page as of n`, for entries that are read at head n.
//!
//! Content that was blanked by then is blanked in earlier entries, too: so a message may be seen gone early, and never late. Lists of
//! sample users are outside of this; counts are within. `tests/vectors/fold.json` has cases of it for every SDK.

mod page;
mod shown;

pub use page::{FoldedPage, PageKind};
pub use shown::{Hung, ReactionShown, Replies, Shown};
