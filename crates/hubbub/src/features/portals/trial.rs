//! What an operator tries out: what a message would send to a portal, shown or sent.

use super::{
    Portals,
    access::Answered,
    call::Outgoing,
    calling::{Made, Scene},
    error::SupportError,
    store::{Portal, SessionState},
};
use hubbub_core::{
    delivery::{progress::Picked, retry},
    limits,
    log::{
        content::Content,
        entry::Entry,
        kinds::{Deleted, Edited, Message, Text, What},
    },
    model::{
        ids::{Invalid, Key, RoomId, UserId},
        seq::Seq,
    },
    portal::{
        outgoing::{
            event::Event,
            walk::{Step, Walk},
        },
        webhook::{self, About},
    },
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// Characters of an answer that are shown.
const SHOWN: usize = 4_096;
/// What a test message says where nothing else is given.
const TEXT: &str = "A test message from Hubbub.";

/// A message to be tried.
#[derive(Debug, Clone, Default)]
pub struct TrialWish {
    /// In this session; without one in one that there is not.
    pub session: Option<RoomId>,
    /// What it says.
    pub text: Option<String>,
    /// The type of the event.
    pub kind: Option<String>,
}

/// What was sent, or would be.
#[derive(Debug, Clone, Default)]
pub struct Trial {
    /// The calls, in order.
    pub calls: Vec<TriedCall>,
    /// Why there are not more of them.
    pub problem: Option<String>,
}

/// A call that was made, or would be.
#[derive(Debug, Clone, Default)]
pub struct TriedCall {
    /// Its name, with the part where there are several; of the native contract `webhook`.
    pub name: String,
    /// How.
    pub method: &'static str,
    /// Where to.
    pub url: String,
    /// Names and values, without secrets.
    pub headers: BTreeMap<String, String>,
    /// What is said.
    pub body: Option<String>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// The class of what came of it; `None`: it was not made.
    pub class: Option<&'static str>,
    /// How long it took.
    pub took: Duration,
    /// The beginning of the answer, without secrets.
    pub answer: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// What was picked from the answer.
    pub picked: BTreeMap<String, String>,
}

/// The message that an edit or a deletion is about which there is not.
fn imagined_target(entry: &Entry) -> Option<About> {
    let externals = vec!["test-message".to_owned()];
    About::target(&entry.what).map(|seq| About { id: entry.id, seq, externals })
}

impl TriedCall {
    fn of(step: &Step<'_>) -> Self {
        let request = &step.request;
        Self {
            name: step.shown(),
            method: request.method.word(),
            url: request.url.clone(),
            headers: request.headers.iter().cloned().collect(),
            body: request.body.clone(),
            ..Self::default()
        }
    }

    fn made(self, made: Made, picked: &Picked) -> Self {
        let external = picked.external.iter().map(|id| ("external".to_owned(), id.clone()));
        Self {
            headers: made.headers.into_iter().collect(),
            status: made.called.status,
            class: Some(made.verdict.class.word()),
            took: made.called.took,
            answer: made.called.status.map(|_| made.said.chars().take(SHOWN).collect()),
            error: made.error,
            picked: picked.refs.clone().into_iter().chain(external).collect(),
            ..self
        }
    }
}

impl Portals {
    /// What a message would send to a portal; `sends`: it is sent, whatever waits and whoever has paused the portal. Nothing of it
    /// is kept.
    ///
    /// # Errors
    /// Where there is no such portal or session, or the message cannot be.
    pub async fn try_out(&self, portal: &str, wish: TrialWish, sends: bool) -> Result<Trial, SupportError> {
        let portal = self.support.portal(portal).await?;
        let Some(base) = portal.settings.url.as_deref() else {
            return Err(Invalid::new("url", "missing; nothing is sent to this portal").into());
        };
        let (scene, entry, kind) = self.imagined(&portal, &wish).await?;
        let id = format!("test_{}", entry.id.simple());
        if portal.settings.calls.is_empty() {
            return Ok(self.try_native(&portal, base, &scene, &entry, (&id, &kind), sends).await);
        }
        let info = self.info_of_author(&scene, &entry).await?;
        let about = imagined_target(&entry);
        let event = Event { about: about.as_ref(), ..scene.event(&portal, &id, &kind, &entry, info.as_ref()) };
        let mut walk = Walk::new(base, &portal.settings.calls, event, scene.picked.clone(), None);
        let (mut trial, began) = (Trial::default(), Instant::now());
        loop {
            let step = match walk.next_call() {
                Ok(Some(step)) => step,
                Ok(None) => break,
                Err(unmade) => {
                    trial.problem = Some(unmade.to_string());
                    break;
                }
            };
            let shown = TriedCall::of(&step);
            if !sends {
                walk.assumed(&step);
                trial.calls.push(shown);
                continue;
            }
            let left = limits::TRIAL_WITHIN.saturating_sub(began.elapsed());
            let Ok(made) = tokio::time::timeout(left, self.make(&portal, &step, &id)).await else {
                trial.problem = Some(format!("no answer to all calls within {} s", limits::TRIAL_WITHIN.as_secs()));
                trial.calls.push(shown);
                break;
            };
            if !made.verdict.is_taken() {
                trial.problem.clone_from(&made.error);
                trial.calls.push(shown.made(made, &Picked::default()));
                break;
            }
            let told = walk.made(&step, &made.called.body, &made.called.headers);
            trial.calls.push(shown.made(made, &told.picked));
        }
        Ok(trial)
    }

    async fn try_native(
        &self,
        portal: &Portal,
        url: &str,
        scene: &Scene,
        entry: &Entry,
        (id, kind): (&str, &str),
        sends: bool,
    ) -> Trial {
        let body = webhook::body(
            kind,
            entry,
            scene.picked.external.as_deref(),
            &scene.customer,
            imagined_target(entry).as_ref(),
        );
        let mut shown = TriedCall {
            name: "webhook".into(),
            method: "POST",
            url: url.to_owned(),
            headers: BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]),
            body: Some(body.clone()),
            ..TriedCall::default()
        };
        if !sends {
            return Trial { calls: vec![shown], problem: None };
        }
        let headers = [("content-type".to_owned(), "application/json".to_owned())];
        let wants_answer = Some(limits::ANSWER_BYTES);
        let outgoing = Outgoing { method: "POST", url, headers: &headers, body: Some(body), wants_answer };
        let Answered { called, opened, headers } = match self.access.call(portal, id, &outgoing).await {
            Ok(answered) => answered,
            Err(verdict) => return Trial { calls: vec![shown], problem: Some(verdict.why) },
        };
        let verdict = retry::judge(&called.outcome(), None, self.now());
        let said = opened.mask(&String::from_utf8_lossy(&called.body));
        shown.headers = headers.into_iter().map(|(name, value)| (name, opened.mask(&value))).collect();
        shown.status = called.status;
        shown.class = Some(verdict.class.word());
        shown.took = called.took;
        shown.answer = called.status.map(|_| said.chars().take(SHOWN).collect());
        let problem = (!verdict.is_taken()).then(|| verdict.why.clone());
        shown.error.clone_from(&problem);
        Trial { calls: vec![shown], problem }
    }

    /// The event of a message that there is not.
    async fn imagined(&self, portal: &Portal, wish: &TrialWish) -> Result<(Scene, Entry, String), SupportError> {
        let scene = match &wish.session {
            None => None,
            Some(session) => {
                let found = self.support.store.session(session).await?.filter(|found| found.portal == portal.id);
                found.ok_or(SupportError::UnknownSession)?;
                self.scene(session).await?
            }
        };
        let scene = match scene {
            Some(scene) => scene,
            None => Scene {
                session_name: "A test".into(),
                state: SessionState::Open.state(),
                customer: UserId::parse("test-customer")?,
                customer_info: None,
                picked: Picked::default(),
            },
        };
        let kind = wish.kind.as_deref().unwrap_or("message.created");
        let what = match kind {
            "message.created" => {
                let text = Text::parse(wish.text.as_deref().unwrap_or(TEXT))?;
                What::Message(Message::new(text, None, None))
            }
            "message.edited" => {
                let text = Text::parse(wish.text.as_deref().unwrap_or(TEXT))?;
                What::Edited(Edited { target: Seq::new(1), content: Content::text(text) })
            }
            "message.deleted" => What::Deleted(Deleted { target: Seq::new(1), of: None }),
            "session.opened" => What::State(SessionState::Open),
            "session.waiting" => What::State(SessionState::Waiting),
            "session.closed" => What::State(SessionState::Closed),
            _ => {
                let known = "one of message.created, message.edited, message.deleted, session.opened, session.waiting, session.closed";
                return Err(Invalid::new("type", known).into());
            }
        };
        let id = Uuid::now_v7();
        let room = match &wish.session {
            Some(session) => session.clone(),
            None => RoomId::parse("test-session")?,
        };
        let (from, at) = (scene.customer.clone(), self.now());
        let seq = Seq::new(if About::target(&what).is_some() { 2 } else { 1 });
        let entry = Entry { room, seq, id, from, at, key: Key::of_id(id), what };
        Ok((scene, entry, kind.to_owned()))
    }
}
