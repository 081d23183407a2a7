//! A webhook of a portal: verified on its raw bytes, then mapped, then stored; answered after the commit.

use super::Portals;
use crate::{
    chat::ChatError,
    features::portals::store::{Incoming, Portal, Received},
};
use hubbub_core::{
    limits,
    log::{
        entry::Place,
        kinds::{Message, Text},
    },
    model::{
        ids::{Invalid, Key, RoomId},
        json::Json,
    },
    portal::{
        PortalId,
        mapping::{Event, Mapped, Unmapped},
        settings::UnknownSession,
        verify::{Signed, Unverified},
    },
};
use std::sync::Arc;
use uuid::Uuid;

/// A webhook as it came.
pub(super) struct Hook<'a> {
    pub signed: Signed<'a>,
    pub content_type: Option<&'a str>,
    /// `webhook-id` or `Idempotency-Key`.
    pub id: Option<&'a str>,
}

/// Why a webhook was not taken. Nothing of it was stored, unless the text says so.
#[derive(Debug, thiserror::Error)]
pub(super) enum HookError {
    #[error("there is no portal of this name")]
    UnknownPortal,
    #[error("{0}")]
    Unverified(#[from] Unverified),
    #[error("{0}")]
    Unmapped(#[from] Unmapped),
    #[error("{0}")]
    Invalid(#[from] Invalid),
    #[error("there is no session {0} of this portal")]
    UnknownSession(String),
    #[error("the log of this session is full")]
    LogFull,
    #[error("temporarily unavailable, send it again")]
    Unavailable,
}

impl From<ChatError> for HookError {
    fn from(_: ChatError) -> Self {
        Self::Unavailable
    }
}

/// What became of a webhook that was taken.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// The answer to a challenge, instead of everything else.
    pub challenge: Option<String>,
    /// Where its messages are, first or now.
    pub messages: Vec<(RoomId, Place)>,
    /// Events that are none of ours.
    pub passed_over: usize,
    /// Events kept for an operator.
    pub quarantined: usize,
}

impl Portals {
    /// A portal of this name.
    pub(super) async fn portal(&self, name: &str) -> Result<Arc<Portal>, HookError> {
        let id = PortalId::parse(name).map_err(|_| HookError::UnknownPortal)?;
        let found = self.directory.one(&id).await;
        found.map_err(|_| HookError::Unavailable)?.ok_or(HookError::UnknownPortal)
    }

    /// Takes a webhook, or says why not; counted either way.
    pub(super) async fn take(&self, portal: &Portal, hook: Hook<'_>) -> Result<Taken, HookError> {
        let taken = self.take_in(portal, hook).await;
        let count = |outcome| self.metrics().portals.received(portal.id.as_str(), outcome);
        match &taken {
            Ok(taken) if taken.challenge.is_some() => count("challenge"),
            Ok(taken) if taken.quarantined > 0 => count("quarantined"),
            Ok(taken) if taken.messages.is_empty() => count("passed_over"),
            Ok(_) => count("stored"),
            Err(HookError::UnknownPortal) => {}
            Err(HookError::Unverified(_)) => count("unverified"),
            Err(HookError::Unmapped(_) | HookError::Invalid(_)) => count("unmapped"),
            Err(HookError::UnknownSession(_)) => count("unknown_session"),
            Err(HookError::LogFull | HookError::Unavailable) => count("failed"),
        }
        taken
    }

    async fn take_in(&self, portal: &Portal, hook: Hook<'_>) -> Result<Taken, HookError> {
        let at = self.now();
        let secrets: Vec<&str> = portal
            .secrets
            .incoming
            .iter()
            .filter(|secret| secret.until.is_none_or(|until| at.0 < until))
            .map(|secret| secret.value.as_str())
            .collect();
        portal.settings.verify.verify(&secrets, &hook.signed, at.0.div_euclid(1_000))?;
        let (events, passed_over) = match portal.settings.mapping.read(hook.content_type, hook.signed.body)? {
            Mapped::Challenge(answer) => return Ok(Taken { challenge: Some(answer), ..Taken::default() }),
            Mapped::Events { events, passed_over } => (events, passed_over),
        };
        let mut taken = Taken { passed_over, ..Taken::default() };
        if events.is_empty() {
            return Ok(taken);
        }
        let several = events.len() > 1;
        let messages = events.iter().enumerate().map(|(n, event)| {
            let id = hook.id.map(|id| if several { format!("{id}#{n}") } else { id.to_owned() });
            self.incoming(portal, event, id.as_deref())
        });
        let messages: Vec<Incoming> = messages.collect::<Result<_, _>>()?;
        let mut unknown = None;
        for (one, event) in self.support.receive(messages).await?.into_iter().zip(&events) {
            match one {
                Received::Stored { .. } | Received::Repeated { .. } => {
                    taken.messages.extend(one.place().map(|(session, place)| (session.clone(), place)));
                }
                Received::Quarantined(_) => taken.quarantined += 1,
                Received::UnknownSession => {
                    let named = event.session.as_ref().or(event.external.as_ref());
                    unknown = unknown.or(named.map(|name| name.chars().take(limits::EXTERNAL_BYTES).collect()));
                }
                Received::LogFull => return Err(HookError::LogFull),
            }
        }
        unknown.map_or(Ok(taken), |named| Err(HookError::UnknownSession(named)))
    }

    fn incoming(&self, portal: &Portal, event: &Event, header_id: Option<&str>) -> Result<Incoming, Invalid> {
        let from = portal.id.agent(event.agent.as_deref());
        let message =
            Message { text: Text::parse(&event.text)?, data: event.data.clone().map(Json::trusted), reply_to: None };
        let id = Uuid::now_v7();
        Ok(Incoming {
            portal: portal.id.clone(),
            session: event.session.clone(),
            external: event.external.clone(),
            event: event.repeat_key(header_id),
            id,
            key: Key::of_id(id),
            from,
            message,
            quarantine: portal.settings.unknown_session == UnknownSession::Quarantine,
        })
    }
}
