//! `/v1/rooms`: rooms, their members and messages.

use super::{
    Api,
    extract::{Body, Path, Query, idempotency_key},
};
use crate::{
    chat::{
        ChatError,
        log::committer::Source,
        rooms::{Change, Changed},
    },
    problem::Problem,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use hubbub_core::{
    limits,
    log::{entry::Right, room::PageOf},
    model::{
        access::{Role, RoomKind, Standing},
        ids::{Invalid, RoomId, UserId},
        seq::Seq,
    },
    wire::{
        rpc::{self, Send},
        view::{ChangedView, MembersView, PageView, RoomView, SentView},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

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

/// A membership to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    /// Who.
    user: String,
    /// member (the default), admin or banned.
    role: Option<String>,
}

/// Many memberships at once.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMembers {
    /// At most 1,000.
    members: Vec<NewMember>,
}

/// A role to be.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// member (the default), admin or banned.
    role: Option<String>,
}

/// A name to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewName {
    /// For people.
    name: String,
}

/// A message to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// Who says it: a member.
    from: String,
    /// At most 8 KiB.
    text: Option<String>,
    /// Any JSON, at most 16 KiB and 16 levels.
    #[schema(value_type = Option<Object>)]
    data: Option<Box<RawValue>>,
    /// The seq of the entry this answers.
    reply_to: Option<u64>,
}

/// Which page of a log.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// Entries before this seq, the nearest to it.
    before: Option<u64>,
    /// Entries after this seq, the nearest to it.
    after: Option<u64>,
    /// Entries around this seq.
    around: Option<u64>,
    /// 1 to 1,000; 100 without.
    limit: Option<u64>,
}

/// Which page of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Those after this id.
    pub after: Option<String>,
    /// 1 to 1,000; 100 without.
    pub limit: Option<u64>,
}

/// What became of many memberships.
#[derive(Serialize, ToSchema)]
pub struct ChangedMembers {
    /// One for each asked, in order.
    results: Vec<ChangedMember>,
}

/// What became of one.
#[derive(Serialize, ToSchema)]
pub struct ChangedMember {
    /// Who.
    user: String,
    /// The entry that says so; absent where things were so already.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
}

fn change(role: Option<&str>) -> Result<Change, Invalid> {
    match role {
        Some("banned") => Ok(Change::Ban),
        Some(role) => {
            Role::parse(role).map(Change::Become).map_err(|_| Invalid::new("role", "one of member, admin, banned"))
        }
        None => Ok(Change::Become(Role::Member)),
    }
}

fn at_once(members: &[NewMember]) -> Result<(), Invalid> {
    if members.len() > limits::MEMBERS_AT_ONCE {
        let problem = format!("{} named; the limit is {}", members.len(), limits::MEMBERS_AT_ONCE);
        return Err(Invalid::new("members", problem));
    }
    Ok(())
}

/// Makes a room. Asking again with the same id and kind finds it (200).
#[utoipa::path(post, path = "/v1/rooms", request_body = NewRoom, tag = "rooms",
    responses((status = 201, body = RoomView), (status = 200, body = RoomView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn create(State(api): State<Api>, Body(new): Body<NewRoom>) -> Result<(StatusCode, Json<RoomView>), Problem> {
    let kind = RoomKind::parse(&new.kind)?;
    at_once(&new.members)?;
    let mut members = Vec::with_capacity(new.members.len());
    for member in &new.members {
        let role = member.role.as_deref().map_or(Ok(Role::Member), Role::parse)?;
        members.push((UserId::parse_outsider("members", &member.user)?, role));
    }
    if kind == RoomKind::Direct {
        let [(one, _), (other, _)] = members.as_slice() else {
            return Err(Invalid::new("members", "a direct room has two").into());
        };
        let room = api.chat.direct_room(one, other).await?;
        return Ok((StatusCode::OK, Json(RoomView::new(&room, Standing::Stranger))));
    }
    let id = RoomId::parse_chosen(new.id.as_deref().ok_or_else(|| Invalid::missing("id"))?)?;
    let name = rpc::room_name(&new.name)?;
    let (room, made) = api.chat.make_room(&id, kind, &name, &UserId::backend(), &members).await?;
    if room.kind != kind {
        return Err(ChatError::RoomExists.into());
    }
    let status = if made { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(RoomView::new(&room, Standing::Stranger))))
}

/// A room.
#[utoipa::path(get, path = "/v1/rooms/{room}", params(("room", description = "The room's id")), tag = "rooms",
    responses((status = 200, body = RoomView), (status = 404, body = Problem)))]
pub async fn show(State(api): State<Api>, Path(room): Path<String>) -> Result<Json<RoomView>, Problem> {
    let view = api.chat.view(&UserId::backend(), &RoomId::parse(&room)?).await?;
    Ok(Json(RoomView::new(&view.room, Standing::Stranger)))
}

/// Gives a room another name.
#[utoipa::path(patch, path = "/v1/rooms/{room}", params(("room", description = "The room's id")), request_body = NewName, tag = "rooms",
    responses((status = 200, body = ChangedView), (status = 404, body = Problem)))]
pub async fn rename(
    State(api): State<Api>,
    Path(room): Path<String>,
    Body(new): Body<NewName>,
) -> Result<Json<ChangedView>, Problem> {
    let room = RoomId::parse(&room)?;
    let place = api.chat.rename(&room, &UserId::backend(), Right::Backend, rpc::room_name(&new.name)?).await?;
    Ok(Json(ChangedView::new(&room, place)))
}

/// The members of a room, by id.
#[utoipa::path(get, path = "/v1/rooms/{room}/members", params(("room", description = "The room's id"), ListQuery), tag = "members",
    responses((status = 200, body = MembersView), (status = 404, body = Problem)))]
pub async fn members(
    State(api): State<Api>,
    Path(room): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<MembersView>, Problem> {
    let (room, limit) = (RoomId::parse(&room)?, rpc::limit(query.limit)?);
    let after = query.after.as_deref().map(|after| UserId::parse_as("after", after)).transpose()?;
    api.chat.view(&UserId::backend(), &room).await?;
    let members = api.chat.store.members(&room, after.as_ref(), limit).await.map_err(ChatError::from)?;
    Ok(Json(MembersView::new(&members)))
}

/// Makes somebody a member, changes a role, or bans. Asking again changes nothing.
#[utoipa::path(put, path = "/v1/rooms/{room}/members/{user}", request_body = NewRole, tag = "members",
    params(("room", description = "The room's id"), ("user", description = "The user's id")),
    responses((status = 200, body = ChangedView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn put_member(
    State(api): State<Api>,
    Path((room, user)): Path<(String, String)>,
    Body(new): Body<NewRole>,
) -> Result<Json<ChangedView>, Problem> {
    let (room, user) = (RoomId::parse(&room)?, UserId::parse_outsider("user", &user)?);
    let by = UserId::backend();
    let place = api.chat.change(Source::NONE, &room, &by, Right::Backend, &user, change(new.role.as_deref())?).await?;
    Ok(Json(ChangedView::new(&room, place)))
}

/// The same for many at once, in order; each has its own result.
#[utoipa::path(put, path = "/v1/rooms/{room}/members", params(("room", description = "The room's id")), request_body = NewMembers, tag = "members",
    responses((status = 200, body = ChangedMembers), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn put_members(
    State(api): State<Api>,
    Path(room): Path<String>,
    Body(new): Body<NewMembers>,
) -> Result<Json<ChangedMembers>, Problem> {
    let room = RoomId::parse(&room)?;
    at_once(&new.members)?;
    let mut changes = Vec::with_capacity(new.members.len());
    for member in &new.members {
        changes.push((UserId::parse_outsider("members", &member.user)?, change(member.role.as_deref())?));
    }
    api.chat.view(&UserId::backend(), &room).await?;
    let by = UserId::backend();
    let changed = api.chat.change_many(Source::NONE, &room, &by, Right::Backend, &changes).await;
    let result = |((user, _), changed): (&(UserId, Change), Changed)| {
        let (seq, error) = match changed {
            Ok(place) => (place.map(|place| place.seq.get()), None),
            Err(error) => (None, Some(Problem::from(error))),
        };
        ChangedMember { user: user.to_string(), seq, error }
    };
    Ok(Json(ChangedMembers { results: changes.iter().zip(changed).map(result).collect() }))
}

/// Removes a member, or lifts a ban.
#[utoipa::path(delete, path = "/v1/rooms/{room}/members/{user}", tag = "members",
    params(("room", description = "The room's id"), ("user", description = "The user's id")),
    responses((status = 200, body = ChangedView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn remove_member(
    State(api): State<Api>,
    Path((room, user)): Path<(String, String)>,
) -> Result<Json<ChangedView>, Problem> {
    let (room, user) = (RoomId::parse(&room)?, UserId::parse(&user)?);
    let by = UserId::backend();
    let place = api.chat.change(Source::NONE, &room, &by, Right::Backend, &user, Change::Remove).await?;
    Ok(Json(ChangedView::new(&room, place)))
}

/// Sends a message as a member. With an `Idempotency-Key`, asking again is answered with the first message.
#[utoipa::path(post, path = "/v1/rooms/{room}/messages", request_body = NewMessage, tag = "messages",
    params(("room", description = "The room's id"), ("Idempotency-Key" = Option<String>, Header, description = "What makes it happen once")),
    responses((status = 201, body = SentView), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn send(
    State(api): State<Api>,
    Path(room): Path<String>,
    headers: HeaderMap,
    Body(new): Body<NewMessage>,
) -> Result<(StatusCode, Json<SentView>), Problem> {
    let (room, from) = (RoomId::parse(&room)?, UserId::parse_outsider("from", &new.from)?);
    let message = rpc::message(new.text.as_deref(), new.data.as_deref(), new.reply_to)?;
    api.chat.quota().check(&message)?;
    let send = Send { room: room.clone(), key: idempotency_key(&headers)?, message };
    let place = api.chat.send(Source::NONE, &from, send)?.await?;
    Ok((StatusCode::CREATED, Json(SentView::new(&room, place))))
}

/// A page of a room's log.
#[utoipa::path(get, path = "/v1/rooms/{room}/messages", params(("room", description = "The room's id"), LogQuery), tag = "messages",
    responses((status = 200, body = PageView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn messages(
    State(api): State<Api>,
    Path(room): Path<String>,
    Query(query): Query<LogQuery>,
) -> Result<Json<PageView>, Problem> {
    let (room, limit) = (RoomId::parse(&room)?, rpc::limit(query.limit)?);
    let of = match (query.before, query.after, query.around) {
        (None, None, None) => PageOf::Newest,
        (Some(seq), None, None) => PageOf::Before(Seq::new(seq)),
        (None, Some(seq), None) => PageOf::After(Seq::new(seq)),
        (None, None, Some(seq)) => PageOf::Around(Seq::new(seq)),
        _ => return Err(Invalid::new("before", "give only one of before, after, around").into()),
    };
    Ok(Json(PageView::new(&api.chat.page_for_backend(&room, of, limit).await?)))
}
