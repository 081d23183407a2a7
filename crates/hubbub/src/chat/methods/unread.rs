//! `unread`: in which rooms one has something unread.

use super::{
    Actor, Cost, Doc, Edge, Method, MethodError, NoBody, RestMethod, RestRequest, Route, RpcMethod, Verb,
    rest::USER,
    views::{After, CountedView},
};
use crate::chat::Chat;
use hubbub_core::{
    limits::UNREAD_ROOMS,
    log::checks,
    model::ids::{Invalid, RoomId, UserId},
    people::unread::{UnreadPart, UnreadRoom},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// See the module.
pub struct ListUnread;

/// Which of one's rooms are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadRequest {
    /// Those after this one, by id.
    pub after: Option<RoomId>,
    /// So many.
    pub limit: usize,
}

/// What is unread in a room.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnreadRoomView {
    /// The room.
    room: String,
    /// The last seq.
    head: u64,
    /// How far it was read: the mark.
    read: u64,
    /// Messages that are unread.
    unread: CountedView,
    /// Of these, and of those in threads, which mention the reader.
    mentions: CountedView,
}

/// Some of the rooms in which a user has something unread.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnreadView {
    /// The rooms, by id; those without anything unread are left out.
    rooms: Vec<UnreadRoomView>,
    /// Ask for those `after` this one; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl UnreadView {
    fn new(part: &UnreadPart) -> Self {
        let view = |one: &UnreadRoom| UnreadRoomView {
            room: one.room.to_string(),
            head: one.head.get(),
            read: one.unread.read.get(),
            unread: one.unread.unread.into(),
            mentions: one.unread.mentions.into(),
        };
        Self { rooms: part.rooms.iter().map(view).collect(), next: part.next.as_ref().map(ToString::to_string) }
    }
}

impl Method for ListUnread {
    const NAME: &'static str = "unread";
    const COST: Cost = Cost::Page;
    const DOC: Doc = Doc {
        summary: "In which of one's rooms something is unread, and how much. `rooms` with `unread` says the same along with everything else.",
        example: r#"{"limit":100}
{"rooms":[{"room":"general","head":1720,"read":57,"unread":{"count":999,"more":true},"mentions":{"count":2}}],"next":"general"}"#,
        more: "Read is everything up to the mark that [`read`](#read) sets, up to the entry with which one joined, and up to one's own newest message that the room shows, whichever is furthest: \
who sends has read. **Unread** are messages after that which the room shows and which were not deleted; **mentions** are messages after that, those in threads included, which mention one by name or \
all, as they say now, and which one has not written oneself. Both are counted to 999 and then `more`. No more than the newest 1,000 entries of a room are looked at: where one has read none of them, there is `more` of both, and an own message further back \
is not looked for. Nothing counts that was written before the server knew of marks.

`limit` is how many of one's rooms are looked at, 1 to 1,000, and 100 without: a page looks at no more than 100, whatever is asked for. Those without anything unread are left out. So a page may be empty, and there is another as long as there is `next`.
`read` is the mark, 0 where there is none.",
    };
    type On = Chat;
    type Request = UnreadRequest;
    type Output = UnreadView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, request: UnreadRequest) -> Result<UnreadView, MethodError> {
        Ok(UnreadView::new(&chat.store.unread(&by.user, request.after.as_ref(), request.limit).await?))
    }
}

fn asked(after: Option<&str>, limit: Option<u64>) -> Result<UnreadRequest, Invalid> {
    let after = after.map(|after| RoomId::parse_as("after", after)).transpose()?;
    Ok(UnreadRequest { after, limit: checks::page_limit(limit)?.min(UNREAD_ROOMS) })
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct UnreadData<'a> {
    #[schema(value_type = Option<String>)]
    #[serde(borrow)]
    after: Option<After<'a>>,
    limit: Option<u64>,
}

impl RpcMethod for ListUnread {
    type Data<'a> = UnreadData<'a>;

    fn read(data: UnreadData<'_>) -> Result<UnreadRequest, Invalid> {
        asked(After::name(&data.after)?, data.limit)
    }
}

/// Which rooms are looked at.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UnreadQuery {
    /// Those after this id.
    pub after: Option<String>,
    /// How many are looked at: 1 to 1,000, of which 100 at most; 100 without.
    pub limit: Option<u64>,
}

impl RestMethod for ListUnread {
    const ROUTE: Route = Route {
        tag: "users",
        problems: &[422],
        example: "?limit=100",
        ..Route::new(Verb::Get, "/v1/users/{user}/unread", &[USER])
    };
    type Path = String;
    type Query = UnreadQuery;
    type Body = NoBody;

    fn translate(request: RestRequest<Self>) -> Result<(Actor, UnreadRequest), MethodError> {
        let user = UserId::parse_outsider("user", &request.path)?;
        Ok((Actor::for_user(user), asked(request.query.after.as_deref(), request.query.limit)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::wire::rpc::RawData;

    #[test]
    fn a_hundred_rooms_are_looked_at_where_nobody_says_how_many() {
        let read = |data: &str| ListUnread::read(RawData::from_json(data).read().unwrap());
        assert_eq!(read("{}").unwrap(), UnreadRequest { after: None, limit: 100 });
        assert_eq!(read(r#"{"after":"general","limit":1}"#).unwrap().limit, 1);
        assert_eq!(read(r#"{"limit":1000}"#).unwrap().limit, 100, "a page looks at no more");
        assert_eq!(read(r#"{"after":7}"#).unwrap_err().to_string(), "after: an id is a string");
        assert_eq!(read(r#"{"after":"/"}"#).unwrap_err().to_string().split(':').next(), Some("after"));
        assert_eq!(read(r#"{"limit":0}"#).unwrap_err().to_string(), "limit: 0; it is 1 to 1000");
    }
}
