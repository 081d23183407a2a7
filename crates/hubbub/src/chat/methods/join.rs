//! `join`: becomes a member of an open room.

use super::{
    Actor, Doc, Edge, Method, MethodError, RpcMethod,
    views::{ChangedView, RoomData, room},
};
use crate::chat::{Chat, rooms::MembershipChange};
use hubbub_core::model::ids::{Invalid, RoomId};

/// See the module.
pub struct Join;

impl Method for Join {
    const NAME: &'static str = "join";
    const DOC: Doc = Doc {
        summary: "Joins an open room as a member.",
        example: r#"{"room":"general"}
{"room":"general","seq":58}"#,
        more: "Without `seq` in the answer one was a member already. Who was a reader when they left is one again.",
    };
    type On = Chat;
    type Request = RoomId;
    type Output = ChangedView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, room: RoomId) -> Result<ChangedView, MethodError> {
        let place = chat.change(by, &room, &by.user, MembershipChange::Join).await?;
        Ok(ChangedView::new(&room, place))
    }
}

impl RpcMethod for Join {
    type Data<'a> = RoomData<'a>;

    fn read(data: RoomData<'_>) -> Result<RoomId, Invalid> {
        room(data.room.as_deref())
    }
}
