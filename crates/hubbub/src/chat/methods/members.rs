//! `members`: who is in a room.

use super::{
    Actor, Cost, Doc, Edge, Method, MethodError, NoBody, RestMethod, RestRequest, Route, RpcMethod, Verb,
    rest::{ROOM, role, words},
    views::{After, next, room},
};
use crate::{
    chat::Chat,
    store::{ListPart, Member},
};
use hubbub_core::{
    log::checks,
    model::{
        ids::{Invalid, RoomId, UserId},
        json::Json,
        rights::Act,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use utoipa::{IntoParams, ToSchema, openapi::Object};

/// See the module.
pub struct ListMembers;

/// Which part of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembersRequest {
    /// The room.
    pub room: RoomId,
    /// Those after this one, by id.
    pub after: Option<UserId>,
    /// Most members.
    pub limit: usize,
    /// Whoever is banned instead.
    pub banned: bool,
}

/// A member.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberView {
    /// Who.
    user: String,
    /// As what.
    #[schema(schema_with = as_what)]
    role: Option<&'static str>,
    /// The entry that made it so.
    since: u64,
    /// Until when they are muted; absent where they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    muted_until: Option<String>,
    /// What the product says about the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value, required = false)]
    info: Option<Box<RawValue>>,
}

fn as_what() -> Object {
    words("As what; `banned` in a list of those", &["reader", "member", "moderator", "admin", "banned"])
}

/// Some of a room's members.
#[derive(Debug, Serialize, ToSchema)]
pub struct MembersView {
    /// The members, by id.
    members: Vec<MemberView>,
    /// Ask for those `after` this one; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl MembersView {
    /// A part of the list.
    pub fn new(part: &ListPart<Member>) -> Self {
        let view = |member: &Member| MemberView {
            user: member.user.to_string(),
            role: member.membership.standing.word(),
            since: member.membership.since.get(),
            muted_until: member.muted_until.map(|until| until.to_string()),
            info: member.info.as_ref().map(Json::to_raw),
        };
        Self { members: part.items.iter().map(view).collect(), next: next(part, |m| m.user.to_string()) }
    }
}

/// A membership to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    /// Who.
    pub(super) user: String,
    /// As what: a member where nothing is said.
    #[schema(schema_with = role)]
    pub(super) role: Option<String>,
}

impl Method for ListMembers {
    const NAME: &'static str = "members";
    const COST: Cost = Cost::Page;
    const DOC: Doc = Doc {
        summary: "The members of a room that one may read, by id. Bans are not members; with `banned`, moderators are told of those instead.",
        example: r#"{"room":"general","limit":100}
{"members":[{"user":"ana","role":"admin","since":1,"info":{"name":"Ana"}},{"user":"ben","role":"member","since":2,"muted_until":"2026-01-31T10:30:00.000Z"}],"next":"ben"}"#,
        more: "`since` is the seq of the entry that made it so; `muted_until` stands where somebody is muted now. `next` as in `rooms`. \
               With `banned` true, for whoever may lift bans: who is banned, in the same way, with `role` `banned`; `since` is the seq of the ban.",
    };
    type On = Chat;
    type Request = MembersRequest;
    type Output = MembersView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, request: MembersRequest) -> Result<MembersView, MethodError> {
        // Before, so that strangers cost no list; and after: who may read after it was read may see it.
        may_list(chat, by, &request).await?;
        let MembersRequest { room, after, limit, banned } = &request;
        let members = chat.store.members(room, after.as_ref(), *limit, *banned).await?;
        may_list(chat, by, &request).await?;
        Ok(MembersView::new(&members))
    }
}

/// Members are for whoever reads the room; who is banned is for whoever may end that.
async fn may_list(
    chat: &Chat,
    by: &Actor,
    MembersRequest { room, banned, .. }: &MembersRequest,
) -> Result<(), MethodError> {
    if *banned {
        chat.may(by, room, Act::Ban).await?;
    } else if by.is_backend() {
        chat.view(&by.user, room).await?;
    } else {
        chat.may_read(&by.user, room).await?;
    }
    Ok(())
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct MembersData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    #[schema(value_type = Option<String>)]
    #[serde(borrow)]
    after: Option<After<'a>>,
    limit: Option<u64>,
    /// Who is banned, instead of the members.
    banned: bool,
}

/// Which page of the list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MembersQuery {
    /// Those after this id.
    pub after: Option<String>,
    /// 1 to 1,000; 100 without.
    pub limit: Option<u64>,
    /// `true`: who is banned, instead of the members.
    #[serde(default)]
    pub banned: bool,
}

fn member_after(after: Option<&str>) -> Result<Option<UserId>, Invalid> {
    after.map(|after| UserId::parse_as("after", after)).transpose()
}

impl RpcMethod for ListMembers {
    type Data<'a> = MembersData<'a>;

    fn read(data: MembersData<'_>) -> Result<MembersRequest, Invalid> {
        let after = member_after(After::name(&data.after)?)?;
        let limit = checks::page_limit(data.limit)?;
        Ok(MembersRequest { room: room(data.room.as_deref())?, after, limit, banned: data.banned })
    }
}

impl RestMethod for ListMembers {
    const ROUTE: Route = Route {
        tag: "members",
        problems: &[404],
        example: "?limit=50",
        ..Route::new(Verb::Get, "/v1/rooms/{room}/members", &[ROOM])
    };
    type Path = String;
    type Query = MembersQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, MembersRequest), MethodError> {
        let MembersQuery { after, limit, banned } = &asked.query;
        let (room, limit) = (RoomId::parse(&asked.path)?, checks::page_limit(*limit)?);
        Ok((Actor::backend(), MembersRequest { room, after: member_after(after.as_deref())?, limit, banned: *banned }))
    }
}
