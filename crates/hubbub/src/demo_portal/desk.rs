//! What the desk has heard and said: conversations, in memory and bounded.

use super::{
    lines::{Conversation, Line, State},
    reach::{self, Reach, TRIAL},
    server::{NotTaken, Secrets, Server},
};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// Conversations that are kept; beyond, the one that was quiet longest goes.
const CONVERSATIONS: usize = 1_000;
/// Ids of webhooks that are remembered.
const IDS: usize = 100_000;
/// Tries of an answer, all with the same id.
const TRIES: u32 = 600;
/// The pause between them.
const AGAIN: Duration = Duration::from_secs(1);

/// How the desk answers webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mood {
    #[default]
    Well,
    /// 503 to everything.
    Failing,
    /// No answer at all.
    Silent,
}

#[derive(Default)]
struct Kept {
    conversations: BTreeMap<String, Conversation>,
    ids: HashSet<String>,
    order: VecDeque<String>,
    mood: Mood,
    reach: Reach,
    refused: u64,
    changes: u64,
}

/// See the module.
pub(super) struct Desk {
    server: Server,
    pub secrets: Secrets,
    kept: Mutex<Kept>,
    /// Rises with each change.
    pub changes: watch::Sender<u64>,
}

impl Desk {
    pub fn new(server: Server, secrets: Secrets) -> Self {
        Self { server, secrets, kept: Mutex::default(), changes: watch::Sender::new(0) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Kept) -> T) -> T {
        let changed = {
            let mut kept = self.kept();
            kept.changes += 1;
            change(&mut kept)
        };
        self.changes.send_modify(|n| *n += 1);
        changed
    }

    pub fn mood(&self) -> Mood {
        self.kept().mood
    }

    pub fn set_mood(&self, mood: Mood) {
        self.change(|kept| kept.mood = mood);
    }

    /// Looks again and again whether webhooks come, and never ends.
    pub async fn watches(&self) {
        reach::watch(self, &self.server).await;
    }

    /// What was known before, where this is something else.
    pub fn set_reach(&self, reach: &Reach) -> Option<Reach> {
        if self.kept().reach == *reach {
            return None;
        }
        Some(self.change(|kept| std::mem::replace(&mut kept.reach, reach.clone())))
    }

    /// A webhook whose signature was wrong.
    pub fn refuse(&self) {
        self.change(|kept| kept.refused += 1);
    }

    /// Everything, for the page: the conversation that changed last comes first.
    pub fn shown(&self) -> Value {
        let kept = self.kept();
        let mut all: Vec<&Conversation> = kept.conversations.values().collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.changed));
        json!({
            "conversations": all,
            "mood": kept.mood,
            "refused": kept.refused,
            "reach": kept.reach,
            "portal": self.server.portal,
            "customer": self.server.customer(),
        })
    }

    /// Takes a webhook that verified. One that has come before is counted and changes nothing else.
    pub fn hear(&self, id: &str, body: &Value) {
        self.change(|kept| {
            let data = &body["data"];
            let session = data["sessionId"].as_str().unwrap_or_default();
            if !kept.ids.insert(id.to_owned()) {
                let line = kept.conversations.get_mut(session).and_then(|one| one.line(id));
                if let Some(line) = line {
                    line.times += 1;
                }
                return;
            }
            kept.order.push_back(id.to_owned());
            if kept.order.len() > IDS
                && let Some(oldest) = kept.order.pop_front()
            {
                kept.ids.remove(&oldest);
            }
            kept.conversation(session).hear(id, body);
        });
    }

    /// An agent answers: shown at once, sent until the server has it, always with the same id.
    pub async fn answer(&self, session: String, text: String, agent: String) {
        let line = Line::answer(text, agent);
        let id = line.webhook.clone();
        self.change(|kept| kept.conversation(&session).add(line));
        self.send(&session, &id).await;
    }

    /// An answer that was not taken is sent once more, with the id that it has. Says whether there is such a one.
    pub fn retry(&self, session: &str, id: &str) -> bool {
        self.change(|kept| {
            let line = kept.conversations.get_mut(session).and_then(|one| one.line(id));
            let failed = line.filter(|line| line.state == State::Failed);
            failed.map(|line| (line.state, line.why) = (State::Sending, None)).is_some()
        })
    }

    /// Sends an answer until the server has it or refuses it, or for so many times.
    pub async fn send(&self, session: &str, id: &str) {
        let said = self.kept().conversations.get_mut(session).and_then(|one| one.line(id).cloned());
        let Some(line) = said else { return };
        let body = json!({ "sessionId": session, "message": line.text, "messageId": id, "agent": line.from });
        let mut last = String::new();
        for _ in 0..TRIES {
            match self.server.answer(&self.secrets, id, &body).await {
                Ok(stored) => return self.settle(session, id, State::Stored, None, stored["seq"].as_u64()),
                Err(NotTaken { why, is_final: true }) => {
                    return self.settle(session, id, State::Failed, Some(why), None);
                }
                Err(NotTaken { why, is_final: false }) => {
                    self.settle(session, id, State::Again, Some(why.clone()), None);
                    last = why;
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
        self.settle(session, id, State::Failed, Some(last), None);
    }

    fn settle(&self, session: &str, id: &str, state: State, why: Option<String>, seq: Option<u64>) {
        self.change(|kept| {
            let Some(conversation) = kept.conversations.get_mut(session) else { return };
            if let Some(line) = conversation.line(id) {
                (line.state, line.why, line.seq) = (state, why, seq);
            }
            if seq.is_some() {
                // An answer opens what was closed.
                conversation.state = "open".into();
            }
        });
    }

    /// Says where a session stands. The server's own webhook says so to the desk, too.
    pub async fn set_state(&self, session: &str, state: &str) -> Result<(), String> {
        self.server.set_state(session, state).await
    }
}

/// Whether a webhook that verified is one of the desk's own trials. No message has an id like theirs.
pub(super) fn is_trial(id: &str, body: &Value) -> bool {
    id.starts_with("test_") && body["data"]["message"] == TRIAL
}

impl Kept {
    fn conversation(&mut self, session: &str) -> &mut Conversation {
        if !self.conversations.contains_key(session)
            && self.conversations.len() >= CONVERSATIONS
            && let Some(quiet) =
                self.conversations.values().min_by_key(|one| one.changed).map(|one| one.session.clone())
        {
            self.conversations.remove(&quiet);
        }
        let changed = self.changes;
        let conversation = self.conversations.entry(session.to_owned()).or_default();
        session.clone_into(&mut conversation.session);
        conversation.changed = changed;
        conversation
    }
}
