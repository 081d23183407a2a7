//! `leave`: ends one's own membership of a room.

use super::{
    Actor, Doc, Edge, Method, MethodError, RpcMethod,
    views::{ChangedView, RoomData, room},
};
use crate::chat::{Chat, rooms::MembershipChange};
use hubbub_core::model::ids::{Invalid, RoomId};

/// See the module.
pub struct Leave;

impl Method for Leave {
    const NAME: &'static str = "leave";
    const DOC: Doc = Doc {
        summary: "Leaves a room.",
        example: r#"{"room":"general"}
{"room":"general","seq":59}"#,
        more: "Without `seq` in the answer one was no member.",
    };
    type On = Chat;
    type Request = RoomId;
    type Output = ChangedView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, room: RoomId) -> Result<ChangedView, MethodError> {
        let place = chat.change(by, &room, &by.user, MembershipChange::Remove).await?;
        Ok(ChangedView::new(&room, place))
    }
}

impl RpcMethod for Leave {
    type Data<'a> = RoomData<'a>;

    fn read(data: RoomData<'_>) -> Result<RoomId, Invalid> {
        room(data.room.as_deref())
    }
}
