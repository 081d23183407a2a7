//! `replay_refused`: takes a refused webhook after all.

use super::views::PORTAL;
use crate::{
    chat::methods::{
        Actor, Doc, Edge, Method, MethodError, NoBody, NoQuery, RestMethod, RestRequest, Route, Verb, rest::PathParam,
        send::SentView,
    },
    features::portals::{
        Portals,
        refused::{Outcome, Replayed},
    },
};
use hubbub_core::limits;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// See the module.
pub struct ReplayRefused;

/// What became of a refused webhook that was replayed.
#[derive(Serialize, ToSchema, Default)]
pub struct ReplayedView {
    /// Its number.
    number: u64,
    /// taken: it is kept no more; refused: again, and it stays; undecided: the store did not answer, for example, and it stays as it
    /// was.
    pub(super) outcome: &'static str,
    /// Where its messages are, first or now.
    messages: Vec<SentView>,
    /// Events in it that are none of ours.
    passed_over: usize,
    /// Events in it that are in quarantine now.
    quarantined: usize,
    /// How it would have been answered: the status, where it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The code in the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Why it was not taken, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl ReplayedView {
    pub(in crate::features::portals) fn new(replayed: Replayed) -> Self {
        let view = Self { number: replayed.number, ..Self::default() };
        match replayed.outcome {
            Outcome::Taken(taken) => Self {
                outcome: "taken",
                messages: taken.messages.iter().map(|(session, place)| SentView::new(session, *place)).collect(),
                passed_over: taken.passed_over,
                quarantined: taken.quarantined,
                ..view
            },
            Outcome::Refused(verdict) => Self {
                outcome: "refused",
                status: Some(verdict.status),
                code: Some(verdict.code),
                why: Some(verdict.why),
                ..view
            },
            Outcome::Undecided(why) => Self { outcome: "undecided", why: Some(why), ..view },
        }
    }
}

impl Method for ReplayRefused {
    const NAME: &'static str = "replay_refused";
    const DOC: Doc = Doc {
        summary: "Takes a refused webhook as if it had just come, by the portal's settings as they are now, and says what became of it: what is taken is kept no more.",
        example: "",
        more: "",
    };
    const PATIENCE: Duration = limits::REQUEST_PATIENCE.saturating_mul(3);
    type On = Portals;
    type Request = (String, u64);
    type Output = ReplayedView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(portals: &Portals, _: &Actor, (portal, number): (String, u64)) -> Result<ReplayedView, MethodError> {
        let portal = portals.support.portal(&portal).await?;
        Ok(ReplayedView::new(portals.replay_refused(&portal, number).await?))
    }
}

impl RestMethod for ReplayRefused {
    const ROUTE: Route = Route {
        audited: true,
        tag: "portals",
        problems: &[404],
        ..Route::new(
            Verb::Post,
            "/v1/portals/{portal}/refused/{number}/replay",
            &[PORTAL, PathParam::number("number", "The refused webhook's number", "17")],
        )
    };
    type Path = (String, u64);
    type Query = NoQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, (String, u64)), MethodError> {
        Ok((Actor::backend(), asked.path))
    }
}
