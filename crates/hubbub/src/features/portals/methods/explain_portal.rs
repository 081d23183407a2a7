//! `explain_portal`: what a message would send to a portal, or what a webhook of it would become.

use super::{
    try_portal::TestMessage,
    views::{PORTAL, TrialView},
};
use crate::{
    chat::methods::{Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, Verb},
    features::portals::{
        Portals,
        trial::{Became, TrialWish},
    },
};
use hubbub_core::{
    model::ids::Invalid,
    portal::mapping::{Event, Mapped},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// See the module.
pub struct ExplainPortal;

/// What is to be explained: a message, or a webhook.
#[derive(Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ToExplain {
    /// A message of a session.
    message: Option<TestMessage>,
    /// A webhook of the portal.
    webhook: Option<PastedWebhook>,
}

/// A webhook, as the portal sends it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PastedWebhook {
    /// Its body, as text.
    body: String,
    /// How that is written; application/json without.
    content_type: Option<String>,
}

/// One of the two, checked.
pub enum Explained {
    /// What this would send.
    Message(TrialWish),
    /// What this would become.
    Webhook {
        /// Its body.
        body: String,
        /// How that is written.
        content_type: String,
    },
}

/// What it would send, or would become.
#[derive(Serialize, ToSchema)]
pub struct Explanation {
    /// What the message would send: what no answer has told yet is shown as `picked-NAME`, and searches find nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    outgoing: Option<TrialView>,
    /// What the webhook would become.
    #[serde(skip_serializing_if = "Option::is_none")]
    incoming: Option<IncomingView>,
}

/// What a webhook would become.
#[derive(Serialize, ToSchema)]
pub struct IncomingView {
    /// The answer, where the body is a challenge.
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge: Option<String>,
    /// The messages.
    events: Vec<BecameView>,
    /// Events that the filters pass over.
    passed_over: usize,
}

/// What an event would become.
#[derive(Serialize, ToSchema)]
pub struct BecameView {
    /// What was found.
    event: Event,
    /// Who would write.
    from: String,
    /// The session that it would reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    reaches: Option<String>,
    /// Why it reaches none.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
}

impl BecameView {
    fn new(became: Became) -> Self {
        let Became { event, from, to } = became;
        let (reaches, why) = match to {
            Ok(session) => (Some(session.to_string()), None),
            Err(why) => (None, Some(why)),
        };
        Self { event, from: from.to_string(), reaches, why }
    }
}

impl Method for ExplainPortal {
    const NAME: &'static str = "explain_portal";
    const DOC: Doc = Doc {
        summary: "What a message would send to a portal, or what a webhook of it would become. Nothing is sent and nothing stored.",
        example: "",
        more: "",
    };
    type On = Portals;
    type Request = (String, Explained);
    type Output = Explanation;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(portals: &Portals, _: &Actor, (portal, what): (String, Explained)) -> Result<Explanation, MethodError> {
        match what {
            Explained::Message(wish) => {
                let trial = portals.try_out(&portal, wish, false).await?;
                Ok(Explanation { outgoing: Some(TrialView::new(trial)), incoming: None })
            }
            Explained::Webhook { body, content_type } => {
                let (mapped, became) = portals.foresee(&portal, Some(&content_type), body.as_bytes()).await?;
                let (challenge, passed_over) = match mapped {
                    Mapped::Challenge(answer) => (Some(answer), 0),
                    Mapped::Events { passed_over, .. } => (None, passed_over),
                };
                let events = became.into_iter().map(BecameView::new).collect();
                Ok(Explanation { outgoing: None, incoming: Some(IncomingView { challenge, events, passed_over }) })
            }
        }
    }
}

impl RestMethod for ExplainPortal {
    const ROUTE: Route = Route {
        tag: "portals",
        problems: &[404, 422],
        example: r#"{"message":{"session":"order-4711","text":"Where is my parcel?"}}"#,
        ..Route::new(Verb::Post, "/v1/portals/{portal}/explain", &[PORTAL])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = JsonBody<ToExplain>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, (String, Explained)), MethodError> {
        let JsonBody(ToExplain { message, webhook }) = asked.body;
        let what = match (message, webhook) {
            (Some(message), None) => Explained::Message(message.wish()?),
            (None, Some(PastedWebhook { body, content_type })) => {
                Explained::Webhook { body, content_type: content_type.unwrap_or_else(|| "application/json".into()) }
            }
            _ => return Err(Invalid::new("message", "give a message or a webhook").into()),
        };
        Ok((Actor::backend(), (asked.path, what)))
    }
}
