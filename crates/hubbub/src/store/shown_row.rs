//! How what hangs on a message lies in a row, beside its entry; the same columns in every store.

use super::{
    StoreError,
    columns::{self, seq},
};
use hubbub_core::{
    limits::THREAD_SAMPLE,
    log::{
        entry::Entry,
        fold::{Hung, ReactionShown, Replies, Shown},
        kinds::{ReactionWord, What},
    },
    model::{ids::UserId, time::Timestamp},
};

/// Replies that are looked at for a sample of who has written in a thread.
pub(crate) const REPLIES_LOOKED_AT: usize = 2 * THREAD_SAMPLE;

/// What a statement selects of it behind the columns of the entry `e`. Statements have `/* hung */` in its place.
pub(crate) const HUNG: &str = "e.edited_at AS h_edited_at, e.reactions AS h_reactions, e.replies AS h_replies, \
    e.last_reply AS h_last, e.last_reply_at AS h_last_at, e.repliers AS h_repliers, e.pinned AS h_pinned";

/// The first of them: the others follow it.
pub(crate) const FIRST_HUNG: &str = "h_edited_at";

/// The columns as they were read.
pub(crate) struct HungRow<'a> {
    pub edited_at: Option<i64>,
    /// A JSON array of arrays: reaction, count, the entry since which there has been one, 1 where the reader has added it, and a
    /// sample of who has.
    pub reactions: Option<&'a str>,
    pub replies: Option<i64>,
    pub last: Option<i64>,
    pub last_at: Option<i64>,
    /// A JSON array: who wrote the last replies, the latest first.
    pub repliers: Option<&'a str>,
    pub pinned: bool,
}

type ReactionRow = (String, u64, i64, Option<u8>, Option<Vec<String>>);

impl HungRow<'_> {
    /// The entry, with this on it.
    pub fn on(self, entry: Entry) -> Result<Shown, StoreError> {
        let mut hung = Hung { replies: self.replies()?, ..Hung::default() };
        if !matches!(entry.what, What::Gone(_)) {
            hung.edited_at = self.edited_at.map(Timestamp);
            hung.reactions = self.reactions()?;
            hung.pinned = self.pinned;
        }
        Ok(Shown { entry, hung })
    }

    /// What it weighs in a page.
    pub fn weight(&self) -> usize {
        self.reactions.map_or(0, str::len)
    }

    fn reactions(&self) -> Result<Vec<ReactionShown>, StoreError> {
        let Some(json) = self.reactions else { return Ok(Vec::new()) };
        let mut rows: Vec<ReactionRow> = columns::json(json, "the reactions of a message")?;
        rows.sort_by_key(|(_, _, first, ..)| *first);
        let shown = |(word, count, _, me, users): ReactionRow| {
            let users = users.unwrap_or_default();
            Ok(ReactionShown {
                reaction: ReactionWord::trusted(&word),
                count,
                me: me.is_some_and(|me| me > 0),
                users: users.iter().map(|user| columns::user(user)).collect::<Result<_, _>>()?,
            })
        };
        rows.into_iter().map(shown).collect()
    }

    fn replies(&self) -> Result<Option<Replies>, StoreError> {
        let (Some(count), Some(last), Some(at)) = (self.replies, self.last, self.last_at) else { return Ok(None) };
        let mut users: Vec<UserId> = Vec::new();
        for user in columns::json::<Vec<String>>(self.repliers.unwrap_or("[]"), "who replied")? {
            let user = columns::user(&user)?;
            if users.len() < THREAD_SAMPLE && !users.contains(&user) {
                users.push(user);
            }
        }
        let count = u64::try_from(count).unwrap_or_default();
        Ok(Some(Replies { count, last: seq(last), last_at: Timestamp(at), users }))
    }
}
