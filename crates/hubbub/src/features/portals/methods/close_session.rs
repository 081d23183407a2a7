//! `close_session`: a customer ends a support session.

use super::views::SessionView;
use crate::{
    chat::methods::{
        Actor, Doc, Edge, Method, MethodError, RpcMethod,
        views::{RoomData, room},
    },
    features::portals::support::SupportChat,
};
use hubbub_core::{
    log::kinds::{SessionState, What},
    model::ids::{Invalid, RoomId},
};

/// See the module.
pub struct CloseSession;

impl Method for CloseSession {
    const NAME: &'static str = "close_session";
    const DOC: Doc = Doc {
        summary: "Ends a support session.",
        example: r#"{"room":"order-4711"}
{"id":"order-4711","portal":"desk","customer":"ana","name":"Where is my parcel?","state":"closed","head":9,"epoch":"1a2b3c4d.1","forwarded":8,"delayed":false,"failed":[]}"#,
        more: "Sends are refused with 410 until `open_session`, or an agent's answer, opens it again.",
    };
    type On = SupportChat;
    type Request = RoomId;
    type Output = SessionView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
    }

    async fn run(support: &SupportChat, by: &Actor, id: RoomId) -> Result<SessionView, MethodError> {
        support.chat.append(by, &id, What::State(SessionState::Closed)).await?;
        Ok(SessionView::new(&support.session_for(&by.user, &id).await?))
    }
}

impl RpcMethod for CloseSession {
    type Data<'a> = RoomData<'a>;

    fn read(data: RoomData<'_>) -> Result<RoomId, Invalid> {
        room(data.room.as_deref())
    }
}
