//! `reseal`: seals the secrets of all portals anew under the key that seals now.

use super::show_secrets::SecretsView;
use crate::{
    chat::methods::{Actor, Doc, Edge, Method, MethodError, NoBody, NoQuery, RestMethod, RestRequest, Route, Verb},
    features::portals::support::SupportChat,
};

/// See the module.
pub struct Reseal;

impl Method for Reseal {
    const NAME: &'static str = "reseal";
    const DOC: Doc = Doc {
        summary: "Seals every secret of a portal that lies in the database as it is, or under another key, anew under the first key of `--secrets-key`. To be called once all instances have that key; it may be called again.",
        example: "",
        more: "",
    };
    type On = SupportChat;
    type Request = ();
    type Output = SecretsView;

    fn register(edge: &mut impl Edge<Self::On>) {
        edge.rest::<Self>();
    }

    async fn run(support: &SupportChat, _: &Actor, (): ()) -> Result<SecretsView, MethodError> {
        Ok(SecretsView::new(support.reseal().await?))
    }
}

impl RestMethod for Reseal {
    const ROUTE: Route =
        Route { audited: true, tag: "portals", problems: &[429], ..Route::new(Verb::Post, "/v1/secrets/reseal", &[]) };
    type Path = ();
    type Query = NoQuery;
    type Body = NoBody;

    fn translate(_: RestRequest<Self>) -> Result<(Actor, ()), MethodError> {
        Ok((Actor::backend(), ()))
    }
}
