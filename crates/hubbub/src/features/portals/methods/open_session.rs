//! `open_session`: a support session with a portal, new or as it was left.

use super::views::SessionShown;
use crate::{
    chat::methods::{
        Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, RpcMethod, Verb,
    },
    features::portals::{
        sessions::{SessionError, Wish},
        support::SupportChat,
    },
};
use hubbub_core::{
    limits,
    log::checks,
    model::ids::{Invalid, RoomId, UserId},
    portal::{PortalId, session::default_session},
};
use serde::Deserialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// See the module.
pub struct OpenSession;

/// A session to be opened, or resumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRequest {
    /// The portal.
    pub portal: PortalId,
    /// The customer; a client who asks is the customer.
    pub customer: Option<UserId>,
    /// The session's id; without one it is the customer's one session with the portal.
    pub id: Option<RoomId>,
    /// For people.
    pub name: String,
    /// The portal's own id of the conversation, where it is known.
    pub external: Option<String>,
    /// Others who read and write, beside the customer.
    pub members: Vec<UserId>,
}

impl Method for OpenSession {
    const NAME: &'static str = "open_session";
    const DOC: Doc = Doc {
        summary: "A support session with a portal: new, or as it was left. A closed one is opened again.",
        example: r#"{"portal":"desk","id":"order-4711","name":"Where is my parcel?"}
{"id":"u.9a07…","portal":"desk","customer":"ana","name":"Where is my parcel?","state":"open","head":2,"epoch":"1a2b3c4d.1","forwarded":2,"delayed":false,"failed":[]}"#,
        more: "Without `id` it is the one session of this customer with the portal, the same each time. The session is a private room: subscribe to
`room:<id>`, `send` into it, page through it.

What a customer gives as `id` is the id of one of their sessions with the portal, which is resumed, or else a name of their own, as in
`create_room`: the session's id is made of customer, portal and name, and is in the answer. Over REST `id` is the id, and one that is
another customer's, another portal's or an ordinary room: 409. The
portal may leave the opening to the product's backend: 107. A customer who has left their session is a member again; one whom somebody
else has removed is not let in, until they are added again: 102. At most 100 sessions of a customer with a portal: 106.

`forwarded` is the last seq that the portal has (or that was not for it); `delayed`: what follows was not taken at the first try and is
tried again; `failed`: the entries that were given up on. [Hints](#hints) say each change of it. `external`, once it is known, is the
portal's own id of the conversation.",
    };
    type On = SupportChat;
    type Request = OpenRequest;
    type Output = SessionShown;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(support: &SupportChat, by: &Actor, request: OpenRequest) -> Result<SessionShown, MethodError> {
        let customer = request.customer.unwrap_or_else(|| by.user.clone());
        let (id, most) = if by.is_backend() {
            if let Some(id) = request.id.as_ref().filter(|id| **id != default_session(&request.portal, &customer))
                && let Err(made_here) = id.check_chosen()
                && support.store.session(id).await?.is_none()
            {
                return Err(made_here.into());
            }
            (request.id, None)
        } else {
            let portals = support.store.portals().await?;
            let portal = portals.iter().find(|portal| portal.id == request.portal);
            if !portal.ok_or(SessionError::UnknownPortal)?.settings.customers_open {
                return Err(SessionError::NotByCustomers.into());
            }
            let id = match request.id {
                Some(name) => Some(support.named(&customer, &request.portal, name).await?),
                None => None,
            };
            (id, Some(limits::SESSIONS_PER_CUSTOMER))
        };
        let wish = Wish {
            portal: request.portal,
            customer,
            id,
            name: request.name,
            external: request.external,
            members: request.members,
            most,
        };
        let opened = support.open_session(by, wish).await?;
        Ok(SessionShown::new(&opened.session, by).opened(&opened))
    }
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct OpenData<'a> {
    #[serde(borrow)]
    portal: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
}

impl RpcMethod for OpenSession {
    type Data<'a> = OpenData<'a>;

    fn read(data: OpenData<'_>) -> Result<OpenRequest, Invalid> {
        Ok(OpenRequest {
            portal: PortalId::parse(data.portal.as_deref().ok_or_else(|| Invalid::missing("portal"))?)?,
            customer: None,
            id: data.id.as_deref().map(RoomId::parse_resumed).transpose()?,
            name: checks::room_name(data.name.as_deref().unwrap_or_default())?,
            external: None,
            members: Vec::new(),
        })
    }
}

/// A session to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSession {
    /// The portal whose agents answer.
    portal: String,
    /// The customer's user id.
    customer: String,
    /// `[A-Za-z0-9._-]{1,64}`, also the room's id; without one it is the customer's one session with the portal.
    id: Option<String>,
    /// For people.
    #[serde(default)]
    name: String,
    /// The portal's own id of the conversation, where it is known already: at most 256 bytes. It goes out from now on, also from a
    /// session that had another one; `external_outcome` says what became of it. Where another session has it and the portal's
    /// settings refuse that: 409.
    external: Option<String>,
    /// Others of yours who read and write there: at most 1,000.
    #[serde(default)]
    members: Vec<String>,
}

impl RestMethod for OpenSession {
    const ROUTE: Route = Route {
        tag: "sessions",
        success: &[201, 200],
        problems: &[404, 409, 410, 422],
        example: r#"{"portal":"desk","customer":"ana","id":"order-4711"}"#,
        ..Route::new(Verb::Post, "/v1/sessions", &[])
    };
    type Path = ();
    type Query = NoQuery;
    type Body = JsonBody<NewSession>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, OpenRequest), MethodError> {
        let JsonBody(new) = asked.body;
        checks::members_at_once(new.members.len())?;
        let members = new.members.iter().map(|member| UserId::parse_outsider("members", member));
        let request = OpenRequest {
            portal: PortalId::parse(&new.portal)?,
            customer: Some(UserId::parse_outsider("customer", &new.customer)?),
            id: new.id.as_deref().map(RoomId::parse_resumed).transpose()?,
            name: checks::room_name(&new.name)?,
            external: new.external.as_deref().map(external).transpose()?,
            members: members.collect::<Result<_, _>>()?,
        };
        Ok((Actor::backend(), request))
    }

    fn status(session: &SessionShown) -> u16 {
        if session.is_new { 201 } else { 200 }
    }
}

fn external(id: &str) -> Result<String, Invalid> {
    match id.len() {
        0 => Err(Invalid::new("external", "empty")),
        bytes if bytes > limits::EXTERNAL_BYTES => Err(Invalid::too_long("external", bytes, limits::EXTERNAL_BYTES)),
        _ if id.contains('\0') => Err(Invalid::new("external", "the character U+0000 is not allowed")),
        _ => Ok(id.to_owned()),
    }
}
