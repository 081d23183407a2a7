//! `block`: no more messages between two people in their direct room.

use super::views::{OtherData, other};
use crate::{
    chat::{
        ChatError,
        methods::{
            Actor, Doc, Edge, Method, MethodError, NoQuery, Nothing, OptionalJson, RestMethod, RestRequest, Route,
            RpcMethod, Verb,
            rest::{PathParam, USER},
        },
    },
    features::people::{Choices, store::Blocked},
};
use hubbub_core::{
    limits::{BLOCKS, USER_ID_BYTES},
    log::account::Use,
    model::{
        access::Refusal,
        ids::{Invalid, UserId},
    },
    people::preferences::block_signal,
};
use serde::Deserialize;
use utoipa::ToSchema;

/// See the module.
pub struct Block;

/// `{other}` in a path.
pub const OTHER: PathParam = PathParam::text("other", "The other's id", "eve", USER_ID_BYTES);

impl Method for Block {
    const NAME: &'static str = "block";
    const DOC: Doc = Doc {
        summary: "Has the server take no messages between oneself and another user in their direct room, whoever writes.",
        example: r#"{"user":"eve"}
{}"#,
        more: "Neither of them writes, types, edits, reacts or pins there (103) until whoever has blocked takes it back with `unblock`; both read what is there, and delete what they have written. The answer is the \
same for both and does not say who has blocked. In a direct room of more people, and in all other rooms, all goes on: clients hide there what they do not want to show, by [`blocks`](#blocks). The other is told \
nothing; one's own devices are, by a [signal](#signals). At most 1,000 people: 106.",
    };
    type On = Choices;
    type Request = UserId;
    type Output = Nothing;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(on: &Choices, by: &Actor, other: UserId) -> Result<Nothing, MethodError> {
        if other == by.user {
            return Err(Invalid::new("user", "nobody blocks oneself").into());
        }
        on.chat.blocks_are_known()?;
        on.chat.charge(by, &[Use::Entry])?;
        match on.store.block(&by.user, &other, BLOCKS).await.map_err(ChatError::from)? {
            Blocked::Done => {
                on.tell(block_signal(&by.user, &other, true));
                Ok(Nothing {})
            }
            Blocked::TooMany => Err(Refusal::TooMany { field: "user", what: "blocked people", limit: BLOCKS }.into()),
        }
    }
}

impl RpcMethod for Block {
    type Data<'a> = OtherData<'a>;

    fn read(data: OtherData<'_>) -> Result<UserId, Invalid> {
        other(data.user.as_deref())
    }
}

/// Nothing: the path says it all.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct BlockBody {}

impl RestMethod for Block {
    const ROUTE: Route = Route {
        audited: true,
        tag: "users",
        success: &[204],
        is_silent: true,
        problems: &[409, 422],
        ..Route::new(Verb::Put, "/v1/users/{user}/blocks/{other}", &[USER, OTHER])
    };
    type Path = (String, String);
    type Query = NoQuery;
    type Body = OptionalJson<BlockBody>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, UserId), MethodError> {
        let user = UserId::parse_outsider("user", &asked.path.0)?;
        Ok((Actor::for_user(user), UserId::parse_outsider("other", &asked.path.1)?))
    }
}
