//! A conversation as the agent sees it: what webhooks said, and what was answered.

use hubbub_core::model::time::Timestamp;
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::VecDeque,
    time::{SystemTime, UNIX_EPOCH},
};

/// Messages kept of each conversation.
const MESSAGES: usize = 500;

/// What is known of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// It came by a webhook whose signature was right.
    Verified,
    /// An answer on its way.
    Sending,
    /// The server did not take it, and is asked again.
    Again,
    /// The server has it.
    Stored,
    /// The server refused it, or was asked often enough.
    Failed,
}

/// A line of a conversation.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Line {
    /// Who: a user's id, or the agent's name.
    pub from: String,
    /// What they are: customer, member, backend or agent.
    by: String,
    /// message.created, or what became of the session.
    kind: String,
    pub text: String,
    /// When, RFC 3339.
    at: String,
    /// The id of its webhook, in whichever direction.
    pub webhook: String,
    /// Its number in the session's log.
    pub seq: Option<u64>,
    pub state: State,
    /// Why it is not there yet, or will not be.
    pub why: Option<String>,
    own: bool,
    /// How often its webhook has come.
    pub times: u32,
    edited: bool,
    deleted: bool,
}

impl Line {
    /// What an agent says now.
    pub fn answer(text: String, agent: String) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            from: agent,
            by: "agent".into(),
            kind: "message".into(),
            text,
            at: Timestamp(i64::try_from(now.as_millis()).unwrap_or_default()).to_string(),
            webhook: format!("demo_{}", uuid::Uuid::new_v4().simple()),
            seq: None,
            state: State::Sending,
            why: None,
            own: true,
            times: 1,
            edited: false,
            deleted: false,
        }
    }
}

/// A conversation.
#[derive(Debug, Default, Serialize)]
pub(super) struct Conversation {
    pub session: String,
    customer: String,
    pub state: String,
    lines: VecDeque<Line>,
    /// Rises with each change, so that the newest comes first.
    pub changed: u64,
}

impl Conversation {
    /// What a webhook says that is new.
    pub fn hear(&mut self, id: &str, body: &Value) {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let data = &body["data"];
        let kind = word(&body["type"]);
        self.customer = word(&data["customer"]);
        match kind.strip_prefix("session.") {
            Some("opened") => self.state = "open".into(),
            Some(state) => state.clone_into(&mut self.state),
            None if self.state.is_empty() => self.state = "open".into(),
            None => {}
        }
        let changes = matches!(&*kind, "message.edited" | "message.deleted");
        let seq = data[if changes { "messageSeq" } else { "seq" }].as_u64();
        if changes {
            let edited = kind == "message.edited";
            if let Some(line) = self.lines.iter_mut().find(|line| seq.is_some() && line.seq == seq) {
                (line.text, line.edited, line.deleted) = (word(&data["message"]), edited, !edited);
                return;
            }
            // An edit may be the first that is heard of a message; or it is of one that is not kept any more.
            if !edited || self.lines.len() == MESSAGES {
                return;
            }
        }
        self.add(Line {
            from: word(&data["from"]["id"]),
            by: word(&data["from"]["kind"]),
            text: word(&data["message"]),
            at: word(&body["timestamp"]),
            webhook: id.to_owned(),
            seq,
            state: State::Verified,
            why: None,
            own: false,
            times: 1,
            kind: if changes { "message.created".into() } else { kind },
            edited: changes,
            deleted: false,
        });
    }

    /// The line of this webhook.
    pub fn line(&mut self, id: &str) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.webhook == id)
    }

    pub fn add(&mut self, line: Line) {
        self.lines.push_back(line);
        if self.lines.len() > MESSAGES {
            self.lines.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn says(kind: &str, seq: u64, of: Option<u64>, text: &str) -> Value {
        let from = json!({ "id": "ana", "kind": "customer" });
        let mut data = json!({ "sessionId": "s", "customer": "ana", "from": from, "message": text, "seq": seq });
        if let Some(of) = of {
            data["messageSeq"] = of.into();
        }
        json!({ "type": kind, "timestamp": "2026-01-31T09:30:00.123Z", "data": data })
    }

    #[test]
    fn edits_and_deletions_change_the_line_that_they_mean() {
        let mut talk = Conversation::default();
        talk.hear("a", &says("message.created", 1, None, "Helo"));
        talk.hear("b", &says("message.created", 2, None, "swordfish"));
        talk.hear("c", &says("message.edited", 3, Some(1), "Hello"));
        talk.hear("d", &says("message.deleted", 4, Some(2), ""));
        // Of messages that never came.
        talk.hear("e", &says("message.edited", 5, Some(9), "At last"));
        talk.hear("f", &says("message.deleted", 6, Some(8), ""));
        let lines: Vec<_> = talk.lines.iter().map(|line| (&*line.text, line.seq, line.edited, line.deleted)).collect();
        let expected = [("Hello", Some(1), true, false), ("", Some(2), false, true), ("At last", Some(9), true, false)];
        assert_eq!(lines, expected);
        assert!(talk.state == "open" && talk.lines.iter().all(|line| line.kind == "message.created"));
    }
}
