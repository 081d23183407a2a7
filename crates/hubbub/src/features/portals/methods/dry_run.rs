//! `dry_run`: what a body would become if a portal sent it.

use super::views::PORTAL;
use crate::{
    chat::methods::{
        Actor, Doc, Edge, Method, MethodError, NoQuery, RestBody, RestMethod, RestRequest, Route, Verb, rest::Schemas,
    },
    features::portals::support::SupportChat,
};
use bytes::Bytes;
use hubbub_core::{
    limits,
    portal::mapping::{Event, Mapped},
};
use serde::Serialize;
use utoipa::{
    ToSchema,
    openapi::{
        ContentBuilder, ObjectBuilder, Required, Type,
        request_body::{RequestBody, RequestBodyBuilder},
    },
};

/// See the module.
pub struct DryRunBody;

/// The body, as the portal sends it.
pub struct SentBody {
    bytes: Bytes,
    content_type: Option<String>,
}

impl RestBody for SentBody {
    fn read(bytes: Bytes, content_type: Option<&str>) -> Result<Self, MethodError> {
        Ok(Self { bytes, content_type: content_type.map(ToOwned::to_owned) })
    }

    fn describe(_: &mut Schemas) -> Option<RequestBody> {
        let text = ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String))).build();
        let body = RequestBodyBuilder::new().description(Some("The body, as the portal sends it"));
        Some(body.content("text/plain", text).required(Some(Required::True)).build())
    }
}

/// What a body would become.
#[derive(Serialize, ToSchema)]
pub struct DryRun {
    /// The answer, where the body is a challenge.
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge: Option<String>,
    /// The messages.
    events: Vec<DryEvent>,
    /// Events that the filters pass over.
    passed_over: usize,
}

/// What an event would become.
#[derive(Serialize, ToSchema)]
pub struct DryEvent {
    /// What was found.
    #[serde(flatten)]
    event: Event,
    /// Who would write.
    from: String,
    /// What would tell repeats of it, if the webhook's own id does not; absent: nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat_key: Option<String>,
}

impl Method for DryRunBody {
    const NAME: &'static str = "dry_run";
    const DOC: Doc = Doc {
        summary: "What a body would become if the portal sent it, without its signature: nothing is stored. The content type is that of this request.",
        example: "",
        more: "",
    };
    type On = SupportChat;
    type Request = (String, SentBody);
    type Output = DryRun;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(support: &SupportChat, _: &Actor, (portal, body): (String, SentBody)) -> Result<DryRun, MethodError> {
        if body.bytes.len() > limits::HOOK_BYTES {
            return Err(MethodError::too_large(limits::HOOK_BYTES));
        }
        let (portal, mapped) = support.dry_run(&portal, body.content_type.as_deref(), &body.bytes).await?;
        Ok(match mapped {
            Mapped::Challenge(answer) => DryRun { challenge: Some(answer), events: vec![], passed_over: 0 },
            Mapped::Events { events, passed_over } => {
                let show = |event: Event| DryEvent {
                    from: portal.id.agent(event.agent.as_deref()).to_string(),
                    repeat_key: event.repeat_key(None),
                    event,
                };
                DryRun { challenge: None, events: events.into_iter().map(show).collect(), passed_over }
            }
        })
    }
}

impl RestMethod for DryRunBody {
    const ROUTE: Route = Route {
        tag: "portals",
        problems: &[404, 422],
        ..Route::new(Verb::Post, "/v1/portals/{portal}/dry-run", &[PORTAL])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = SentBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, (String, SentBody)), MethodError> {
        Ok((Actor::backend(), (asked.path, asked.body)))
    }
}
