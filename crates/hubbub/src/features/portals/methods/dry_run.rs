//! `dry_run`: what a body would become if a portal sent it.

use super::views::PORTAL;
use crate::{
    chat::methods::{
        Actor, Doc, Edge, Method, MethodError, RestBody, RestMethod, RestRequest, Route, Verb, rest::Schemas,
    },
    features::portals::{administration::DryRun, support::SupportChat},
};
use bytes::Bytes;
use hubbub_core::{
    limits,
    model::ids::Invalid,
    portal::{
        challenge::Answer,
        mapping::{Event, Refusal},
        verify::Signed,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, ToSchema,
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

/// How it would be sent.
#[derive(Deserialize, IntoParams, Default)]
#[serde(deny_unknown_fields)]
pub struct SentHow {
    /// GET or HEAD, for a challenge that is asked so; POST without it.
    method: Option<String>,
    /// What would stand behind `?` in the URL that the portal calls, encoded as one value.
    query: Option<String>,
}

/// A request that is tried out.
pub struct DryRequest {
    portal: String,
    how: SentHow,
    body: SentBody,
}

/// What a body would become.
#[derive(Serialize, ToSchema, Default)]
pub struct DryRunView {
    /// The answer, where it is a challenge; what is made with the secret is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge: Option<String>,
    /// Whether the challenge has the right token, where it must have one: without it it is answered 401.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_is_right: Option<bool>,
    /// Whether the challenge is answered only once it is verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_verified_first: Option<bool>,
    /// The messages.
    events: Vec<DryEvent>,
    /// Events that the filters pass over.
    passed_over: usize,
    /// Which filter of which mapping refuses what.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refusals: Vec<Refusal>,
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
        summary: "What a body would become if the portal sent it, without its signature: nothing is stored. The content type is that of this request. It says which mapping takes each event, which filter refuses one, and what a challenge is answered with.",
        example: "",
        more: "",
    };
    type On = SupportChat;
    type Request = DryRequest;
    type Output = DryRunView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(support: &SupportChat, _: &Actor, request: DryRequest) -> Result<DryRunView, MethodError> {
        let DryRequest { portal, how, body } = request;
        if body.bytes.len() > limits::HOOK_BYTES {
            return Err(MethodError::too_large(limits::HOOK_BYTES));
        }
        let method = match how.method.as_deref().map(str::to_ascii_uppercase).as_deref() {
            None | Some("POST") => "POST",
            Some("GET") => "GET",
            Some("HEAD") => "HEAD",
            Some(_) => return Err(Invalid::new("method", "one of POST, GET, HEAD").into()),
        };
        let content_type = body.content_type.as_deref().map(str::as_bytes);
        let headers = move |name: &str| content_type.filter(|_| name == "content-type");
        let (url, query, body) = (None, how.query.as_deref(), &body.bytes[..]);
        let request = Signed { method, url, query, headers: &headers, body, path_secret: None };
        let (portal, found) = support.dry_run(&portal, &request).await?;
        let mapped = match found {
            DryRun::Challenge { answer, token, verified } => {
                let challenge = match answer {
                    Answer::Nothing => String::new(),
                    Answer::Text(text) | Answer::Json(text) => text,
                };
                let (challenge, is_verified_first) = (Some(challenge), Some(verified));
                return Ok(DryRunView { challenge, token_is_right: token, is_verified_first, ..DryRunView::default() });
            }
            DryRun::Nothing => return Err(MethodError::new(404, "unknown_challenge", NO_CHALLENGE)),
            DryRun::Events(mapped) => mapped,
        };
        let show = |event: Event| DryEvent {
            from: portal.id.agent(event.agent.as_deref()).to_string(),
            repeat_key: event.repeat_key(None),
            event,
        };
        Ok(DryRunView {
            events: mapped.events.into_iter().map(show).collect(),
            passed_over: mapped.passed_over,
            refusals: mapped.refusals,
            ..DryRunView::default()
        })
    }
}

const NO_CHALLENGE: &str = "this is none of the questions that the portal's settings answer";

impl RestMethod for DryRunBody {
    const ROUTE: Route = Route {
        tag: "portals",
        problems: &[404, 422],
        ..Route::new(Verb::Post, "/v1/portals/{portal}/dry-run", &[PORTAL])
    };
    type Path = String;
    type Query = SentHow;
    type Body = SentBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, DryRequest), MethodError> {
        Ok((Actor::backend(), DryRequest { portal: asked.path, how: asked.query, body: asked.body }))
    }
}
