//! An event on its way to a portal that has an API of its own: its calls are made one after another, and how far they have come
//! is in the store before the next.

use super::{
    Portals,
    access::Answered,
    call::{Called, Outgoing},
    store::{Attempt, Portal, SentMessage},
};
use crate::{chat::ChatError, store::StoreError};
use hubbub_core::{
    delivery::{
        progress::Picked,
        retry::{self, Class, PostVerdict},
    },
    limits,
    log::entry::Entry,
    model::{
        ids::{RoomId, UserId},
        json::Json,
        seq::Seq,
        time::Timestamp,
    },
    portal::{
        author::{Author, AuthorKind},
        mapping,
        outgoing::{answer::Told, event::Event, walk::Step},
    },
};

/// What of a session an event's calls may name.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub session_name: String,
    pub state: &'static str,
    pub customer: UserId,
    pub customer_info: Option<Json>,
    pub picked: Picked,
}

/// A call that was made.
pub(super) struct Made {
    pub called: Called,
    pub verdict: PostVerdict,
    pub at: Timestamp,
    /// What went wrong, for people, without secrets.
    pub error: Option<String>,
    /// The headers that it was sent with, without secrets.
    pub headers: Vec<(String, String)>,
    /// What was answered, without secrets.
    pub said: String,
}

impl Made {
    /// What is kept of it.
    pub fn attempt(self, instance: &str) -> Attempt {
        Attempt {
            at: self.at.0,
            took: super::millis(self.called.took),
            status: self.called.status,
            error: self.error,
            instance: instance.to_owned(),
            class: Some(self.verdict.class.word().to_owned()),
        }
    }
}

impl Scene {
    /// The event that an entry is, with what is known of who wrote it.
    pub fn event<'a>(
        &'a self,
        portal: &'a Portal,
        id: &'a str,
        kind: &'a str,
        entry: &'a Entry,
        from_info: Option<&'a Json>,
    ) -> Event<'a> {
        Event {
            id,
            kind,
            entry,
            about: None,
            session_name: &self.session_name,
            state: self.state,
            customer: &self.customer,
            customer_info: self.customer_info.as_ref(),
            from_info,
            portal: &portal.id,
            vars: &portal.settings.vars,
        }
    }
}

impl Portals {
    /// What calls about a session's events may name. `None`: there is no such session.
    pub(super) async fn scene(&self, session: &RoomId) -> Result<Option<Scene>, ChatError> {
        let Some(session) = self.support.store.session(session).await? else { return Ok(None) };
        Ok(Some(Scene {
            session_name: session.room.name,
            state: session.state.state(),
            customer_info: self.info_of(&session.customer).await?,
            customer: session.customer,
            picked: Picked { external: session.external, refs: session.refs },
        }))
    }

    /// What is known of who wrote an entry.
    pub(super) async fn info_of_author(&self, scene: &Scene, entry: &Entry) -> Result<Option<Json>, StoreError> {
        match Author::of(entry, &scene.customer).kind {
            AuthorKind::Customer => Ok(scene.customer_info.clone()),
            AuthorKind::Member => self.info_of(&entry.from).await,
            AuthorKind::Backend => Ok(None),
        }
    }

    async fn info_of(&self, user: &UserId) -> Result<Option<Json>, StoreError> {
        Ok(self.support.chat.store.user(user).await?.map(|(info, _)| info))
    }

    /// Makes a call. `id` is the event's.
    pub(super) async fn make(&self, portal: &Portal, step: &Step<'_>, id: &str) -> Made {
        let request = &step.request;
        let at = self.now();
        let outgoing = Outgoing {
            method: request.method.word(),
            url: &request.url,
            headers: &request.headers,
            body: request.body.clone(),
            wants_answer: step.call.reads_answer().then_some(limits::CALL_ANSWER_BYTES),
        };
        let Answered { called, opened, headers } = match self.access.call(portal, id, &outgoing).await {
            Ok(answered) => answered,
            Err(verdict) => {
                let error = Some(format!("call `{}`: {}", step.shown(), verdict.why));
                let (called, headers) = (Called::default(), request.headers.clone());
                return Made { called, verdict, at, error, headers, said: String::new() };
            }
        };
        let verdict = self.judge(step, &called);
        let said = opened.mask(&String::from_utf8_lossy(&called.body));
        let error = (!verdict.is_taken()).then(|| {
            let why = match called.complaint(|said| opened.mask(said)) {
                Some(said) => format!("{}: {said}", verdict.why),
                None => verdict.why.clone(),
            };
            format!("call `{}`: {why}", step.shown())
        });
        let headers = headers.into_iter().map(|(name, value)| (name, opened.mask(&value))).collect();
        Made { called, verdict, at, error, headers, said }
    }

    fn judge(&self, step: &Step<'_>, called: &Called) -> PostVerdict {
        let said = called.status.and_then(|status| step.call.says(status, &called.body));
        let reads = step.call.reads_answer();
        // Without the rest of it nobody knows what it says.
        if reads
            && said.unwrap_or(Class::Down) == Class::Refused
            && let Some(why) = called.unread()
        {
            return PostVerdict::failed(Class::Down, why);
        }
        retry::judge(&called.outcome(), said, self.now())
    }
}

/// The names that the portal's own webhooks about a message have, by what they may call the conversation.
pub(super) fn echoes(told: &Told, picked: &Picked, session: &RoomId) -> Vec<String> {
    let Some(message_id) = &told.message_id else { return vec![] };
    let named = |external: Option<String>, session: Option<String>| {
        let event = mapping::Event { external, session, message_id: Some(message_id.clone()), ..Default::default() };
        event.repeat_key(None)
    };
    let by_session = named(None, Some(session.to_string()));
    picked.external.clone().and_then(|external| named(Some(external), None)).into_iter().chain(by_session).collect()
}

/// A message as the portal has it.
pub(super) fn sent(told: &Told, seq: Seq) -> Option<SentMessage> {
    Some(SentMessage { seq: seq.get(), id: told.message_id.clone()? })
}
