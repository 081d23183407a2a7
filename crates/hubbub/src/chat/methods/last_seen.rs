//! `last_seen`: whether others are shown when one was last seen.

use super::{
    Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, RpcMethod, Verb,
    rest::USER,
};
use crate::chat::Chat;
use hubbub_core::model::ids::{Invalid, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// See the module.
pub struct ShowLastSeen;

/// What holds now.
#[derive(Debug, Serialize, ToSchema)]
pub struct LastSeenView {
    /// Whether it is shown.
    shown: bool,
}

impl Method for ShowLastSeen {
    const NAME: &'static str = "last_seen";
    const DOC: Doc = Doc {
        summary: "Says whether others are shown when one was last seen. They are, unless one says otherwise.",
        example: r#"{"shown":false}
{"shown":false}"#,
        more: "Whether one is connected now is shown in any case: see `online`.",
    };
    type On = Chat;
    type Request = bool;
    type Output = LastSeenView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rpc::<Self>();
        edge.rest::<Self>();
    }

    async fn run(chat: &Chat, by: &Actor, shown: bool) -> Result<LastSeenView, MethodError> {
        chat.store.show_last_seen(&by.user, shown).await?;
        Ok(LastSeenView { shown })
    }
}

/// `data` of a call.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct LastSeenData {
    shown: Option<bool>,
}

impl RpcMethod for ShowLastSeen {
    type Data<'a> = LastSeenData;

    fn read(data: LastSeenData) -> Result<bool, Invalid> {
        data.shown.ok_or_else(|| Invalid::missing("shown"))
    }
}

/// Whether it is to be shown.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LastSeenSwitch {
    /// Whether it is.
    shown: bool,
}

impl RestMethod for ShowLastSeen {
    const ROUTE: Route = Route {
        tag: "users",
        problems: &[422],
        example: r#"{"shown":false}"#,
        ..Route::new(Verb::Put, "/v1/users/{user}/last_seen", &[USER])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = JsonBody<LastSeenSwitch>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, bool), MethodError> {
        Ok((Actor::for_user(UserId::parse_outsider("user", &asked.path)?), asked.body.0.shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_core::wire::rpc::RawData;

    #[test]
    fn it_is_said_in_so_many_words() {
        let read = |data: &str| ShowLastSeen::read(RawData::from_json(data).read().unwrap());
        assert_eq!((read(r#"{"shown":false}"#), read(r#"{"shown":true,"later":1}"#)), (Ok(false), Ok(true)));
        assert_eq!(read("{}").unwrap_err().to_string(), "shown: missing");
    }
}
