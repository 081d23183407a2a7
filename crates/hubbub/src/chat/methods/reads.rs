//! `reads`: how far the members of a small room have read.

use super::{
    Actor, Cost, Doc, Edge, Method, MethodError, NoBody, RestMethod, RestRequest, Route, RpcMethod, Verb,
    pages::{ByQuery, reader},
    rest::ROOM,
    views::{RoomData, room},
};
use crate::chat::{Chat, ChatError};
use hubbub_core::{
    limits::RECEIPTS_MEMBERS,
    model::ids::{Invalid, RoomId},
    people::unread::{Receipt, Receipts},
};
use serde::Serialize;
use utoipa::ToSchema;

/// See the module.
pub struct ListReads;

/// How far somebody has read.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceiptView {
    /// Who.
    user: String,
    /// Up to which entry.
    seq: u64,
    /// When they said so.
    at: String,
}

/// How far the members of a room have read.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadsView {
    /// Those who have said so, by id.
    reads: Vec<ReceiptView>,
}

impl Method for ListReads {
    const NAME: &'static str = "reads";
    const COST: Cost = Cost::Page;
    const DOC: Doc = Doc {
        summary: "How far each member of a room has read, for its members: in rooms of at most 100.",
        example: r#"{"room":"kitchen"}
{"reads":[{"user":"ana","seq":41,"at":"2026-01-31T09:30:00.123Z"},{"user":"ben","seq":38,"at":"2026-01-31T09:12:00.456Z"}]}"#,
        more: "It is the mark of [`read`](#read); who has set none is left out. That somebody has seen what they answered is not said here: their own messages say so. In a larger room: 106.",
    };
    type On = Chat;
    type Request = RoomId;
    type Output = ReadsView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, room: RoomId) -> Result<ReadsView, MethodError> {
        // Before, so that strangers cost no list; and after: who is a member after it was read may see it.
        chat.member_view(by, &room).await?;
        let receipts = chat.store.receipts(&room).await?.ok_or(ChatError::UNKNOWN_ROOM)?;
        chat.member_view(by, &room).await?;
        match receipts {
            Receipts::Of(all) => Ok(ReadsView { reads: all.iter().map(view).collect() }),
            Receipts::TooMany => {
                let why = format!(
                    "room: more than {RECEIPTS_MEMBERS} members; who has read how far is shown in smaller rooms"
                );
                Err(MethodError::Own { code: 106, status: 409, word: "too_many", why: why.into() })
            }
        }
    }
}

fn view(receipt: &Receipt) -> ReceiptView {
    ReceiptView { user: receipt.user.to_string(), seq: receipt.read.get(), at: receipt.at.to_string() }
}

impl RpcMethod for ListReads {
    type Data<'a> = RoomData<'a>;

    fn read(data: RoomData<'_>) -> Result<RoomId, Invalid> {
        room(data.room.as_deref())
    }
}

impl RestMethod for ListReads {
    const ROUTE: Route = Route {
        tag: "messages",
        problems: &[403, 404, 409, 422],
        example: "?by=ana",
        ..Route::new(Verb::Get, "/v1/rooms/{room}/reads", &[ROOM])
    };
    type Path = String;
    type Query = ByQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, RoomId), MethodError> {
        Ok((reader(asked.query.by.as_deref())?, RoomId::parse(&asked.path)?))
    }
}
