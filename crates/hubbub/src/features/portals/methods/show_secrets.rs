//! `show_secrets`: how the secrets of all portals lie in the database.

use crate::{
    chat::methods::{Actor, Doc, Edge, Method, MethodError, NoBody, NoQuery, RestMethod, RestRequest, Route, Verb},
    features::portals::{secrets::SecretsAtRest, support::SupportChat},
};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// See the module.
pub struct ShowSecrets;

/// How the secrets of all portals lie in the database. None of them is in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SecretsView {
    /// The id of the key that seals; absent without a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    seals_with: Option<String>,
    /// How many secrets are sealed with which key, by its id.
    sealed: BTreeMap<String, u64>,
    /// How many lie there as they are.
    plain: u64,
    /// Portals with secrets that this instance cannot open, and why.
    locked: BTreeMap<String, String>,
    /// How many were sealed anew by this call.
    resealed: u64,
}

impl SecretsView {
    /// What was found.
    pub fn new(found: SecretsAtRest) -> Self {
        let SecretsAtRest { seals_with, sealed, plain, locked, resealed } = found;
        let locked = locked.into_iter().map(|(portal, why)| (portal.to_string(), why)).collect();
        Self { seals_with, sealed, plain, locked, resealed }
    }
}

impl Method for ShowSecrets {
    const NAME: &'static str = "show_secrets";
    const DOC: Doc = Doc {
        summary: "How the secrets of all portals lie in the database: how many are sealed with which key, how many are not. A key with none left may be taken out of the configuration.",
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
        Ok(SecretsView::new(support.secrets_at_rest().await?))
    }
}

impl RestMethod for ShowSecrets {
    const ROUTE: Route = Route { tag: "portals", ..Route::new(Verb::Get, "/v1/secrets", &[]) };
    type Path = ();
    type Query = NoQuery;
    type Body = NoBody;

    fn translate(_: RestRequest<Self>) -> Result<(Actor, ()), MethodError> {
        Ok((Actor::backend(), ()))
    }
}
