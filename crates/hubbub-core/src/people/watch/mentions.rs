//! Who was named since they were told last, and in which entry.

use super::UserNo;
use crate::model::seq::Seq;
use std::collections::{BTreeMap, BTreeSet};

/// See the module. Nobody is named by themselves, or by what is before them.
#[derive(Debug, Default)]
pub(super) struct Mentions {
    /// Entries that name everybody, and their authors, if they are here: the last, and the last of somebody else.
    all: Vec<(Seq, Option<UserNo>)>,
    users: BTreeMap<UserNo, Seq>,
    /// Who has come since.
    joined: BTreeMap<UserNo, Seq>,
}

impl Mentions {
    pub fn is_empty(&self) -> bool {
        self.all.is_empty() && self.users.is_empty()
    }

    /// All entries in which somebody is named who was not told, each once.
    pub fn entries(&self) -> Vec<Seq> {
        let all: BTreeSet<Seq> = self.all.iter().map(|(seq, _)| *seq).chain(self.users.values().copied()).collect();
        all.into_iter().collect()
    }

    /// The last entry in which this user is named.
    pub fn of(&self, user: UserNo) -> Option<Seq> {
        let all = self.all.iter().filter(|(seq, author)| *author != Some(user) && self.was_there(user, *seq));
        self.users.get(&user).copied().max(all.map(|(seq, _)| *seq).max())
    }

    fn was_there(&self, user: UserNo, at: Seq) -> bool {
        self.joined.get(&user).is_none_or(|joined| *joined < at)
    }

    /// A user is named.
    pub fn name(&mut self, user: UserNo, at: Seq) {
        if self.was_there(user, at) {
            let last = self.users.entry(user).or_insert(at);
            *last = at.max(*last);
        }
    }

    /// Everybody is.
    pub fn name_all(&mut self, at: Seq, author: Option<UserNo>) {
        self.all.push((at, author));
        self.all.sort_unstable_by_key(|(seq, _)| std::cmp::Reverse(*seq));
        let last = self.all.first().copied();
        let other = self.all.iter().find(|(_, author)| last.is_some_and(|(_, last)| last != *author)).copied();
        self.all = last.into_iter().chain(other).collect();
    }

    /// Somebody has come.
    pub fn join(&mut self, user: UserNo, at: Seq) {
        self.joined.insert(user, at);
    }

    /// Somebody has gone.
    pub fn leave(&mut self, user: UserNo) {
        self.users.remove(&user);
        self.joined.remove(&user);
        for (_, author) in self.all.iter_mut().filter(|(_, author)| *author == Some(user)) {
            *author = None;
        }
    }
}
