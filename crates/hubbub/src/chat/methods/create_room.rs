//! `create_room`: makes a room, or finds the one that was made before under this id.
//!
//! A client becomes the room's admin and names further members. The product's backend is in no room; it names all members with
//! their roles.

use super::{
    Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, RpcMethod, Verb,
    members::NewMember, rest::room_kind, views::RoomView,
};
use crate::{
    chat::{Chat, ChatError, names::may_find},
    store::{Room, View},
};
use hubbub_core::{
    limits::ROOMS_AGAIN,
    log::{account::Use, checks},
    model::{
        access::{Refusal, Role, RoomKind, Standing},
        ids::{Invalid, RoomId, UserId},
    },
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeSet};
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
    /// The one room of a set of people: whom it names, and the client who asks.
    Direct(BTreeSet<UserId>),
}

impl Method for CreateRoom {
    const NAME: &'static str = "create_room";
    const DOC: Doc = Doc {
        summary: "Makes a room. Asking again with the same id and kind finds it.",
        example: r#"{"id":"kitchen","kind":"private","name":"Kitchen","members":["ben"]}
{"id":"u.3f1c…","kind":"private","name":"Kitchen","head":2,"floor":1,"epoch":"1a2b3c4d.1","role":"admin"}"#,
        more: r#"`kind` is `open`, `private` or `direct`. Whoever creates a room is its admin, and the `members` (at most 1,000) are members. Each becomes an
entry `joined`.

**What a client gives as `id` is a name of its own**: the room's id is made of the user and the name, and is in the answer; use that
one in everything else, and tell it to others. Asking again with the same name (or with that id) and kind finds the room, for its admin. Nobody
else can take the name, and nothing is told of rooms of others. Of another kind, or no longer an admin: 409. Without `id` asking
again makes another room. An operator may leave the making to the product's backend (`client-rooms = false`): 103.

Over REST `id` is the id. A room of this id that is of another kind, or that a client made by it in an earlier version: 409.

A direct room is the one room of its people, whoever of them asks; nobody joins or leaves it: `{"kind":"direct","with":"ben"}`, or, with several,
`{"kind":"direct","with":["ben","cem"]}`, at most 20 people with whoever asks. Where theirs was deleted it is another room."#,
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
            CreateRequest::Group { id, kind, name, members } if by.is_backend() => {
                let id = id.ok_or_else(|| Invalid::missing("id"))?;
                let (room, is_new) = chat.make_room(&id, kind, &name, &by.user, &members).await?;
                // What a client made before is nothing for the backend to put its people into.
                if !is_new && (room.kind != kind || chat.maker(&id).await?.is_some()) {
                    return Err(ChatError::RoomExists.into());
                }
                Ok(RoomView::new(&room, Standing::Stranger).made_just_now(is_new))
            }
            CreateRequest::Group { id: name, kind, name: title, members } => {
                let (id, found) = match name {
                    Some(name) => chat.named(&by.user, &name).await?,
                    None => (RoomId::parse(&Uuid::now_v7().to_string())?, None),
                };
                if let Some(view) = found {
                    return own_room(&view, kind);
                }
                may_make(chat)?;
                let others = members.into_iter().filter(|(user, _)| *user != by.user);
                let roles: Vec<_> = std::iter::once((by.user.clone(), Role::Admin)).chain(others).collect();
                chat.charge(by, &[Use::Room, Use::People(roles.len() as u32 - 1)])?;
                let (room, is_new) = chat.make_room(&id, kind, &title, &by.user, &roles).await?;
                if is_new {
                    return Ok(RoomView::new(&room, Standing::Member(Role::Admin)).made_just_now(true));
                }
                // Another of her devices was first.
                own_room(&chat.view(&by.user, &id).await?, kind)
            }
            CreateRequest::Direct(mut people) => {
                if !by.is_backend() {
                    people.insert(by.user.clone());
                }
                checks::direct_people(people.len())?;
                let (room, is_new) = direct_room(chat, by, &people).await?;
                let standing = if by.is_backend() { Standing::Stranger } else { Standing::Member(Role::Member) };
                Ok(RoomView::new(&room, standing).made_just_now(is_new))
            }
        }
    }
}

/// The room that somebody made before by this name, where it is still theirs and of this kind.
fn own_room(view: &View, kind: RoomKind) -> Result<RoomView, MethodError> {
    view.is_there()?;
    if !may_find(view, kind) {
        return Err(ChatError::RoomExists.into());
    }
    Ok(RoomView::new(&view.room, view.standing))
}

/// Whether clients make rooms here.
fn may_make(chat: &Chat) -> Result<(), MethodError> {
    if chat.quota().client_rooms {
        return Ok(());
    }
    let (code, status, word) = (103, 403, "not_by_clients");
    Err(MethodError::Own { code, status, word, why: "rooms are made by the product's backend".into() })
}

/// The one direct room of these people, and whether it was not there before. Its id follows from them, so that nobody else can be there first.
async fn direct_room(chat: &Chat, by: &Actor, people: &BTreeSet<UserId>) -> Result<(Room, bool), MethodError> {
    let first = RoomId::direct_of(people);
    let mut is_charged = !by.is_client();
    for deleted in 0..ROOMS_AGAIN {
        let id = first.after_deletions(deleted);
        // Looked at before anything is written: those that were deleted cost a look each.
        match chat.see(&by.user, &id).await? {
            Some(view) if view.is_there().is_err() => continue,
            Some(view) if by.is_client() => return Ok((view.room, false)),
            None if by.is_client() => may_make(chat)?,
            _ => {}
        }
        if !std::mem::replace(&mut is_charged, true) {
            chat.charge(by, &[Use::Room, Use::People(people.len() as u32 - 1)])?;
        }
        let roles: Vec<_> = people.iter().map(|user| (user.clone(), Role::Member)).collect();
        let maker = if by.is_backend() { roles.first().map_or(&by.user, |(user, _)| user) } else { &by.user };
        let (mut room, is_new) = match chat.make_room(&id, RoomKind::Direct, "", maker, &roles).await {
            Err(ChatError::Refused(Refusal::RoomDeleted)) => continue,
            made => made?,
        };
        if !is_new && !by.is_backend() {
            // As she sees it: she may read from elsewhere on than the backend.
            room = chat.view(&by.user, &id).await?.room;
        }
        return if room.kind == RoomKind::Direct { Ok((room, is_new)) } else { Err(ChatError::RoomExists.into()) };
    }
    Err(Refusal::RoomDeleted.into())
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct CreateData<'a> {
    /// What the room is to be called by; the server makes an id of it. Not for direct rooms.
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[schema(schema_with = room_kind)]
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
    /// For people. Not for direct rooms.
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    /// The other people of a direct room.
    #[serde(borrow)]
    with: Option<With<'a>>,
    /// Who else is a member of it from the beginning.
    members: Vec<String>,
}

/// One or several.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(untagged, expecting = "a user, or a list of users")]
enum With<'a> {
    One(#[serde(borrow)] Cow<'a, str>),
    Many(Vec<String>),
}

impl With<'_> {
    fn names(&self) -> Vec<&str> {
        match self {
            Self::One(name) => vec![name],
            Self::Many(names) => names.iter().map(String::as_str).collect(),
        }
    }
}

impl RpcMethod for CreateRoom {
    type Data<'a> = CreateData<'a>;

    fn read(data: CreateData<'_>) -> Result<CreateRequest, Invalid> {
        let kind = RoomKind::parse(data.kind.as_deref().ok_or_else(|| Invalid::missing("kind"))?)?;
        if kind == RoomKind::Direct {
            let people = data.with.as_ref().ok_or_else(|| Invalid::missing("with"))?.names();
            if people.is_empty() {
                return Err(Invalid::new("with", "names nobody"));
            }
            checks::direct_people(people.len())?;
            let people = people.into_iter().map(|name| UserId::parse_outsider("with", name));
            return Ok(CreateRequest::Direct(people.collect::<Result<_, _>>()?));
        }
        checks::members_at_once(data.members.len())?;
        let member = |name: &String| Ok((UserId::parse_outsider("members", name)?, Role::Member));
        let members: Vec<_> = data.members.iter().map(member).collect::<Result<_, Invalid>>()?;
        Ok(CreateRequest::Group {
            id: data.id.as_deref().map(RoomId::parse_name).transpose()?,
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
    /// What kind of room.
    #[schema(schema_with = room_kind, required = true)]
    kind: String,
    /// For people.
    #[serde(default)]
    name: String,
    /// First members: at most 1,000; of a direct room its people: 2 to 20.
    #[serde(default)]
    members: Vec<NewMember>,
}

impl NewRoom {
    /// What is asked, checked.
    ///
    /// # Errors
    /// Names the field, and the limit where there is one.
    pub(super) fn request(&self) -> Result<CreateRequest, Invalid> {
        let kind = RoomKind::parse(&self.kind)?;
        checks::members_at_once(self.members.len())?;
        let member = |new: &NewMember| {
            let role = new.role.as_deref().map_or(Ok(Role::Member), Role::parse)?;
            Ok((UserId::parse_outsider("members", &new.user)?, role))
        };
        let members: Vec<_> = self.members.iter().map(member).collect::<Result<_, Invalid>>()?;
        if kind == RoomKind::Direct {
            if members.len() < 2 {
                return Err(Invalid::new("members", "a direct room has two, or more"));
            }
            checks::direct_people(members.len())?;
            return Ok(CreateRequest::Direct(members.into_iter().map(|(user, _)| user).collect()));
        }
        let id = Some(RoomId::parse_chosen(self.id.as_deref().ok_or_else(|| Invalid::missing("id"))?)?);
        Ok(CreateRequest::Group { id, kind, name: checks::room_name(&self.name)?, members })
    }
}

impl RestMethod for CreateRoom {
    const ROUTE: Route = Route {
        tag: "rooms",
        success: &[201, 200],
        problems: &[409, 410, 422],
        example: r#"{"id":"kitchen","kind":"private","name":"Kitchen","members":[{"user":"ana","role":"admin"}]}"#,
        ..Route::new(Verb::Post, "/v1/rooms", &[])
    };
    type Path = ();
    type Query = NoQuery;
    type Body = JsonBody<NewRoom>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, CreateRequest), MethodError> {
        let JsonBody(new) = asked.body;
        Ok((Actor::backend(), new.request()?))
    }

    fn status(room: &RoomView) -> u16 {
        if room.is_new { 201 } else { 200 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::rooms::MembershipChange;

    fn user(name: &str) -> UserId {
        UserId::parse(name).unwrap()
    }

    fn room(id: &str) -> RoomId {
        RoomId::parse(id).unwrap()
    }

    fn wish(id: &str, kind: RoomKind) -> CreateRequest {
        CreateRequest::Group { id: Some(room(id)), kind, name: String::new(), members: Vec::new() }
    }

    async fn asks(chat: &Chat, by: &Actor, wish: CreateRequest) -> Result<RoomId, MethodError> {
        let made = CreateRoom::run(chat, by, wish).await?;
        let shown = serde_json::to_value(made).unwrap();
        Ok(room(shown["id"].as_str().unwrap()))
    }

    /// As programs made rooms before a name was its user's own.
    async fn made_before(chat: &Chat, id: &str, by: &UserId, role: Role) {
        let (_, is_new) = chat.make_room(&room(id), RoomKind::Private, "", by, &[(by.clone(), role)]).await.unwrap();
        assert!(is_new);
    }

    #[tokio::test]
    async fn a_room_that_a_client_made_before_is_its_makers_and_no_place_for_the_backend() {
        let folder = tempfile::tempdir().unwrap();
        let chat = Chat::alone(&folder.path().join("chat.db"));
        let client = |name: &str| Actor { source: chat.admission.new_source(), ..Actor::for_user(user(name)) };
        made_before(&chat, "order-1", &user("mallory"), Role::Admin).await;
        // A session that a customer opened.
        made_before(&chat, "order-2", &user("mallory"), Role::Member).await;
        let private = |id| wish(id, RoomKind::Private);
        assert_eq!(asks(&chat, &client("mallory"), private("order-1")).await.unwrap(), room("order-1"));
        assert_ne!(asks(&chat, &client("ana"), private("order-1")).await.unwrap(), room("order-1"));
        for id in ["order-1", "order-2"] {
            let refused = asks(&chat, &Actor::backend(), private(id)).await;
            assert_eq!(refused.unwrap_err(), ChatError::RoomExists.into(), "{id}");
        }
    }

    #[tokio::test]
    async fn whoever_is_the_first_in_a_room_of_the_backend_has_not_made_it() {
        let folder = tempfile::tempdir().unwrap();
        let chat = Chat::alone(&folder.path().join("chat.db"));
        let mallory = Actor { source: chat.admission.new_source(), ..Actor::for_user(user("mallory")) };
        let (open, private) = (|| wish("lobby", RoomKind::Open), || wish("office", RoomKind::Private));
        for wish in [open(), private()] {
            asks(&chat, &Actor::backend(), wish).await.unwrap();
        }
        chat.change(&mallory, &room("lobby"), &mallory.user, MembershipChange::Become(Role::Member)).await.unwrap();
        let admin = MembershipChange::Become(Role::Admin);
        for id in ["lobby", "office"] {
            chat.change(&Actor::backend(), &room(id), &mallory.user, admin).await.unwrap();
        }
        for (wish, id) in [(open(), "lobby"), (private(), "office")] {
            assert_eq!(
                asks(&chat, &Actor::backend(), wish.clone()).await.unwrap(),
                room(id),
                "it is still the backend's"
            );
            assert_ne!(asks(&chat, &mallory, wish).await.unwrap(), room(id), "her own name is another room");
        }
    }
}
