//! An entry of a portal that has an API of its own: its calls, one after another.

use super::{Delivery, Kept, Posted, UNREADY};
use crate::{
    features::portals::{
        calling::{Made, Scene, echoes, sent},
        store::{DeadLetter, DeliveryStep},
    },
    log::Summary,
};
use hubbub_core::{
    delivery::retry::{Class, PostVerdict},
    log::entry::Entry,
    model::{ids::RoomId, seq::Seq},
    portal::{
        outgoing::{event::Event, walk::Walk},
        webhook::{self, About},
    },
};

/// Messages whose ids at the portal were not noted.
static UNNOTED: Summary = Summary::new("the portal's id of a message was not noted");

impl Delivery<'_> {
    /// Makes the calls of an entry that were not made yet. `letter`: it is a dead letter that is sent again. `None`: somebody else
    /// has the session, or goes on with it later.
    pub(super) async fn call_all(
        &mut self,
        entry: &Entry,
        kind: &str,
        letter: Option<&DeadLetter>,
        about: Option<&About>,
    ) -> Option<Posted> {
        let (portals, portal) = (self.portals, self.portal.clone());
        let scene = match self.scene(entry).await {
            Ok(scene) => scene,
            Err(why) => {
                UNREADY.note_of(self.claim.session.as_str(), || why);
                self.settle(DeliveryStep::Released, Kept::default(), false).await;
                return None;
            }
        };
        let (scene, from_info) = scene;
        let id = webhook::id(&portals.support.chat.store.identity().database, &portal.id, &entry.room, entry.id);
        let event = Event { about, ..scene.event(&portal, &id, kind, entry, from_info.as_ref()) };
        let progress = match letter {
            Some(letter) => letter.progress.clone(),
            None => self.claim.delivery.calls.of(entry.seq.get()).cloned(),
        };
        let is_begun = progress.is_some();
        let base = portal.settings.url.as_deref().unwrap_or_default();
        let mut walk = Walk::new(base, &portal.settings.calls, event, scene.picked.clone(), progress);
        let mut next = walk.next_call();
        loop {
            let step = match next {
                Ok(Some(step)) => step,
                Ok(None) => return Some(Posted::without_call(is_begun, portals.now(), &portals.label)),
                // Nothing is sent: it says nothing about the portal.
                Err(unmade) => {
                    self.lane.unanswered(&self.claim.customer);
                    let verdict = PostVerdict::failed(Class::Refused, unmade.to_string());
                    portals.metrics().portals.attempted(portal.id.as_str(), verdict.class.word());
                    return Some(Posted::unmade(verdict, portals.now(), &portals.label));
                }
            };
            let made = portals.make(&portal, &step, &id).await;
            self.calls += 1;
            if !made.verdict.is_taken() {
                self.lane.answered(&self.claim.customer, &made.verdict, self.claim.delivery.counted, made.called.took);
                portals.metrics().portals.attempted(portal.id.as_str(), made.verdict.class.word());
                return Some(Posted::of(made, Kept::default(), &portals.label));
            }
            let told = walk.made(&step, &made.called.body, &made.called.headers);
            // What an edit has said anew is the message that it is about.
            let of = About::target(&entry.what).unwrap_or(entry.seq);
            let kept = self.kept(&scene, &walk, sent(&told, of));
            self.note_echoes(&entry.room, of, &echoes(&told, walk.picked(), &entry.room)).await;
            next = walk.next_call();
            if let Ok(None) = next {
                self.lane.answered(&self.claim.customer, &made.verdict, self.claim.delivery.counted, made.called.took);
                portals.metrics().portals.attempted(portal.id.as_str(), Class::Taken.word());
                return Some(Posted::of(made, kept, &portals.label));
            }
            // Only what is written is not made again, and only whoever still has the session goes on. What was looked for would be
            // looked for again.
            let gives_way = !step.call.is_search() && self.gives_way();
            if gives_way {
                self.lane.is_long(&self.claim.customer);
            }
            let step =
                DeliveryStep::Called { letter: letter.map(|letter| letter.number), progress: walk.progress().clone() };
            if !self.settle(step, kept, !gives_way).await || gives_way {
                return None;
            }
            if self.lane.is_stopped() || self.is_gone(entry).await {
                self.settle(DeliveryStep::Released, Kept::default(), false).await;
                return None;
            }
        }
    }

    async fn scene(&self, entry: &Entry) -> Result<(Scene, Option<hubbub_core::model::json::Json>), String> {
        let scene = self.portals.scene(&self.claim.session).await.map_err(|error| error.to_string())?;
        let mut scene = scene.ok_or("there is no such session")?;
        if let Some(external) = &self.claim.external {
            scene.picked.external = Some(external.clone());
        }
        let info = self.portals.info_of_author(&scene, entry).await.map_err(|error| error.to_string())?;
        Ok((scene, info))
    }

    /// What is to be kept of what was picked so far.
    fn kept(
        &mut self,
        scene: &Scene,
        walk: &Walk<'_>,
        sent: Option<crate::features::portals::store::SentMessage>,
    ) -> Kept {
        let picked = walk.picked();
        let external = picked.external.clone().filter(|external| self.claim.external.as_ref() != Some(external));
        if external.is_some() {
            self.claim.external.clone_from(&external);
        }
        let refs = (picked.refs != scene.picked.refs).then(|| picked.refs.clone());
        Kept { external, refs, sent: sent.into_iter().collect() }
    }

    async fn note_echoes(&self, session: &RoomId, seq: Seq, events: &[String]) {
        if events.is_empty() {
            return;
        }
        // Lost, the portal's webhook about it is told apart by the mapping's filters alone.
        if let Err(error) = self.portals.support.store.note_echoes(session, seq, events).await {
            UNNOTED.note_of(session.as_str(), || error);
            return;
        }
        self.portals.support.has_arrived(&self.portal.id, events);
    }
}

impl Posted {
    fn of(made: Made, kept: Kept, instance: &str) -> Self {
        let verdict = made.verdict.clone();
        Self { verdict, attempt: made.attempt(instance), kept, is_sent: true }
    }
}
