//! Which users are connected, between instances: one asks, and each answers for its own connections.
//!
//! As with [presence](super::presence), nothing of it is stored, and whoever died does not answer.

use crate::{
    limits,
    model::{ids::UserId, json::to_json},
};
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    collections::{BTreeSet, HashSet},
};
use uuid::Uuid;

/// Which of these users are with you?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhoIsOnline {
    /// Names the question.
    pub ask: Uuid,
    /// The instance that asks.
    pub from: Uuid,
    /// The users, at most [`limits::ONLINE_TOGETHER`].
    pub users: Vec<UserId>,
}

/// These.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AreOnline {
    /// The question.
    pub ask: Uuid,
    /// The instance that answers.
    pub from: Uuid,
    /// The users.
    pub users: Vec<UserId>,
}

/// The answers to one question, as they come in.
#[derive(Debug, Default)]
pub struct OnlineAnswers {
    /// Who is connected.
    pub users: BTreeSet<UserId>,
    done: HashSet<Uuid>,
}

impl OnlineAnswers {
    /// Takes one in.
    pub fn take(&mut self, answer: &AreOnline) {
        self.users.extend(answer.users.iter().cloned());
        self.done.insert(answer.from);
    }

    /// Whether all of these have answered.
    pub fn has_all<'a>(&self, mut of: impl Iterator<Item = &'a Uuid>) -> bool {
        of.all(|boot| self.done.contains(boot))
    }
}

#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    ask: Uuid,
    from: Uuid,
    #[serde(borrow)]
    users: Vec<Cow<'a, str>>,
}

fn encode(ask: Uuid, from: Uuid, users: &[UserId]) -> String {
    to_json(&Wire { ask, from, users: users.iter().map(|user| user.as_str().into()).collect() })
}

fn decode(text: &str) -> Option<(Uuid, Uuid, Vec<UserId>)> {
    let Wire { ask, from, users } = serde_json::from_str(text).ok()?;
    let users = users.iter().take(limits::ONLINE_TOGETHER).map(|user| UserId::parse(user).ok());
    Some((ask, from, users.collect::<Option<_>>()?))
}

impl WhoIsOnline {
    pub(super) fn encode(&self) -> String {
        encode(self.ask, self.from, &self.users)
    }

    pub(super) fn decode(text: &str) -> Option<Self> {
        decode(text).map(|(ask, from, users)| Self { ask, from, users })
    }
}

impl AreOnline {
    pub(super) fn encode(&self) -> String {
        encode(self.ask, self.from, &self.users)
    }

    pub(super) fn decode(text: &str) -> Option<Self> {
        decode(text).map(|(ask, from, users)| Self { ask, from, users })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::wake::Wake;

    #[test]
    fn question_and_answer_survive_the_bus_and_all_have_to_answer() {
        let users: Vec<UserId> = ["ana \"a\"", "ben"].iter().map(|name| UserId::parse(name).unwrap()).collect();
        let (ask, from) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let answer = AreOnline { ask, from, users: users.clone() };
        for wake in [Wake::WhoIsOnline(WhoIsOnline { ask, from, users }), Wake::AreOnline(answer.clone())] {
            let line = wake.encode();
            assert!(!line.contains('\n'));
            assert_eq!(Wake::decode(&line.clone().into()), Some(wake), "{line}");
        }
        let mut answers = OnlineAnswers::default();
        assert!(!answers.has_all([from].iter()));
        answers.take(&answer);
        answers.take(&answer);
        assert!(answers.has_all([from].iter()) && !answers.has_all([from, ask].iter()));
        assert_eq!(answers.users.len(), 2);
    }
}
