//! A webhook of a portal: verified on its raw bytes, then mapped, then stored; answered after the commit.

use super::Portals;
use crate::{
    chat::ChatError,
    features::portals::{
        changes::{Changed, Named},
        store::{ExternalRules, Incoming, Portal, Received},
        vault::Field,
    },
};
use hubbub_core::{
    limits,
    log::{
        account,
        content::Content,
        entry::Place,
        kinds::{Message, Text},
    },
    model::{
        access::Refusal,
        ids::{Invalid, Key, RoomId},
        json::Json,
        rate::Allowance,
    },
    portal::{
        PortalId,
        challenge::{Answer, Challenge},
        incoming_change::{Becomes, Idle, IncomingChange},
        intake::{Spans, of_body},
        mapping::{Body, Event, Meaning, Unmapped},
        settings::UnknownSession,
        verify::{Signed, Unverified, is_token},
    },
};
use std::{
    num::NonZeroU32,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};
use uuid::Uuid;

/// So many seconds' worth may come at once.
const BURST: NonZeroU32 = match NonZeroU32::new(account::BURST) {
    Some(seconds) => seconds,
    None => NonZeroU32::MIN,
};

/// A webhook as it came.
pub(super) struct Hook<'a> {
    pub signed: Signed<'a>,
    /// `webhook-id`, `Idempotency-Key`, or the header that the portal's signatures have for it.
    pub id: Option<&'a str>,
    /// Its number, where it was refused before and is taken by an operator's doing.
    pub kept: Option<u64>,
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
    #[error("there is no session {0} of this portal; nothing was stored")]
    UnknownSession(String),
    #[error("several sessions have this conversation of the portal, {0} among them, and its settings refuse to choose")]
    Shared(String),
    #[error("nothing is known of the message that is to change, and as much waits for its message as may be")]
    UnknownMessage,
    #[error("as much is in quarantine as may be, send it again")]
    QuarantineFull,
    #[error("this session is archived, and takes nothing until that is taken back")]
    Archived,
    #[error("the log of this session is full")]
    LogFull,
    #[error("this portal sends its webhooks by POST")]
    NotAsked,
    #[error("this is none of the questions that the portal's settings answer")]
    NoChallenge,
    #[error("this portal sends more than {most} webhooks a second, send it again in {} s", .wait.as_secs() + 1)]
    TooMany { most: u32, wait: Duration },
    #[error("temporarily unavailable, send it again")]
    Locked,
    #[error("temporarily unavailable, send it again")]
    Unavailable,
}

impl HookError {
    /// The status of the answer, and the code in it.
    pub fn answer(&self) -> (u16, &'static str) {
        match self {
            Self::UnknownPortal => (404, "unknown_portal"),
            Self::Unverified(_) => (401, "unverified"),
            Self::Unmapped(unmapped) => (unmapped.status(), "unmapped"),
            Self::Invalid(_) => (422, "invalid"),
            Self::UnknownSession(_) => (404, "unknown_session"),
            Self::UnknownMessage => (404, "unknown_message"),
            Self::Shared(_) => (409, "external_conflict"),
            Self::QuarantineFull => (503, "quarantine_full"),
            Self::Archived => (409, "archived"),
            Self::LogFull => (409, "log_full"),
            Self::TooMany { .. } => (429, "too_many_hooks"),
            Self::NotAsked => (405, "wrong_method"),
            Self::NoChallenge => (404, "unknown_challenge"),
            Self::Locked | Self::Unavailable => (503, "unavailable"),
        }
    }
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
    pub challenge: Option<Answer>,
    /// Where its messages are, first or now.
    pub messages: Vec<(RoomId, Place)>,
    /// Events that are none of ours.
    pub passed_over: usize,
    /// Events kept for an operator.
    pub quarantined: usize,
    /// Edits and deletions that wait for their message.
    pub awaited: usize,
    /// Edits and deletions that change nothing, and never will.
    pub idle: Vec<Idle>,
}

impl Taken {
    fn answered(answer: Answer) -> Self {
        Self { challenge: Some(answer), ..Self::default() }
    }
}

fn texts(secrets: &[String]) -> Vec<&str> {
    secrets.iter().map(String::as_str).collect()
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
        let taken = self.take_in(portal, &hook).await;
        self.count(portal, &taken);
        taken
    }

    /// Answers a question by GET or HEAD, or says why not; counted either way.
    pub(super) fn ask(&self, portal: &Portal, signed: &Signed<'_>) -> Result<Taken, HookError> {
        if !portal.settings.all_challenges().any(|(challenge, _)| challenge.is_asked_by(signed.method)) {
            return Err(HookError::NotAsked);
        }
        let asked = [false, true].into_iter().find_map(|verified| portal.settings.asked(signed, verified));
        let answered = asked.ok_or(HookError::NoChallenge).and_then(|(challenge, body)| {
            let now = self.now();
            let by = challenge.is_verified().then(|| {
                let verify = challenge.verify_by(&portal.settings.verify);
                let secrets = self.opened(portal, Field::Incoming)?;
                Ok::<_, HookError>(verify.verify(&texts(&secrets), signed, now.0.div_euclid(1_000))?)
            });
            self.answer(portal, signed, challenge, body.as_ref(), by.transpose()?)
        });
        self.count(portal, &answered);
        answered
    }

    fn count(&self, portal: &Portal, taken: &Result<Taken, HookError>) {
        let count = |outcome| self.metrics().portals.received(portal.id.as_str(), outcome);
        match taken {
            Ok(taken) if taken.challenge.is_some() => count("challenge"),
            Ok(taken) if taken.quarantined > 0 => count("quarantined"),
            Ok(taken) if taken.awaited > 0 => count("awaited"),
            Ok(taken) if !taken.idle.is_empty() && taken.messages.is_empty() => count("idle"),
            Ok(taken) if taken.messages.is_empty() => count("passed_over"),
            Ok(_) => count("stored"),
            Err(HookError::UnknownPortal | HookError::NotAsked) => {}
            Err(HookError::Unverified(_)) => count("unverified"),
            Err(HookError::Unmapped(_) | HookError::Invalid(_) | HookError::NoChallenge) => count("unmapped"),
            Err(HookError::UnknownSession(_) | HookError::UnknownMessage) => count("unknown_session"),
            Err(HookError::TooMany { .. }) => count("throttled"),
            Err(HookError::Locked) => count("locked"),
            Err(HookError::Shared(_)) => count("conflict"),
            Err(HookError::Archived | HookError::LogFull | HookError::QuarantineFull | HookError::Unavailable) => {
                count("failed")
            }
        }
    }

    /// The secrets that are good now. Where one cannot be opened nobody is told that theirs is wrong: whoever signed may be right,
    /// and is to send it again until we can tell.
    fn opened(&self, portal: &Portal, field: Field) -> Result<Vec<String>, HookError> {
        let secrets = match field {
            Field::Challenge => &portal.secrets.challenge,
            _ => &portal.secrets.incoming,
        };
        self.support.vault.good(&portal.id, field, secrets, self.now()).map_err(|_| HookError::Locked)
    }

    async fn take_in(&self, portal: &Portal, hook: &Hook<'_>) -> Result<Taken, HookError> {
        let (settings, now) = (&portal.settings, self.now());
        if let Some((challenge, body)) = settings.asked(&hook.signed, false) {
            return self.answer(portal, &hook.signed, challenge, body.as_ref(), None);
        }
        let secrets = self.opened(portal, Field::Incoming)?;
        let by = settings.verify.verify(&texts(&secrets), &hook.signed, now.0.div_euclid(1_000))?;
        if let Some((challenge, body)) = settings.asked(&hook.signed, true) {
            return self.answer(portal, &hook.signed, challenge, body.as_ref(), Some(by));
        }
        self.may_come(&portal.id)?;
        let taken = self.take_verified(portal, hook).await;
        taken.inspect_err(|refused| self.keep_refused(portal, hook, refused))
    }

    /// Whether this portal has room for one more that it has signed: strangers take none of it. Nothing is kept of what has none: who
    /// sent it is told when to send it again.
    fn may_come(&self, portal: &PortalId) -> Result<(), HookError> {
        let most = self.support.chat.quota().hooks_per_second;
        let allowed = Allowance { most: most.saturating_mul(BURST), over: Duration::from_secs(u64::from(BURST.get())) };
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = rates.entry(portal.clone()).or_default().take_of(1, allowed, Instant::now());
        taken.map_err(|wait| HookError::TooMany { most: most.get(), wait })
    }

    /// Answers a question, once its token is right. `by`: which of the secrets that are good now has verified it.
    fn answer(
        &self,
        portal: &Portal,
        signed: &Signed<'_>,
        challenge: &Challenge,
        body: Option<&Body>,
        by: Option<usize>,
    ) -> Result<Taken, HookError> {
        if challenge.token.is_some() {
            let said = challenge.token(signed, body).ok().flatten();
            let kept = self.opened(portal, Field::Challenge)?;
            said.filter(|said| is_token(&texts(&kept), said)).ok_or(Unverified::TokenMismatch)?;
        }
        let mut key = None;
        if challenge.is_keyed() {
            // Nothing is made with the secret for who has not signed with it.
            let secrets = self.opened(portal, Field::Incoming)?;
            let secret = by.and_then(|by| secrets.get(by)).ok_or(Unverified::SignatureMismatch)?;
            key = Some(portal.settings.verify.key(secret).ok_or(Unverified::SignatureMismatch)?);
        }
        Ok(Taken::answered(challenge.answer(signed, body, key.as_deref())?))
    }

    /// Takes a webhook that has been verified.
    pub(super) async fn take_verified(&self, portal: &Portal, hook: &Hook<'_>) -> Result<Taken, HookError> {
        let mapped = portal.settings.read(hook.signed.content_type(), hook.signed.body, false)?;
        let mut taken = Taken { passed_over: mapped.passed_over, ..Taken::default() };
        let (messages, changes): (Vec<_>, _) = mapped.events.into_iter().partition(|one| one.means == Meaning::Message);
        // What cannot be is refused before anything is stored.
        let changes = self.changes(portal, hook, &changes)?;
        if !messages.is_empty() {
            self.take_messages(portal, hook, &messages, &mut taken).await?;
        }
        for (change, named) in changes {
            match self.support.change(&change, &named).await? {
                Changed::Stored(session, place) => taken.messages.push((session, place)),
                Changed::Idle(why) => taken.idle.push(why),
                Changed::Awaited => taken.awaited += 1,
                Changed::Full => return Err(HookError::UnknownMessage),
                Changed::UnknownSession => {
                    return Err(HookError::UnknownSession(shown(named.session.as_ref().or(named.external.as_ref()))));
                }
                Changed::Shared(among) => {
                    return Err(HookError::Shared(shown(among.first().map(ToString::to_string).as_ref())));
                }
                Changed::Held(Refusal::Archived) => return Err(HookError::Archived),
                Changed::Held(_) => return Err(HookError::LogFull),
            }
        }
        Ok(taken)
    }

    async fn take_messages(
        &self,
        portal: &Portal,
        hook: &Hook<'_>,
        events: &[Event],
        taken: &mut Taken,
    ) -> Result<(), HookError> {
        let messages = self.messages(portal, hook, events).await?;
        let mut unknown = None;
        for (one, event) in self.support.receive(messages).await?.into_iter().zip(events) {
            match one {
                Received::Stored { .. } | Received::Repeated { .. } => {
                    taken.messages.extend(one.place().map(|(session, place)| (session.clone(), place)));
                }
                Received::Quarantined(_) => taken.quarantined += 1,
                Received::Withheld => {}
                Received::QuarantineFull => return Err(HookError::QuarantineFull),
                Received::Shared(among) => {
                    return Err(HookError::Shared(among.first().map(ToString::to_string).unwrap_or_default()));
                }
                Received::UnknownSession => {
                    unknown = unknown.or_else(|| Some(shown(event.session.as_ref().or(event.external.as_ref()))));
                }
                Received::Archived => return Err(HookError::Archived),
                Received::LogFull => return Err(HookError::LogFull),
            }
        }
        unknown.map_or(Ok(()), |named| Err(HookError::UnknownSession(named)))
    }

    /// The edits and deletions of a webhook, each with what tells repeats of it: an id, or nothing.
    fn changes(
        &self,
        portal: &Portal,
        hook: &Hook<'_>,
        events: &[Event],
    ) -> Result<Vec<(IncomingChange, Named)>, HookError> {
        let mut changes = Vec::with_capacity(events.len());
        for event in events {
            let data = event.data.clone().map(Json::trusted);
            let content = Content { data, ..Content::text(Text::parse(&event.text)?) };
            let Some(becomes) = Becomes::of(event.means, content) else { continue };
            let change = IncomingChange {
                portal: portal.id.clone(),
                targets: event.targets(),
                event: event.repeat_key(hook.id),
                from: portal.id.agent(event.agent.as_deref()),
                becomes,
            };
            let named = Named {
                session: event.session.clone(),
                external: event.external.clone(),
                quarantine: portal.settings.unknown_session == UnknownSession::Quarantine,
                externals: rules(portal),
            };
            changes.push((change, named));
        }
        Ok(changes)
    }

    /// The messages of a webhook, each with what tells repeats of it: an id or, where there are several messages and no id, its
    /// place and the bytes of the webhook, for a day.
    async fn messages(&self, portal: &Portal, hook: &Hook<'_>, events: &[Event]) -> Result<Vec<Incoming>, HookError> {
        let several = events.len() > 1;
        let messages = events.iter().enumerate().map(|(n, event)| {
            let id = hook.id.map(|id| if several { format!("{id}#{n}") } else { id.to_owned() });
            incoming(portal, event, id.as_deref())
        });
        let mut messages: Vec<Incoming> = messages.collect::<Result<_, _>>()?;
        let nameless: Vec<usize> = (0..messages.len()).filter(|n| messages[*n].event.is_none()).collect();
        if let ([message], Some(number)) = (&mut messages[..], hook.kept) {
            // Replayed twice it is one message. No portal's event has such a name.
            message.event.get_or_insert_with(|| format!("r:{number}"));
        }
        if !several || nameless.is_empty() {
            return Ok(messages);
        }
        let spans = Spans::at(self.now());
        let mut name = |span: i64| {
            let place = |n: usize| events[n].index.unwrap_or(n);
            for n in &nameless {
                messages[*n].event = Some(of_body(hook.signed.body, place(*n), span));
            }
            messages.clone()
        };
        // What began yesterday may end today.
        let yesterday: Vec<_> = name(spans.before);
        let nameless: Vec<_> = nameless.iter().filter_map(|n| yesterday.get(*n).cloned()).collect();
        if self.support.has_come(nameless, spans.since).await? {
            return Ok(yesterday);
        }
        Ok(name(spans.now))
    }
}

/// What a webhook calls something, for its answer.
fn shown(named: Option<&String>) -> String {
    named.map(|name| name.chars().take(limits::EXTERNAL_BYTES).collect()).unwrap_or_default()
}

/// What a portal's settings say of its ids.
fn rules(portal: &Portal) -> ExternalRules {
    ExternalRules {
        conflict: portal.settings.external_conflict,
        awaited: portal.settings.answers_tell_external(),
        webhooks_lead: !portal.settings.answers_tell_external(),
        only_asked: false,
    }
}

fn incoming(portal: &Portal, event: &Event, header_id: Option<&str>) -> Result<Incoming, Invalid> {
    let from = portal.id.agent(event.agent.as_deref());
    let message = Message::new(Text::parse(&event.text)?, event.data.clone().map(Json::trusted), None);
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
        externals: rules(portal),
    })
}
