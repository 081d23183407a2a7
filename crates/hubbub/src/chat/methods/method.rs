//! What a method is: one operation under one name, whoever asks for it and over what.

use super::{
    MethodError,
    rest::{RestBody, RestRequest, Route},
    writing::Writing,
};
pub use hubbub_core::wire::rpc::Cost;
use hubbub_core::{
    limits,
    log::{entry::Right, source::Source},
    model::ids::{Invalid, UserId},
    wire::connection::Identified,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{sync::Arc, time::Duration};
use utoipa::{IntoParams, ToSchema};

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// In whose name: what becomes `from` of the entries.
    pub user: UserId,
    /// The connection, whose own order is kept.
    pub source: Source,
    /// As what.
    pub right: Right,
}

impl Actor {
    /// A client, on a connection of its own. It has said who it is: there is no other way to this.
    pub fn client(who: Identified, source: Source) -> Self {
        Self { user: who.into(), source, right: Right::Own }
    }

    /// The product's backend in its own name.
    pub fn backend() -> Self {
        Self { user: UserId::backend(), source: Source::NONE, right: Right::Backend }
    }

    /// The product's backend in the name of one of its users, who may no more than by a connection of their own.
    pub const fn for_user(user: UserId) -> Self {
        Self { user, source: Source::NONE, right: Right::Own }
    }

    /// Whether this is a client on a connection of its own, and not the product's backend in a user's name.
    pub fn is_client(&self) -> bool {
        self.right == Right::Own && self.source != Source::NONE
    }

    /// Whether this is the product's backend in its own name.
    pub fn is_backend(&self) -> bool {
        self.right == Right::Backend
    }
}

/// What is said of a method, in the OpenAPI document and in `docs/protocol.md`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Doc {
    /// What it does, in a sentence or two.
    pub summary: &'static str,
    /// A call's `data` and its answer by `rpc`, a line of JSON each; empty where there is no `rpc` of it.
    pub example: &'static str,
    /// What else is to be known, in Markdown. May be empty.
    pub more: &'static str,
}

/// One operation. Its file has everything about it: what is asked and answered, checks and limits, what it costs, how it runs,
/// what is said of it, how it looks over REST, and its tests.
pub trait Method: Sized + Send + Sync + 'static {
    /// Its name in `rpc`, in the OpenAPI document, in metrics and in spans.
    const NAME: &'static str;

    /// What a call by `rpc` costs its connection.
    const COST: Cost = Cost::Plain;

    /// How long it may take over REST.
    const PATIENCE: Duration = limits::REQUEST_PATIENCE;

    /// What is said of it.
    const DOC: Doc;

    /// What it is a method of: what it runs on.
    type On: Send + Sync + 'static;

    /// What is asked, checked.
    type Request: Send;

    /// What is answered, as JSON.
    type Output: Serialize + Send;

    /// Tells an edge over what this is to be had: `rpc`, `rest` or both.
    fn register(edge: &mut impl Edge<Self::On>);

    /// Does it.
    fn run(
        on: &Self::On,
        by: &Actor,
        request: Self::Request,
    ) -> impl Future<Output = Result<Self::Output, MethodError>> + Send;
}

/// A method that clients have by `rpc`.
pub trait RpcMethod: Method<Output: ToSchema> {
    /// `data`, as a client writes it. Fields that are not known are ignored.
    type Data<'a>: Deserialize<'a> + ToSchema;

    /// Checks it.
    ///
    /// # Errors
    /// Names the field, and the limit where there is one.
    fn read(data: Self::Data<'_>) -> Result<Self::Request, Invalid>;
}

/// A method that the product's backend has over REST.
pub trait RestMethod: Method<Output: ToSchema> {
    /// Where, and with which statuses.
    const ROUTE: Route;

    /// The variable parts of the path, in order: `()`, a `String`, or a tuple.
    type Path: DeserializeOwned + Send;

    /// The query; [`NoQuery`](super::NoQuery) where there is none.
    type Query: DeserializeOwned + IntoParams + Send;

    /// The body; [`NoBody`](super::NoBody) where there is none.
    type Body: RestBody;

    /// Puts the parts of a request together, checked, and says in whose name it is made.
    ///
    /// # Errors
    /// Names the field, and the limit where there is one.
    fn translate(asked: RestRequest<Self>) -> Result<(Actor, Self::Request), MethodError>;

    /// The status of an answer: where there are several, the method knows which.
    fn status(_output: &Self::Output) -> u16 {
        Self::ROUTE.success[0]
    }
}

/// What serves or shows methods that run on `On`: it is told of each, in the order of the table.
pub trait Edge<On> {
    /// A method that `rpc` has.
    fn rpc<M: RpcMethod<On = On>>(&mut self);

    /// A method that `rpc` has and that writes an entry: what a client writes into a room keeps the order in which it was said.
    fn write<M: RpcMethod<On = On, Request = Writing>>(&mut self) {
        self.rpc::<M>();
    }

    /// A method that REST has.
    fn rest<M: RestMethod<On = On>>(&mut self);
}

/// Has what methods run on.
pub trait Provides<On> {
    /// It.
    fn provide(&self) -> Arc<On>;
}

impl<On> Provides<On> for Arc<On> {
    fn provide(&self) -> Arc<On> {
        self.clone()
    }
}

/// The answer of a method that has nothing to tell: `{}`, over REST no body.
#[derive(Debug, Serialize, ToSchema)]
pub struct Nothing {}
