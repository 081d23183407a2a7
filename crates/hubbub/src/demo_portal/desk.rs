//! What the desk has heard and said: conversations, in memory and bounded.

use super::server::{Secrets, Server};
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
/// Messages kept of each.
const MESSAGES: usize = 500;
/// Ids of webhooks that are remembered.
const IDS: usize = 100_000;
/// Tries of an answer, all with the same id.
const TRIES: u32 = 60;
/// The pause between them.
const AGAIN: Duration = Duration::from_secs(1);

/// A line of a conversation.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Line {
    /// Who: the customer's id, or the agent's name.
    from: String,
    /// message, or what became of the session.
    kind: String,
    text: String,
    /// The id of its webhook, in whichever direction.
    webhook: String,
    /// Its number in the session's log.
    seq: Option<u64>,
    /// Ours: sending, stored, or why not. Theirs: verified.
    state: String,
    own: bool,
    /// How often its webhook has come.
    times: u32,
}

/// A conversation.
#[derive(Debug, Default, Serialize)]
pub(super) struct Conversation {
    session: String,
    customer: String,
    state: String,
    lines: VecDeque<Line>,
    /// Rises with each change, so that the newest comes first.
    changed: u64,
}

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

    /// A webhook whose signature was wrong.
    pub fn refuse(&self) {
        self.change(|kept| kept.refused += 1);
    }

    /// Everything, for the page: the conversation that changed last comes first.
    pub fn shown(&self) -> Value {
        let kept = self.kept();
        let mut all: Vec<&Conversation> = kept.conversations.values().collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.changed));
        json!({ "conversations": all, "mood": kept.mood, "refused": kept.refused })
    }

    /// Takes a webhook that verified. One that has come before is counted and changes nothing else.
    pub fn hear(&self, id: &str, body: &Value) {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let data = &body["data"];
        self.change(|kept| {
            if !kept.ids.insert(id.to_owned()) {
                let session = kept.conversations.get_mut(&word(&data["sessionId"]));
                let line = session.and_then(|one| one.lines.iter_mut().find(|line| line.webhook == id));
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
            let kind = word(&body["type"]);
            let line = Line {
                from: word(&data["entry"]["from"]),
                text: word(&data["message"]),
                webhook: id.to_owned(),
                seq: data["seq"].as_u64(),
                state: "verified".into(),
                own: false,
                times: 1,
                kind: kind.clone(),
            };
            let conversation = kept.conversation(&word(&data["sessionId"]));
            conversation.customer = word(&data["customer"]);
            match kind.strip_prefix("session.") {
                Some(state) => conversation.state = if state == "opened" { "open".into() } else { state.to_owned() },
                None if conversation.state.is_empty() => conversation.state = "open".into(),
                None => {}
            }
            conversation.add(line);
        });
    }

    /// An agent answers: shown at once, sent until the server has it, always with the same id.
    pub async fn answer(&self, session: String, text: String, agent: String) {
        let id = format!("demo_{}", uuid::Uuid::new_v4().simple());
        let line = Line {
            from: agent.clone(),
            kind: "message".into(),
            text: text.clone(),
            webhook: id.clone(),
            seq: None,
            state: "sending".into(),
            own: true,
            times: 1,
        };
        self.change(|kept| kept.conversation(&session).add(line));
        let body = json!({ "sessionId": session, "message": text, "messageId": id, "agent": agent });
        for _ in 0..TRIES {
            match self.server.answer(&self.secrets, &id, &body).await {
                Ok(stored) => return self.settle(&session, &id, "stored", stored["seq"].as_u64()),
                // What the server refuses for what it is, it refuses again.
                Err(why) if why.starts_with('4') => return self.settle(&session, &id, &why, None),
                Err(why) => self.settle(&session, &id, &format!("sending again: {why}"), None),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    fn settle(&self, session: &str, id: &str, state: &str, seq: Option<u64>) {
        self.change(|kept| {
            let conversation = kept.conversation(session);
            if let Some(line) = conversation.lines.iter_mut().find(|line| line.webhook == id) {
                (line.state, line.seq) = (state.to_owned(), seq);
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

impl Conversation {
    fn add(&mut self, line: Line) {
        self.lines.push_back(line);
        if self.lines.len() > MESSAGES {
            self.lines.pop_front();
        }
    }
}
