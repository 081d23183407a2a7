//! `session`: where a support session stands, and how far its portal has got.

use super::views::{SESSION, SessionShown};
use crate::{
    chat::{
        ChatError,
        methods::{
            Actor, Doc, Edge, Method, MethodError, NoBody, NoQuery, RestMethod, RestRequest, Route, RpcMethod, Verb,
            views::{RoomData, room},
        },
    },
    features::portals::{error::SupportError, store::Session, support::SupportChat},
};
use hubbub_core::model::ids::{Invalid, RoomId};

/// See the module.
pub struct ShowSession;

impl Method for ShowSession {
    const NAME: &'static str = "session";
    const DOC: Doc = Doc {
        summary: "A support session as it is now.",
        example: r#"{"room":"order-4711"}
{"id":"order-4711","portal":"desk","customer":"ana","name":"Where is my parcel?","state":"open","head":2,"epoch":"1a2b3c4d.1","forwarded":2,"delayed":false,"failed":[]}"#,
        more: "Ask after each connect; hints may have been lost.",
    };
    type On = SupportChat;
    type Request = RoomId;
    type Output = SessionShown;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(support: &SupportChat, by: &Actor, id: RoomId) -> Result<SessionShown, MethodError> {
        let session =
            if by.is_backend() { shown(support, &id).await? } else { support.session_for(&by.user, &id).await? };
        Ok(SessionShown::new(&session, by))
    }
}

/// A session, for the backend. That there is none is said in another word than that there is no such room.
pub(super) async fn shown(support: &SupportChat, id: &RoomId) -> Result<Session, MethodError> {
    support.session(id).await.map_err(|error| match error {
        ChatError::UNKNOWN_ROOM => SupportError::UnknownSession.into(),
        error => error.into(),
    })
}

impl RpcMethod for ShowSession {
    type Data<'a> = RoomData<'a>;

    fn read(data: RoomData<'_>) -> Result<RoomId, Invalid> {
        room(data.room.as_deref())
    }
}

impl RestMethod for ShowSession {
    const ROUTE: Route =
        Route { tag: "sessions", problems: &[404], ..Route::new(Verb::Get, "/v1/sessions/{session}", &[SESSION]) };
    type Path = String;
    type Query = NoQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, RoomId), MethodError> {
        Ok((Actor::backend(), RoomId::parse_as("session", &asked.path)?))
    }
}
