//! What is kept of an attempt to deliver an entry.

use super::retry::Class;
use crate::limits::ATTEMPTS_KEPT;
use serde::{Deserialize, Serialize};

/// One attempt, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began, by the clock of the instance that made it; milliseconds since 1970.
    pub at: i64,
    /// How long it took, in milliseconds.
    pub took: u64,
    /// The HTTP status of the answer, where there was one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<u16>,
    /// What went wrong, in words; absent when the entry was taken.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// Which instance made it.
    pub instance: String,
    /// The word for its [`Class`]; absent of attempts that an older version made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub class: Option<String>,
}

impl Attempt {
    /// What kind of thing it met. Of older attempts their status tells it; `None`: nobody knows.
    pub fn class(&self) -> Option<Class> {
        match (&self.class, self.status) {
            (Some(word), _) => Class::parse(word),
            // Refused by what its body said.
            (None, Some(200..=299)) if self.error.is_some() => Some(Class::Refused),
            (None, status) => status.map(Class::of_status),
        }
    }

    /// The same without what the portal said, which may have quoted a text that was deleted.
    #[must_use]
    pub fn unquoted(self) -> Self {
        let status = self.status.map_or_else(|| "no answer".into(), |status| format!("status {status}"));
        let error = self.error.as_ref().map(|_| format!("{status}; what it said is not kept: the message was deleted"));
        Self { error, ..self }
    }
}

/// Adds an attempt, and forgets the oldest beyond [`ATTEMPTS_KEPT`].
pub fn keep(attempts: &mut Vec<Attempt>, attempt: &Attempt) {
    attempts.push(attempt.clone());
    let beyond = attempts.len().saturating_sub(ATTEMPTS_KEPT);
    attempts.drain(..beyond);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_what_a_portal_said_is_left_of_an_attempt_whose_message_was_deleted() {
        let failed = |status, error: Option<&str>| Attempt {
            at: 7,
            took: 5,
            status,
            error: error.map(ToOwned::to_owned),
            instance: "a".into(),
            class: Some("refused".into()),
        };
        for (status, begins) in [(Some(422), "status 422; "), (None, "no answer; ")] {
            let unquoted = failed(status, Some("status 422: cannot take \"a secret\"")).unquoted();
            let error = unquoted.error.clone().unwrap();
            assert!(error.starts_with(begins) && !error.contains("secret"), "{error}");
            assert_eq!(Attempt { error: None, ..unquoted }, failed(status, None));
        }
        assert_eq!(failed(Some(200), None).unquoted(), failed(Some(200), None));
    }
}
