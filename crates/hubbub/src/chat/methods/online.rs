//! `online`: who is connected, and when they were last seen.

use super::{
    Actor, Cost, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, RpcMethod, Verb,
};
use crate::chat::{Chat, people::online::Seen};
use hubbub_core::{
    limits::ONLINE_USERS,
    model::ids::{Invalid, UserId},
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::HashSet};
use utoipa::ToSchema;

/// See the module.
pub struct WhoIsOnline;

/// A user, as another sees them.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeenView {
    /// Who.
    user: String,
    /// Whether they are connected now.
    online: bool,
    /// When they last were, to the minute; absent where it is not known, or not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen: Option<String>,
}

/// Some users, in the order in which they were named.
#[derive(Debug, Serialize, ToSchema)]
pub struct OnlineView {
    /// The users.
    users: Vec<SeenView>,
}

impl Method for WhoIsOnline {
    const NAME: &'static str = "online";
    const COST: Cost = Cost::Page;
    const DOC: Doc = Doc {
        summary: "Who of these people, at most 200, is connected on any instance, and when they were last. One may ask about people with whom one shares a room.",
        example: r#"{"users":["ben","dora"]}
{"users":[{"user":"ben","online":true,"last_seen":"2026-01-31T09:30:00.000Z"},{"user":"dora","online":false}]}"#,
        more: "About anybody else: 103, which names one of them. It is asked of all instances at the time: one that was killed says nothing, so nobody stays online because of it; until its lease has ended, 10 s,
an answer may take 1 s. An instance that has just started is asked once the others know of it, within 3 s; one of a version before this one does not say who is connected to it. `last_seen` is when somebody last came or went, to the minute, after a crash of
their instance up to 10 minutes earlier; absent where they do not show it: see `last_seen`. While the bus is down: 503.",
    };
    type On = Chat;
    type Request = Vec<UserId>;
    type Output = OnlineView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, users: Vec<UserId>) -> Result<OnlineView, MethodError> {
        if !by.is_backend() {
            let others: Vec<UserId> = users.iter().filter(|user| **user != by.user).cloned().collect();
            let company: HashSet<UserId> = chat.store.who_shares_a_room(&by.user, &others).await?.into_iter().collect();
            if let Some(stranger) = others.iter().find(|other| !company.contains(other)) {
                let why = format!("users: you share no room with {stranger}").into();
                return Err(MethodError::Own { code: 103, status: 403, word: "stranger", why });
            }
        }
        let seen = chat.who_is_online(users).await?;
        let view = |Seen { user, online, last_seen }: Seen| SeenView {
            user: user.to_string(),
            online,
            last_seen: last_seen.map(|at| at.to_string()),
        };
        Ok(OnlineView { users: seen.into_iter().map(view).collect() })
    }
}

/// The people who are named, each once.
fn people<'a>(named: impl ExactSizeIterator<Item = &'a str>) -> Result<Vec<UserId>, Invalid> {
    match named.len() {
        0 => return Err(Invalid::new("users", format!("empty; 1 to {ONLINE_USERS} are expected"))),
        n if n > ONLINE_USERS => return Err(Invalid::new("users", format!("{n}; the limit is {ONLINE_USERS}"))),
        _ => {}
    }
    let mut seen = HashSet::new();
    let users: Vec<UserId> = named.map(|user| UserId::parse_as("users", user)).collect::<Result<_, _>>()?;
    Ok(users.into_iter().filter(|user| seen.insert(user.clone())).collect())
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct OnlineData<'a> {
    #[serde(borrow)]
    users: Option<Vec<Cow<'a, str>>>,
}

impl RpcMethod for WhoIsOnline {
    type Data<'a> = OnlineData<'a>;

    fn read(data: OnlineData<'_>) -> Result<Vec<UserId>, Invalid> {
        let users = data.users.ok_or_else(|| Invalid::missing("users"))?;
        people(users.iter().map(|user| &**user))
    }
}

/// Whom to ask about.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OnlineQuestion {
    /// 1 to 200 users.
    users: Vec<String>,
}

impl RestMethod for WhoIsOnline {
    const ROUTE: Route = Route {
        tag: "users",
        problems: &[422],
        example: r#"{"users":["ben","dora"]}"#,
        ..Route::new(Verb::Post, "/v1/online", &[])
    };
    type Path = ();
    type Query = NoQuery;
    type Body = JsonBody<OnlineQuestion>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Vec<UserId>), MethodError> {
        Ok((Actor::backend(), people(asked.body.0.users.iter().map(String::as_str))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::wire::rpc::RawData;

    #[test]
    fn so_many_are_asked_about_and_each_once() {
        let read = |data: &str| WhoIsOnline::read(RawData::from_json(data).read().unwrap());
        let many = |n: usize| {
            let names: Vec<String> = (0..n).map(|n| format!("\"u{n}\"")).collect();
            format!(r#"{{"users":[{}]}}"#, names.join(","))
        };
        assert_eq!(read(&many(200)).unwrap().len(), 200);
        assert_eq!(read(r#"{"users":["ana","ben","ana"]}"#).unwrap().len(), 2);
        for (data, why) in [
            (&*many(201), "users: 201; the limit is 200"),
            ("{}", "users: missing"),
            (r#"{"users":[]}"#, "users: empty; 1 to 200 are expected"),
            (r#"{"users":["ana",""]}"#, "users: empty"),
        ] {
            assert_eq!(read(data).unwrap_err().to_string(), why);
        }
    }
}
