//! `replay_dead_letters`: sends many dead letters again.

use super::{replay_dead_letter::Replaying, views::PORTAL};
use crate::{
    chat::methods::{Actor, Doc, Edge, JsonBody, Method, MethodError, NoQuery, RestMethod, RestRequest, Route, Verb},
    features::portals::{store::Which, support::SupportChat},
};
use serde::Deserialize;
use utoipa::ToSchema;

/// See the module.
pub struct ReplayDeadLetters;

/// Which dead letters to send again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// The first number of a range.
    from: Option<u64>,
    /// The last number of it.
    to: Option<u64>,
    /// All of them, instead of a range.
    #[serde(default)]
    all: bool,
}

impl Method for ReplayDeadLetters {
    const NAME: &'static str = "replay_dead_letters";
    const DOC: Doc = Doc {
        summary: "Sends many dead letters again: a range of numbers, or all that were not delivered since.",
        example: "",
        more: "",
    };
    type On = SupportChat;
    type Request = (String, Which);
    type Output = Replaying;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(support: &SupportChat, _: &Actor, (portal, which): (String, Which)) -> Result<Replaying, MethodError> {
        let portal = support.portal(&portal).await?.id;
        Ok(Replaying { replaying: support.replay_dead_letters(&portal, which).await? })
    }
}

impl RestMethod for ReplayDeadLetters {
    const ROUTE: Route = Route {
        audited: true,
        tag: "portals",
        success: &[202],
        problems: &[404, 422],
        example: r#"{"from":1,"to":9}"#,
        ..Route::new(Verb::Post, "/v1/portals/{portal}/dead-letters/replay", &[PORTAL])
    };
    type Path = String;
    type Query = NoQuery;
    type Body = JsonBody<Replay>;

    fn translate(asked: RestRequest<Self>) -> Result<(Actor, (String, Which)), MethodError> {
        let Replay { from, to, all } = asked.body.0;
        Ok((Actor::backend(), (asked.path, Which::of(from, to, all)?)))
    }
}
