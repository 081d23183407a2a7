//! `create_room`: makes a room, or finds the one that was made before under this id.
//!
//! A client becomes the room's admin and names further members. The product's backend is in no room; it names all members with
//! their roles.

use super::{
    Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, RpcMethod, Verb,
    members::NewMember, views::RoomView,
};
use crate::{
    chat::{Chat, ChatError},
    store::Room,
};
use hubbub_core::{
    log::checks,
    model::{
        access::{Role, RoomKind, Standing},
        ids::{Invalid, RoomId, UserId},
    },
};
use serde::Deserialize;
use std::borrow::Cow;
use utoipa::ToSchema;
use uuid::Uuid;

/// See the module.
pub struct CreateRoom;

/// A room to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreateRequest {
    /// An open or private room.
    Group {
        /// Its id; one is made where none is named.
        id: Option<RoomId>,
        /// Open or private.
        kind: RoomKind,
        /// For people.
        name: String,
        /// First members, beside a client who creates it.
        members: Vec<(UserId, Role)>,
    },
    /// The one room of two people.
    Direct {
        /// One; the client who asks where none is named.
        one: Option<UserId>,
        /// The other.
        other: UserId,
    },
}

impl Method for CreateRoom {
    const NAME: &'static str = "create_room";
    const DOC: Doc = Doc {
        summary: "Makes a room. Asking again with the same id and kind finds it.",
        example: r#"{"id":"kitchen","kind":"private","name":"Kitchen","members":["ben"]}
{"id":"kitchen","kind":"private","name":"Kitchen","head":2,"floor":1,"epoch":"1a2b3c4d.1","role":"admin"}"#,
        more: r#"`kind` is `open`, `private` or `direct`. Whoever creates a room is its admin, and the `members` (at most 1,000) are members. Each becomes an
entry `joined`. Asking again with the same id and kind finds the room, for its admins; a room of this id that is another's
or of another kind: 409. Without `id` one is made, and asking again makes another room.

A direct room has two people and one room per pair, whoever asks; nobody joins or leaves it: `{"kind":"direct","with":"ben"}`."#,
    };
    type On = Chat;
    type Request = CreateRequest;
    type Output = RoomView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, request: CreateRequest) -> Result<RoomView, MethodError> {
        match request {
            CreateRequest::Group { id, kind, name, members } => {
                let id = match id {
                    Some(id) => id,
                    None => RoomId::parse(&Uuid::now_v7().to_string())?,
                };
                let mut roles = Vec::with_capacity(members.len() + 1);
                if !by.is_backend() {
                    roles.push((by.user.clone(), Role::Admin));
                }
                roles.extend(members.into_iter().filter(|(user, _)| by.is_backend() || *user != by.user));
                let (room, is_new) = chat.make_room(&id, kind, &name, &by.user, &roles).await?;
                if !is_new && (room.kind != kind || !may_find(chat, by, &room).await?) {
                    return Err(ChatError::RoomExists.into());
                }
                let standing = if by.is_backend() { Standing::Stranger } else { Standing::Member(Role::Admin) };
                Ok(RoomView::new(&room, standing).made_just_now(is_new))
            }
            CreateRequest::Direct { one, other } => {
                let room = direct_room(chat, one.as_ref().unwrap_or(&by.user), &other).await?;
                let standing = if by.is_backend() { Standing::Stranger } else { Standing::Member(Role::Member) };
                Ok(RoomView::new(&room, standing))
            }
        }
    }
}

/// Only its admins find a room that was there.
async fn may_find(chat: &Chat, by: &Actor, room: &Room) -> Result<bool, ChatError> {
    Ok(by.is_backend() || chat.is_admin(&room.id, &by.user).await?)
}

/// The one direct room of two people.
async fn direct_room(chat: &Chat, one: &UserId, other: &UserId) -> Result<Room, ChatError> {
    let id = RoomId::direct(one, other);
    let mut people = vec![(one.clone(), Role::Member)];
    if one != other {
        people.push((other.clone(), Role::Member));
    }
    let (room, _) = chat.make_room(&id, RoomKind::Direct, "", one, &people).await?;
    if room.kind == RoomKind::Direct { Ok(room) } else { Err(ChatError::RoomExists) }
}

/// `data` of a call.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct CreateData<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    with: Option<Cow<'a, str>>,
    members: Vec<String>,
}

impl RpcMethod for CreateRoom {
    type Data<'a> = CreateData<'a>;

    fn read(data: CreateData<'_>) -> Result<CreateRequest, Invalid> {
        let kind = RoomKind::parse(data.kind.as_deref().ok_or_else(|| Invalid::missing("kind"))?)?;
        if kind == RoomKind::Direct {
            let with = data.with.as_deref().ok_or_else(|| Invalid::missing("with"))?;
            return Ok(CreateRequest::Direct { one: None, other: UserId::parse_as("with", with)? });
        }
        checks::members_at_once(data.members.len())?;
        let member = |name: &String| Ok((UserId::parse_outsider("members", name)?, Role::Member));
        let members: Vec<_> = data.members.iter().map(member).collect::<Result<_, Invalid>>()?;
        Ok(CreateRequest::Group {
            id: data.id.as_deref().map(RoomId::parse_chosen).transpose()?,
            kind,
            name: checks::room_name(data.name.as_deref().unwrap_or_default())?,
            members,
        })
    }
}

/// A room to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoom {
    /// `[A-Za-z0-9._-]{1,64}`; not for a direct room, whose id follows from its people.
    id: Option<String>,
    /// open, private or direct.
    kind: String,
    /// For people.
    #[serde(default)]
    name: String,
    /// First members: at most 1,000; of a direct room its two people.
    #[serde(default)]
    members: Vec<NewMember>,
}

impl RestMethod for CreateRoom {
    const ROUTE: Route = Route {
        tag: "rooms",
        success: &[201, 200],
        problems: &[409, 422],
        example: r#"{"id":"kitchen","kind":"private","name":"Kitchen","members":[{"user":"ana","role":"admin"}]}"#,
        ..Route::new(Verb::Post, "/v1/rooms", &[])
    };
    type Path = ();
    type Query = NoQuery;
    type Body = JsonBody<NewRoom>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, CreateRequest), MethodError> {
        let JsonBody(new) = asked.body;
        let kind = RoomKind::parse(&new.kind)?;
        checks::members_at_once(new.members.len())?;
        let member = |new: &NewMember| {
            let role = new.role.as_deref().map_or(Ok(Role::Member), Role::parse)?;
            Ok((UserId::parse_outsider("members", &new.user)?, role))
        };
        let members: Vec<_> = new.members.iter().map(member).collect::<Result<_, Invalid>>()?;
        if kind == RoomKind::Direct {
            let [(one, _), (other, _)] = members.as_slice() else {
                return Err(Invalid::new("members", "a direct room has two").into());
            };
            let request = CreateRequest::Direct { one: Some(one.clone()), other: other.clone() };
            return Ok((Actor::backend(), request));
        }
        let id = Some(RoomId::parse_chosen(new.id.as_deref().ok_or_else(|| Invalid::missing("id"))?)?);
        let request = CreateRequest::Group { id, kind, name: checks::room_name(&new.name)?, members };
        Ok((Actor::backend(), request))
    }

    fn status(room: &RoomView) -> u16 {
        if room.is_new { 201 } else { 200 }
    }
}
