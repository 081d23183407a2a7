//! `audit`: what was done outside of any room's log, and by whom.

use super::{Actor, Doc, Edge, Method, MethodError, NoBody, RestMethod, RestRequest, Route, Verb};
use crate::{
    chat::Chat,
    store::audit::{AuditFilter, AuditedAct},
};
use hubbub_core::{
    log::checks,
    model::ids::{Invalid, UserId},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// See the module.
pub struct Audit;

/// Something that was done, or refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActView {
    /// Its number.
    number: u64,
    /// When it was asked for.
    at: String,
    /// By whom: `hubbub:api` is the product's backend.
    actor: String,
    /// The method.
    act: String,
    /// The path of the request, or that of the same thing.
    subject: String,
    /// `done`, or the code of the refusal; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
}

impl ActView {
    fn new(act: &AuditedAct) -> Self {
        Self {
            number: act.number,
            at: act.at.to_string(),
            actor: act.actor.to_string(),
            act: act.act.clone(),
            subject: act.subject.clone(),
            outcome: act.outcome.clone(),
        }
    }
}

/// Some of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditPage {
    /// The newest first.
    acts: Vec<ActView>,
    /// Ask for those `before` this one; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

impl Method for Audit {
    const NAME: &'static str = "audit";
    const DOC: Doc = Doc {
        summary: "What was done outside of any room's log in the last 90 days, and by whom; the newest first.",
        example: "",
        more: "Rooms deleted, users logged out, portals, secrets and what was refused, in quarantine or given up on, reports settled. What happens within a room is an entry of its log.",
    };
    type On = Chat;
    type Request = (AuditFilter, usize);
    type Output = AuditPage;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, _: &Actor, (filter, limit): Self::Request) -> Result<AuditPage, MethodError> {
        let part = chat.store.acts(&filter, limit).await?;
        let next = part.items.last().filter(|_| part.more).map(|act| act.number);
        Ok(AuditPage { acts: part.items.iter().map(ActView::new).collect(), next })
    }
}

/// Which of them.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Those before this number.
    before: Option<u64>,
    /// By this user; `hubbub:api` is the product's backend.
    actor: Option<String>,
    /// Of this method.
    act: Option<String>,
    /// Whose path begins so: `/v1/portals/desk`.
    subject: Option<String>,
    /// 1 to 1,000; 100 without.
    limit: Option<u64>,
}

fn text(field: &'static str, text: Option<String>) -> Result<Option<String>, Invalid> {
    match &text {
        Some(given) if given.contains('\0') => Err(Invalid::new(field, "the character U+0000 is not allowed")),
        _ => Ok(text),
    }
}

impl RestMethod for Audit {
    const ROUTE: Route = Route {
        tag: "audit",
        problems: &[422],
        example: "?subject=/v1/portals/desk",
        ..Route::new(Verb::Get, "/v1/audit", &[])
    };
    type Path = ();
    type Query = AuditQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Self::Request), MethodError> {
        let AuditQuery { before, actor, act, subject, limit } = asked.query;
        let actor = actor.map(|actor| UserId::parse_as("actor", &actor)).transpose()?;
        let filter = AuditFilter { before, actor, act: text("act", act)?, subject: text("subject", subject)? };
        Ok((Actor::backend(), (filter, checks::page_limit(limit)?)))
    }
}
