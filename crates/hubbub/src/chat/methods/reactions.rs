//! `reactions`: who has reacted to a message.

use super::{
    Actor, Cost, Doc, Edge, Method, MethodError, NoBody, RestMethod, RestRequest, Route, RpcMethod, Verb,
    pages::reader,
    rest::{MESSAGE, ROOM},
    views::{After, room},
};
use crate::{
    chat::Chat,
    store::{Reactors, ReactorsOf, View},
};
use hubbub_core::{
    log::{checks, kinds::ReactionWord},
    model::{
        access::Refusal,
        ids::{Invalid, RoomId, UserId},
        seq::Seq,
    },
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::{IntoParams, ToSchema};

/// See the module.
pub struct ListReactions;

/// Which part of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReactionsRequest {
    /// The room.
    pub room: RoomId,
    /// The message.
    pub target: Seq,
    /// Which of them.
    pub of: ReactorsOf,
    /// Most of them.
    pub limit: usize,
}

/// Somebody's reaction.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReactorView {
    /// The emoji or word.
    reaction: String,
    /// Who.
    user: String,
    /// The entry that says so.
    seq: u64,
}

/// Some of who has reacted to a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReactionsView {
    /// Reactions, by their bytes and then by user.
    reactions: Vec<ReactorView>,
    /// The seq up to which everything is in it.
    as_of: u64,
    /// Ask for those `after` this one; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Stands between the reaction and the user in `next`: no reaction and no user has it.
const BETWEEN: char = '\n';

impl ReactionsView {
    fn new(view: &View, reactors: &Reactors, is_one: bool) -> Self {
        let part = &reactors.part;
        let last = part.items.last().filter(|_| part.more);
        let next = |last: &hubbub_core::log::room::Reactor| match is_one {
            true => last.user.to_string(),
            false => format!("{}{BETWEEN}{}", last.reaction, last.user),
        };
        let shown = |reactor: &hubbub_core::log::room::Reactor| ReactorView {
            reaction: reactor.reaction.to_string(),
            user: reactor.user.to_string(),
            seq: reactor.seq.get(),
        };
        Self { reactions: part.items.iter().map(shown).collect(), as_of: view.room.head.get(), next: last.map(next) }
    }
}

impl ReactionsRequest {
    fn new(
        room: RoomId,
        target: Seq,
        reaction: Option<&str>,
        after: Option<&str>,
        limit: Option<u64>,
    ) -> Result<Self, Invalid> {
        let reaction = reaction.map(ReactionWord::parse).transpose()?;
        let unknown = || Invalid::new("after", "what `next` of the page before says is expected");
        let after = match (after, &reaction) {
            (None, _) => None,
            (Some(user), Some(reaction)) => Some((reaction.as_str().into(), UserId::parse_as("after", user)?)),
            (Some(after), None) => {
                let (reaction, user) = after.split_once(BETWEEN).ok_or_else(unknown)?;
                Some((reaction.into(), UserId::parse_as("after", user)?))
            }
        };
        let of = ReactorsOf { reaction: reaction.map(|reaction| reaction.as_str().into()), after };
        Ok(Self { room, target, of, limit: checks::page_limit(limit)? })
    }
}

impl Method for ListReactions {
    const NAME: &'static str = "reactions";
    const COST: Cost = Cost::Page;
    const DOC: Doc = Doc {
        summary: "Who has reacted to a message: by reaction and then by user, or with `reaction` by user.",
        example: r#"{"room":"general","target":38,"reaction":"+1","limit":100}
{"reactions":[{"reaction":"+1","user":"ana","seq":39},{"reaction":"+1","user":"ben","seq":43}],"as_of":57,"next":"ben"}"#,
        more: "`next`, where there may be more, is the `after` of the next page. Nobody has reacted to what was deleted. How many there \
            are of each is told by pages.",
    };
    type On = Chat;
    type Request = ReactionsRequest;
    type Output = ReactionsView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, request: ReactionsRequest) -> Result<ReactionsView, MethodError> {
        let ReactionsRequest { room, target, of, limit } = request;
        let (view, reactors) = chat.reactors(by, &room, target, &of, limit).await?;
        if target < view.room.floor && target != Seq::ZERO {
            return Err(Refusal::BelowFloor("target").into());
        }
        if !reactors.is_message {
            return Err(Refusal::NoSuchMessage("target").into());
        }
        Ok(ReactionsView::new(&view, &reactors, of.reaction.is_some()))
    }
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct ReactionsData<'a> {
    #[serde(borrow)]
    room: Option<Cow<'a, str>>,
    target: Option<u64>,
    #[serde(borrow)]
    reaction: Option<Cow<'a, str>>,
    #[schema(value_type = Option<String>)]
    #[serde(borrow)]
    after: Option<After<'a>>,
    limit: Option<u64>,
}

impl RpcMethod for ListReactions {
    type Data<'a> = ReactionsData<'a>;

    fn read(data: ReactionsData<'_>) -> Result<ReactionsRequest, Invalid> {
        let room = room(data.room.as_deref())?;
        let target = Seq::new(data.target.ok_or_else(|| Invalid::missing("target"))?);
        ReactionsRequest::new(room, target, data.reaction.as_deref(), After::name(&data.after)?, data.limit)
    }
}

/// Which part of the list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReactionsQuery {
    /// This reaction alone.
    reaction: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// 1 to 1,000; 100 without.
    limit: Option<u64>,
    /// The user in whose name it is read; without, the backend reads everything that is kept.
    by: Option<String>,
}

impl RestMethod for ListReactions {
    const ROUTE: Route = Route {
        tag: "messages",
        problems: &[403, 404, 422],
        example: "?reaction=%2B1&limit=50",
        ..Route::new(Verb::Get, "/v1/rooms/{room}/messages/{seq}/reactions", &[ROOM, MESSAGE])
    };
    type Path = (String, u64);
    type Query = ReactionsQuery;
    type Body = NoBody;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, ReactionsRequest), MethodError> {
        let ReactionsQuery { reaction, after, limit, by } = asked.query;
        let (room, target) = (RoomId::parse(&asked.path.0)?, Seq::new(asked.path.1));
        let request = ReactionsRequest::new(room, target, reaction.as_deref(), after.as_deref(), limit)?;
        Ok((reader(by.as_deref())?, request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::wire::rpc::RawData;

    #[test]
    fn a_list_goes_on_after_a_reaction_and_a_user_or_after_a_user_of_one_reaction() {
        let read = |data: &str| {
            let data = RawData::from_json(data);
            ListReactions::read(data.read().unwrap()).map_err(|invalid| invalid.to_string())
        };
        let ana = || UserId::parse("ana").unwrap();
        let all = read(r#"{"room":"r","target":7,"after":"+1\nana"}"#).unwrap();
        assert_eq!(all.of, ReactorsOf { reaction: None, after: Some(("+1".into(), ana())) });
        let one = read(r#"{"room":"r","target":7,"reaction":"🎉","after":"ana"}"#).unwrap();
        assert_eq!(one.of, ReactorsOf { reaction: Some("🎉".into()), after: Some(("🎉".into(), ana())) });
        for (data, why) in [
            (r#"{"room":"r"}"#, "target: missing"),
            (r#"{"room":"r","target":7,"after":"ana"}"#, "after: what `next` of the page before says is expected"),
            (r#"{"room":"r","target":7,"after":7}"#, "after: an id is a string"),
            (r#"{"room":"r","target":7,"reaction":""}"#, "reaction: empty"),
            (r#"{"room":"r","target":7,"limit":0}"#, "limit: 0; it is 1 to 1000"),
        ] {
            assert_eq!(read(data).unwrap_err(), why, "{data}");
        }
    }
}
