//! `unblock`: messages between two people are taken again.

use super::{
    block::{BlockBody, OTHER},
    views::{OtherData, other},
};
use crate::{
    chat::{
        ChatError,
        methods::{
            Actor, Doc, Edge, Method, MethodError, NoQuery, Nothing, OptionalJson, RestMethod, RestRequest, Route,
            RpcMethod, Verb, rest::USER,
        },
    },
    features::people::Choices,
};
use hubbub_core::{
    log::account::Use,
    model::ids::{Invalid, UserId},
    people::preferences::block_signal,
};

/// See the module.
pub struct Unblock;

impl Method for Unblock {
    const NAME: &'static str = "unblock";
    const DOC: Doc = Doc {
        summary: "Takes a `block` back. Where the other has blocked, too, theirs stays.",
        example: r#"{"user":"eve"}
{}"#,
        more: "Nobody who was blocked: nothing changes.",
    };
    type On = Choices;
    type Request = UserId;
    type Output = Nothing;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(on: &Choices, by: &Actor, other: UserId) -> Result<Nothing, MethodError> {
        on.chat.charge(by, &[Use::Entry])?;
        on.store.unblock(&by.user, &other).await.map_err(ChatError::from)?;
        on.tell(block_signal(&by.user, &other, false));
        Ok(Nothing {})
    }
}

impl RpcMethod for Unblock {
    type Data<'a> = OtherData<'a>;

    fn read(data: OtherData<'_>) -> Result<UserId, Invalid> {
        other(data.user.as_deref())
    }
}

impl RestMethod for Unblock {
    const ROUTE: Route = Route {
        audited: true,
        tag: "users",
        success: &[204],
        is_silent: true,
        problems: &[422],
        ..Route::new(Verb::Delete, "/v1/users/{user}/blocks/{other}", &[USER, OTHER])
    };
    type Path = (String, String);
    type Query = NoQuery;
    type Body = OptionalJson<BlockBody>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, UserId), MethodError> {
        let user = UserId::parse_outsider("user", &asked.path.0)?;
        Ok((Actor::for_user(user), UserId::parse_outsider("other", &asked.path.1)?))
    }
}
